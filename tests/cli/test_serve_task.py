"""``serve task`` as a command: its doors are used by hand, and what was done there is graded."""

from __future__ import annotations

import json
import subprocess
import sys

import msgspec
import pytest

from conformance.cli import run
from conformance.edition import load
from conformance.gateway import shim
from tests.fakes.loop_agent import Client


def first_document(process):
    text = ""
    for line in process.stdout:
        text += line
        if line == "}\n":
            return json.loads(text)
    raise AssertionError(process.stderr.read())


def call(shown, name, arguments):
    line = [sys.executable, "-I", "-S", shim.__file__, "call", name, json.dumps(arguments)]
    env = {"AGENT_MCP_URL": shown["mcp_url"], "AGENT_MCP_TOKEN": shown["api_key"]}
    subprocess.run(line, env=env, check=True, timeout=600)


@pytest.mark.parametrize("is_right", [True, False])
def test_what_is_done_by_hand_is_told_and_graded(tmp_path, is_right):
    instance = load().instance("telemetry", {}, seed="7", lang="en", wording=0)
    trace = instance.solve().trace
    out = tmp_path / "out"
    words = ["serve", "task", "telemetry", "--seed", "7", "--json", "--out", str(out)]
    line = [sys.executable, "-m", "conformance", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(line, **pipes) as process:
        try:
            shown = first_document(process)
            assert shown["instruction"].startswith(instance.instruction)
            assert shown["model"] == ""
            for step in trace.steps[:2]:
                call(shown, step.name, dict(step.arguments))
            answer = msgspec.to_builtins(trace.answer) if is_right else {"status": "refused"}
            call(shown, "submit_answer", answer)
            said, told = process.communicate(timeout=600)
        finally:
            process.kill()
    outcome = json.loads(said)
    assert (outcome["solved"], process.returncode) == (is_right, 0 if is_right else 1)
    assert [line.split()[1] for line in told.splitlines() if "→" in line] == [
        *(step.name for step in trace.steps[:2]),
        "submit_answer",
    ]
    assert run(["grade", str(out)]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--model", "m"), "go together"),
        (("--model", "m", "--base-url", "nowhere"), "'nowhere' is no address"),
    ],
)
def test_a_model_that_cannot_be_meant_is_refused(capsys, tmp_path, words, said):
    out = tmp_path / "out"
    assert run(["serve", "task", "telemetry", "--out", str(out), *words]) == 4
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_the_first_model_call_can_be_made_to_fail(tmp_path):
    model = ("--model", "m", "--base-url", "http://127.0.0.1:9/v1", "--fail-first", "429")
    words = ["serve", "task", "telemetry", "--json", "--out", str(tmp_path / "out"), *model]
    line = [sys.executable, "-m", "conformance", *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(line, **pipes) as process:
        try:
            shown = first_document(process)
            door = Client(shown["openai_base_url"], {"Authorization": f"Bearer {shown['api_key']}"})
            body = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}
            statuses = [door.post(body, "/chat/completions")[0] for _ in range(2)]
            door.close()
        finally:
            process.kill()
    assert statuses == [429, 502]  # nobody is at the second's address
