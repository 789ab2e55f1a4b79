"""Programs that mean harm: to win a trial again, to leave something behind, to get out."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from conformance import sandbox
from conformance.agents.a2a import A2aSession
from conformance.agents.acp_wire import Client
from conformance.agents.agentfile import read_agent_file
from conformance.agents.contract import AgentFailedError, ModelFaultError
from conformance.agents.external import ExternalAgent, Said
from conformance.agents.http_contract import handles
from conformance.agents.process import ProcessTransport, Setup
from conformance.agents.shown import refuse_temporary, ways_out
from conformance.agents.turns import ASK, next_turn, taken
from conformance.authoring import ToolSpec
from conformance.clearing import clear_away
from conformance.errors import UsageError
from conformance.gateway import Gateway, Handle
from conformance.sandbox.jail import Jail
from conformance.sandbox.plain import Plain
from tests.agents.test_process_trials import (
    HEAD,
    SOLVES,
    ledger,
    notes,
    opened,
    plan,
    tried,
)
from tests.fakes.doors import FakeDoors, task
from tests.trial.test_run import attempt

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from conformance.agents.contract import TaskView

DEEP = 900
"""Deep enough to be read, and too deep to be looked at."""
NESTED = '{"a":' * DEEP + "1" + "}" * DEEP


@pytest.fixture(autouse=True)
def untested(monkeypatch):
    """Leave the self-test out: it takes longer than the trials."""
    for kind in (Plain, Jail):
        monkeypatch.setattr(kind, "self_test", lambda *_: [])


@pytest.fixture(params=["none", "bubblewrap"])
def provider(request):
    """What runs the programs; each where it works."""
    if request.param == "bubblewrap" and not sandbox.jail_status().is_working:
        pytest.skip(f"bubblewrap: {sandbox.jail_status().detail}")
    return request.param


@pytest.fixture
def jail():
    """Skip where there is no jail."""
    if not sandbox.jail_status().is_working:
        pytest.skip(f"bubblewrap: {sandbox.jail_status().detail}")


# Failures that are the agent's own, made to look like the suite's: such a trial is run again.


@pytest.mark.parametrize("values", [NESTED, '{"load":' + NESTED + "}"])
async def test_an_answer_that_is_too_deep_is_no_fault_of_the_suite(tmp_path, values):
    code = f"""
with open(os.environ["AGENT_RESULT"], "w") as file:
    file.write('{{"status": "done", "values": ' + {values!r} + "}}")
