"""What every launcher owes: a start, an environment, streams, limits, an end of all it started."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from pathlib import Path

import pytest

from conformance.sandbox import watch
from conformance.sandbox.contract import SandboxBrokenError
from tests.sandbox.programs import end_of, limits, program, script

MIB = 2**20


def alive(mark):
    """The processes of this machine, in the jail or not, with a mark among their arguments."""
    found = []
    for pid in watch.processes():
        try:
            if mark.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
        except OSError:
            continue
    return found


@pytest.fixture
def mark():
    return f"mark-{os.urandom(8).hex()}"


async def test_a_program_runs_and_its_end_is_told(launcher, door, folder):
    text = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    ended = await end_of(launcher, script(folder, text), door)
    assert ended == (3, None, "err\n", "out\n")


async def test_what_it_said_is_its_output_where_it_complained_of_nothing(launcher, door, folder):
    assert (await end_of(launcher, script(folder, "print('x')"), door)).said == "x\n"


async def test_a_signal_is_a_negative_code(launcher, door, folder):
    ended = await end_of(launcher, program(folder, "/bin/sh", "-c", "kill -9 $$"), door)
    assert (ended.code, ended.killed_for) == (-9, None)


async def test_its_environment_is_what_it_is_given(launcher, door, folder, monkeypatch):
    monkeypatch.setenv("UPSTREAM_KEY", "secret")
    text = "import os; print(sorted(set(os.environ) - {'AGENT_PROGRAM'}), os.environ['GIVEN'])"
    ended = await end_of(launcher, script(folder, text, env={"GIVEN": "é"}), door)
    assert ended.output == "['GIVEN', 'HOME', 'LANG', 'PATH', 'TMPDIR'] é\n"


async def test_it_has_a_home_and_a_place_for_temporary_files(launcher, door, folder):
    text = """
import os, tempfile
open(os.path.expanduser("~/x"), "w").write("x")
with tempfile.NamedTemporaryFile() as file:
    print(file.name.startswith(os.environ["TMPDIR"]))
"""
    assert (await end_of(launcher, script(folder, text), door)).output == "True\n"


async def test_its_own_home_wins(launcher, door, folder):
    started = script(folder, "import os; print(os.environ['HOME'])", env={"HOME": "/elsewhere"})
    assert (await end_of(launcher, started, door)).output == "/elsewhere\n"


async def test_work_and_store_are_written_under_their_own_names(launcher, door, folder):
    store = folder / "store"
    store.mkdir()
    text = f"import os; open('w', 'w').write('1'); open({str(store / 's')!r}, 'w').write('2')"
    started = script(folder, text, writable=(store,))
    assert (await end_of(launcher, started, door)).code == 0
    assert (started.work / "w").read_text() == "1"
    assert (store / "s").read_text() == "2"


async def test_the_gateway_is_on_loopback(launcher, door, folder):
    text = f"""
import http.client
connection = http.client.HTTPConnection("127.0.0.1", {door.port})
for path in ("/a", "/b"):
    connection.request("GET", path)
    print(connection.getresponse().read().decode())
"""
    ended = await end_of(launcher, script(folder, text), door)
    assert ended.output == "GET /a HTTP/1.1\nGET /b HTTP/1.1\n"


@pytest.mark.parametrize("name", ["no-such-program", "/no/such/program"])
async def test_a_program_that_is_not_there(launcher, door, folder, name):
    with pytest.raises(FileNotFoundError, match=name):
        await launcher.launch(program(folder, name), door)


async def test_a_program_that_may_not_be_run(launcher, door, folder):
    plain = folder / "plain.txt"
    plain.touch()
    with pytest.raises(PermissionError, match="plain"):
        await launcher.launch(program(folder, plain, files=(plain,)), door)


async def test_a_folder_that_is_not_there(launcher, door, folder):
    started = program(folder, "/bin/true", cwd=folder / "none")
    if launcher.is_jail:  # it is empty there
        assert (await end_of(launcher, started, door)).code == 0
    else:
        with pytest.raises(FileNotFoundError, match="none"):
            await launcher.launch(started, door)


async def test_pipes_are_the_callers(launcher, door, folder):
    text = "import sys\nfor line in sys.stdin: print(line.upper(), end='', flush=True)"
    running = await launcher.launch(script(folder, text, has_pipes=True), door)
    for line in (b"one\n", b"x" * 200_000 + b"\n"):
        running.stdin.write(line)
        await running.stdin.drain()
        assert await running.stdout.readline() == line.upper()
    running.stdin.close()
    assert await running.stdout.read() == b""
    assert await running.wait() == (0, None, "", "")


async def test_what_it_wrote_last_can_be_read_after_its_end(launcher, door, folder):
    started = script(folder, "import os; os.write(1, b'x' * 60_000)", has_pipes=True)
    running = await launcher.launch(started, door)
    assert (await running.wait()).code == 0
    assert len(await running.stdout.read()) == 60_000


async def test_without_pipes_its_input_is_empty(launcher, door, folder):
    text = "import sys; print(repr(sys.stdin.read()))"
    assert (await end_of(launcher, script(folder, text), door)).output == "''\n"


async def test_the_end_of_the_output_is_kept(launcher, door, folder):
    text = "print('x' * 100_000 + 'end')"
    ended = await end_of(launcher, script(folder, text, limits=limits(kept_bytes=1000)), door)
    assert len(ended.output) == 1000
    assert ended.output.endswith("xend\n")


@pytest.mark.parametrize("stream", [1, 2])
@pytest.mark.parametrize("has_pipes", [False, True])
async def test_a_flood_ends_it(launcher, door, folder, stream, has_pipes):
    text = f"import os\nfor _ in range(3000): os.write({stream}, b'x' * 65536)"
    started = script(folder, text, has_pipes=has_pipes, limits=limits(output_bytes=MIB))
    running = await launcher.launch(started, door)
    if has_pipes and stream == 1:
        while await running.stdout.read(65536):
            pass
    assert (await running.wait())[:2] == (-9, "output")


# Each stops far beyond its limit and stays there for a minute: where nothing keeps it, no harm is
# done, and a watch that looks late still finds it.
HOG = """
import time
held = []
for _ in range(400):
    held.append(bytearray(b"x" * 2**20))
    time.sleep(0.005)
