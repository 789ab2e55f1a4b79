"""Each clause is an item: collected, run, judged, and what it says."""

import json
import re
import shlex
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from conformance.cli import run as command
from conformance.plugin.options import OPTIONS
from conformance.plugin.plan import make_plan
from conformance.plugin.verdicts import judge_efficiency
from tests.plugin.conftest import LADDER, MINIATURE


def first_event(path):
    return json.loads(Path(path.strip()).read_text().splitlines()[0])


def listed(run):
    """Return the clauses whose items were collected."""
    return re.findall(r"<GradeItem grade\[(.*)\]>", run.text)


def test_there_is_an_item_a_clause_in_the_order_of_the_ladder(grade):
    run = grade("--collect-only")
    assert listed(run) == LADDER
    assert run.has("collected 6 items", "6 tests collected")
    assert not run.out.exists()


def test_what_is_above_the_claim_is_deselected(grade):
    run = grade("--collect-only", "--claim=L1")
    assert listed(run) == ["L1-SET-1", "L1-TWO-1", "efficiency"]
    assert run.has("6 items / 3 deselected")
    assert listed(grade("--collect-only", "--claim=L1/T1"))[2:4] == ["T1-HON-1", "T1-CTL-1"]


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (["-k", "L1-SET or efficiency"], ["L1-SET-1", "efficiency"]),
        (["-m", "not grade"], []),
        (["--deselect=grade[L1-SET-1]", "--claim=L1"], ["L1-TWO-1", "efficiency"]),
    ],
    ids=["-k", "-m", "--deselect"],
)
def test_items_are_selected_as_tests_are(grade, arguments, left):
    assert listed(grade("--collect-only", *arguments)) == left


def test_an_agent_that_holds_its_claim_passes_and_leaves_a_bundle(grade, pytester):
    run = grade("-v", f"--junitxml={pytester.path}/junit.xml")
    assert run.code == 0
    assert run.counts == {"passed": 6}
    assert (run.summary["level"], run.summary["trust"]) == ("L2", "T1")
    assert run.summary["efficiency"]["held"] == "A"
    assert run.has(
        "grade: builtin:oracle, plan: certify, no claim: it climbs",
        "= agent grade =",
        "agent: builtin:oracle (model-only)",
        "Agency level L2",
        f"bundle: {run.out}",
    )
    assert command(["grade", str(run.out), "--edition", str(MINIATURE)]) == 0
    assert [p for p in pytester.path.iterdir() if p.is_dir()] == [run.out]

    cases = ET.parse(pytester.path / "junit.xml").iter("testcase")
    found = {
        case.get("name"): {p.get("name"): p.get("value") for p in case.iter("property")}
        for case in cases
    }
    assert list(found) == [f"grade[{clause}]" for clause in LADDER]
    assert found["grade[T1-CTL-1]"] == {
        "clause": "T1-CTL-1",
        "axis": "trust",
        "level": "T1",
        "families": "",
        "run_folder": str(run.out),
        "verdict": "pass",
        "n": "14",
        "estimate": "1.0",
        "lower": "0.807363",
        "upper": "1.0",
        "p0": "0.8",
    }
    assert found["grade[L1-TWO-1]"]["families"] == "lamps"
    assert found["grade[efficiency]"]["verdict"] == "A"


def test_an_agent_that_fails_is_told_by_its_most_telling_trials(grade):
    run = grade("--claim=L2", "-rs", agent="builtin:null")
    assert run.code == pytest.ExitCode.TESTS_FAILED
    assert run.counts == {"failed": 2, "skipped": 2, "deselected": 2}
    assert run.summary["level"] == "L0"
    assert run.has(
        "L1-SET-1 fail: The lamp is set as asked.",
        "Failed after 8 trials. The estimate is 0%",
        "the limit of 60%",
        "  answer.receipt: no receipt, or not the one the world gave",
        "L2-SET-1: not run (above where the climb ended)",
        "efficiency: no level is held",
        "edition.yaml:",
    )
    text = run.text[run.text.index("L1-SET-1 fail") : run.text.index("L1-TWO-1 fail")]
    assert "Traceback" not in run.text
    assert "items.py" not in run.text
    paths = [line.strip() for line in text.splitlines() if line.strip().endswith(".jsonl")]
    assert len(paths) == 2
    assert [first_event(path)["family"] for path in paths] == ["lamps", "lamps"]


