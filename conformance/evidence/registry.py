"""A folder of submissions: each is verified and graded again, and only clean ones enter.

Nothing is kept from one run to the next. What could be kept is a verdict by a digest of every byte
of the bundle, the edition and the suite, in a file whose own word nobody checks; a registry exists
so that no such word has to be taken.
"""

from __future__ import annotations

import os
import re
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from conformance.campaign.entries import Opened, TrialDone, TrialStarted
from conformance.campaign.journal import journal_path, read_journal
from conformance.errors import ConformanceError, EditionError, EvidenceInvalidError, UsageError
from conformance.evidence import bundle
from conformance.evidence.documents import LockDocument, ManifestDocument
from conformance.evidence.verify import audit_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future, ProcessPoolExecutor

    from conformance.edition import Edition

MOST_FILES = 50_000
MOST_FILE_BYTES = 256 << 20
"""Of one file."""
MOST_BYTES = 2 << 30
"""Of all files of a submission."""
SHOWN = 5
"""Problems of a submission that are named; the rest is counted."""

_EARLIEST, _DAY_S = 946_684_800, 86_400
"""The year 2000 in seconds since the epoch; what a clock may be ahead."""
_LAYOUT = re.compile(
    r"(manifest|claim|ics|system|suite\.lock|evaluation)\.json"
    r"|run/journal\.jsonl|run/transcripts/[0-9a-f]{16}\.jsonl|run/states/[0-9a-f]{16}\.json"
    r"|results/(observations\.jsonl|(summary|twins|single)\.json)"
    r"|profile/(profile\.json|power\.jsonl|logs/[\w.-]+\.jsonl)"
    r"|evaluation/[\w-]+/(?!\.{1,2}$)[^/\\\x00-\x1f]+"
)
"""What a bundle may hold beside renderings: no other file could be checked."""


class Mounts(NamedTuple):
    """Where the editions lie that bundles are graded with."""

    editions: tuple[Path | None, ...] = (None,)
    """None: the one that ships with the suite."""
    sealed: tuple[Path, ...] = ()
    """Each is mounted on every edition that has clauses for it; each edition is there without."""


SHIPPED = Mounts()


class Submission(msgspec.Struct, frozen=True):
    """A bundle that re-graded clean."""

    folder: Path
    bundle: str
    """Its id."""
    marks: frozenset[str]
    """What no other campaign has; see ``own_marks``."""


class Refusal(msgspec.Struct, frozen=True):
    """A folder that does not enter, and the first reasons, with paths from the folder on."""

    folder: Path
    problems: tuple[str, ...]


class Registry(NamedTuple):
    """What a folder of submissions comes to, each part in the order of the folders' names."""

    clean: tuple[Submission, ...]
    refused: tuple[Refusal, ...]


def refuse_bundle(root: Path) -> None:
    """Refuse a bundle in place of the folder of them.

    Raises:
        UsageError: it is one.
    """
    if (root / bundle.MANIFEST).is_file():
        raise UsageError("is a bundle", where=str(root), mend="name the folder that holds bundles")


def read_registry(
    root: Path,
    mounts: Mounts = SHIPPED,
    *,
    jobs: int = 1,
    progress: Callable[[str, int, int], None] = lambda _name, _done, _of: None,
) -> Registry:
    """Check every folder below ``root``, and that no trial stands in two of them.

    Args:
        root: The folder of submissions; its plain files and hidden folders are none.
        mounts: The editions there are to grade with.
        jobs: Processes that grade at once.
        progress: Told a folder's name, and how many of how many are done.

    Raises:
        UsageError: there is no such folder, or it is a bundle.
        EditionError: an edition does not load.
    """
    if not root.is_dir():
        raise UsageError(
            "there is no such folder", where=str(root), mend="name the folder of submissions"
        )
    refuse_bundle(root)
    folders = [
        path
        for path in sorted(root.iterdir(), key=lambda path: path.name)
        if not path.name.startswith(".") and (path.is_dir() or path.is_symlink())
    ]
    editions = load_editions(mounts)
    if jobs > 1 and len(folders) > 1:
        checked = _in_processes(folders, mounts, min(jobs, len(folders)), progress)
    else:
        checked = []
        for number, folder in enumerate(folders):
            progress(folder.name, number, len(folders))
            checked.append(check_submission(folder, editions))
    return _without_repeats(checked)


