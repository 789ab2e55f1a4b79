"""Where a program is, and what must be seen for it to run: before any trial begins."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from conformance.errors import UsageError
from conformance.sandbox.interpreter import interpreter_files

CONTAINERS = ("docker", "podman")
"""Launchers whose programs lie in an image: nothing of theirs is looked for on this machine."""
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PACKAGES = "node_modules"
_SHEBANG_BYTES = 256
_MANAGERS = {".pyenv": "pyenv", ".rbenv": "rbenv", ".nodenv": "nodenv", ".asdf": "asdf"}
"""Version managers that put shims into ``PATH``, by the folder they keep them in."""
_MANAGER_S = 20.0


class Found(NamedTuple):
    """A program that is there."""

    program: str
    """Its path; the bare name of one in a container."""
    files: tuple[Path, ...] = ()
    """What it needs to read beside the system's files."""
    folders: tuple[str, ...] = ()
    """The folders in which it, and what runs it, lie."""


def find_program(word: str, folder: Path, *, is_inside: bool) -> Found:
    """Find the program that the first word of a command names.

    Args:
        word: A name to be looked for in ``PATH``, or a path from ``folder``.
        folder: The agent's own.
        is_inside: It lies in a container.

    Raises:
        UsageError: there is none, or it cannot be run.
    """
    if is_inside:
        return Found(word)
    if "/" in word:
        path = folder / Path(word).expanduser()
        if not (path.is_file() and os.access(path, os.X_OK)):
            why = "cannot be run" if path.is_file() else "is not there"
            raise UsageError(why, where=str(path), mend="make it a program, or name another")
    else:
        found = shutil.which(word)
        if found is None:
            raise UsageError(
                f"there is no program {word!r}",
                where="PATH",
                mend="install it, put its folder into PATH, or write its whole path",
            )
        path = behind_shim(Path(found).absolute())
    own = (str(path.parent),)
    if _is_python(path):
        return Found(str(path), interpreter_files(path), own)
    real = path.resolve()
    package = _package(real)
    if package != real:
        # A link of npm's: the script looks for its package from where it lies, so it starts there.
        path = real
    files = (path, package)
    runs_it = _interpreter(path)
    if runs_it is None:
        return Found(str(path), files, own)
    more = interpreter_files(runs_it) if _is_python(runs_it) else (runs_it, runs_it.resolve())
    return Found(str(path), (*files, *more), (*own, str(runs_it.parent)))


def find_python(python: str | None, folder: Path, *, is_inside: bool) -> Found:
    """Find an interpreter; None is the suite's own, in a container ``python3``.

    Raises:
        UsageError: there is none.
    """
    if is_inside:
        return Found(python or "python3")
    return find_program(python or sys.executable, folder, is_inside=False)


def search_path(found: Found) -> str:
    """Return the ``PATH`` that a program gets."""
    return ":".join(dict.fromkeys((*found.folders, *SYSTEM_PATH.split(":"))))


def behind_shim(path: Path) -> Path:
    """Return the program that a version manager's shim stands for; others as they are.

    A shim asks its manager at each start, which no jail shows.

    Raises:
        UsageError: the manager does not say.
    """
    manager = _MANAGERS.get(path.parent.parent.name)
    if path.parent.name != "shims" or manager is None:
        return path
    try:
        said = subprocess.run(  # noqa: S603 - the user's own version manager
            (manager, "which", path.name),
            capture_output=True,
            text=True,
            timeout=_MANAGER_S,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        said = ""
    if not os.access(said, os.X_OK):
        raise UsageError(
            f"is a shim, and {manager} does not say of what",
            where=str(path),
            mend=f"write the program's whole path ({manager} which {path.name})",
        )
    return Path(said)


def _is_python(path: Path) -> bool:
    return path.name.startswith(("python", "pypy"))


def _package(path: Path) -> Path:
    """Return what belongs to a program: for one of npm's the packages around it, else itself."""
    around = [parent for parent in path.parents if parent.name == _PACKAGES]
    return around[-1] if around else path


def _interpreter(path: Path) -> Path | None:
    """Return the program that a script's first line names."""
    with path.open("rb") as file:
        first = file.readline(_SHEBANG_BYTES)
    if not first.startswith(b"#!"):
        return None
    words = first[2:].decode(errors="replace").split()
    if words and Path(words[0]).name == "env":
        named = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
        found = shutil.which(named[0]) if named else None
        return None if found is None else behind_shim(Path(found))
    return Path(words[0]) if words and Path(words[0]).is_file() else None
