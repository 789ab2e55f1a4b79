"""A user's mistake is one line that says what, where and how to mend it; nothing is left behind."""

import json
import os
import subprocess
import sys

import pytest

from conformance.cli import run
from tests.fakes.endpoint import FakeEndpoint, error, native_only, no_tools_here


def fails(capsys, code, *arguments):
    assert run([str(argument) for argument in arguments]) == code
    lines = capsys.readouterr().err.strip().splitlines()
    said = [line for line in lines if line.startswith("conformance: ")]
    assert len(said) == 1, lines
    assert "Traceback" not in "\n".join(lines)
    return said[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--agent", "robot:x"], ["'robot:x'", "--agent", "chat:MODEL", "builtin:NAME"]),
        (["--agent", "chat"], ["'chat'", "--agent"]),
        (["--agent", "builtin:genius"], ["builtin:genius", "oracle", "liar"]),
        (["--agent", "builtin:null", "--claim", "L9"], ["'L9'", "--claim", "L5"]),
        (["--agent", "builtin:null", "--claim", "L1/L2"], ["L1 and L2", "--claim"]),
        (["--agent", "builtin:null", "--plan", "quick"], ["'quick'", "certify", "screen"]),
        (["--agent", "builtin:null", "--max-time", "soon"], ["'soon'", "8m"]),
        (["--agent", "builtin:null", "--max-calls", "0"], ["--max-calls"]),
        (["--agent", "builtin:null", "--resume"], ["--resume", "--out"]),
        (["--agent", "builtin:null", "--edition", "/nowhere"], ["/nowhere", "no such folder"]),
        (["--agent", "chat:m", "--base-url", "localhost:80"], ["--base-url", "http://HOST"]),
        (["--agent", "chat:local", "--base-url", "http://h/v1"], ["--base-url", "chat:MODEL"]),
        (["--agent", "chat:m", "--sampling", "temperature"], ["--sampling", "NAME=VALUE"]),
        (["--agent", "chat:m", "--sampling", "heat=3"], ["--sampling", "temperature"]),
        (["--agent", "chat:local", "--gguf", "/no.gguf"], ["/no.gguf"]),
        ([], ["--agent"]),
        (["--agent", "builtin:null", "--what"], ["--what"]),
    ],
)
def test_a_wrong_argument(capsys, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    said = fails(capsys, 4, "certify", *arguments)
    assert all(word in said for word in words), said
    assert list(tmp_path.iterdir()) == []


def test_with_json_the_error_is_a_document(capsys):
    assert run(["certify", "--agent", "robot:x", "--json"]) == 4
    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == 4
    assert document["error"]["where"] == "--agent"


def test_an_endpoint_that_is_not_there(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = fails(capsys, 6, "certify", "--agent", "chat:m", "--base-url", "http://127.0.0.1:9/v1")
    assert "127.0.0.1:9" in said
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_key_is_refused_and_never_printed(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong-0123456789")
    with FakeEndpoint(native_only, key="sk-right-0123456789") as endpoint:
        said = fails(
            capsys, 6, "certify", "--agent", "chat:fake-1", "--base-url", endpoint.base_url
        )
    assert "OPENAI_API_KEY" in said
    assert "sk-wrong" not in said
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_model(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with FakeEndpoint(native_only) as endpoint:
        said = fails(capsys, 6, "certify", "--agent", "chat:other", "--base-url", endpoint.base_url)
    assert "other" in said


def test_an_endpoint_that_takes_no_tool_calls_at_all(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with FakeEndpoint(error(400, "tools and response_format are not supported")) as endpoint:
        fails(capsys, 6, "certify", "--agent", "chat:fake-1", "--base-url", endpoint.base_url)


def test_the_probe_says_which_style_works(capsys):
    with FakeEndpoint(no_tools_here) as endpoint:
        code = run(["probe", "--agent", "chat:fake-1", "--base-url", endpoint.base_url, "--json"])
    document = json.loads(capsys.readouterr().out)
    assert code == 0
    assert document["style"] == "structured"
    assert document["evidence_class"] == "model-only"


def test_a_folder_that_exists_is_left_as_it_is(capsys, tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    said = fails(capsys, 4, "certify", "--agent", "builtin:null", "--out", tmp_path)
    assert "the folder exists" in said
    assert "--resume" in said
    said = fails(capsys, 4, "certify", "--agent", "builtin:null", "--out", tmp_path, "--resume")
    assert "no journal" in said
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_is_no_folder(capsys, tmp_path):
    path = tmp_path / "file"
    path.write_text("x")
    assert "is a file" in fails(capsys, 4, "certify", "--agent", "builtin:null", "--out", path)
    assert "no such folder" in fails(capsys, 4, "grade", path)
    assert "no such folder" in fails(capsys, 4, "report", tmp_path / "none")


def test_a_folder_that_is_no_bundle(capsys, tmp_path):
    assert "manifest.json" in fails(capsys, 7, "grade", tmp_path)


def test_an_unknown_family_or_knob(capsys):
    assert "telemetry" in fails(capsys, 4, "tasks", "show", "chess")
    assert "ending" in fails(capsys, 4, "tasks", "show", "telemetry", "--knob", "colour=red")
    assert "NAME=VALUE" in fails(capsys, 4, "tasks", "show", "telemetry", "--knob", "colour")
    assert "chess" in fails(capsys, 4, "tasks", "check", "chess")


def test_a_full_disk_is_said_and_the_campaign_can_be_resumed(tmp_path):
    """A limit on file sizes stands in for the disk: the journal soon reaches it."""
    out = tmp_path / "bundle"
    words = ["certify", "--agent", "builtin:oracle", "--claim", "L1", "--out", str(out)]
    words += ["--seed", "s", "--no-report"]
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)); "
        "from conformance.cli import main; main(sys.argv[1:])"
    )
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    full = subprocess.run(
        [sys.executable, "-c", limited, *words],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert full.returncode == 3, full.stderr
    said = [x for x in full.stderr.splitlines() if x.startswith("conformance: ")]
    assert len(said) == 1
    assert "--resume" in said[0]
    assert "Traceback" not in full.stderr
    assert run([*words, "--resume", "--json"]) == 0
