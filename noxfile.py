"""What a developer, a user and CI run: ``python -m nox -l`` lists it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["tests", "lint", "types"]
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"

ROOT = Path(__file__).parent
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")


def group(name: str) -> list[str]:
    """Return the requirements of a dependency group."""
    return nox.project.dependency_groups(PYPROJECT, name)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the test suite; arguments after -- go to pytest."""
    session.install("-e", ".[a2a,acp,local]", *group("test"))
    session.run("pytest", "-n", "2", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    session.install("-e", ".[a2a,acp]", *group("types"))
    session.run("mypy")


@nox.session
def build(session: nox.Session) -> None:
    """Build the sdist and the wheel into dist/."""
    session.install("build>=1.2,<2")
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", "dist", str(ROOT))


@nox.session
def certify(session: nox.Session) -> None:
    """Grade the embedded model, or what the arguments after -- name, and write the report."""
    session.install("-e", ".[local]")
    given = list(session.posargs)
    if not any(word == "--agent" or word.startswith("--agent=") for word in given):
        given = ["--agent", "chat:local", *given]
        if not any(word.startswith("--max-time") for word in given):
            given += ["--max-time", "8m"]
    if "chat:local" in given:
        if "--gguf" not in given:
            session.run("conformance", "model", "get")
        if not any(word.startswith("--trial-calls") for word in given):
            # So small a model repeats a call that failed; the budget is better spent on trials.
            given += ["--trial-calls", "4"]
    # 1, not held, is a grade too; anything else is an error.
    session.run("conformance", "certify", *given, success_codes=[0, 1])


@nox.session
def profile(session: nox.Session) -> None:
    """Profile the embedded endpoint, or what the arguments after -- name."""
    session.install("-e", ".[local,fast]")
    given = list(session.posargs)
    if not any(word == "--endpoint" or word.startswith("--endpoint=") for word in given):
        session.run("conformance", "model", "get")
        given = ["--endpoint", "local", "--input-tokens", "64", "--output-tokens", "32", *given]
        if not any(word.startswith(("--concurrency", "--rate", "--trace")) for word in given):
            given += ["--concurrency", "1,2,4", "--duration", "30s"]
    # 1, not valid, is a profile too: it says why.
    session.run("conformance", "profile", *given, success_codes=[0, 1])


@nox.session
def gate(session: nox.Session) -> None:
    """Run the whole gate on every family: 598 mutants, 149 instances a shortcut."""
    session.install("-e", ".")
    session.run("conformance", "edition", "check")
    session.run("conformance", "tasks", "check", *session.posargs)


@nox.session
def ladder(session: nox.Session) -> None:
    """Write docs/ladder.md and docs/zh/ladder.md from the edition."""
    session.install("-e", ".")
    for lang, path in (("en", "docs/ladder.md"), ("zh", "docs/zh/ladder.md")):
        with (ROOT / path).open("w", encoding="utf-8") as page:
            session.run("conformance", "edition", "show", "--page", "--locale", lang, stdout=page)


@nox.session
def calibrators(session: nox.Session) -> None:
    """Print the matrix of builtin agents and clauses; names after -- choose agents."""
    session.install("-e", ".", *group("test"))
    session.run("python", "-m", "tests.calibrators.test_matrix", *session.posargs)


@nox.session
def mcp(session: nox.Session) -> None:
    """Run the official MCP conformance checks on the tools door; needs npx and its registry."""
    session.install("-e", ".")
    session.run("python", "-m", "tests.gateway.official")


@nox.session
def agents(session: nox.Session) -> None:
    """Drive real agents, as docs/agents has them, with a scripted model; names after -- choose."""
    session.install("-e", ".[a2a,acp]", "packaging>=24,<27")
    cache = session.cache_dir / "agents"
    session.run("python", "-m", "tests.integration.agents", str(cache), *session.posargs)


@nox.session
def soak(session: nox.Session) -> None:
    """Run two hundred trials at once, of each kind, and count what they leave behind."""
    session.install("-e", ".[a2a,acp]", *group("test"))
    session.run(
        "pytest", "tests/agents/test_soak.py", *session.posargs, env={"CONFORMANCE_SOAK": "200"}
    )


@nox.session
def bench(session: nox.Session) -> None:
    """Measure what the suite costs, against a bare client; minutes, on a quiet machine."""
    session.install("-e", ".[local]")
    for script in session.posargs or sorted(str(p) for p in (ROOT / "benchmarks").glob("*.py")):
        if not Path(script).name.startswith("_"):
            session.run(
                "python", script, env={"PYTHONHASHSEED": os.environ.get("PYTHONHASHSEED", "0")}
            )
