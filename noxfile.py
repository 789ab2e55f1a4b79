"""What a developer, a user and CI run: ``python -m nox -l`` lists it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["tests", "pages", "lint", "types"]
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"

ROOT = Path(__file__).parent
PARALLEL = ("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
"""A file to a worker: what its tests share is made once."""
KEPT = {"PYTHONDONTWRITEBYTECODE": None}
"""Tests start hundreds of programs; each would compile the suite anew without bytecode."""
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")


def group(name: str) -> list[str]:
    """Return the requirements of a dependency group."""
    return nox.project.dependency_groups(PYPROJECT, name)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the test suite but for what needs a browser; arguments after -- go to pytest."""
    session.install("-e", ".[a2a,acp,local,parquet,pdf]", *group("test"))
    session.run("pytest", *PARALLEL, "-m", "not browser", *session.posargs, env=KEPT)


@nox.session
def pages(session: nox.Session) -> None:
    """Test the pages in Chromium, accessibility in every language, width and colour scheme."""
    session.install("-e", ".[parquet,pdf]", *group("test"))
    whole = {**KEPT, "CONFORMANCE_PAGES": "whole"}
    session.run("pytest", *PARALLEL, "-m", "browser", "tests/report", *session.posargs, env=whole)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    session.install("-e", ".[a2a,acp,pdf,pytest]", *group("types"))
    session.run("mypy")


@nox.session
def build(session: nox.Session) -> None:
    """Build the sdist and the wheel into dist/."""
    session.install("build>=1.2,<2")
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", "dist", str(ROOT))


@nox.session
def certify(session: nox.Session) -> None:
    """Grade the embedded model, or what follows --; the report has its endpoint's profile."""
    session.install("-e", ".[local]")
    given = list(session.posargs)
    if not any(word == "--agent" or word.startswith("--agent=") for word in given):
        given = ["--agent", "chat:local", *given]
        if not any(word.startswith("--max-time") for word in given):
            given += ["--max-time", "5m"]
    if "chat:local" in given:
        if "--gguf" not in given:
            session.run("conformance", "model", "get")
        if not any(word.startswith("--trial-calls") for word in given):
            # So small a model repeats a call that failed; the budget is better spent on trials.
            given += ["--trial-calls", "4"]
        if not any(word.startswith("--profile-") for word in given):
            # What two cores can show in a minute or two.
            given += ["--profile-concurrency", "1,2", "--profile-tokens", "64", "32"]
    if "--profile" not in given and any("chat:" in word for word in given):
        given += ["--profile"]
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
def leaderboard(session: nox.Session) -> None:
    """Grade every folder in reports/ again and build the leaderboard's site; prints its path."""
    session.install("-e", ".[parquet]")
    # 7, one was refused, is for whoever keeps reports/ to see.
    session.run("conformance", "leaderboard", "reports", "--out", "site", *session.posargs)


@nox.session
def submit(session: nox.Session) -> None:
    """Copy the clean bundle named after -- into reports/ and build the site anew."""
    if not session.posargs:
        session.error("name a bundle: nox -s submit -- BUNDLE")
    session.install("-e", ".[parquet]")
    session.run("conformance", "submit", *session.posargs, "--to", "reports", "--site", "site")


PUBLISHED = (
    # Agent, plan, claim: the calibrators are to show what a result looks like, no more.
    ("builtin:oracle", "certify", "L2"),
    ("builtin:oracle-L1", "certify", "L2"),
    ("builtin:liar", "certify", "L1"),
    ("builtin:hedger", "certify", "L1"),
    ("builtin:oracle", "screen", "L1"),
    ("builtin:null", "screen", "L1"),
)
"""What the project publishes of its own in reports/, beside the embedded model."""


@nox.session
def published(session: nox.Session) -> None:
    """Make the project's own results in reports/ anew, with fixed seeds; under eight minutes."""
    session.install("-e", ".[local,parquet]")
    session.run("conformance", "model", "get")
    runs = Path(session.create_tmp()) / "published"
    shutil.rmtree(runs, ignore_errors=True)
    certify_them = ["conformance", "certify", "--seed", "published", "--no-report", "--out"]
    for number, (agent, plan, claim) in enumerate(PUBLISHED):
        given = ["--agent", agent, "--plan", plan, "--claim", claim, "--no-twins"]
        # 1, not held, is a result too; so it is below.
        session.run(*certify_them, str(runs / str(number)), *given, success_codes=[0, 1])
    local = ["--agent", "chat:local", "--claim", "L1", "--trial-calls", "4", "--max-time", "3m"]
    load = ["--profile", "--profile-concurrency", "1,2", "--profile-tokens", "64", "32"]
    session.run(*certify_them, str(runs / "local"), *local, *load, success_codes=[0, 1])
    reports = ROOT / "reports"
    own = reports / "published.txt"
    for name in own.read_text(encoding="utf-8").split() if own.is_file() else ():
        shutil.rmtree(reports / name, ignore_errors=True)
    others = {path.name for path in reports.iterdir()}
    for made in sorted(runs.iterdir()):
        session.run("conformance", "submit", str(made), "--to", str(reports))
    names = sorted(path.name for path in reports.iterdir() if path.name not in others)
    own.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    session.run("conformance", "leaderboard", str(reports), "--out", str(ROOT / "site"))


@nox.session
def gate(session: nox.Session) -> None:
    """Run the whole gate on every family: 598 mutants, 149 instances a shortcut."""
    session.install("-e", ".")
    session.run("conformance", "edition", "check")
    session.run("conformance", "tasks", "check", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Write the generated pages of docs/, and hold every page and command block to the code."""
    session.install("-e", ".[a2a,acp,parquet,pdf]", *group("test"))
    session.run("python", "-m", "docs.generator")
    session.run("pytest", "tests/docs", *session.posargs)


@nox.session
def airgap(session: nox.Session) -> None:
    """Install from a wheelhouse alone, as docs/air-gapped.md says; grade there, twice."""
    here = Path(session.create_tmp()).resolve()
    wheelhouse, grading, first = here / "wheelhouse", here / "grading", here / "first"
    for made in (wheelhouse, grading, first):
        shutil.rmtree(made, ignore_errors=True)
    session.run("python", "-m", "pip", "wheel", "--wheel-dir", str(wheelhouse), f"{ROOT}[pytest]")
    session.run("python", "-m", "venv", str(grading))
    found = ["--no-index", "--find-links", str(wheelhouse)]
    python = str(grading / "bin" / "python")
    session.run(python, "-m", "pip", "install", *found, "agent-grading[pytest]", external=True)
    conformance = str(grading / "bin" / "conformance")
    session.run(conformance, "doctor", external=True)
    oracle = ["--agent", "builtin:oracle", "--claim", "L1"]
    session.run(conformance, "certify", *oracle, "--out", str(first), external=True)
    session.run(conformance, "grade", str(first), external=True)


@nox.session
def calibrators(session: nox.Session) -> None:
    """Test the whole matrix of builtin agents; names after -- print the rows of those."""
    session.install("-e", ".", *group("test"))
    if session.posargs:
        session.run("python", "-m", "tests.calibrators.test_matrix", *session.posargs)
    else:
        whole = {"CONFORMANCE_MATRIX": "whole"}
        session.run("pytest", "-n", "2", "tests/calibrators/test_matrix.py", env=whole)


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
