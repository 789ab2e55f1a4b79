"""Append-only JSON Lines in which every line names the SHA-256 of the one before it."""

from __future__ import annotations

import hashlib
import io
import os
from typing import TYPE_CHECKING, Any

import msgspec

from conformance.errors import ConformanceError, EvidenceInvalidError
from conformance.trial.plain import legible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

GENESIS = "0" * 64
_PREV = b',"prev":"'
_CLOSED = -1


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
        self._failure: StorageError | None = None
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise unwritable(path, error) from error

    def write(self, event: Any) -> None:
        """Append one event, a value that encodes to a JSON object.

        Raises:
            StorageError: it cannot be written; nothing can be after it, for the line may be torn.
        """
        if self._failure is not None:
            raise self._failure
        body = self._redact(self._encoded(event))[1:-1]
        line = b'{"seq":%d,%s%s%s"}' % (self.count, body, _PREV, self.head.encode())
        try:
            _write_whole(self._file, line + b"\n")
        except OSError as error:
            self._failure = unwritable(self.path, error)
            raise self._failure from error
        self.head = hashlib.sha256(line).hexdigest()
        self.count += 1

    def close(self) -> None:
        """Close the file; writing after that is an error, whatever file has its number by then."""
        if self._file != _CLOSED:
            os.close(self._file)
            self._file = _CLOSED

    def _encoded(self, event: Any) -> bytes:
        try:
            return self._encode(event)
        except (TypeError, ValueError, RecursionError):
            # Half a surrogate pair, say, from a model: evidence is written all the same.
            return self._encode(legible(msgspec.to_builtins(event, enc_hook=repr)))


def read_chain(
    path: Path, *, head: str | None = None, is_torn: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield the events of a chain, checking it on the way.

    Args:
        path: The file.
        head: The SHA-256 its last line must have, or None where that is not known.
        is_torn: Pass over a last line that a crash cut off.

    Raises:
        EvidenceInvalidError: with the file and the line where the chain breaks.
    """
    with path.open("rb") as file:
        lines = (line for line in file if not is_torn or line.endswith(b"\n"))
        for event, _ in _linked(path, lines, head):
            yield event


def repair_tail(path: Path) -> tuple[str, int]:
    """Cut a line torn by a crash off the end; return (head, count) to go on from.

    Raises:
        EvidenceInvalidError: the chain is broken elsewhere; the file is as it was.
    """
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    head, count = GENESIS, 0
    for _, head in _linked(path, io.BytesIO(content[:whole]), None):  # noqa: B007
        count += 1
    if whole < len(content):
        os.truncate(path, whole)
    return head, count


def _linked(
    path: Path, lines: Iterable[bytes], head: str | None
) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each event and the SHA-256 of its line."""
    previous, number = GENESIS, 0
    for number, raw in enumerate(lines, 1):
        where = f"{path}:{number}"
        if not raw.endswith(b"\n"):
            raise broken(where, "is cut off")
        line = raw[:-1]
        own = hashlib.sha256(line).hexdigest()
        try:
            event = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise broken(where, f"is not JSON ({error})") from error
        if not isinstance(event, dict) or event.get("seq") != number - 1:
            raise broken(where, f"is not event {number - 1}")
        named = event.get("prev")
        if named != previous:
            # Either the line before changed, and then its SHA-256 is all another, or a few
            # characters of what this line says of it.
            is_own = number == 1 or not isinstance(named, str) or _is_near(named, previous)
            raise broken(f"{path}:{number - (not is_own)}", "was changed after it was written")
        previous = own
        yield event, own
    if head is not None and previous != head:
        raise broken(f"{path}:{max(1, number)}", "was changed after it was written, or cut off")


def _is_near(named: str, previous: str) -> bool:
    same = sum(a == b for a, b in zip(named, previous, strict=False))
    return same > len(previous) // 2


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
