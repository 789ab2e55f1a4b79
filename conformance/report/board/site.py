"""The site as a folder of files: written whole or not at all, and only over a site of its own."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.errors import ConformanceError, UsageError
from conformance.report.board.pages import render_agent, render_index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from conformance.report.board.entries import Board

MARKER = ".leaderboard-site.json"
"""Lists the files of a site, so that the next one replaces these and no others."""
FORMAT = "leaderboard-site/1"
_SAFE = re.compile(r"(?:[a-z]+/)?[A-Za-z0-9][\w.-]*", re.ASCII)


def write_site(
    board: Board,
    out: Path,
    reports: Path,
    *,
    also: Sequence[Callable[[Board, Path], Iterable[Path]]] = (),
    render: Callable[[Path], str] | None = None,
) -> list[Path]:
    """Write the site; return the paths of its files, in order. Same arguments, same bytes.

    Args:
        board: What is shown.
        out: The site's folder: new, empty, or a site written before.
        reports: The folder of submissions. A submission's report is rendered anew from its
            bundle: its own ``report.html`` is outside the manifest and could say anything.
        also: Each writes more files of the site (exports, badges) into the folder it is given,
            and returns their paths; the pages link to those in ``data/`` and ``badges/``.
        render: Makes a report of a bundle; ``render_report`` by default.

    Raises:
        UsageError: ``out`` is something else than a site, or holds or lies in ``reports``.
        ConformanceError: the site cannot be written; what was there before is still there.
    """
    check_site(out, reports)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    except OSError as error:
        raise _unwritable(out, error) from error
    try:
        names = [
            path.relative_to(partial).as_posix() for write in also for path in write(board, partial)
        ]
        for name, content in _pages(board, reports, tuple(names), render or _render_report):
            _write(partial, _checked(name), content)
            names.append(name)
        names.sort()
        _write(partial, MARKER, _marker(names))
        partial.chmod(0o755)
        _swap(partial, out)
    except OSError as error:
        raise _unwritable(out, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return [out / name for name in names]


def _pages(
    board: Board, reports: Path, files: Sequence[str], render: Callable[[Path], str]
) -> Iterator[tuple[str, bytes]]:
    yield "index.html", render_index(board, files).encode()
    for slug in sorted({entry.slug for entry in board.entries}):
        yield f"agents/{slug}.html", render_agent(board, slug, files).encode()
    for entry in sorted(board.entries, key=lambda entry: entry.id):
        yield f"reports/{entry.id}.html", render(reports / entry.folder).encode()


def _render_report(folder: Path) -> str:
    from conformance.report.html import render_report

    return render_report(folder)


def check_site(out: Path, reports: Path) -> None:
    """Refuse a folder whose files are not this module's to replace.

    Raises:
        UsageError: it is something else than a site, or holds or lies in ``reports``.
    """
    here, there = out.resolve(), reports.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise UsageError(
            f"lies in, or holds, the folder of submissions {reports}",
            where=str(out),
            mend="give --out a folder beside it",
        )
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise UsageError("is not a folder", where=str(out), mend="give --out a new folder")
    if not out.is_dir():
        return
    known = _listed(out / MARKER)
    strangers = (
        name
        for path in out.rglob("*")
        if (path.is_symlink() or not path.is_dir())
        and (name := path.relative_to(out).as_posix()) not in known
    )
    stranger = next(strangers, None)
    if stranger is not None:
        raise UsageError(
            f"holds a file that is not of a site written before: {stranger}",
            where=str(out),
            mend="give --out a new folder, or move such files away",
        )


def _listed(marker: Path) -> set[str]:
    """Return the files of the site that was written before; none where there is none."""
    try:
        document = json.loads(marker.read_bytes())
        names = document["files"] if document["format"] == FORMAT else []
        return {MARKER, *map(str, names)}
    except (OSError, ValueError, TypeError, KeyError):
        return set()


def _marker(names: list[str]) -> bytes:
    document = {"format": FORMAT, "files": names}
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


def _checked(name: str) -> str:
    if _SAFE.fullmatch(name) is None:
        raise ValueError(f"no name for a file of the site: {name!r}")
    return name


def _write(folder: Path, name: str, content: bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(content)


def _swap(partial: Path, out: Path) -> None:
    """Put the new folder in the place of the old, which stays until the new one is there."""
    if not out.exists():
        partial.rename(out)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent)) / "old"
    try:
        out.rename(old)
        try:
            partial.rename(out)
        except OSError:
            old.rename(out)
            raise
    finally:
        shutil.rmtree(old.parent, ignore_errors=True)


def _unwritable(out: Path, error: OSError) -> ConformanceError:
    return ConformanceError(
        f"the site cannot be written: {error.strerror}",
        where=str(error.filename or out),
        mend="free space or mend the folder's rights, then run it again",
    )