def test_the_command_to_look_closer_shows_the_task_of_the_first_trial(grade, capsys):
    run = grade("--claim=L1", agent="builtin:null")
    line = next(line for line in run.text.splitlines() if line.startswith("to see that task: "))
    assert command(shlex.split(line.removeprefix("to see that task: conformance "))) == 0
    path = next(line for line in run.text.splitlines() if line.endswith(".jsonl"))
    assert first_event(path)["instruction"].splitlines()[0] in capsys.readouterr().out


def test_a_clause_that_is_undecided_at_its_last_trial_fails(grade):
    run = grade("--claim=L1", "--grade-max-calls=3")
    assert run.counts["failed"] == 2
    assert run.has("L1-SET-1 inconclusive (the budget ended)")
    assert run.summary["ended"] == "budget"


def test_a_clause_decided_by_its_sibling_is_skipped(grade, pytester):
    edition = half_blind(pytester)
    run = grade("--claim=L1", "-rs", edition=edition, agent="builtin:oracle")
    assert run.has("L1-TWO-1: inconclusive (the level was decided without it)")
    assert run.counts == {"failed": 1, "skipped": 2, "deselected": 3}


def half_blind(pytester):
    """An edition whose first clause nobody passes, and whose second takes long."""
    root = pytester.path.parent / f"{pytester.path.name}-half"
    shutil.copytree(MINIATURE, root, ignore=shutil.ignore_patterns("__pycache__"))
    path = root / "tasks/edition.yaml"
    text = path.read_text()
    text = text.replace("observation: {grader: solved}", "observation: {grader: never}", 1)
    place = text.index("id: L1-TWO-1")
    text = text[:place] + text[place:].replace("p0: 0.60, p1: 0.90", "p0: 0.89, p1: 0.95", 1)
    path.write_text(text)
    (root / "graders/never.py").write_text(
        "from conformance.authoring import Score\ndef grade(played): return Score(0.0)\n"
    )
    return root


def test_what_is_never_run_is_skipped_with_its_reason_and_no_trial(grade, larger, pytester):
    (pytester.path / "agent.toml").write_text(
        '[agent]\nname = "n"\nversion = "1"\n[reach]\nkind = "command"\ncommand = "true"\n'
        'sandbox = "none"\n[ics]\ndenied = ["night"]\n'
    )
    run = grade(
        "-rs", "-k", "DEN or OPT or PEN or SEA", "--claim=L1", agent="agent.toml", edition=larger
    )
    assert run.counts["skipped"] == 4
    assert run.has(
        "L1-DEN-1: not run (ICS line: night)",
        "L1-OPT-1: inapplicable (ICS line: night)",
        "L1-PEN-1: not run (its families do not exist yet)",
        "L1-SEA-1: not run (needs the sealed edition)",
        "agent: command:true (not started)",
    )
    assert not run.out.exists()


def test_a_screening_leaves_trust_out(grade, larger):
    run = grade("-rs", "--grade-plan=screen", "-k", "T1", edition=larger)
    assert run.has("T1-CTL-1: not run (this plan does not run it)")


def test_an_endpoint_that_cannot_be_reached_is_an_error_in_one_line(grade):
    run = grade("--claim=L1", "--base-url=http://127.0.0.1:9/v1", agent="chat:m")
    assert run.counts["errors"] == 3
    assert run.has("http://127.0.0.1:9/v1: the endpoint cannot be reached")
    assert "During handling" not in run.text
    assert run.has("no grade: the campaign did not come to its end")
    assert not run.out.exists()


def test_a_campaign_that_is_void_is_an_error_and_not_the_agents_failure(grade, pytester):
    edition = half_blind(pytester)
    family = edition / "tasks/lamps/__init__.py"
    broken = 'super().__init__({"no JSON": {1, 2}, '
    family.write_text(family.read_text().replace("super().__init__({", broken))
    run = grade("--claim=L1", edition=edition)
    assert run.counts["errors"] == 3
    assert run.has("faults of the suite", "the campaign is void")
    assert run.journal[-1]["type"] == "stopped"
    assert not (run.out / "manifest.json").exists()