time.sleep(60)
"""
FORKS = """
import subprocess, time
for _ in range(100):
    subprocess.Popen(["sleep", "60"])
    time.sleep(0.02)
time.sleep(60)
"""
THREADS = """
import threading, time
for _ in range(100):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    time.sleep(0.02)
time.sleep(60)
"""
FILLER = """
import os, time
for number in range(300):
    open(os.path.join(FOLDER, str(number)), "wb").write(bytes(2**20))
    time.sleep(0.01)
time.sleep(60)
"""
DELETED = """
import os, time
held = []
for _ in range(300):
    held.append(open("deleted", "wb"))
    os.unlink("deleted")
    held[-1].write(bytes(2**20))
    held[-1].flush()
    time.sleep(0.01)
time.sleep(60)
"""
BIG_FILE = "file = open('big', 'wb')\nfor _ in range(100): file.write(bytes(2**20))"
SMALL = limits(memory_bytes=100 * MIB, processes=24, folder_bytes=16 * MIB)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        (HOG, "memory"),
        (FORKS, "processes"),
        (THREADS, "processes"),
        (FILLER.replace("FOLDER", "'.'"), "folder"),
        (DELETED, "folder"),
    ],
    ids=["memory", "forks", "threads", "files", "deleted files"],
)
async def test_a_limit_ends_it_with_all_that_it_started(launcher, door, folder, text, limit, mark):
    started = script(folder, text, limits=SMALL)
    started = started._replace(argv=(*started.argv, mark))
    assert (await end_of(launcher, started, door))[:2] == (-9, limit)
    assert alive(mark) == []


async def test_a_store_that_is_filled_ends_it(launcher, door, folder):
    store = folder / "store"
    store.mkdir()
    text = FILLER.replace("FOLDER", repr(str(store)))
    started = script(folder, text, writable=(store,), limits=SMALL)
    assert (await end_of(launcher, started, door))[:2] == (-9, "folder")


async def test_a_file_that_is_too_big_fails(launcher, door, folder):
    ended = await end_of(launcher, script(folder, BIG_FILE, limits=SMALL), door)
    assert (ended.code, ended.killed_for) == (1, None)
    assert "File too large" in ended.said


async def test_a_file_that_is_too_big_ends_what_does_not_look(launcher, door, folder):
    started = program(
        folder, "/usr/bin/dd", "if=/dev/zero", "of=big", "bs=1M", "count=100", limits=SMALL
    )
    assert (await end_of(launcher, started, door))[:2] == (-signal.SIGXFSZ, "folder")


DAEMON = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
told, telling = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print("up", flush=True)
        os.write(telling, b"x")
        time.sleep(60)
    os._exit(0)
os.wait()
os.read(told, 1)  # it has spoken before the end takes it
WHAT
"""


@pytest.mark.parametrize("way", ["end", "stop", "kill"])
async def test_its_end_is_that_of_all_it_started(launcher, door, folder, mark, way):
    text = DAEMON.replace("WHAT", "sys.exit(5)" if way == "end" else "time.sleep(60)")
    started = script(folder, text, has_pipes=True)
    running = await launcher.launch(started._replace(argv=(*started.argv, mark)), door)
    assert await running.stdout.readline() == b"up\n"
    if way == "stop":
        await running.stop(0.1)
    elif way == "kill":
        await running.kill()
    assert (await running.wait()).code == (5 if way == "end" else -9)
    assert alive(mark) == []


