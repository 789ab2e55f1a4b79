"""Start an edition: a small one that passes every check, for an author to change piece by piece."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.edition.files import shipped_root
from conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

TEMPLATE = Path(__file__).with_name("template_files")
GRADERS = "graders"
_COMPILED = "__pycache__"


def start_edition(root: Path) -> list[Path]:
    """Write a small, complete edition into ``root`` and return the files, or write nothing.

    One level, one trust grade, one family that is a model of the contract, and copies of the
    graders that come with the suite.

    Raises:
        UsageError: ``root`` is a file, is a folder that holds something, or cannot be written.
    """
    _check_free(root)
    made: list[Path] = []
    try:
        for name, source in sorted(_sources()):
            target = root / name
            content = source.read_bytes()
            for folder in reversed(list(_missing(target.parent))):
                folder.mkdir()
                made.append(folder)
            made.append(target)
            target.write_bytes(content)
    except BaseException as error:
        _undo(made)
        if isinstance(error, OSError):
            raise UsageError(
                f"cannot be written: {error.strerror}", where=str(root), mend="name another folder"
            ) from error
        raise
    return [path for path in made if path.is_file()]


def _check_free(root: Path) -> None:
    if root.exists() and not root.is_dir():
        raise UsageError("is a file", where=str(root), mend="name a folder that is not there")
    if root.is_dir() and any(root.iterdir()):
        raise UsageError(
            "the folder is not empty", where=str(root), mend="name a new one, or an empty one"
        )


def _sources() -> Iterator[tuple[str, Path]]:
    """Yield (relative path, file) of all that an edition starts with."""
    graders = shipped_root() / GRADERS
    for base, folder in ((TEMPLATE, TEMPLATE), (graders.parent, graders)):
        for path in folder.rglob("*"):
            if path.is_file() and _COMPILED not in path.parts:
                yield path.relative_to(base).as_posix(), path


def _missing(folder: Path) -> Iterator[Path]:
    """Yield the folder and those above it that are not there, innermost first."""
    while not folder.exists():
        yield folder
        folder = folder.parent


def _undo(made: list[Path]) -> None:
    for path in reversed(made):
        with contextlib.suppress(OSError):
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink(missing_ok=True)
