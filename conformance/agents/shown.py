"""What an agent in a jail must not be shown, though it lies among its own files.

A folder that is shown read-only still leads out of a jail, and from one jail into another, by any
socket or pipe in it: whoever opens one talks to the other end.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HARMLESS = (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)


def ways_out(places: Iterable[Path]) -> Iterator[Path]:
    """Yield the sockets, pipes and devices in places, and below; no link is followed below."""
    left = []
    for place in map(Path, map(os.path.realpath, set(places))):
        with contextlib.suppress(OSError):
            if stat.S_IFMT(place.stat().st_mode) not in _HARMLESS:
                yield place
            left += [place] if place.is_dir() else []
    while left:
        with contextlib.suppress(OSError), os.scandir(left.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    left.append(Path(entry.path))
                elif not (entry.is_symlink() or entry.is_file(follow_symlinks=False)):
                    yield Path(entry.path)


def refuse_temporary(places: Iterable[Path]) -> None:
    """Refuse places that the folder for temporary files is in.

    What other trials have is there: their work, their stores, the tokens of their handles.

    Raises:
        UsageError: it is.
    """
    temporary = Path(tempfile.gettempdir()).resolve()
    for place in places:
        if temporary.is_relative_to(place.resolve()):
            raise UsageError(
                f"the folder for temporary files, {temporary}, is in what the agent may read",
                where=str(place),
                mend="set TMPDIR to another place, or keep the agent's files in a folder alone",
            )
