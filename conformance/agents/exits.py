"""What came of a program: how it ended, and what it left as its answer."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import stat
from typing import TYPE_CHECKING, Any

import msgspec

from conformance.agents.textcalls import bare_text

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.sandbox.programs import Exit

LARGEST_RESULT = 1024 * 1024
_LONGEST_REASON = 600


def read_result(path: Path) -> tuple[Any, str | None]:
    """Return what an agent wrote as its result, or why there is none though it wrote something.

    The agent made the file: it may be anything, and no link of it is followed.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW
    try:
        number = os.open(path, flags)
        try:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                return None, "it is no file"
            with os.fdopen(number, "rb", closefd=False) as file:
                content = file.read(LARGEST_RESULT + 1)
        finally:
            os.close(number)
    except FileNotFoundError:
        return None, None
    except OSError as error:
        return None, f"it cannot be read: {error.strerror}"
    if len(content) > LARGEST_RESULT:
        return None, f"it is larger than {LARGEST_RESULT} bytes"
    try:
        return msgspec.json.decode(content), None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return None, f"it is not JSON: {error}"


def whole_object(said: str) -> str:
    """Return what a program printed where it is one JSON object as a whole, else nothing."""
    text = bare_text(said)
    return text if text.startswith("{") and text.endswith("}") else ""


def is_unstartable(error: OSError) -> bool:
    """Say whether a program could not be started for what it is, rather than for want of means."""
    is_missing = isinstance(error, FileNotFoundError | NotADirectoryError | PermissionError)
    return is_missing or error.errno == errno.ENOEXEC


def how(exit_: Exit) -> str:
    """Say how a program ended."""
    if exit_.killed_for is not None:
        return f"killed for its limit of {exit_.killed_for}"
    if exit_.code < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-exit_.code).name}"
    return f"exit {exit_.code}"


def last_lines(said: str, count: int) -> str:
    """Return the last lines of what a program said, in one."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return " | ".join(lines[-count:])[-_LONGEST_REASON:]