def load_editions(mounts: Mounts) -> list[Edition]:
    """Load the editions to grade with, and get the sandbox ready for families that run code.

    Raises:
        EditionError: one does not load, or a sealed one fits no other.
    """
    from conformance.edition import load, with_sealed
    from conformance.sandbox import install

    install()
    editions = [load(root) for root in mounts.editions]
    mounted: list[Edition] = []
    for path in mounts.sealed:
        sealed, problem = load(path), None
        fitting = []
        for edition in editions:
            try:
                fitting.append(with_sealed(edition, sealed))
            except EditionError as error:
                problem = error
        if not fitting and problem is not None:
            raise problem
        mounted += fitting
    return editions + mounted


def check_submission(folder: Path, editions: Sequence[Edition]) -> Submission | Refusal:
    """Verify one folder and grade it again; whatever is wrong with it is a refusal, not an error.

    The profile is computed again too, where there is one. Links, other files than a bundle has and
    oversize ones are refused before any is read.
    """
    try:
        problems = layout_problems(folder) or _problems(folder, editions)
        if not problems:
            return Submission(folder, bundle.bundle_id(folder), own_marks(folder))
    except Exception as error:  # noqa: BLE001 - hostile files may break any reader; the others go on
        problems = [f"cannot be graded: {type(error).__name__}: {error}"]
    return _refusal(folder, problems)


def layout_problems(folder: Path) -> list[str]:
    """Return what in a folder no bundle has: links, devices, strange names, too many bytes."""
    if folder.is_symlink():
        return [f"{folder}: is a link; copy the bundle itself"]
    found = list(_strangers(folder))
    if not found:
        try:
            listed = bundle.read_document(folder, bundle.MANIFEST, ManifestDocument).files
        except EvidenceInvalidError as error:
            return [str(error)]
        where = folder / bundle.MANIFEST
        strange = [path for path in listed if not _LAYOUT.fullmatch(path)]
        found += [f"{where}:1: lists {path!r}, which no bundle has" for path in strange]
    return found


def _strangers(folder: Path) -> Iterator[str]:
    files = total = 0
    for parent, names, others in os.walk(folder):
        for name in sorted([*names, *others]):
            path = Path(parent, name)
            info = path.lstat()
            if stat.S_ISDIR(info.st_mode):
                continue
            if not stat.S_ISREG(info.st_mode):
                kind = "link" if stat.S_ISLNK(info.st_mode) else "device or pipe"
                yield f"{path}: is a {kind}; a submission holds plain files"
                continue
            files, total = files + 1, total + info.st_size
            at = path.relative_to(folder).as_posix()
            if at not in bundle.RENDERINGS and not _LAYOUT.fullmatch(at):
                yield f"{path}: is no file of a bundle; take it out"
            elif info.st_size > MOST_FILE_BYTES:
                yield f"{path}: has {info.st_size:,} bytes, {MOST_FILE_BYTES:,} are the most"
    if files > MOST_FILES or total > MOST_BYTES:
        yield (
            f"{folder}: has {files:,} files and {total:,} bytes; "
            f"{MOST_FILES:,} and {MOST_BYTES:,} are the most"
        )


def _problems(folder: Path, editions: Sequence[Edition]) -> list[str]:
    from conformance.authoring import NoSandboxError

    try:
        lock = bundle.read_document(folder, bundle.LOCK, LockDocument)
        audit = audit_bundle(folder, _edition_of(lock, editions))
    except ConformanceError as error:
        return [str(error)]
    except NoSandboxError:
        return ["holds an agent's code, which is run again in a sandbox; none works here"]
    if audit.problems:
        return list(audit.problems)
    if audit.graded is not None and audit.graded.single is not None:
        return ["is one instance that was chosen and tried by itself, no campaign"]
    # The latest result is ranked: a date to come would keep a good one for ever.
    latest = time.time() + _DAY_S
    if not all(_EARLIEST <= entry.time < latest for entry in read_journal(folder / bundle.RUN)):
        return [f"{journal_path(folder / bundle.RUN)}: has times that are before 2000 or to come"]
    return []