"""
    trial = await tried(tmp_path, code)
    assert trial.ending == ("no_contact", "silent")
    assert notes(trial, "no_answer")[0]["why"] == "it is nested too deep"


@pytest.mark.parametrize("text", ['{"status":"done","values":' + NESTED + "}", '{"a":' * 5000])
async def test_a_last_word_that_is_too_deep_is_no_fault_of_the_suite(text):
    doors = FakeDoors()
    taken(Said("final", text), Handle(task(), doors))
    assert (doors.answer, doors.noted) == (None, ["no_answer"])


async def test_a_question_that_is_too_deep_is_no_fault_of_the_suite():
    class Asked(FakeDoors):
        async def call_tool(self, name: str, arguments: Any) -> Any:
            reply = await super().call_tool("look", {"rack": "R1"})
            self.called[-1] = (name, arguments)
            return reply

    doors = Asked()
    handle = Handle(task(), doors)
    question = {"type": "object", "properties": {"question": {"type": "string"}}}
    handle.tools = (ToolSpec(name=ASK, description="Ask.", parameters=question),)
    text = '{"a":' * 100_000
    assert await next_turn(Said("asks", text), task(), handle)
    assert doors.called == [(ASK, {"question": text})]


class Server:
    """A transport to a server that does some work, and is down from then on."""

    evidence_class = "observed"

    def __init__(self, *works: str) -> None:
        self.works = works

    async def open(self, gateway: Gateway) -> None:
        pass

    async def start(self, task: TaskView, handle: Handle) -> Server:
        del task
        self.handle = handle
        return self

    async def send(self, text: str) -> Said:
        del text
        for name in self.works:
            if name == "model":
                self.handle.fault = ModelFaultError("timeout", "it left", status=None, retries=0)
            else:
                await self.handle.call_tool(name, {})
        raise ModelFaultError("server_error", "HTTP 503", status=503, retries=3)

    async def canary(self) -> bool:
        return False

    async def cancel(self) -> None:
        pass

    async def close(self, *, at_once: bool = False) -> None:
        del at_once

    def describe(self) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize(
    ("works", "ending"),
    [
        ((), ("cancelled", "endpoint_down")),
        (("look",), ("agent_crash", "agent_error")),
        (("submit_answer",), ("agent_crash", "agent_error")),
        (("look", "model"), ("agent_crash", "agent_error")),
    ],
    ids=["before", "at work", "handing in", "with its model failing too"],
)
async def test_a_server_that_looks_and_then_is_down_gets_no_second_look(tmp_path, works, ending):
    agent = ExternalAgent(Server(*works), Gateway())
    await agent.open()
    try:
        trial = await attempt(tmp_path, agent)
    finally:
        await agent.close()
    assert trial.ending == ending


@pytest.mark.parametrize("number", [float("inf"), float("nan")])
async def test_a_number_that_is_none_is_no_fault_of_the_suite(number):
    from a2a.types.a2a_pb2 import Message, Part, StreamResponse
    from google.protobuf.struct_pb2 import Value

    class Client:
        async def send_message(self, *_: Any, **__: Any) -> AsyncIterator[StreamResponse]:
            part = Part(data=Value(number_value=number))
            yield StreamResponse(message=Message(message_id="m", parts=[part]))

    handle = Handle(task(), FakeDoors())
    session = A2aSession(Client(), handles(task(), handle, Gateway()), handle)
    with pytest.raises(AgentFailedError) as caught:
        await session.send("Go.")
    assert caught.value.cause == "protocol"


@pytest.mark.parametrize("options", [5, {"kind": "allow_once"}, ["x", {"kind": {}}], None])
async def test_odd_permissions_are_answered(options):
    client = Client(Handle(task(), FakeDoors()), is_held=True)
    params = {"toolCall": [], "options": options}
    answer = await client("session/request_permission", params, is_notification=False)
    assert answer == {"outcome": {"outcome": "cancelled"}}


# What is left behind


def is_there(path: str) -> bool:
    return Path(path).exists()


DIGS = """
def dig(folder):
    os.chdir(folder)
    for _ in range(1500):
        os.mkdir("d")
        os.chdir("d")
    os.chdir("/")
"""


async def test_a_deep_work_folder_is_cleared_away_and_costs_nobody_anything(tmp_path, provider):
    code = (
        DIGS + SOLVES + 'print(os.environ["AGENT_WORK"], flush=True); dig(os.environ["AGENT_WORK"])'
    )
    trial = await tried(tmp_path, code, provider=provider)
    assert trial.ending == ("completed", "returned")
    assert trial.is_solved
    work = notes(trial, "agent_output")[0]["text"].strip()
    assert "conformance-work-" in work
    assert not is_there(work)


async def test_a_deep_store_does_not_bring_the_campaign_down(tmp_path, provider):
    folder = tmp_path / "agent"
    folder.mkdir()
    code = DIGS + 'store = os.environ["AGENT_STORE"]\nprint(store, flush=True); dig(store)'
    async with opened(folder, code, provider=provider) as agent:
        trial = await attempt(tmp_path / "run", agent, instance=ledger())
    stores = {note["text"].strip() for note in notes(trial, "agent_output")}
    assert stores
    assert not any(map(is_there, stores))


def test_whatever_lies_in_a_folder_it_is_cleared_away(tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir(mode=0o750)
    folder = tmp_path / "folder"
    (folder / "a" / "a").mkdir(parents=True)
    (folder / "a" / "a" / "file").touch()
    (folder / "shut" / "inner").mkdir(parents=True)
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to(kept)
    (folder / "a" / "loop").symlink_to(folder)
    (folder / "shut" / "inner").chmod(0)
    (folder / "shut").chmod(0)
    folder.chmod(0o500)
    clear_away(folder)
    assert not folder.exists()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o750
    clear_away(folder)  # not there: nothing to do


async def test_no_daemon_outlives_its_jail(tmp_path, jail):
    code = """
import signal
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.closerange(0, 256)
        os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", LATE], {})
    os._exit(0)
