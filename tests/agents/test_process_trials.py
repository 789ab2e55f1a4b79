"""Programs in whole trials: the exact outcome of each thing that one may do wrong, and sessions."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shlex
import signal
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from conformance import sandbox
from conformance.agents.contract import Limits
from conformance.agents.process import ProcessTransport, Setup
from conformance.edition import load
from conformance.gateway import Gateway, Upstream
from conformance.mock import MockModel, Script
from conformance.sandbox.jail import Jail
from conformance.sandbox.plain import Plain
from conformance.sandbox.programs import MIB, ProgramLimits
from conformance.trial.life import life_problem
from conformance.trial.sealed import read_events, replay
from tests.fakes.outside import reached
from tests.trial.test_run import LIMITS, Tried, attempt, hall

if TYPE_CHECKING:
    from conformance.authoring import Instance

PROCESSES = ProgramLimits()
PYTHON = f"{shlex.quote(sys.executable)} -I -S"

HEAD = """
import json, os, sys, time, urllib.error, urllib.request
sys.path.insert(0, os.environ["AGENT_WORK"])
import shim
URL = os.environ["AGENT_MCP_URL"]
door = shim.Door(URL, os.environ["AGENT_MCP_TOKEN"])

def call(name, **arguments):
    answer = door.ask("tools/call", {"name": name, "arguments": arguments})
    return answer["structuredContent"]

def submit(status="done", **values):
    return call("submit_answer", status=status, values=values)
"""
SOLVES = """
for name, arguments in json.load(open("plan.json")):
    call(name, **arguments)
"""


def opened(
    folder: Path,
    code: str,
    *,
    upstream: Upstream | None = None,
    processes: ProgramLimits = PROCESSES,
    provider: str = "none",
    hidden: tuple[Path, ...] = (),
):
    (folder / "agent.py").write_text(HEAD + code)
    setup = Setup(folder, sandbox=provider, limits=processes, hidden=hidden)
    transport = ProcessTransport(f"{PYTHON} agent.py", setup)
    return reached(transport, Gateway(upstream))


async def tried(tmp_path: Path, code: str, limits: Limits = LIMITS, **more: Any) -> Tried:
    """Run a program on the miniature's hall; its folder is ``agent``."""
    folder = tmp_path / "agent"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plan.json").write_text(json.dumps(plan(hall())))
    async with opened(folder, code, **more) as agent:
        return await attempt(tmp_path / "run", agent, limits=limits)


@pytest.fixture(autouse=True)
def untested(request, monkeypatch):
    """Leave the self-test out where it is not the matter: it takes longer than the trial."""
    if "self_tested" not in request.fixturenames:
        for kind in (Plain, Jail):
            monkeypatch.setattr(kind, "self_test", lambda *_: [])


@pytest.fixture
def self_tested():
    """Let the self-test run."""


@pytest.fixture(params=["none", "bubblewrap"])
def provider(request):
    """What runs the programs; each where it works."""
    if request.param == "bubblewrap" and not sandbox.jail_status().is_working:
        pytest.skip(f"bubblewrap: {sandbox.jail_status().detail}")
    return request.param


def plan(instance: Instance[Any], seat: str = "") -> list[Any]:
    """Return the oracle's calls at a seat, its answer last."""
    trace = instance.solve().trace
    steps = [(step.name, dict(step.arguments)) for step in trace.steps if step.seat == seat]
    answer = msgspec.to_builtins(trace.answer)
    return [*steps, ("submit_answer", answer)]


def notes(trial: Tried, kind: str) -> list[dict[str, Any]]:
    return [note["details"] for note in trial.of("note") if note["kind"] == kind]


def is_alive(pid: int) -> bool:
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_a_program_solves_a_task(tmp_path, provider):
    trial = await tried(tmp_path, SOLVES, provider=provider)
    assert trial.ending == ("completed", "returned")
    assert trial.is_solved
    assert notes(trial, "exit") == [{"code": 0, "killed_for": None}]


async def test_exit_0_having_done_nothing_is_no_contact(tmp_path):
    trial = await tried(tmp_path, "")
    assert trial.ending == ("no_contact", "silent")