def _edition_of(lock: LockDocument, editions: Sequence[Edition]) -> Edition:
    """Return the edition a bundle names; the audit holds the bundle to it, whatever it names."""
    named = (lock.edition.sha256, None if lock.sealed is None else lock.sealed.sha256)
    known = {(e.digest, None if e.sealed is None else e.sealed.digest): e for e in editions}
    return known.get(named, editions[0])


def own_marks(folder: Path) -> frozenset[str]:
    """Return what a bundle's journal has that no other campaign's can have by chance.

    The random ids of its trials, and the SHA-256 of a seed that the operating system drew: of one
    that the applicant chose there may be several campaigns.

    Raises:
        EvidenceInvalidError: the journal is broken.
    """
    marks: set[str] = set()
    for entry in read_journal(folder / bundle.RUN):
        match entry:
            case TrialStarted():
                marks.add(entry.trial)
            case TrialDone():
                marks.add(entry.record.trial)
            case Opened() if entry.seed_source == "os":
                marks.add(entry.seed_sha256)
            case _:
                pass
    return frozenset(marks)


def _refusal(folder: Path, problems: Sequence[str]) -> Refusal:
    more = len(problems) - SHOWN
    told = [problem.replace(f"{folder}/", "").replace(f"{folder}: ", "") for problem in problems]
    return Refusal(folder, (*told[:SHOWN], *([f"… and {more} more"] if more > 0 else [])))


def _without_repeats(checked: Iterable[Submission | Refusal]) -> Registry:
    """Keep the first of the submissions that have a trial or a seed in common.

    Both are random: a bundle that was copied, sealed again after a reviewer's word, or taken from
    somebody else shares them, whatever its own id is.
    """
    clean: list[Submission] = []
    refused: list[Refusal] = []
    holder: dict[str, Submission] = {}
    for item in checked:
        if isinstance(item, Refusal):
            refused.append(item)
            continue
        first = next((holder[mark] for mark in sorted(item.marks) if mark in holder), None)
        if first is None:
            clean.append(item)
            holder.update(dict.fromkeys(item.marks, item))
        else:
            what = (
                "is the same bundle as"
                if first.bundle == item.bundle
                else "shares trials or a seed with"
            )
            problem = f"{what} {first.folder.name}; a campaign is submitted once"
            refused.append(Refusal(item.folder, (problem,)))
    return Registry(tuple(clean), tuple(sorted(refused, key=lambda refusal: refusal.folder.name)))


_editions: list[Edition] = []
"""Those of a worker process."""


def _begin_worker(mounts: Mounts) -> None:
    _editions[:] = load_editions(mounts)


def _check_in_worker(folder: Path) -> Submission | Refusal:
    return check_submission(folder, _editions)


def _in_processes(
    folders: Sequence[Path],
    mounts: Mounts,
    jobs: int,
    progress: Callable[[str, int, int], None],
) -> list[Submission | Refusal]:
    """Check folders in processes of their own; one that takes its process down is refused."""
    from concurrent.futures import as_completed
    from concurrent.futures.process import BrokenProcessPool

    found: dict[Path, Submission | Refusal] = {}

    def gather(waiting: dict[Future[Submission | Refusal], Path]) -> None:
        for future in as_completed(waiting):
            found[waiting[future]] = future.result()
            progress(waiting[future].name, len(found), len(folders))

    try:
        with _pool(mounts, jobs) as pool:
            gather({pool.submit(_check_in_worker, folder): folder for folder in folders})
    except BrokenProcessPool:
        for folder in [folder for folder in folders if folder not in found]:
            try:
                with _pool(mounts, 1) as pool:
                    gather({pool.submit(_check_in_worker, folder): folder})
            except BrokenProcessPool:
                found[folder] = _refusal(folder, ["took down the process that graded it"])
    return [found[folder] for folder in folders]


def _pool(mounts: Mounts, jobs: int) -> ProcessPoolExecutor:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    return ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _begin_worker, (mounts,))
