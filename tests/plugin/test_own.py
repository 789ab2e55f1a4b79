"""A vendor's own tests: the marker, and the three fixtures."""

import json

import pytest

TASKS = """
import sys
sys.path.insert(0, "VENDOR")
from tasks import FAMILY, Lamps, Store
from conformance.authoring import tool

class BrokenStore(Store):
    @tool("read")
    def count(self, crate: str) -> dict:
        "Count, if it can."
        raise RuntimeError("out of order")

class Broken(Lamps):
    def world(self, scenario):
        return BrokenStore(scenario)
"""


@pytest.fixture
def tests(pytester):
    from pathlib import Path

    pytester.makepyfile(mine=TASKS.replace("VENDOR", str(Path(__file__).parent / "vendor")))

    def write(text):
        pytester.makepyfile(test_it="import pytest\nfrom mine import *\n" + text)

    return write


def test_a_test_above_the_claim_is_deselected_and_others_are_not(grade, tests):
    tests("""
@pytest.mark.grade(clause="ACME-1", level="L2")
def test_above(): ...
@pytest.mark.grade("L2-SET-1")
def test_of_a_clause_above(): ...
@pytest.mark.grade(clause="T1-HON-1")
def test_of_trust(): ...
@pytest.mark.grade(clause="ACME-2", level="L1")
def test_below(): ...
@pytest.mark.grade(clause="ACME-3")
def test_of_no_level(): ...
def test_plain(): ...
""")
    run = grade("--claim=L1", "--collect-only", "-k", "test_")
    kept = [line.split()[1].rstrip(">") for line in run.text.splitlines() if "<Function" in line]
    assert kept == ["test_below", "test_of_no_level", "test_plain"]


@pytest.mark.parametrize(
    ("mark", "told"),
    [
        ("level='L1'", "test_it.py::test_it: its mark grade names no clause"),
        ("clause=7", "test_it.py::test_it: its mark grade names no clause"),
        ("'A', 'L1', 'more'", "test_it.py::test_it: its mark grade names no clause"),
        ("clause='A', trials=3", "test_it.py::test_it: its mark grade names no clause"),
        ("clause='A', level='L9'", "'L9' is no level or trust grade — there are L1, L2, T1"),
        ("'L1-SETS-1'", "names L1-SETS-1, which is no clause of"),
        ("'L1-SETS-1'", "did you mean L1-SET-1? a clause of your own has"),
        ("'T1-QQQQQQ-9'", "— a clause of your own has a name of its own"),
    ],
)
def test_a_marker_that_says_nothing_of_use_is_a_mistake(grade, tests, mark, told):
    tests(f"@pytest.mark.grade({mark})\ndef test_it(): ...\n")
    run = grade()
    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert told in run.error


def test_own_tests_are_shown_by_clause_and_never_alter_the_grade(grade, tests, pytester):
    tests("""
@pytest.mark.grade(clause="ACME-1", level="L1")
def test_fails(): assert 0
@pytest.mark.grade(clause="ACME-1")
def test_passes(): ...
@pytest.mark.grade(clause="L1-SET-1")
def test_of_the_edition(): pytest.skip("no")
@pytest.mark.grade(clause="ACME-2")
def test_in_error(nothing): ...
""")
    run = grade("--claim=L1", f"--junitxml={pytester.path}/junit.xml")
    assert run.code == pytest.ExitCode.TESTS_FAILED
    assert run.has(
        "own tests (no part of the grade):",
        "ACME-1    1 passed, 1 failed",
        "L1-SET-1  1 skipped",
        "ACME-2    1 in error",
    )
    assert run.summary["level"] == "L1"
    assert [clause["id"] for clause in run.summary["clauses"]][:2] == ["L1-SET-1", "L1-TWO-1"]
    junit = (pytester.path / "junit.xml").read_text()
    assert '<property name="clause" value="ACME-1" /><property name="level" value="L1" />' in junit


