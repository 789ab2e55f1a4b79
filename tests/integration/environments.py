"""An isolated environment for each recipe: a venv, or a folder of npm's."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.integration.recipes import Recipe

INSTALL_S = 900
_DONE = "complete.json"


class SkippedError(Exception):
    """There can be no environment here, by no fault of the recipe's: why."""


class Environment:
    """What a recipe's agent runs in."""

    def __init__(self, folder: Path, runtime: str) -> None:
        self.folder = folder
        self.runtime = runtime

    @property
    def programs(self) -> Path:
        """The folder of its programs."""
        return self.folder / ("bin" if self.runtime == "python" else "node_modules/.bin")

    @property
    def python(self) -> Path | None:
        """Its interpreter, if it has one of its own."""
        return self.programs / "python" if self.runtime == "python" else None

    @property
    def installed(self) -> dict[str, str]:
        """The versions of what the recipe names."""
        versions: dict[str, str] = json.loads((self.folder / _DONE).read_text())
        return versions


def build(recipe: Recipe, cache: Path) -> Environment:
    """Return the environment of a recipe; it is built where the cache does not have it.

    Raises:
        SkippedError: the runtime is not here, or the registry does not give the packages.
    """
    key = json.dumps([recipe.runtime, sys.version_info[:2], sorted(recipe.packages.items())])
    folder = cache / f"{recipe.name}-{hashlib.sha256(key.encode()).hexdigest()[:10]}"
    environment = Environment(folder, recipe.runtime)
    if (folder / _DONE).is_file():
        return environment
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    versions = (_python if recipe.runtime == "python" else _node)(recipe, folder)
    (folder / _DONE).write_text(json.dumps(versions))
    return environment


def _python(recipe: Recipe, folder: Path) -> dict[str, str]:
    own = ".".join(map(str, sys.version_info[:3]))
    if own not in SpecifierSet(recipe.needs):
        raise SkippedError(f"needs Python {recipe.needs}, this is {own}")
    if not recipe.packages:
        _run([sys.executable, "-m", "venv", "--without-pip", str(folder)], folder)
        return {}
    _run([sys.executable, "-m", "venv", str(folder)], folder)
    python = str(folder / "bin" / "python")
    wanted = [name + versions for name, versions in recipe.packages.items()]
    _run([python, "-m", "pip", "install", "--quiet", *wanted], folder)
    listed = json.loads(_run([python, "-m", "pip", "list", "--format=json"], folder))
    found = {_normal(item["name"]): item["version"] for item in listed}
    return {name: found[_normal(name)] for name in recipe.packages}


def _node(recipe: Recipe, folder: Path) -> dict[str, str]:
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise SkippedError(f"needs Node {recipe.needs}, there is none")
    own = _run(["node", "--version"], folder).strip().lstrip("v")
    if own not in SpecifierSet(recipe.needs):
        raise SkippedError(f"needs Node {recipe.needs}, this is {own}")
    wanted = [f"{name}@{v.replace(',', ' ')}" for name, v in recipe.packages.items()]
    (folder / "package.json").write_text('{"private": true}')
    _run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", *wanted], folder)
    manifests = {name: folder / "node_modules" / name / "package.json" for name in recipe.packages}
    return {name: json.loads(path.read_text())["version"] for name, path in manifests.items()}


def _normal(name: str) -> str:
    """Return a distribution's name as indexes compare it, without its extras."""
    return re.sub(r"[-_.]+", "-", name.partition("[")[0]).lower()


def _run(command: Sequence[str], folder: Path) -> str:
    """Run an installer; return what it printed."""
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SkippedError(f"{Path(command[0]).name} took more than {INSTALL_S} s") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"exit {done.returncode}"]
        errors = [line for line in said if line.lower().startswith(("error", "npm error"))]
        raise SkippedError((errors or said)[0][:200])
    return done.stdout
