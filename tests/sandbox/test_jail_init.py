"""The first process of a jail, run outside of one: what it leads on, starts and tells."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.sandbox.jail import INIT
from tests.sandbox.programs import reserved_port


class Init:
    """A started one, with its report."""

    def __init__(self, folder, *argv, **spec):
        self.kept = contextlib.ExitStack()
        self.port = self.kept.enter_context(reserved_port())
        told, telling = os.pipe()
        given = {
            "argv": argv,
            "env": {"PATH": "/usr/bin:/bin"},
            "cwd": str(folder),
            "port": self.port,
            "socket": str(folder / "g.sock"),
            "limits": {},
        }
        (folder / "spec.json").write_text(json.dumps(given | spec))
        command = [sys.executable, "-I", "-S", str(INIT), str(folder / "spec.json"), str(telling)]
        self.process = subprocess.Popen(
            command, pass_fds=[telling], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        os.close(telling)
        self.report = os.fdopen(told, encoding="utf-8")

    def told(self):
        return json.loads(self.report.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with self.process:
            self.process.kill()
        self.report.close()
        self.kept.close()


@pytest.fixture
async def far(folder):
    """The other side of the socket: what comes to it is in a queue of streams."""
    came = asyncio.Queue()
    server = await asyncio.start_unix_server(
        lambda *streams: came.put_nowait(streams), folder / "g.sock"
    )
    yield came
    server.close()


@pytest.fixture
async def init(folder, far):
    with Init(folder, "sleep", "60") as started:
        assert "started" in await asyncio.to_thread(started.told)
        yield started


async def connected(init, far):
    near = await asyncio.open_connection("127.0.0.1", init.port)
    return near, await far.get()


async def test_both_directions_and_their_ends_are_led_on(init, far):
    (near_in, near_out), (far_in, far_out) = await connected(init, far)
    near_out.write(b"question")
    near_out.write_eof()
    assert await far_in.read() == b"question"
    far_out.write(b"answer")  # after the other direction has ended
    far_out.close()
    assert await near_in.read() == b"answer"
    near_out.close()


async def test_much_is_led_on_whole_though_nobody_reads_for_a_while(init, far):
    (near_in, near_out), (far_in, far_out) = await connected(init, far)
    much = os.urandom(2**20) * 8
    for writer in (near_out, far_out):
        writer.write(much)
        writer.write_eof()
    assert await far_in.read() == much
    assert await near_in.read() == much
    near_out.close()
    far_out.close()


async def test_what_waits_is_bounded(init, far):
    def resident():
        text = Path(f"/proc/{init.process.pid}/statm").read_text()
        return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE")

    (_, near_out), (far_in, far_out) = await connected(init, far)
    before = resident()
    near_out.write(bytes(2**25))
    await asyncio.sleep(0.2)
    assert resident() - before < 2**23
    assert len(await far_in.readexactly(2**25)) == 2**25
    near_out.close()
    far_out.close()


async def test_hundreds_of_connections_at_once(init, far):
    pairs = [await connected(init, far) for _ in range(300)]
    for number, ((_, near_out), _) in enumerate(pairs):
        near_out.write(b"%d\n" % number)
    for number, (_, (far_in, far_out)) in enumerate(pairs):
        assert await far_in.readline() == b"%d\n" % number
        far_out.write(b"back\n")
        far_out.close()
    for (near_in, near_out), _ in pairs:
        assert await near_in.read() == b"back\n"
        near_out.close()
    async with asyncio.timeout(120):
        while open_files(init) >= 40:  # noqa: ASYNC110 - another process closes them
            await asyncio.sleep(0.01)


def open_files(init):
    return len(list(Path(f"/proc/{init.process.pid}/fd").iterdir()))


async def test_a_connection_that_breaks_off_breaks_off_there(init, far):
    (_, near_out), (far_in, far_out) = await connected(init, far)
    sock = near_out.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    near_out.transport.abort()
    assert await far_in.read() == b""
    far_out.close()
    (_, near_out), (far_in, far_out) = await connected(init, far)
    near_out.write(b"x")
    assert await far_in.read(1) == b"x"
    near_out.close()
    far_out.close()


async def test_without_a_gateway_a_connection_ends(folder):
    with Init(folder, "sleep", "60") as init:
        await asyncio.to_thread(init.told)
        reader, writer = await asyncio.open_connection("127.0.0.1", init.port)
        assert await reader.read() == b""
        writer.close()


async def test_it_waits_for_events_without_turning(init, far):
    """No busy loop: with connections half open and closed it uses no time."""
    near, (_, far_out) = await connected(init, far)
    far_out.close()
    other, (other_in, other_out) = await connected(init, far)
    other[1].write_eof()
    await other_in.read()

    def used():
        text = Path(f"/proc/{init.process.pid}/stat").read_text()
        return sum(map(int, text.rpartition(")")[2].split()[11:13]))

    before = used()
    await asyncio.sleep(0.3)
    assert used() - before < 10  # hundredths of a second
    for writer in (near[1], other[1], other_out):
        writer.close()


async def test_what_was_sent_before_the_end_arrives(folder, far):
    text = """
