"""``certify`` and ``grade`` with agents that are programs: what the bundle says of them."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
import threading
from pathlib import Path

import pytest

from conformance import sandbox
from conformance.cli import run
from conformance.mock import MockModel, Script
from tests.evidence.forge import Forger
from tests.fakes.agents import MINIATURE
from tests.fakes.launcher import FakeLauncher

PYTHON = f"{shlex.quote(sys.executable)} -I -S"
AGENT = """
import json, os, sys, urllib.request
sys.path.insert(0, os.environ["AGENT_WORK"])
import shim

def think():
    body = {"model": os.environ["AGENT_MODEL"], "messages": [{"role": "user", "content": "hello"}]}
    headers = {"Content-Type": "application/json",
               "Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
    url = os.environ["OPENAI_BASE_URL"] + "/chat/completions"
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    return json.load(urllib.request.urlopen(request))

def call(name, **arguments):
    door = shim.Door(os.environ["AGENT_MCP_URL"], os.environ["AGENT_MCP_TOKEN"])
    return door.ask("tools/call", {"name": name, "arguments": arguments})

def run(task=None):
    if "think" in os.environ["WAYS"]:
        think()
    call("look", room="hall")
    call("submit_answer", status="done", values={"receipt": "made up"})

if __name__ == "__main__":
    run()
"""
FILE = """
[agent]
name = "clerk"
version = "1.2"
vendor = "Example"

[reach]
kind = "command"
command = '{command}'
secrets = ["CLERK_TOKEN"]
set = {{WAYS = "{ways}"}}

[hardware]
accelerator = "8 GPUs"

[application]
framework = "none"

[ics]
denied = {denied}
own_tools = false
"""


@pytest.fixture
def launcher(monkeypatch):
    """A jail that holds, as far as it says."""
    fake = FakeLauncher()
    asked: list = []
    monkeypatch.setattr(sandbox, "launcher", lambda *_, **more: asked.append(more) or fake)
    fake.asked = asked
    return fake


@pytest.fixture
def mock():
    """A scripted model in a thread of its own: ``certify`` has a loop of its own."""
    address: list[str] = []
    is_up, is_over = threading.Event(), threading.Event()

    async def serve() -> None:
        async with MockModel([Script(closing="Hello.")]) as model:
            address.append(model.base_url)
            is_up.set()
            await asyncio.to_thread(is_over.wait)
        # One that connected last is let go of in the loop's next turns.
        for _ in range(10):
            await asyncio.sleep(0)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert is_up.wait(120)
    yield address[0]
    is_over.set()
    thread.join(120)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CLERK_TOKEN", "hush-hush-hush")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    path = tmp_path / "agent"
    path.mkdir()
    (path / "agent.py").write_text(AGENT)
    return path


def agent_file(folder, ways="think", denied="[]", command=f"{PYTHON} agent.py"):
    path = folder / "agent.toml"
    path.write_text(FILE.format(ways=ways, denied=denied, command=command))
    return path


def certify(capsys, out, *words, calls=2):
    """Run ``certify`` on the miniature; return the exit code, what it printed, its stderr.

    The first trials show what most tests look for; with None it is a whole campaign.
    """
    capsys.readouterr()
    words = words if calls is None else (*words, "--max-calls", calls, "--concurrency", 1)
    given = ["certify", "--out", str(out), "--edition", str(MINIATURE), "--json", "--no-report"]
    code = run([*given, "--claim", "L1", "--no-twins", "--seed", "s", *map(str, words)])
    captured = capsys.readouterr()
    return code, json.loads(captured.out), captured.err


def document(out, name):
    return json.loads((out / name).read_bytes())


def transcripts(out):
    """Return the events of each trial that the agent ended: some are cut off by the end of all."""
    paths = (out / "run" / "transcripts").glob("*.jsonl")
    told = [[json.loads(line) for line in path.read_text().splitlines()] for path in paths]
    return [events for events in told if events[-1]["cause"] == "returned"]


def grade(out):
    return run(["grade", str(out), "--edition", str(MINIATURE)])


def test_a_program_with_a_file_is_certified_and_graded_again(
    capsys, tmp_path, folder, launcher, mock
):
    out = tmp_path / "out"
    path = agent_file(folder)
    code, summary, err = certify(
        capsys, out, "--agent", path, "--model", "mock", "--base-url", mock, calls=None
    )
    assert (code, summary["ended"]) == (1, "complete")
    assert "SANDBOX" not in err
    assert launcher.asked[-1]["hidden"] == (out, Path("runs"), MINIATURE)
    claim = document(out, "claim.json")
    assert claim["evidence_class"] == "jailed"
    agent = claim["agent"]
    assert (agent["kind"], agent["name"], agent["version"]) == ("command", "clerk", "1.2")
    assert agent["sandbox"] == {"provider": "fake", "version": "1", "held": True, "leaks": []}
    assert agent["model"] == "mock"
    system = document(out, "system.json")
    assert system["declared"] == {
        "hardware": {"accelerator": "8 GPUs"},
        "application": {"framework": "none"},
    }
    assert document(out, "ics.json")["declared"] == {"own_tools": False}
    for told in transcripts(out):
        assert {"type": "note", "kind": "sandbox"}.items() <= told[1].items()
        assert told[-1]["model_calls"] == 1
    assert grade(out) == 0


def test_what_the_ics_denies_is_not_run(capsys, tmp_path, folder, launcher):
    path = agent_file(folder, ways="", denied='["sessions"]')
    _, _, _ = certify(capsys, tmp_path / "out", "--agent", path)
    assert document(tmp_path / "out", "ics.json")["denied"] == ["sessions"]
    assert document(tmp_path / "out", "claim.json")["evidence_class"] == "observed"


def test_a_campaign_of_a_program_is_resumed_where_it_stopped(
    capsys, tmp_path, folder, launcher, mock
):
    words = ("--agent", agent_file(folder), "--model", "mock", "--base-url", mock)
    _, cut, _ = certify(capsys, tmp_path / "out", *words, calls=3)
    assert cut["ended"] == "budget"
    _, whole, err = certify(capsys, tmp_path / "out", *words, "--resume", calls=None)
    assert whole["ended"] == "complete", err
    assert grade(tmp_path / "out") == 0
    agent_file(folder, ways="")  # another file is another agent
    code, told, _ = certify(capsys, tmp_path / "out", *words, "--resume")
    assert code == 4
    assert "agent was" in told["error"]["message"]


def test_an_agent_that_ignores_the_model_door_is_not_jailed_whatever_the_jail(
    capsys, tmp_path, folder, launcher, mock
):
    out = tmp_path / "out"
    path = agent_file(folder, ways="")
    certify(capsys, out, "--agent", path, "--model", "mock", "--base-url", mock)
    claim = document(out, "claim.json")
    assert claim["agent"]["sandbox"]["held"] is True
    assert claim["evidence_class"] == "observed"
    assert claim["unmetered"] == len(transcripts(out)) > 0
    assert grade(out) == 0


def test_a_model_call_for_show_is_not_found_out_but_stands_in_the_transcripts(
    capsys, tmp_path, folder, launcher, mock
):
    """Out of reach: what else thinks in the jail. A reader sees that the model never saw a task."""
    out = tmp_path / "out"
    certify(capsys, out, "--agent", agent_file(folder), "--model", "mock", "--base-url", mock)
    claim = document(out, "claim.json")
    assert (claim["evidence_class"], claim["unmetered"]) == ("jailed", 0)
    for told in transcripts(out):
        (call,) = [event["call"] for event in told if event["type"] == "model_call"]
        assert call["sent"] == [{"role": "user", "content": "hello"}]


def test_nobody_can_call_such_a_campaign_jailed_afterwards(
    capsys, tmp_path, folder, launcher, mock
):
    out = tmp_path / "out"
    path = agent_file(folder, ways="")
    certify(capsys, out, "--agent", path, "--model", "mock", "--base-url", mock)
    forger = Forger(out)
    forger.edit_document("claim.json", lambda d: d.update(evidence_class="jailed", unmetered=0))
    assert grade(out) == 7
    assert "claim.json" in capsys.readouterr().err


def test_a_jail_that_leaks_is_said_loudly_and_the_run_goes_on(
    capsys, tmp_path, folder, launcher, mock
):
    launcher.leaks = ("reach out",)
    out = tmp_path / "out"
    path = agent_file(folder)
    _, summary, err = certify(capsys, out, "--agent", path, "--model", "mock", "--base-url", mock)
    assert summary["ended"] == "budget"
    assert "THE JAIL LEAKS (fake): reach out; no trial will count as jailed" in err
    claim = document(out, "claim.json")
    assert claim["evidence_class"] == "observed"
    assert claim["agent"]["sandbox"]["leaks"] == ["reach out"]


def test_without_a_sandbox_it_is_said_loudly(capsys, tmp_path, folder):
    words = ("--agent", agent_file(folder, ways=""), "--sandbox", "none")
    _, summary, err = certify(capsys, tmp_path / "out", *words)
    assert summary["ended"] == "budget"
    assert "NO SANDBOX" in err
    claim = document(tmp_path / "out", "claim.json")
    assert claim["agent"]["sandbox"]["provider"] == "none"
    assert claim["evidence_class"] == "observed"


def test_a_function_is_certified(capsys, tmp_path, folder, launcher, monkeypatch):
    monkeypatch.chdir(folder)
    path = folder / "agent.toml"
    path.write_text(
        '[agent]\nname = "f"\nversion = "1"\n[reach]\nkind = "python"\nfunction = "agent:run"\n'
        'set = {WAYS = ""}\n'
    )
    _, summary, err = certify(capsys, tmp_path / "out", "--agent", path)
    assert summary["ended"] == "budget", err
    assert document(tmp_path / "out", "claim.json")["agent"]["function"] == "agent:run"


def test_a_secret_is_in_no_file_of_the_bundle(capsys, tmp_path, folder, launcher):
    (folder / "agent.py").write_text("import os; print('the token:', os.environ['CLERK_TOKEN'])")
    certify(capsys, tmp_path / "out", "--agent", agent_file(folder))
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    said = b"".join(path.read_bytes() for path in files)
    assert b"the token: [redacted]" in said
    assert b"hush-hush-hush" not in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--agent", "command:no-such-agent"), "there is no program 'no-such-agent'"),
        (("--agent", "command:sh {tsak}"), "there is no placeholder {tsak}"),
        (("--agent", "python:no_such_module:run"), "No module named 'no_such_module'"),
        (("--agent", "nowhere/agent.toml"), "cannot be read"),
        (("--agent", "command:sh", "--model", "m"), "go together"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(
    capsys, tmp_path, folder, launcher, monkeypatch, words, said
):
    monkeypatch.chdir(folder)
    code, told, err = certify(capsys, tmp_path / "out", *words)
    assert code == 4
    assert said in told["error"]["message"]
    assert not (tmp_path / "out").exists()
    assert err.count("\n") == 1