async def test_asked_to_stop_it_may_end_in_order(launcher, door, folder):
    text = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print("up", flush=True)
time.sleep(60)
"""
    running = await launcher.launch(script(folder, text, has_pipes=True), door)
    await running.stdout.readline()
    await running.stop(30)
    assert (await running.wait()).code == 7
    await running.stop()
    await running.kill()


async def test_the_signal_reaches_its_group(launcher, door, folder):
    text = "trap 'echo told; exit 0' TERM; sh -c 'trap \"exit 0\" TERM; echo up; sleep 60' & wait"
    running = await launcher.launch(program(folder, "sh", "-c", text, has_pipes=True), door)
    await running.stdout.readline()
    await running.stop(30)
    assert (await running.wait()).code == 0


async def test_several_may_wait(launcher, door, folder):
    running = await launcher.launch(program(folder, "sleep", "60"), door)
    waits = [asyncio.create_task(running.wait()) for _ in range(3)]
    await asyncio.sleep(0)
    waits[0].cancel()
    await running.kill()
    assert [await wait for wait in waits[1:]] == [(-9, None, "", "")] * 2


async def test_a_stop_that_is_called_off_kills(launcher, door, folder):
    text = "trap '' TERM; echo up; while true; do sleep 1; done"
    running = await launcher.launch(program(folder, "sh", "-c", text, has_pipes=True), door)
    await running.stdout.readline()
    stopping = asyncio.create_task(running.stop(60))
    await asyncio.sleep(0)
    stopping.cancel()
    assert (await running.wait()).code == -9


async def test_a_start_that_is_called_off_leaves_nothing(launcher, door, folder, mark):
    start = asyncio.create_task(
        launcher.launch(program(folder, "sh", "-c", "sleep 60", mark), door)
    )
    await asyncio.sleep(0)
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    for part in ("_launch", "_see_out"):
        left = [task for task in asyncio.all_tasks() if f"{part}()" in repr(task)]
        assert len(left) == 1
        await asyncio.gather(*left)
    assert alive(mark) == []


def test_a_closed_event_loop_leaves_nothing(launcher, folder, mark):
    from conformance.sandbox.programs import Door

    async def begin():
        (folder / "s").touch()
        await launcher.launch(
            program(folder, "sh", "-c", "sleep 60", mark), Door(54321, folder / "s")
        )

    asyncio.run(begin())
    assert alive(mark) == []


async def test_many_starts_leave_nothing_behind(launcher, door, folder):
    async def one(number):
        started = program(folder, "sh", "-c", f"sleep 60 & exit {number % 2}")
        assert (await end_of(launcher, started, door)).code == number % 2

    await one(0)
    await asyncio.gather(*map(one, range(3)))
    gc.collect()
    before = counts()
    for _ in range(5):
        await asyncio.gather(*map(one, range(10)))
    gc.collect()
    assert counts() == before


async def test_it_leaves_no_files(launcher, door, folder, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    started = script(folder, "import os; open(os.path.expanduser('~/x'), 'w').write('x')")
    before = set(folder.iterdir())
    assert (await end_of(launcher, started, door)).code == 0
    assert set(folder.iterdir()) == before


def counts():
    everyone = watch.processes()
    children = [p.pid for p in everyone.values() if p.parent == os.getpid()]
    return len(list(Path("/proc/self/fd").iterdir())), children, len(asyncio.all_tasks())


async def test_a_jail_that_fails_is_no_fault_of_the_program(door, folder):
    from conformance.sandbox.bubblewrap import Bubblewrap
    from conformance.sandbox.jail import Jail

    fake = folder / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: no loopback' >&2; exit 1\n")
    fake.chmod(0o755)
    broken = Jail(Bubblewrap(str(fake)))
    with pytest.raises(SandboxBrokenError, match="no loopback"):
        await broken.launch(program(folder, "true"), door)
    assert broken.complaint() == "bwrap: no loopback"
    with pytest.raises(SandboxBrokenError, match="cannot be started"):
        await Jail(Bubblewrap(str(folder / "none"))).launch(program(folder, "true"), door)


async def test_process_1_of_a_jail_lends_nobody_its_memory_or_its_report(jail, door, folder):
    text = """
import os
for way in (
    lambda: open("/proc/1/mem", "r+b"),
    lambda: os.open("/proc/1/fd/0", os.O_WRONLY),
    lambda: open("/proc/1/environ").read(),
):
    try:
        way()
        print("open")
    except OSError as error:
        print(type(error).__name__)
"""
    assert (await end_of(jail, script(folder, text), door)).output == "PermissionError\n" * 3
