"""The errors a user can cause: each says what is wrong, where, and how to mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence


def did_you_mean(name: str, known: Sequence[str], prefix: str = "") -> str:
    """Return the mend of a name that is none: the one that is close, else all there are."""
    import difflib

    close = difflib.get_close_matches(name, known, 1)
    return f"did you mean {prefix}{close[0]}?" if close else f"there are {', '.join(known)}"


class ConformanceError(Exception):
    """A user's mistake or a broken input; shown as one line, never as a traceback.

    Args:
        what: What is wrong, in one sentence.
        where: The file, line, key, option or address it was found at.
        mend: What to do about it.
    """

    exit_code: int = ExitCode.USAGE

    def __init__(self, what: str, *, where: str = "", mend: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.mend = mend

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        mend = f" — {self.mend}" if self.mend else ""
        return f"{place}{self.what}{mend}"


class UsageError(ConformanceError):
    """An option or argument that cannot be used, or used so; nothing ran."""


class EditionError(ConformanceError):
    """An edition folder that breaks its contract."""


class AgentUnavailableError(ConformanceError):
    """The agent or its endpoint cannot be reached, or too many faults were the suite's own."""

    exit_code = ExitCode.UNAVAILABLE


class EvidenceInvalidError(ConformanceError):
    """A bundle that does not hold together: a digest, a chain or a re-grade differs."""

    exit_code = ExitCode.EVIDENCE_INVALID
