"""What an agent that is a program sees of this machine, and what it never sees.

A place is shown under its own name and, where links lead to it, under its real name too.
"""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import conformance
from conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.sandbox.programs import Program

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
# fmt: off
_ETC = (
    "alternatives", "ca-certificates", "crypto-policies", "fonts", "gai.conf", "java*",
    "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "magic", "mime.types", "os-release",
    "pki/ca-trust", "pki/tls/certs", "pki/tls/cert.pem", "pki/tls/openssl.cnf", "protocols",
    "services", "ssl/cert.pem", "ssl/certs", "ssl/openssl.cnf", "terminfo", "timezone",
)
# fmt: on
"""Of ``/etc``; nothing that may hold a key."""
MADE_UP = {
    "/etc/passwd": "root:x:0:0:root:/root:/usr/sbin/nologin\n"
    "agent:x:1000:1000:agent:/home/agent:/bin/sh\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "/etc/group": "root:x:0:\nagent:x:1000:\nnogroup:x:65534:\n",
    "/etc/hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "/etc/resolv.conf": "",
}
_TOO_WIDE = ("/", "/dev", "/etc", "/home", "/proc", "/run", "/sys", "/tmp", "/var")  # noqa: S108
_COPIES = (
    "conformance",
    "*-packages/conformance",
    "lib/python3*/*-packages/conformance",
    "local/lib/python3*/*-packages/conformance",
)
_OF_CHECKOUT = (".git", "graders", "schemas", "tasks")


class Shown(NamedTuple):
    """One place that is shown."""

    source: str
    """Its real path."""
    at: str
    is_writable: bool = False


@functools.cache
def system_files() -> tuple[Shown, ...]:
    """Return the system's own files."""
    return tuple(_system_files())


def _system_files() -> Iterator[Shown]:
    for name in SYSTEM:
        if Path(name).is_dir() and not Path(name).is_symlink():
            yield Shown(name, name)
    for pattern in _ETC:
        for path in sorted(Path("/etc").glob(pattern)):
            source = os.path.realpath(path)
            # A link into the system's files is shown as what it leads to.
            if Path(source).exists():
                yield Shown(source, str(path))


def system_links() -> Iterator[tuple[str, str]]:
    """Yield the links among the system's folders, target first (a merged ``/usr``)."""
    for name in SYSTEM:
        if Path(name).is_symlink():
            yield os.fspath(Path(name).readlink()), name


@functools.cache
def own_places() -> tuple[Path, ...]:
    """Return where the suite itself lies: its code, the edition it ships, its history."""
    package = Path(conformance.__file__).resolve().parent
    root = package.parent
    if not (root / "tasks" / "edition.yaml").is_file():
        return (package,)
    return (package, *(root / name for name in _OF_CHECKOUT))


def view_of(
    program: Program, hidden: Iterable[Path], system: Iterable[Shown]
) -> list[Shown | Path]:
    """Return what a program is shown beside ``system``, and in all of it places to show empty.

    In the order to mount them: what lies deeper comes later.

    Raises:
        UsageError: it wants to see as good as the whole machine.
    """
    system = tuple(system)
    shown: list[Shown] = []
    for path in program.files:
        shown += _names(path, shown)
    secret = [Path(os.path.realpath(path)) for path in (*own_places(), *hidden)]
    for one in (*system, *shown):
        secret += _copies(one.source)
    shown = [one for one in shown if not any(map(Path(one.source).is_relative_to, secret))]
    for path in (program.work, *program.writable):
        shown += _names(path, shown, is_writable=True)
    empty = dict.fromkeys(
        Path(one.at) / place.relative_to(one.source)
        for one in (*system, *shown)
        for place in secret
        if place.is_relative_to(one.source) and place.exists()
    )
    readable = [one for one in shown if not one.is_writable]
    writable = [one for one in shown if one.is_writable]
    return sorted([*readable, *empty, *writable], key=_depth)


def _depth(place: Shown | Path) -> int:
    return len(Path(place.at if isinstance(place, Shown) else place).parts)


def _names(path: Path, before: Iterable[Shown], *, is_writable: bool = False) -> list[Shown]:
    """Return a place under its real name, and under its own where links lead there."""
    name, source = os.path.abspath(path), os.path.realpath(path)  # noqa: PTH100 - links are kept
    if {name, source} & {*_TOO_WIDE, os.path.realpath(Path.home())}:
        raise UsageError(
            "too much to show to an agent in a jail",
            where=name,
            mend="keep the agent's files in a folder of their own",
        )
    shown = []
    if is_writable or not _is_within(source, SYSTEM):
        shown.append(Shown(source, source, is_writable))
    # Where a folder with the link is shown, the link itself leads on.
    if name != source and not _is_within(name, (*SYSTEM, *(one.at for one in before))):
        shown.append(Shown(source, name, is_writable))
    return shown


def _is_within(name: str, folders: Iterable[str]) -> bool:
    return any(map(Path(name).is_relative_to, folders))


@functools.cache
def _copies(folder: str) -> tuple[Path, ...]:
    """Return copies of the suite among the packages of an interpreter that is shown."""
    found = [path for pattern in _COPIES for path in Path(folder).glob(pattern)]
    return tuple(path.resolve() for path in found if (path / "sandbox" / "jail_init.py").is_file())
