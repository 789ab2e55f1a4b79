"""The report of a jail's first process: a program may get at it, and can make nothing of that."""

from __future__ import annotations

import pytest

from conformance.sandbox import report
from conformance.sandbox.probes import idle_process
from conformance.sandbox.report import Report
from tests.sandbox.programs import script


class Pipe:
    is_closed = False

    def close(self):
        self.is_closed = True


def made(*parts):
    found = []
    made = Report(found.append)
    for part in parts:
        made.data_received(part)
    return made, found


async def test_lines_may_come_in_pieces():
    made_, found = made(b'{ "child-pid": 7, "x": 1 }\n{"star', b'ted": 2}\n{"exit": -9}\n')
    assert found == [7]
    assert await made_.begun(1) is None
    assert made_.exit_code(137) == -9


async def test_what_was_told_once_stays():
    lines = b'{"child-pid": 7}\n{"started": 2}\n{"exit": 3}\n'
    made_, found = made(lines, b'{"child-pid": 1, "exit": 0, "failed": [2, "x"]}\n')
    assert found == [7]
    assert made_.exit_code(3) == 3


async def test_what_is_no_object_is_passed_over():
    made_, found = made(b"x\n[1]\n\xff\n", b'{"child-pid": 7}\n')
    assert found == [7]
    assert made_.exit_code(5) == 5


async def test_why_it_could_not_be_started():
    made_, _ = made(b'{"failed": [13, "/x"]}\n')
    error = await made_.begun(1)
    assert isinstance(error, PermissionError)
    assert error.filename == "/x"


async def test_the_end_without_a_start():
    made_, _ = made(b'{"child-pid": 7}\n')
    made_.connection_lost(None)
    with pytest.raises(EOFError):
        await made_.begun(1)
    assert made_.exit_code(137) == -9


async def test_nothing_told_in_time():
    with pytest.raises(TimeoutError):
        await made()[0].begun(0.01)


async def test_a_flood_is_cut_off():
    made_, _ = made()
    pipe = Pipe()
    made_.connection_made(pipe)
    for _ in range(report.MOST_BYTES // 1000 + 1):
        made_.data_received(bytes(1000))
    assert pipe.is_closed


FORGER = """
import os, time
for number in range(3, 20):
    try:
        with open(f"/proc/1/fd/{number}", "w") as file:
            file.write('{"child-pid": PID, "exit": 0}\\n')
    except OSError:
        pass
print("up", flush=True)
time.sleep(60)
"""


async def test_a_program_that_writes_to_it_ends_nobody_else(jail, door, folder):
    with idle_process() as idle:
        text = FORGER.replace("PID", str(idle.pid))
        running = await jail.launch(script(folder, text, has_pipes=True), door)
        assert await running.stdout.readline() == b"up\n"
        await running.kill()
        assert idle.poll() is None