async def test_a_program_that_hangs_times_out_and_is_gone(tmp_path):
    code = """
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open("pids.txt", "w").write(f"{os.getpid()} {child.pid}")
call("look", room="hall")
time.sleep(600)
"""
    pids: list[int] = []
    for wall_s in (1.5, 6.0, 24.0, 96.0):  # with more time where it had not got to work
        trial = await tried(tmp_path / str(wall_s), code, Limits(wall_s=wall_s))
        assert trial.ending == ("timeout", "wall_time")
        with contextlib.suppress(FileNotFoundError):
            pids += map(int, (tmp_path / str(wall_s) / "agent/pids.txt").read_text().split())
        if trial.of("tool_call"):
            break
    assert len(pids) >= 2
    assert not any(map(is_alive, pids))


async def test_a_program_that_floods_its_output_is_killed_for_it(tmp_path, provider):
    code = "while True: sys.stdout.write('x' * 65536)"
    limits = ProgramLimits(output_bytes=MIB)
    trial = await tried(tmp_path, code, processes=limits, provider=provider)
    assert trial.ending == ("agent_crash", "agent_error")
    assert trial.record.detail.startswith("killed for its limit of output")
    assert notes(trial, "exit")[0]["killed_for"] == "output"
    assert len(notes(trial, "agent_output")[0]["text"]) <= 4000


async def test_calls_of_tools_that_are_not_there_are_errors_and_no_more(tmp_path):
    trial = await tried(tmp_path, 'assert "error" in call("nonsense", a=1)' + SOLVES)
    assert trial.ending == ("completed", "returned")
    assert trial.of("tool_call")[0]["error"] == "unknown_tool"
    assert trial.is_solved


async def test_invalid_json_rpc_is_written_down_and_the_trial_goes_on(tmp_path):
    code = """
def post(body):
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    try:
        urllib.request.urlopen(urllib.request.Request(URL, body, headers))
    except urllib.error.HTTPError as error:
        error.read()
        return error.code
assert post(b"{nonsense") == 400
assert post(b'{"jsonrpc": "1.0", "id": 1}') == 400
"""
    trial = await tried(tmp_path, code + SOLVES)
    assert trial.ending == ("completed", "returned")
    assert trial.is_solved
    assert len(notes(trial, "protocol_error")) == 2


async def test_calls_after_the_end_find_nothing_and_change_nothing(tmp_path):
    folder = tmp_path / "agent"
    folder.mkdir()
    (folder / "plan.json").write_text(json.dumps(plan(hall())))
    late = SOLVES + 'print(json.dumps([URL, call("look", room="hall")]))'
    async with opened(folder, late) as agent:
        trial = await attempt(tmp_path / "run", agent)
        url, within = json.loads(notes(trial, "agent_output")[0]["text"])
        ask = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "look"}}
        status = await asyncio.to_thread(_status, url, json.dumps(ask).encode())
    assert within["error"] == "trial_over"
    assert status == 404
    assert trial.ending == ("completed", "returned")
    assert replay(trial.played).difference is None
    assert trial.is_solved


def _status(url: str, body: bytes) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body)) as response:
            return response.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


async def test_a_program_that_fails_after_its_answer_has_still_answered(tmp_path):
    trial = await tried(tmp_path, SOLVES + "sys.exit(7)")
    assert trial.ending == ("completed", "returned")
    assert notes(trial, "failed_after_answer")[0]["error"] == "exit 7"


async def test_a_program_that_cannot_answer_has_crashed(tmp_path):
    trial = await tried(tmp_path, 'call("look", room="hall"); raise ValueError("oh no")')
    assert trial.ending == ("agent_crash", "agent_error")
    assert trial.record.detail.endswith("ValueError: oh no")


