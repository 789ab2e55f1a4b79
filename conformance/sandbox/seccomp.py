"""The system calls a script may not make: a seccomp filter, written as classic BPF.

The namespaces do the isolating; the filter takes away what nothing inside has a use for and what
escapes were built of (new namespaces, mounts, tracing, key rings, io_uring, vsock). There are two:
one for a short script, which forbids processes and threads altogether, since no limit on their
number is the same for root and others; and one for an agent that is a program of any kind.
"""

from __future__ import annotations

import errno
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Linux, include/uapi/linux/{filter,seccomp,audit}.h
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_X32_BIT = 0x40000000
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_NETLINK_ROUTE = 0
_NEW_NAMESPACES = 0x7E020000  # CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}; the same for unshare
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C


class Machine(NamedTuple):
    """A processor architecture: its audit number and its column in the tables below."""

    audit: int
    column: int
    has_x32: bool


MACHINES = {
    "x86_64": Machine(0xC000003E, 0, has_x32=True),
    "aarch64": Machine(0xC00000B7, 1, has_x32=False),
    "arm64": Machine(0xC00000B7, 1, has_x32=False),
}
"""By the name that ``platform.machine()`` gives."""

# Numbers on x86_64 and aarch64; None where there is no such call.
DENIED: dict[str, tuple[int | None, int | None]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "get_mempolicy": (239, 236),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "lookup_dcookie": (212, 18),
    "mbind": (237, 235),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "migrate_pages": (256, 238),
    "modify_ldt": (154, None),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "move_pages": (279, 239),
    "mq_open": (240, 180),
    "msgget": (68, 186),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "personality": (135, 92),
    "pidfd_getfd": (438, 438),
    "pidfd_open": (434, 434),
    "pidfd_send_signal": (424, 424),
    "pivot_root": (155, 41),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "semget": (64, 190),
    "set_mempolicy": (238, 237),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "shmget": (29, 194),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "vhangup": (153, 58),
}
"""Refused with EPERM."""
NEW_PROCESS: dict[str, tuple[int | None, int | None]] = {
    "clone": (56, 220),
    "clone3": (435, 435),
    "fork": (57, None),
    "vfork": (58, None),
}
"""Refused with EAGAIN, as where a limit of processes is reached."""
FOR_PROGRAMS = frozenset({"memfd_create", "pidfd_open", "pidfd_send_signal"})
"""Of the refused ones: what runtimes use, and what ends with the process namespace."""
ABSENT: dict[str, tuple[int | None, int | None]] = {"clone3": (435, 435)}
"""For programs ENOSYS: a filter cannot read its flags, and all fall back to clone."""
UNSUPPORTED: dict[str, tuple[int | None, int | None]] = {"fallocate": (285, 47)}
"""For programs EOPNOTSUPP: a disk could be taken in no time, before a limit is looked at."""
_CLONE = (56, 220)
_SOCKETS = ((41, 198), (53, 199))  # socket, socketpair
_IOCTL = (16, 29)
_REFUSED, _FULL = _ERRNO | errno.EPERM, _ERRNO | errno.EAGAIN


def compiled(machine: str, *, for_program: bool = False) -> bytes:
    """Return the filter for ``machine`` as ``bwrap --seccomp`` reads it.

    Args:
        machine: One of ``MACHINES``.
        for_program: The filter for an agent that is a program; else that for a script.

    Raises:
        KeyError: it is none of ``MACHINES``.
    """
    audit, column, has_x32 = MACHINES[machine]
    program = [
        _op(_LOAD, _ARCH),
        _op(_EQUAL, audit, 1, 0),
        _op(_RETURN, _KILL),
        _op(_LOAD, _NUMBER),
    ]
    if has_x32:
        program += [_op(_AT_LEAST, _X32_BIT, 0, 1), _op(_RETURN, _REFUSED)]
    for numbers, verdict in _verdicts(for_program=for_program):
        number = numbers[column]
        if number is not None:
            program += [_op(_EQUAL, number, 0, 1), _op(_RETURN, verdict)]
    for numbers in _SOCKETS:
        program += _by_family(numbers[column], has_netlink=for_program)
    if for_program:
        flags = [_argument(0), _op(_ANY_BIT, _NEW_NAMESPACES, 0, 1), _op(_RETURN, _REFUSED)]
        program += _only_for(_CLONE[column], [*flags, _op(_RETURN, _ALLOW)])
    program += _by_argument(_IOCTL[column], 1, (_TIOCSTI, _TIOCLINUX), _REFUSED, _ALLOW)
    program.append(_op(_RETURN, _ALLOW))
    return b"".join(program)


def _verdicts(*, for_program: bool) -> Iterator[tuple[tuple[int | None, int | None], int]]:
    """Yield the calls that are judged by their number alone, each with its verdict."""
    for name, numbers in DENIED.items():
        if not for_program or name not in FOR_PROGRAMS:
            yield numbers, _REFUSED
    if for_program:
        for numbers in ABSENT.values():
            yield numbers, _ERRNO | errno.ENOSYS
        for numbers in UNSUPPORTED.values():
            yield numbers, _ERRNO | errno.EOPNOTSUPP
    else:
        for numbers in NEW_PROCESS.values():
            yield numbers, _FULL


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """Return one ``struct sock_filter``; jumps count instructions to skip."""
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _argument(number: int) -> bytes:
    """Load the low half of an argument: of those judged here the kernel reads no more."""
    return _op(_LOAD, _ARGUMENTS + 8 * number)


def _only_for(number: int, judged: Sequence[bytes]) -> list[bytes]:
    """Judge one call, and leave the others to what follows."""
    return [_op(_EQUAL, number, 0, len(judged)), *judged]


def _by_argument(
    number: int, argument: int, values: Sequence[int], verdict: int, otherwise: int
) -> list[bytes]:
    """Judge a call by one argument."""
    tests = [_argument(argument)]
    for value in values:
        tests += [_op(_EQUAL, value, 0, 1), _op(_RETURN, verdict)]
    return _only_for(number, [*tests, _op(_RETURN, otherwise)])


def _by_family(number: int, *, has_netlink: bool) -> list[bytes]:
    """Allow sockets of this machine and the internet, and for programs asking for interfaces."""
    families = (_AF_UNIX, _AF_INET, _AF_INET6)
    if not has_netlink:
        return _by_argument(number, 0, families, _ALLOW, _REFUSED)
    tests = [_argument(0)]
    for family in families:
        tests += [_op(_EQUAL, family, 0, 1), _op(_RETURN, _ALLOW)]
    tests += [_op(_EQUAL, _AF_NETLINK, 1, 0), _op(_RETURN, _REFUSED)]
    tests += [_argument(2), _op(_EQUAL, _NETLINK_ROUTE, 0, 1), _op(_RETURN, _ALLOW)]
    return _only_for(number, [*tests, _op(_RETURN, _REFUSED)])