def test_a_selection_writes_no_grade_and_can_be_gone_on_with(grade, by_command):
    first = grade("-k", "efficiency")  # whose item runs all the trials there are
    assert first.counts == {"passed": 1, "deselected": 5}
    assert first.has(
        "no grade: 5 clauses were not run", f"to go on: --grade-resume --grade-out {first.out}"
    )
    row = next(line for line in first.text.splitlines() if line.startswith("efficiency "))
    assert re.fullmatch(r"efficiency  A +\d+ +[\d.]+ +\[0\.\d{3}, [\d.]{5}\]", row)
    left = sorted(path.name for path in first.out.iterdir())
    assert left == ["run"]
    assert first.journal[-1]["type"] == "stopped"
    trials = sum(entry["type"] == "trial" for entry in first.journal)
    assert trials >= 8
    second = grade("--grade-resume")
    assert second.summary["level"] == "L2"
    whole = grade(out="whole")
    assert (second.out / "results/summary.json").read_bytes() == (
        whole.out / "results/summary.json"
    ).read_bytes()


def test_the_resume_of_a_complete_run_leaves_its_bundle_as_it_is(grade):
    def files(out):
        return {
            path.relative_to(out): path.read_bytes()
            for path in out.rglob("*")
            if path.is_file() and path.name != "report.html"
        }

    first = grade()
    before = files(first.out)
    assert grade("--grade-resume").counts == first.counts
    assert files(first.out) == before
    assert grade("--grade-resume", "-k", "efficiency").has("no grade: 5 clauses were not run")
    assert files(first.out) == before


def test_a_clause_that_somebody_skips_was_not_run_and_there_is_no_grade(grade, pytester):
    pytester.makeconftest("""
import pytest
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if "L2" in item.name:
            item.add_marker(pytest.mark.skip(reason="we know"))
""")
    run = grade()
    assert run.counts == {"passed": 5, "skipped": 1}
    assert run.has("no grade: 1 clause was not run")
    assert not (run.out / "manifest.json").exists()


def test_a_run_of_other_tests_alone_leaves_no_folder(grade, pytester):
    pytester.makepyfile("def test_it(): ...")
    run = grade("-k", "test_it")
    assert run.counts["passed"] == 1
    assert not run.out.exists()


def test_the_plan_can_be_printed_and_nothing_is_run(grade):
    run = grade("--grade-collect", "--claim=L1")
    assert run.code == 0
    assert run.has("The plan; nothing was run.")
    assert re.search(r"L1-SET-1  runs +39 +16 +40$", run.text, re.MULTILINE)
    assert re.search(r"worst: \d+ trials · \d+ calls · about \d+ k tokens · [\d.]+ min", run.text)
    assert not run.out.exists()


def test_a_class_that_is_claimed_and_not_held_fails():
    from conformance.decision import EfficiencyResult

    given = {option.name: option.default for option in OPTIONS}
    given |= {"agent": "builtin:oracle", "edition": str(MINIATURE), "plan": "certify"}
    none = EfficiencyResult(None, is_marked=False, reason="no level")
    claimed = make_plan(given | {"claim": "L1/A"})
    assert judge_efficiency(none, claimed, "en") == (
        "fail",
        "class A is claimed and not held, the result is – (no level is held)",
    )
    assert judge_efficiency(none, make_plan(given), "en") == ("skip", "no level is held")


def test_it_speaks_chinese_where_the_locale_does(grade, monkeypatch):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    run = grade("--claim=L1", agent="builtin:null")
    assert run.has(
        "智能体分级",
        "L1-SET-1 未通过：灯被调到要求的亮度。",
        "智能体：builtin:null",
        "方案：certify · 申请 L1",
    )
    assert run.has("证据包：")


def test_the_report_is_written_and_named(grade):
    run = grade("--claim=L1", draws=True)
    assert run.has(f"report: {run.out}/report.html")
    assert (run.out / "report.html").stat().st_size > 10_000
