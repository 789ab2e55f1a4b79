"""Clears away folders that an agent has filled as it liked."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def clear_away(folder: Path) -> None:
    """Remove a folder with all that is in it; what cannot be removed is left, and never raises.

    ``shutil.rmtree`` gives up where folders lie a thousand deep, or forbid their owner to look
    into them. Here each folder is lifted to the top before it is emptied.
    """
    lifted = (folder / f"{secrets.token_hex(8)}-{number}" for number in itertools.count())
    left = [folder]
    emptied = []
    while left:
        at = left.pop()
        emptied.append(at)
        with contextlib.suppress(OSError):
            at.chmod(0o700)
            with os.scandir(at) as entries:
                for entry in list(entries):
                    left += _lifted(entry, lifted)
    for at in reversed(emptied):
        with contextlib.suppress(OSError):
            at.rmdir()


def _lifted(entry: os.DirEntry[str], names: Iterator[Path]) -> Iterator[Path]:
    """Remove an entry, or move it where it is a folder, and yield where that is now."""
    path = Path(entry.path)
    with contextlib.suppress(OSError):
        if not entry.is_dir(follow_symlinks=False):
            path.unlink()
            return
        path.chmod(0o700)  # else it cannot be moved
        yield path.rename(next(names))
