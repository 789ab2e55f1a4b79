"""The escape self-test: what holds in a jail leaks where there is none, and both are told."""

from __future__ import annotations

import asyncio
import os

import pytest

from conformance.sandbox import escape, jail_probes
from conformance.sandbox.bubblewrap import Bubblewrap
from conformance.sandbox.jail import Jail
from conformance.sandbox.plain import Plain
from conformance.sandbox.programs import Door

SAFE_ANYWAY = {"reach the gateway", "control the gateway"}
NOT_FOR_ALL_USERS = {
    "find a route out",  # where the machine has one
    "trace a process",  # where the system lets a user do so
    "mount",
    "make a user namespace",
    "gain privileges",
}


async def tried(launcher, door):
    return await asyncio.to_thread(launcher.self_test, door)


async def test_every_probe_is_held_in_a_jail(each_jail, door):
    found = await tried(each_jail, door)
    assert [p.probe for p in found] == list(escape.NAMES)
    assert [p for p in found if not p.held] == []


async def test_it_is_held_by_the_filter_alone_where_user_namespaces_are_not_disabled(
    provider, door
):
    found = await tried(Jail(Bubblewrap(provider.binary, disables_userns=False)), door)
    assert [p for p in found if not p.held] == []


async def test_what_leaks_without_a_jail_is_recorded(door):
    found = {p.probe: p for p in await tried(Plain(), door)}
    assert list(found) == list(escape.NAMES)
    for name, probed in found.items():
        if name in SAFE_ANYWAY:
            assert probed.held
        elif name not in NOT_FOR_ALL_USERS:
            assert probed.detail.startswith("LEAK"), probed
    if os.getuid() == 0:
        assert not found["mount"].held
        assert not found["gain privileges"].held


async def test_it_leaves_nothing_behind(jail, door, folder, monkeypatch):
    monkeypatch.setattr(escape.tempfile, "tempdir", str(folder))
    before = set(folder.iterdir())
    await tried(jail, door)
    assert set(folder.iterdir()) == before


async def test_a_jail_without_a_way_to_the_gateway_proves_nothing(jail, door, folder):
    (folder / "nobody.sock").touch()
    found = {p.probe: p for p in await tried(jail, Door(door.port, folder / "nobody.sock"))}
    assert not found["reach the gateway"].held
    assert not found["control the gateway"].held


async def test_a_control_page_on_the_gateway_is_a_leak(jail, folder):
    async def served(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        status = b"200 OK" if head.startswith(b"POST /shutdown ") else b"404 Not Found"
        writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_unix_server(served, folder / "g.sock")
    try:
        found = {p.probe: p for p in await tried(jail, Door(54321, folder / "g.sock"))}
    finally:
        server.close()
    assert found["control the gateway"].detail == "LEAK POST /shutdown answers 200"


async def test_probes_that_do_not_run_are_not_held(door, folder):
    fake = folder / "bwrap"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    found = await tried(Jail(Bubblewrap(str(fake))), door)
    assert [p.held for p in found] == [False] * len(escape.NAMES)
    assert found[0].detail.startswith("did not run")


async def test_probes_that_do_not_end_are_not_held(jail, door, monkeypatch, folder):
    source = folder / "probes.py"
    source.write_text("print('[\"mount\", true, \"x\"]'); print('no line'); raise SystemExit(3)")
    monkeypatch.setattr(escape, "_SOURCE", source)
    found = {p.probe: p for p in await tried(jail, door)}
    assert [name for name, probed in found.items() if probed.held] == ["mount"]
    assert "exit 3" in found["see other processes"].detail


def test_a_probe_that_fails_by_itself_has_not_held():
    held, detail = jail_probes.tried("read a secret", {})
    assert not held
    assert detail.startswith("failed: KeyError")


WEAKER = [
    ("read the suite's source", ("--ro-bind", str(escape._SOURCE.parent), None)),
    ("see other processes", ("--ro-bind", "/proc", "/proc")),
    ("connect to the model's port", ("--share-net",)),
]


@pytest.mark.parametrize(("name", "options"), WEAKER, ids=[name for name, _ in WEAKER])
async def test_a_jail_with_a_hole_is_told(jail, door, name, options, monkeypatch):
    options = [options[1] if word is None else word for word in options]
    places = Jail._places

    def with_hole(self, program):
        return [*places(self, program), *options]

    monkeypatch.setattr(Jail, "_places", with_hole)
    if "--share-net" in options:  # the port is taken there, so the way in has another
        door = Door(54321, door.socket)
    found = {p.probe: p for p in await tried(jail, door)}
    assert found[name].detail.startswith("LEAK")
