"""Containers by the engine's command line: what is asked of it, and what comes of that.

The engine is a stand-in; the first process and the program are real, without a container.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
from pathlib import Path

import pytest

from conformance import sandbox
from conformance.errors import AgentUnavailableError, UsageError
from conformance.sandbox import programs
from conformance.sandbox.contract import SandboxBrokenError
from tests.sandbox.programs import end_of, limits, program, reserved_port

FAKE = Path(__file__).with_name("fake_engine.py")


@pytest.fixture(params=["docker", "podman"])
def engine(request, folder, monkeypatch):
    for name in ("bin", "notes"):
        (folder / name).mkdir()
    fake = folder / "bin" / request.param
    fake.write_text(f'#!/bin/sh\nexec {sys.executable} -I {FAKE} "$@"\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_ENGINE", str(folder / "notes"))
    return request.param


@pytest.fixture
def launcher(engine):
    return sandbox.launcher(engine, image="agent:1")


@pytest.fixture
def door(door):
    """The gateway's port is free here, since there is no namespace of the network."""
    with reserved_port() as port:
        yield programs.Door(port, door.socket)


def calls(folder):
    return [json.loads(line) for line in (folder / "notes/calls").read_text().splitlines()]


def run_of(folder):
    return next(words for words in calls(folder) if words[0] == "run")


def values(words, option):
    return [value for name, value in itertools.pairwise(words) if name == option]


def python(folder, text, **more):
    """A program as in an image: by its name alone."""
    return program(folder, "python3", "-c", text, files=(), **more)


async def test_a_program_runs_and_finds_the_gateway(launcher, door, folder):
    text = f"""
import http.client, os, sys
connection = http.client.HTTPConnection("127.0.0.1", {door.port})
connection.request("GET", "/x")
print(connection.getresponse().status, sorted(os.environ))
sys.exit(3)
"""
    ended = await end_of(launcher, python(folder, text), door)
    assert (ended.code, ended.output) == (3, "404 ['HOME', 'LANG', 'PATH', 'TMPDIR']\n")


async def test_what_is_asked_of_the_engine(launcher, engine, door, folder):
    agent, store = folder / "agent", folder / "a,store"
    for place in (agent, agent / "sealed", store):
        place.mkdir()
    started = program(
        folder,
        *("true", "SECRET"),
        env={"KEY": "SECRET"},
        files=(agent, Path("/usr/bin")),
        writable=(store,),
        limits=limits(memory_bytes=1000, processes=7, folder_bytes=500),
    )
    await end_of(launcher.hiding([agent / "sealed"]), started, door)
    words = run_of(folder)
    assert words[:4] == ["run", "--rm", "--pull", "never"]
    for option, value in {
        "--network": "none",
        "--cap-drop": "ALL",
        "--security-opt": "no-new-privileges",
        "--pids-limit": "71",
        "--memory": "2500",
        "--memory-swap": "2500",
        "--shm-size": "500",
        "--user": f"{os.getuid()}:{os.getgid()}",
        "--entrypoint": "python3",
    }.items():
        assert values(words, option) == [value]
    assert "--read-only" in words
    assert "--interactive" not in words
    assert not any("SECRET" in word for word in words)
    mounts = values(words, "--mount")
    assert f"type=bind,source={agent},target={agent},readonly" in mounts
    assert f"type=bind,source={started.work},target={started.work}" in mounts
    assert f'type=bind,"source={store}","target={store}"' in mounts
    assert f"type=bind,source={door.socket},target=/.jail/gateway.sock" in mounts
    assert not any("target=/usr" in mount for mount in mounts)
    copy_up = ",notmpcopyup" if engine == "podman" else ""
    assert f"{agent / 'sealed'}:ro,size=4096{copy_up}" in values(words, "--tmpfs")
    assert "/tmp:rw,exec,nosuid,nodev,mode=1777,size=500" in values(words, "--tmpfs")


async def test_pipes_are_the_callers(launcher, door, folder):
    running = await launcher.launch(python(folder, "print(input())", has_pipes=True), door)
    running.stdin.write(b"hello\n")
    assert await running.stdout.readline() == b"hello\n"
    assert (await running.wait()).code == 0
    assert "--interactive" in run_of(folder)


async def test_it_is_asked_to_stop_and_then_killed_by_name(launcher, door, folder):
    text = "trap 'exit 7' TERM; echo up; while true; do sleep 0.01; done"
    started = program(folder, "sh", "-c", text, files=(), has_pipes=True)
    running = await launcher.launch(started, door)
    assert await running.stdout.readline() == b"up\n"
    await running.stop(60)
    assert (await running.wait()).code == 7
    assert not any(words[0] == "kill" for words in calls(folder))
    (folder / "notes/calls").unlink()
    text = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(60)
"""
    running = await launcher.launch(python(folder, text, has_pipes=True), door)
    assert await running.stdout.readline() == b"up\n"
    await running.stop(0.1)
    assert (await running.wait()).code == -9
    name = values(run_of(folder), "--name")[0]
    assert ["kill", "--signal", "KILL", name] in calls(folder)


async def test_its_processes_are_watched(launcher, door, folder):
    text = """
import threading, time
for _ in range(30):
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
time.sleep(60)
"""
    started = python(folder, text, limits=limits(processes=8))
    running = await launcher.launch(started, door)
    assert (await running.wait())[:2] == (-9, "processes")


async def test_a_program_that_is_not_there(launcher, door, folder):
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        await launcher.launch(program(folder, "no-such-program", files=()), door)


async def test_an_engine_that_fails_is_no_fault_of_the_program(launcher, door, folder, monkeypatch):
    monkeypatch.setattr("conformance.sandbox.report.LAST_S", 0.1)
    (folder / "notes/broken").touch()
    with pytest.raises(SandboxBrokenError, match="no space left"):
        await launcher.launch(program(folder, "true", files=()), door)


async def test_it_leaves_no_files(launcher, door, folder, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    started = python(folder, "pass")
    before = set(folder.iterdir())
    await end_of(launcher, started, door)
    assert set(folder.iterdir()) == before


def test_it_says_what_it_is(launcher, engine):
    told = launcher.describe()
    assert (told["name"], told["version"], told["image"]) == (engine, "fake 1", "agent:1")
    assert launcher.is_jail


def test_an_image_that_is_not_there(engine):
    with pytest.raises(AgentUnavailableError, match=f"no such image: x — .*{engine} pull x"):
        sandbox.launcher(engine, image="x")


def test_no_image(engine):
    with pytest.raises(UsageError, match=r"needs an image — .*--image"):
        sandbox.launcher(engine)


def test_no_engine(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(AgentUnavailableError, match="podman is not installed — install podman"):
        sandbox.launcher("podman", image="x")