import json, os, socket
sock = socket.create_connection(("127.0.0.1", json.load(open("spec.json"))["port"]))
sock.sendall(b"x" * 100_000)
os._exit(0)
"""
    with Init(folder, sys.executable, "-c", text) as init:
        reader, writer = await far.get()
        assert len(await reader.read()) == 100_000
        await asyncio.to_thread(init.told)
        assert await asyncio.to_thread(init.told) == {"exit": 0}
        writer.close()


def test_the_exit_code_is_told(folder):
    with Init(folder, "sh", "-c", "exit 7") as init:
        assert init.told().keys() == {"started"}
        assert init.told() == {"exit": 7}
        assert init.process.wait() == 7


def test_a_signal_is_told(folder):
    with Init(folder, "sh", "-c", "kill -SEGV $$", limits={"RLIMIT_CORE": 0}) as init:
        init.told()
        assert init.told() == {"exit": -11}
        assert init.process.wait() == 139


def test_signals_are_passed_on(folder):
    text = "trap 'exit 9' TERM; echo up; while true; do sleep 0.01; done"
    with Init(folder, "sh", "-c", text) as init:
        init.told()
        assert init.process.stdout.readline() == b"up\n"
        init.process.send_signal(signal.SIGTERM)
        assert init.told() == {"exit": 9}


@pytest.mark.parametrize(
    ("argv", "cwd", "expected"),
    [
        (("no-such",), "/", [2, "no-such"]),
        (("/etc/passwd",), "/", [13, "/etc/passwd"]),
        (("sh",), "/no/such", [2, "/no/such"]),
        (("sh", "\0"), "/", [22, "sh"]),
    ],
)
def test_what_cannot_be_started_is_told(folder, argv, cwd, expected):
    with Init(folder, *argv, cwd=cwd) as init:
        assert init.told() == {"failed": expected}
        assert init.process.wait() == 127


def test_limits_are_set_and_lower_ones_stay(folder):
    import resource

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limits = {"RLIMIT_FSIZE": 4096, "RLIMIT_NOFILE": hard + 1, "RLIMIT_CORE": 0}
    with Init(folder, "sh", "-c", "ulimit -f; ulimit -n; ulimit -c", limits=limits) as init:
        said = init.process.stdout.read().decode().split()
    assert said == ["8", str(hard), "0"]


def test_ignored_signals_of_python_are_not_inherited(folder):
    with Init(folder, "grep", "SigIgn", "/proc/self/status") as init:
        assert init.process.stdout.read().split()[1] == b"0" * 16


def test_the_end_of_its_output_is_that_of_the_program(folder):
    with Init(folder, "sh", "-c", "exec >&-; sleep 60") as init:
        assert init.process.stdout.read() == b""
        assert init.process.poll() is None
