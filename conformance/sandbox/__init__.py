"""Runs an agent's code where it can do no harm; says whether that works here, and proves it.

from conformance import sandbox

sandbox.status()      # tried once for real
sandbox.install()     # lets content run scripts, where it works
sandbox.self_test()   # escape probes, each on a private folder
sandbox.launcher()    # runs agents that are programs: the best there is here
"""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING

import msgspec

from conformance.authoring.code import use_runner
from conformance.errors import AgentUnavailableError, UsageError
from conformance.sandbox.contract import Limits, Provider, SandboxBrokenError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from conformance.sandbox.bubblewrap import Bubblewrap
    from conformance.sandbox.cached import CachedRunner
    from conformance.sandbox.jail import Jail
    from conformance.sandbox.probes import Probed
    from conformance.sandbox.programs import Launcher

__all__ = [
    "Limits",
    "Provider",
    "SandboxBrokenError",
    "Status",
    "install",
    "jail_status",
    "launcher",
    "provider",
    "runner",
    "self_test",
    "status",
]

VARIABLE = "CONFORMANCE_SANDBOX"
"""``none`` turns the sandbox off: clauses that need it are not run."""
LAUNCHERS = ("bubblewrap", "docker", "podman", "none")
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


def jail_status() -> Status:
    """Try once for real whether a jail for agents that are programs works here."""
    return _jail(os.environ.get(VARIABLE, ""))[0]


def launcher(
    name: str | None = None, *, image: str | None = None, hidden: Iterable[Path] = ()
) -> Launcher:
    """Return a way to run agents that are programs.

    Args:
        name: One of ``LAUNCHERS``; None is bubblewrap where it works, else none: look at
            ``is_jail``, and tell the user.
        image: What a container runs.
        hidden: Places that no program may see, beside the suite's own: editions, runs.

    Raises:
        UsageError: there is no launcher of that name, or a container without image.
        AgentUnavailableError: it does not work here.
    """
    from conformance.sandbox import mend

    if name not in (None, *LAUNCHERS):
        raise UsageError(
            f"there is no sandbox {name!r}",
            where="--sandbox",
            mend=f"one of {', '.join(LAUNCHERS)}",
        )
    if name in ("docker", "podman"):
        from conformance.sandbox.containers import Containers

        if image is None:
            raise UsageError(f"{name} needs an image", where="--sandbox", mend=mend.IMAGE)
        return Containers(name, image, hidden)
    status, found = _jail(os.environ.get(VARIABLE, "")) if name != "none" else (None, None)
    if found is not None:
        return found.hiding(hidden)
    if name == "bubblewrap" and status is not None:
        raise AgentUnavailableError(status.detail, where="--sandbox bubblewrap", mend=status.mend)
    from conformance.sandbox.plain import Plain

    return Plain()


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
    return _first(setting, _tried)


@functools.cache
def _jail(setting: str) -> tuple[Status, Jail | None]:
    """Return the first jail that works."""
    from conformance.sandbox.jail import Jail

    found, bubblewrap = _first(setting, lambda candidate: Jail(candidate).complaint())
    if bubblewrap is None:
        return found, None
    jail = Jail(bubblewrap)
    return msgspec.structs.replace(found, means=jail.describe()["means"]), jail


def _first(
    setting: str, complaint_of: Callable[[Bubblewrap], str | None]
) -> tuple[Status, Bubblewrap | None]:
    """Return the first bubblewrap without complaint."""
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
            complaint = complaint_of(candidate)
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
