from __future__ import annotations

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.sandbox import seccomp

ALLOW, KILL = 0x7FFF0000, 0x80000000
EPERM, EAGAIN = 0x50000 | errno.EPERM, 0x50000 | errno.EAGAIN
TABLES = {"x86_64": 0, "aarch64": 1}
PROGRAMS = {name: list(struct.iter_unpack("=HBBI", seccomp.compiled(name))) for name in TABLES}
FOR_PROGRAM = {
    name: list(struct.iter_unpack("=HBBI", seccomp.compiled(name, for_program=True)))
    for name in TABLES
}
SOCKET, IOCTL = {"x86_64": 41, "aarch64": 198}, {"x86_64": 16, "aarch64": 29}


def verdict(machine, number, *arguments, audit=None, programs=PROGRAMS):
    """Interpret a filter as the kernel does."""
    program = programs[machine]
    arch = seccomp.MACHINES[machine].audit if audit is None else audit
    data = struct.pack("=iIQ6Q", number, arch, 0, *(*arguments, *[0] * 6)[:6])
    accumulator, place = 0, 0
    while True:
        code, if_true, if_false, value = program[place]
        place += 1
        if code == 0x06:
            return value
        if code == 0x20:
            (accumulator,) = struct.unpack_from("=I", data, value)
        else:
            tests = {0x15: accumulator == value, 0x35: accumulator >= value}
            holds = tests[code] if code != 0x45 else bool(accumulator & value)
            place += if_true if holds else if_false


machines = st.sampled_from(sorted(TABLES))


@given(machines, st.integers(0, 500))
def test_each_call_gets_the_verdict_of_its_table(machine, number):
    def listed(table):
        return number in {numbers[TABLES[machine]] for numbers in table.values()}

    if number in (SOCKET[machine], SOCKET[machine] + (12 if machine == "x86_64" else 1)):
        assert verdict(machine, number, 1) == ALLOW
    elif listed(seccomp.DENIED):
        assert verdict(machine, number) == EPERM
    elif listed(seccomp.NEW_PROCESS):
        assert verdict(machine, number) == EAGAIN
    else:
        assert verdict(machine, number) == ALLOW


@given(machines, st.integers(0, 45))
def test_only_local_and_internet_sockets_are_made(machine, family):
    expected = ALLOW if family in (1, 2, 10) else EPERM
    assert verdict(machine, SOCKET[machine], family) == expected


@given(machines, st.sampled_from([0x5412, 0x541C, 0x5401, 0]), st.integers(0, 2**32 - 1))
def test_no_input_is_pushed_into_a_terminal(machine, request, high):
    expected = EPERM if request in (0x5412, 0x541C) else ALLOW
    assert verdict(machine, IOCTL[machine], 0, high << 32 | request) == expected


@given(st.integers(0, 500), st.integers(0, 2**32 - 1))
def test_another_architecture_is_killed(number, audit):
    expected = KILL if audit != seccomp.MACHINES["x86_64"].audit else None
    if expected is not None:
        assert verdict("x86_64", number, audit=audit) == expected


@given(st.integers(0x40000000, 0x7FFFFFFF))
def test_the_x32_calls_are_refused(number):
    assert verdict("x86_64", number) == EPERM


def test_a_machine_without_a_filter_has_no_sandbox():
    with pytest.raises(KeyError):
        seccomp.compiled("riscv64")


def for_program(machine, number, *arguments):
    return verdict(machine, number, *arguments, programs=FOR_PROGRAM)


@given(machines, st.integers(0, 500))
def test_a_program_may_make_processes_and_not_much_else_that_a_script_may_not(machine, number):
    free = {name: seccomp.DENIED[name] for name in seccomp.FOR_PROGRAMS}
    column = TABLES[machine]

    def listed(table):
        return number in {numbers[column] for numbers in table.values()}

    if listed(seccomp.ABSENT):
        expected = 0x50000 | errno.ENOSYS
    elif listed(seccomp.UNSUPPORTED):
        expected = 0x50000 | errno.EOPNOTSUPP
    elif listed(seccomp.NEW_PROCESS) or listed(free):
        expected = ALLOW
    else:
        expected = verdict(machine, number)
    assert for_program(machine, number) == expected


NEW_NAMESPACE = [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]


@given(machines, st.sampled_from([0, *NEW_NAMESPACE]), st.integers(0, 0x1FFFF))
def test_a_program_makes_no_namespace_along_with_a_process(machine, flag, others):
    clone = seccomp.NEW_PROCESS["clone"][TABLES[machine]]
    expected = EPERM if flag else ALLOW
    assert for_program(machine, clone, flag | others) == expected
    assert for_program(machine, clone, 1 << 32 | flag | others) == expected


@given(machines, st.integers(0, 45), st.integers(0, 20))
def test_a_program_may_ask_for_interfaces_alone_of_the_kernel(machine, family, protocol):
    is_fine = family in (1, 2, 10) or (family, protocol) == (16, 0)
    assert for_program(machine, SOCKET[machine], family, 2, protocol) == (
        ALLOW if is_fine else EPERM
    )