async def test_a_program_meets_its_model_at_the_model_door(tmp_path, provider):
    code = """
base = os.environ["OPENAI_BASE_URL"]
body = {"model": os.environ["AGENT_MODEL"], "messages": [{"role": "user", "content": "hello"}]}
headers = {"Content-Type": "application/json",
           "Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
request = urllib.request.Request(base + "/chat/completions", json.dumps(body).encode(), headers)
assert json.load(urllib.request.urlopen(request))["choices"]
"""
    async with MockModel([Script(closing="Hello.")]) as mock:
        upstream = Upstream(mock.model, mock.base_url)
        trial = await tried(tmp_path, code + SOLVES, upstream=upstream, provider=provider)
        (seen,) = mock.calls
    assert trial.ending == ("completed", "returned")
    assert trial.record.model_calls == 1
    assert trial.record.input_tokens == seen.input_tokens
    assert trial.record.output_tokens == seen.output_tokens


async def test_the_real_self_test_decides_the_class(tmp_path, provider, self_tested):
    upstream = Upstream("m", "http://127.0.0.1:9/v1")
    async with opened(tmp_path, "", upstream=upstream, provider=provider) as agent:
        jail = agent.describe()["sandbox"]
        assert (jail["provider"], jail["held"]) == (provider, provider == "bubblewrap")
        assert agent.evidence_class == ("jailed" if provider == "bubblewrap" else "observed")
        assert bool(jail["leaks"]) == (provider == "none")


async def test_the_campaign_s_own_folder_is_hidden_wherever_it_lies(tmp_path, provider):
    folder = tmp_path / "agent"
    (folder / "runs").mkdir(parents=True)
    (folder / "runs" / "seed.key").write_text("secret")
    code = "print(os.path.exists('runs/seed.key'), os.path.exists('plan.json'))"
    trial = await tried(tmp_path, code, provider=provider, hidden=(folder / "runs",))
    seen = "False True" if provider == "bubblewrap" else "True True"
    assert notes(trial, "agent_output")[0]["text"].strip() == seen


# F09: sessions, each a new start, one of them cut off by SIGKILL.

BY_FOLDER = """
store = os.path.join(os.environ["AGENT_STORE"], "plan.json")
def recall():
    return json.load(open(store))
def keep(plan):
    json.dump(plan, open(store, "w"))
"""
BY_NOTES = """
def recall():
    return json.loads(call("notes", action="read")["notes"])
def keep(plan):
    call("notes", action="write", text=json.dumps(plan))
"""
FORGETS = """
def recall():
    return {}
def keep(plan):
    pass
"""
WORKS = """
seat = os.environ["AGENT_SEAT"]
if seat == "s1":
    keep(json.load(open("plan.json")))  # told once
for name, arguments in recall().get(seat, []):
    call(name, **arguments)
"""


def ledger() -> Instance[Any]:
    knobs = {"sessions": 3, "revisions": 1, "case": "latest"}
    return load(None).instance("ledger_memory", knobs, seed="3", lang="en")


@pytest.mark.parametrize(
    ("memory", "is_solved"),
    [(BY_FOLDER, True), (BY_NOTES, True), (FORGETS, False)],
    ids=["folder", "notes", "none"],
)
async def test_a_program_that_is_killed_between_sessions_has_what_it_stored(
    tmp_path, provider, memory, is_solved
):
    instance = ledger()
    folder = tmp_path / "agent"
    folder.mkdir()
    seats = [seat.name for seat in instance.seats]
    whole = {seat: plan(instance, seat) for seat in seats}
    for seat in seats[:-1]:
        whole[seat][-1] = ("submit_answer", {"status": "done"})
    (folder / "plan.json").write_text(json.dumps(whole))
    async with opened(folder, memory + WORKS, provider=provider) as agent:
        trial = await attempt(tmp_path / "run", agent, instance=instance)
    solved = load(None).grader("solved")(trial.played)
    assert (solved.value == 1) is is_solved
    if not is_solved:
        return
    assert trial.ending == ("completed", "returned")
    killed = [note["seat"] for note in trial.of("note") if note["kind"] == "killed"]
    assert len(killed) == 1
    # It is written down where the next one starts: the killed one's own doors are shut by then.
    assert notes(trial, "exit_before") == [{"code": -signal.SIGKILL, "killed_for": None}]
    told = read_events(trial.path, trial.record.transcript_head).events
    assert life_problem(told, instance.seats, replay(trial.played).killed) is None