def test_a_test_for_what_the_agent_denies_is_skipped_naming_the_line(grade, tests, larger):
    tests("""
@pytest.mark.grade(clause="L1-DEN-1")
def test_denied(): ...
@pytest.mark.grade(clause="L1-OPT-1")
def test_denied_too(): ...
@pytest.mark.grade(clause="L1-SEA-1")
def test_of_a_sealed_clause(): ...
""")
    (grade.pytester.path / "agent.toml").write_text(
        '[agent]\nname = "n"\nversion = "1"\n[reach]\nkind = "command"\ncommand = "true"\n'
        'sandbox = "none"\n[ics]\ndenied = ["night"]\n'
    )
    run = grade("-rs", "-k", "test_", agent="agent.toml", edition=larger)
    assert run.counts == {"passed": 1, "skipped": 2, "deselected": 10}
    assert run.has(
        "the ICS denies what clause L1-DEN-1 needs: night", "clause L1-OPT-1 needs: night"
    )


def test_the_agent_can_be_tried_on_any_task_beside_the_campaign(grade, tests, pytester):
    tests("""
def test_agent(agent):
    assert agent.spec == "builtin:oracle"
    assert agent.describe()["name"] == "oracle"
    assert agent.evidence_class == "model-only"

def test_family_of_the_edition(trial):
    tried = trial("lamps", seed="7", knobs={"room": "loft"}, lang="zh", wording=1)
    assert tried.solved and tried.score == 1 and tried.outcome == "completed"
    assert [call.name for call in tried.calls] == ["dim"]
    assert tried.answer.status == "done" and tried.findings == ()
    first = tried.transcript.read_text().splitlines()[0]
    assert '"seed":"7"' in first and '"lang":"zh"' in first and '"wording":1' in first

def test_own_family_and_own_graders(trial):
    assert trial(FAMILY, grader=lambda played: True).solved
    half = trial(FAMILY, grader=lambda played: 0.5)
    assert (half.solved, half.score) == (False, 0.5)
    assert trial("lamps", grader="allowed").calls[0].name == "dim"

def test_the_same_seed_is_the_same_task(trial):
    assert trial("lamps").calls == trial("lamps").calls
    assert trial("lamps").calls != trial("lamps", seed="2").calls

def test_no_such_family(trial):
    with pytest.raises(Exception, match="there is no family 'moths' — families: .*lamps"):
        trial("moths")
""")
    run = grade("-k", "test_")
    assert run.counts == {"passed": 5, "deselected": 6}
    assert not run.out.exists()
    own = pytester.path / "out-own"
    assert len(list((own / "transcripts").iterdir())) == 8


def test_a_fault_of_the_suite_in_a_trial_is_an_error_and_no_failure(grade, tests):
    tests("def test_it(trial): trial(Broken())\n")
    run = grade("-k", "test_it")
    assert run.counts["errors"] == 1
    assert "failed" not in run.counts
    assert run.has("a part of the suite failed", "out of order")


def test_own_code_can_be_driven_at_the_doors(grade, tests):
    tests(
        """
from agent import work

def test_it(gateway):
    with gateway(FAMILY, grader=lambda played: 1.0, lang="zh") as doors:
        assert doors.mcp_url.startswith("http://127.0.0.1:")
        assert doors.openai_base_url.startswith("http://127.0.0.1:")
        assert doors.anthropic_base_url.startswith("http://127.0.0.1:")
        assert doors.model == "" and len(doors.api_key) > 20
        with pytest.raises(RuntimeError, match="before the end of the with block"):
            doors.result
        values = work(doors.instruction, doors.mcp_url, doors.api_key)
    assert doors.result.answer.values == values
    assert [call.name for call in doors.result.calls] == ["count"]

def test_nobody_came(gateway):
    with gateway("lamps") as doors:
        pass
    assert doors.result.outcome == "no_contact" and not doors.result.solved

def test_what_a_block_raises_comes_out(gateway):
    with pytest.raises(ZeroDivisionError):
        with gateway("lamps"):
            1 / 0
""".replace('grader="solved"', "grader=lambda played: played.answer is not None")
    )
    run = grade("-k", "test_")
    assert run.counts == {"passed": 3, "deselected": 6}


def test_transcripts_of_own_trials_are_no_part_of_the_bundle(grade, tests):
    tests("def test_it(trial): assert trial('lamps').solved\n")
    run = grade("--claim=L1")
    listed = json.loads((run.out / "manifest.json").read_bytes())["files"]
    assert run.code == 0
    assert not [path for path in listed if "own" in path]
