"""``serve mock`` as a command: what it prints, what it answers, and what it refuses."""

import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx
import pytest

from conformance.cli import run
from conformance.mock.truth import decode_truth, read_truth

HELLO = {"model": "m", "messages": [{"role": "user", "content": "Look at A1."}]}
KIT = [{"type": "function", "function": {"name": "env_look", "parameters": {"type": "object"}}}]


@contextmanager
def serving(*words):
    """Run the command, and end it as Ctrl-C does."""
    line = [sys.executable, "-m", "conformance", "serve", "mock", "--port", "0", *map(str, words)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(line, **pipes) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
    assert process.returncode == 0


def document(process):
    text = ""
    for line in process.stdout:
        text += line
        if line == "}\n":
            return json.loads(text)
    raise AssertionError(process.stderr.read())


def test_a_script_file_is_served(tmp_path):
    path = tmp_path / "script.json"
    step = {"tool": "look", "arguments": {"at": "A1"}}
    path.write_text(json.dumps({"match": "Look at A1", "steps": [step]}), encoding="utf-8")
    with serving("--script", path, "--model", "m-7", "--fail-first", "500", "--json") as process:
        told = document(process)
        assert told["model"] == "m-7"
        assert told["scripts"][0]["steps"] == [step]
        where = f"{told['base_url']}/chat/completions"
        assert httpx.post(where, json=HELLO | {"tools": KIT}).status_code == 500
        reply = httpx.post(where, json=HELLO | {"tools": KIT}).json()
        assert reply["model"] == "m-7"
        called = reply["choices"][0]["message"]["tool_calls"][0]["function"]
        assert called == {"name": "env_look", "arguments": '{"at":"A1"}'}
        process.send_signal(signal.SIGINT)
        lines = process.stderr.read().splitlines()
    assert lines[0] == "chat whole 500 call step 1: 0 tokens in, 0 out"
    assert lines[1].startswith("chat whole 200 call step 1 env_look: ")


def test_an_instance_is_solved_by_script(capsys):
    with serving("--family", "telemetry", "--seed", "7", "--lang", "zh", "--json") as process:
        told = document(process)
    words = ["tasks", "show", "telemetry", "--seed", "7", "--lang", "zh", "--oracle", "--json"]
    assert run(words) == 0
    shown = json.loads(capsys.readouterr().out)
    (script,) = told["scripts"]
    assert script["match"] == shown["instruction"]
    made = [[step["tool"], step["arguments"]] for step in script["steps"]]
    assert made[:-1] == shown["oracle"]
    assert made[-1][1]["values"] == shown["right_end"]["values"]


def test_without_a_script_it_says_so():
    with serving() as process:
        lines = [process.stdout.readline() for _ in range(4)]
        base_url = lines[0].split()[2]
        reply = httpx.post(f"{base_url}/chat/completions", json=HELLO).json()
    assert "no script" in lines[1]
    assert base_url in lines[2]
    assert "has no script" in reply["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--script", "none.json"], "none.json: cannot be read"),
        (["--script", "a", "--family", "records"], "--script: goes with no --family"),
        (["--family", "nothing"], "there is no family 'nothing'"),
        (["--family", "records", "--agent", "oracel"], "did you mean builtin:oracle?"),
        (["--family", "records", "--agent", "nobody"], "there is no agent builtin:nobody"),
        (["--family", "records", "--knob", "x"], "'x' is no NAME=VALUE"),
        (["--port", "70000"], "--port"),
        (["--ttft", "-1"], "--ttft"),
        (["--stall-at", "3"], "--stall-at: goes only with --stall"),
        (["--reasoning", "3"], "--reasoning: goes only with --tokens"),
        (["--tokens-per-chunk", "1"], "--tokens-per-chunk: goes only with --tokens"),
        (["--record", "a"], "--record: goes only with --tokens"),
        (["--tokens", "9", "--script", "a"], "--script: goes with no --tokens"),
        (["--tokens", "9", "--fail-first", "500"], "--fail-first: goes with no --tokens"),
        (["--tokens", "9", "--agent", "oracle"], "--agent: goes with no --tokens"),
        (["--tokens", "0"], "--tokens"),
        (
            ["--tokens", "9", "--reasoning", "6", "--tool-call", "4"],
            "--reasoning: with --tool",
        ),
        (["--tokens", "9", "--stall", "5", "--stall-at", "9"], "--stall-at: there is no token 9"),
        (["--tokens", "9", "--ttft", "5", "--role-at", "6"], "--role-at: is after the first token"),
        (["--tokens", "9", "--record", "no/such/file"], "--record: there is no folder no/such"),
    ],
)
def test_what_cannot_be_served_is_told_in_one_line(capsys, words, complaint):
    assert run(["serve", "mock", *words]) == 4
    told = capsys.readouterr().err
    assert complaint in told
    assert told.count("\n") == 1


def test_a_load_target_says_at_the_end_what_it_wrote_and_how_late(tmp_path):
    path = tmp_path / "truth.jsonl"
    paced = ("--tokens", 6, "--ttft", 30, "--itl", 5, "--stall", 20, "--stall-at", 2)
    shape = ("--tokens-per-chunk", 2, "--reasoning", 2, "--role-at", 1)
    with serving(*paced, *shape, "--model", "m-7", "--record", path, "--json") as process:
        told = document(process)
        assert told["model"] == "m-7"
        assert told["reply"]["tokens"] == 6
        where = f"{told['base_url']}/chat/completions"
        reply = httpx.post(where, json=HELLO | {"stream": True}, headers={"X-Request-Id": "0-1"})
        assert '"model":"m-7"' in reply.text
        assert httpx.post(where, json={}).status_code == 400
        process.send_signal(signal.SIGTERM)
        said = process.stderr.read()
    assert said.startswith("2 answers, 6 events in 5 writes; writes were late by ")
    answer, refused = read_truth(path).written
    assert answer.request_id == "0-1"
    assert answer.kinds == ["r", "t", "c", "ced"]
    assert [(at - answer.arrived) / 1e6 for at in answer.due] == [1, 30, 60, 70]
    assert refused.status == 400


def test_a_load_target_tells_where_its_record_is():
    with serving("--tokens", 3, "--itl", 2, "--jitter", 1) as process:
        lines = [process.stdout.readline() for _ in range(4)]
        base_url = lines[0].split()[2]
        assert lines[0].startswith("paced-1 at http://127.0.0.1:")
        assert lines[1].endswith("then one every 2 ms, each up to 1 ms later\n")
        assert httpx.post(f"{base_url}/chat/completions", json=HELLO).status_code == 200
        assert f"GET {base_url}/truth " in lines[2]
        told = decode_truth(httpx.get(f"{base_url}/truth").content).written
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert len(told) == 1
    assert said.startswith("0 answers, ")


def test_a_script_takes_its_time_as_a_load_target_does():
    with serving("--ttft", 40, "--stall", 60, "--stall-at", 0, "--jitter", 1, "--json") as process:
        where = f"{document(process)['base_url']}/chat/completions"
        with httpx.Client() as client:  # made before the clock runs, for it loads certificates
            began = time.monotonic()
            assert client.post(where, json=HELLO).status_code == 200
            assert time.monotonic() - began >= 0.1


def test_serve_lists_its_verbs(capsys):
    assert run(["serve", "--help"]) == 0
    printed = capsys.readouterr().out
    assert all(verb in printed for verb in ("model", "task", "mock"))
    assert run(["serve", "nothing"]) == 4
