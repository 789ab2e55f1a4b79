"""Running an agent's code: content asks for it here, the engine's sandbox does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Ran(NamedTuple):
    """What came of a script."""

    exit_code: int
    """0 where it ended in order; negative where a signal or a limit ended it."""
    output: str
    """Its standard output, cut off at ``OUTPUT_BYTES``."""
    error: str
    """The end of its standard error, without any path of this machine."""
    limit: str | None = None
    """The limit that ended it (``time``, ``memory``, …), or None."""


OUTPUT_BYTES = 64 * 1024


class Runner(Protocol):
    """Runs a Python script where it can do no harm."""

    def __call__(self, script: str, files: Mapping[str, str], /) -> Ran:
        """Run ``script`` in an empty folder that holds ``files``; standard library only."""
        ...


class NoSandboxError(RuntimeError):
    """Code cannot be run here; a clause that needs it is not run, so content never meets this."""


_runners: list[Runner] = []


def use_runner(runner: Runner | None) -> None:
    """Let ``run_script`` use ``runner``; the engine says so once, before the first instance."""
    _runners[:] = [] if runner is None else [runner]


def run_script(script: str, files: Mapping[str, str]) -> Ran:
    """Run a Python script in the sandbox, alone with ``files`` (name to text) in its folder.

    The same script with the same files may be run again by an audit: what it prints must follow
    from the two.

    Raises:
        NoSandboxError: no sandbox works on this machine.
    """
    if not _runners:
        raise NoSandboxError("no sandbox works on this machine")
    return _runners[0](script, files)
