"""A user's mistake is one line that says what, where and how to mend it; nothing is left behind."""

import json
import shutil

import pytest

from conformance.cli import run
from conformance.errors import AgentUnavailableError
from tests.fakes.agents import MINIATURE
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


DENIES = (
    '[agent]\nname = "n"\nversion = "1"\n[reach]\nkind = "command"\ncommand = "true"\n'
    'sandbox = "none"\n[ics]\ndenied = ["nihgt"]\n'
)


def test_a_denied_capability_that_the_edition_has_under_another_name(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "agent.toml").write_text(DENIES)
    edition = tmp_path / "edition"
    shutil.copytree(MINIATURE, edition)
    page = edition / "tasks/edition.yaml"
    page.write_text(
        page.read_text().replace("  - id: L2-SET-1\n", "  - id: L2-SET-1\n    ics: night\n")
    )
    words = ["--agent", "agent.toml", "--edition", str(edition), "--dry-run"]
    said = fails(capsys, 4, "certify", *words)
    assert "agent.toml: ics.denied: edition miniature has no capability 'nihgt'" in said
    assert said.endswith("— its capabilities: night")


def test_what_no_clause_depends_on_may_be_denied(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "agent.toml").write_text(DENIES)
    assert run(["certify", "--agent", "agent.toml", "--edition", str(MINIATURE), "--dry-run"]) == 0


def test_an_error_that_quotes_an_endpoint_acts_on_no_terminal(capsys, monkeypatch):
    hostile = "the endpoint is down (\x1b[2J\x1b]0;owned\x07\u202e\nconformance: held L5)"
    monkeypatch.setattr("conformance.edition.load", lambda *_, **__: _down(hostile))
    said = fails(capsys, 6, "certify", "--agent", "builtin:null")
    assert said.isprintable()
    assert "⟨ESC⟩[2J" in said
    assert "⟨LF⟩conformance: held L5" in said


def _down(what):
    raise AgentUnavailableError(what)


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
