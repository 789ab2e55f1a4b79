"""Runs an agent's code where it can do no harm; says whether that works here, and proves it.

from conformance import sandbox

sandbox.status()      # tried once for real
sandbox.install()     # lets content run scripts, where it works
sandbox.self_test()   # escape probes, each on a private folder
"""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING

import msgspec

from conformance.authoring.code import use_runner
from conformance.sandbox.contract import Limits, Provider, SandboxBrokenError

if TYPE_CHECKING:
    from conformance.sandbox.cached import CachedRunner
    from conformance.sandbox.probes import Probed

__all__ = [
    "Limits",
    "Provider",
    "SandboxBrokenError",
    "Status",
    "install",
    "provider",
    "runner",
    "self_test",
    "status",
]

VARIABLE = "CONFORMANCE_SANDBOX"
"""``none`` turns the sandbox off: clauses that need it are not run."""
_SUM = "print(sum(map(int, open('numbers.txt').read().split())))"


class Status(msgspec.Struct, frozen=True):
    """Whether code can be run here."""

    is_working: bool
    provider: str
    """``bubblewrap``, or ``none``."""
    version: str = ""
    detail: str = ""
    """What isolates, or why it does not work."""
    mend: str = ""
    """What to install or set; empty where it works."""
    means: dict[str, str] = {}
    """What enforces each limit."""


def status() -> Status:
    """Try the sandbox once for real, and say what came of it."""
    return _found(os.environ.get(VARIABLE, ""))[0]


def provider() -> Provider | None:
    """Return the provider that works here, or None."""
    return _found(os.environ.get(VARIABLE, ""))[1]


def runner() -> CachedRunner | None:
    """Return the one runner of this process, or None where no provider works."""
    return _runner(os.environ.get(VARIABLE, ""))


def install() -> Status:
    """Let ``authoring.run_script`` use the sandbox where it works; may be called again."""
    use_runner(runner())
    return status()


def self_test() -> list[Probed]:
    """Try to get out, from inside; each probe aims at a folder or process made for it.

    Raises:
        SandboxBrokenError: no sandbox works here.
    """
    from conformance.sandbox.probes import probe

    works = provider()
    if works is None:
        raise SandboxBrokenError(status().detail)
    return probe(works)


@functools.cache
def _runner(setting: str) -> CachedRunner | None:
    from conformance.sandbox.cached import CachedRunner

    works = _found(setting)[1]
    return None if works is None else CachedRunner(works)


@functools.cache
def _found(setting: str) -> tuple[Status, Provider | None]:
    """Return the first way of isolating that runs a script right."""
    from conformance.sandbox import bubblewrap, mend

    if setting == "none":
        detail = f"turned off by {VARIABLE}=none"
        return Status(is_working=False, provider="none", detail=detail, mend=mend.TURNED_OFF), None
    if not bubblewrap.supports_this_machine():
        detail = "there is no sandbox for this system"
        return Status(is_working=False, provider="none", detail=detail, mend=mend.LINUX_ONLY), None
    said = ""
    for binary in bubblewrap.binaries():
        # Without --disable-userns the system call filter alone forbids user namespaces.
        for disables_userns in (True, False):
            candidate = bubblewrap.Bubblewrap(binary, disables_userns=disables_userns)
            complaint = _tried(candidate)
            if complaint is None:
                return _working(candidate, binary), candidate
            said = said or f"{binary}: {complaint}"
    if not said:
        detail = "bubblewrap is not installed"
        return Status(is_working=False, provider="none", detail=detail, mend=mend.INSTALL), None
    advice = mend.mend_for(said)
    return Status(is_working=False, provider="none", detail=said, mend=advice), None


def _tried(candidate: Provider) -> str | None:
    """Return why a provider does not work, or None where it does."""
    try:
        ran = candidate.run(_SUM, {"numbers.txt": "19 23\n"}, Limits())
    except SandboxBrokenError as error:
        return str(error)
    if ran.output == "42\n":
        return None
    return ran.error or f"it printed {ran.output[:80]!r}"


def _working(works: Provider, detail: str) -> Status:
    return Status(
        is_working=True,
        provider=works.name,
        version=works.version(),
        detail=detail,
        means=dict(works.means),
    )
