"""Append-only JSON Lines in which every line names the SHA-256 of the one before it."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

import msgspec

from conformance.errors import ConformanceError, EvidenceInvalidError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

GENESIS = "0" * 64
_PREV = b',"prev":"'
_TAIL = len(_PREV) + 64 + len(b'"}')


class StorageError(ConformanceError):
    """The evidence cannot be written; what was written stays valid and resumable."""

    exit_code = 3


class ChainWriter:
    """Writes events as they happen; each write reaches the operating system before it returns.

    Args:
        path: The file; appended to where it exists.
        redact: Applied to each line before it is hashed.
        head: The SHA-256 of the last line already there.
        count: How many lines are already there.
    """

    def __init__(
        self,
        path: Path,
        redact: Callable[[bytes], bytes] = lambda line: line,
        *,
        head: str = GENESIS,
        count: int = 0,
    ) -> None:
        self.path = path
        self.head = head
        self.count = count
        self._redact = redact
        self._encode = msgspec.json.Encoder().encode
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise unwritable(path, error) from error

    def write(self, event: Any) -> None:
        """Append one event, a value that encodes to a JSON object."""
        body = self._redact(self._encode(event))[1:-1]
        line = b'{"seq":%d,%s%s%s"}' % (self.count, body, _PREV, self.head.encode())
        try:
            _write_whole(self._file, line + b"\n")
        except OSError as error:
            raise unwritable(self.path, error) from error
        self.head = hashlib.sha256(line).hexdigest()
        self.count += 1

    def close(self) -> None:
        """Close the file; writing after that is an error."""
        os.close(self._file)


def read_chain(path: Path, *, head: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield the events of a chain, checking it on the way.

    Args:
        path: The file.
        head: The SHA-256 its last line must have, or None where that is not known.

    Raises:
        EvidenceInvalidError: with the file and the line where the chain breaks.
    """
    previous, number = GENESIS, 0
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            where = f"{path}:{number}"
            line = raw.rstrip(b"\n")
            try:
                event = msgspec.json.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise broken(where, f"is not JSON ({error})") from error
            if not isinstance(event, dict) or event.get("seq") != number - 1:
                raise broken(where, f"is not event {number - 1}")
            if event.get("prev") != previous:
                # The line that changed is the one whose hash this line holds.
                raise broken(f"{path}:{max(1, number - 1)}", "was changed after it was written")
            previous = hashlib.sha256(line).hexdigest()
            yield event
    if head is not None and previous != head:
        raise broken(f"{path}:{max(1, number)}", "was changed after it was written, or cut off")


def repair_tail(path: Path) -> tuple[str, int]:
    """Cut a line torn by a crash off the end; return (head, count) to go on from.

    Raises:
        EvidenceInvalidError: the chain is broken elsewhere.
    """
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
    previous, count = GENESIS, 0
    for count, event in enumerate(read_chain(path), 1):  # noqa: B007
        del event
    if count:
        last = content[:whole].rstrip(b"\n").rsplit(b"\n", 1)[-1]
        previous = hashlib.sha256(last).hexdigest()
    return previous, count


def broken(where: str, what: str) -> EvidenceInvalidError:
    """Return the error for evidence that does not hold together."""
    return EvidenceInvalidError(what, where=where, mend="get the bundle again from its source")


def unwritable(path: Path, error: OSError) -> StorageError:
    """Return the error for a file that cannot be written."""
    return StorageError(
        f"cannot be written: {error.strerror}",
        where=str(path),
        mend="free space or mend the folder's rights, then run the same command with --resume",
    )


def _write_whole(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
