"""Where an edition lies on disk, which files belong to it, and their digest."""

from __future__ import annotations

import hashlib
import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import conformance
from conformance.errors import EditionError

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDERS = ("graders", "schemas", "tasks")
SUFFIXES = (".json", ".py", ".yaml")
MANIFEST = "tasks/edition.yaml"
_EXCLUDED = ("__pycache__",)


def shipped_root() -> Path:
    """Return the root of the edition that came with the engine.

    ``_edition`` beside the package in a wheel, the package's parent in a checkout; a folder
    elsewhere in site-packages is never picked up.

    Raises:
        EditionError: neither place holds an edition.
    """
    package = Path(conformance.__file__).resolve().parent
    for root in (package / "_edition", package.parent):
        if (root / MANIFEST).is_file():
            return root
    raise EditionError(
        "the edition that ships with the suite is missing",
        where=str(package),
        mend="install agent-grading again, or name a folder with --edition",
    )


def edition_files(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield (POSIX relative path, path) of every file the digest covers, sorted by the former."""
    found: dict[str, Path] = {}
    for folder in FOLDERS:
        for path in (root / folder).rglob("*"):
            relative = path.relative_to(root)
            if (
                path.suffix in SUFFIXES
                and path.is_file()
                and not any(part.startswith(".") or part in _EXCLUDED for part in relative.parts)
                and not _is_linked(root, path)
            ):
                found[relative.as_posix()] = path
    yield from sorted(found.items())


def edition_digest(root: Path) -> str:
    """Return the SHA-256 over names and contents of the edition's files, with LF line ends."""
    total = hashlib.sha256()
    for name, path in edition_files(root):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def _is_linked(root: Path, path: Path) -> bool:
    """Say whether a path is a link or lies behind one; ``root`` itself may be one."""
    inside = itertools.takewhile(lambda parent: parent != root, (path, *path.parents))
    return any(parent.is_symlink() for parent in inside)


def is_standard_library(module: str) -> bool:
    """Say whether a top-level module name is Python's own."""
    return module in sys.stdlib_module_names
