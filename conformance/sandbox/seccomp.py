"""The system calls a script may not make: a seccomp filter, written as classic BPF.

The namespaces do the isolating; the filter takes away what a script has no use for and what
escapes were built of (new namespaces, mounts, tracing, key rings, io_uring, vsock), and forbids
processes and threads altogether: no limit on their number is the same for root and others.
"""

from __future__ import annotations

import errno
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

# Linux, include/uapi/linux/{filter,seccomp,audit}.h
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCH, _ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
_X32_BIT = 0x40000000
_AF_UNIX, _AF_INET, _AF_INET6 = 1, 2, 10
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
_SOCKETS = ((41, 198), (53, 199))  # socket, socketpair
_IOCTL = (16, 29)


def compiled(machine: str) -> bytes:
    """Return the filter for ``machine`` as ``bwrap --seccomp`` reads it.

    Raises:
        KeyError: it is none of ``MACHINES``.
    """
    audit, column, has_x32 = MACHINES[machine]
    refused, full = _ERRNO | errno.EPERM, _ERRNO | errno.EAGAIN
    program = [
        _op(_LOAD, _ARCH),
        _op(_EQUAL, audit, 1, 0),
        _op(_RETURN, _KILL),
        _op(_LOAD, _NUMBER),
    ]
    if has_x32:
        program += [_op(_AT_LEAST, _X32_BIT, 0, 1), _op(_RETURN, refused)]
    for table, verdict in ((DENIED, refused), (NEW_PROCESS, full)):
        for numbers in table.values():
            number = numbers[column]
            if number is not None:
                program += [_op(_EQUAL, number, 0, 1), _op(_RETURN, verdict)]
    for numbers in _SOCKETS:
        families = (_AF_UNIX, _AF_INET, _AF_INET6)
        program += _by_argument(numbers[column], 0, families, _ALLOW, refused)
    program += _by_argument(_IOCTL[column], 1, (_TIOCSTI, _TIOCLINUX), refused, _ALLOW)
    program.append(_op(_RETURN, _ALLOW))
    return b"".join(program)


def _op(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """Return one ``struct sock_filter``; jumps count instructions to skip."""
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _by_argument(
    number: int, argument: int, values: Sequence[int], verdict: int, otherwise: int
) -> list[bytes]:
    """Judge a call by the low half of one argument: the kernel reads no more of these two."""
    tests = [_op(_LOAD, _ARGUMENTS + 8 * argument)]
    for value in values:
        tests += [_op(_EQUAL, value, 0, 1), _op(_RETURN, verdict)]
    tests.append(_op(_RETURN, otherwise))
    return [_op(_EQUAL, number, 0, len(tests)), *tests]