os.wait()
"""
    mark = f"import time; time.sleep(60); {os.getpid()!r}, {tmp_path.name!r}"
    trial = await tried(tmp_path, f"LATE = {mark!r}\n" + code + SOLVES, provider="bubblewrap")
    assert trial.ending == ("completed", "returned")
    assert not list(saying(mark))


def saying(mark: str) -> Iterator[Path]:
    """Yield the processes whose command holds a text."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if mark.encode() in path.read_bytes():
                yield path


async def test_a_killed_agent_does_not_hear_of_it(tmp_path, provider):
    instance = ledger()
    folder = tmp_path / "agent"
    folder.mkdir()
    whole = {seat.name: plan(instance, seat.name) for seat in instance.seats}
    for seat in instance.seats[:-1]:
        whole[seat.name][-1] = ("submit_answer", {"status": "done"})
    (folder / "plan.json").write_text(json.dumps(whole))
    code = """
said = os.path.join(os.environ["AGENT_STORE"], "said")
for name, arguments in json.load(open("plan.json"))[os.environ["AGENT_SEAT"]]:
    call(name, **arguments)
    if "trial_over" in json.dumps(_):
        open(said, "a").write("I die")
print(os.path.exists(said))
""".replace("    call(name", "    _ = call(name")
    async with opened(folder, code, provider=provider) as agent:
        trial = await attempt(tmp_path / "run", agent, instance=instance)
    assert trial.ending == ("completed", "returned")
    assert len([note for note in trial.of("note") if note["kind"] == "killed"]) == 1
    assert {note["text"].strip() for note in notes(trial, "agent_output")} == {"False"}


# Ways out


async def test_sockets_and_pipes_among_an_agent_s_own_files_lead_nowhere(tmp_path, jail):
    folder = tmp_path / "agent"
    folder.mkdir()
    os.mkfifo(folder / "drop")
    code = """
import socket
for way in ("socket", "pipe"):
    try:
        if way == "socket":
            socket.socket(socket.AF_UNIX).connect("out.sock")
        else:
            os.write(os.open("drop", os.O_WRONLY | os.O_NONBLOCK), b"leak")
        print(way, "OUT")
    except OSError as error:
        print(way, "shut")
"""
    with socket.socket(socket.AF_UNIX) as outside:
        here = os.open(folder / "drop", os.O_RDWR | os.O_NONBLOCK)
        back = Path.cwd()
        os.chdir(folder)
        outside.bind("out.sock")  # by a short name: a path of a socket is short
        os.chdir(back)
        outside.listen()
        try:
            trial = await tried(tmp_path, code, provider="bubblewrap")
        finally:
            os.close(here)
    assert notes(trial, "agent_output")[0]["text"].split() == ["socket", "shut", "pipe", "shut"]


def test_ways_out_are_found_wherever_they_lie(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "file").touch()
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "a" / "b" / "pipe")
    (tmp_path / "link").symlink_to("a/b/pipe")
    pipe = tmp_path / "a" / "b" / "pipe"
    assert list(ways_out([tmp_path])) == [pipe]
    assert list(ways_out([tmp_path / "link"])) == [pipe]
    assert list(ways_out([tmp_path / "a" / "file", tmp_path / "none"])) == []


async def test_the_folder_of_other_trials_is_not_among_an_agent_s_files(
    tmp_path, jail, monkeypatch
):
    folder = tmp_path / "agent"
    (folder / "tmp").mkdir(parents=True)
    (folder / "agent.py").write_text(HEAD)
    gateway = Gateway()
    await gateway.open()
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "tmp"))
    refuse_temporary([tmp_path / "elsewhere"])
    transport = ProcessTransport("python3 agent.py", Setup(folder, sandbox="bubblewrap"))
    try:
        with pytest.raises(UsageError, match="temporary files"):
            await transport.open(gateway)
    finally:
        await gateway.close()


@pytest.mark.parametrize("key", ["env", "secrets"])
def test_the_endpoint_s_key_is_not_handed_to_programs(tmp_path, key):
    path = tmp_path / "agent.toml"
    path.write_text(
        '[agent]\nname = "a"\nversion = "1"\n[reach]\nkind = "command"\ncommand = "x"\n'
        f'model = "m"\nbase_url = "http://127.0.0.1:9/v1"\napi_key_env = "KEY"\n{key} = ["KEY"]\n'
    )
    with pytest.raises(UsageError, match="opens the endpoint"):
        read_agent_file(path)
