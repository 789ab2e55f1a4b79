"""``conformance diff``: its exit codes, what it shows in two languages, each mistake in a line."""

import json
import re
import shutil
from pathlib import Path

import msgspec
import pytest

from conformance.cli import run
from conformance.evidence.compare import compare_bundles
from conformance.report.diff import _more
from conformance.report.diff_forms import diff_markdown
from tests.campaign.campaigns import bundle
from tests.evidence.evaluations import evaluated_bundle
from tests.evidence.forge import Forger
from tests.fakes.agents import MINIATURE, FakeAgent, solve, submit

HOSTILE = "evil|<script>alert(1)</script>\x1b[31m\u202e@team [x](http://x.test) `"


async def right_but_in_the_loft(self, task, doors, private):
    if private.knobs.get("room") == "loft":
        await submit(doors, {"receipt": "made up"})
    else:
        await solve(doors, private)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    root = tmp_path_factory.mktemp("bundles")
    fallen = FakeAgent(right_but_in_the_loft, name=HOSTILE)
    return {
        "right": bundle(root / "right"),
        "fallen": bundle(root / "fallen", fallen),
        "other": bundle(root / "other", "answers_right", seed="another"),
        "other fallen": bundle(root / "other-fallen", fallen, seed="another"),
        "drawn": bundle(root / "drawn", "answers_right", seed=None),
        "cut": bundle(root / "cut", "thinks_and_answers_right", max_calls=3, concurrency=1),
    }


def diff(bundles, a, b, *words):
    return run(["diff", str(bundles[a]), str(bundles[b]), *words])


# -- the gate ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("a", "b", "fail_on", "code"),
    [
        ("right", "right", "worse", 0),
        ("right", "right", "level", 0),
        ("right", "fallen", "worse", 1),
        ("right", "fallen", "level", 1),
        ("right", "fallen", "never", 0),
        ("fallen", "right", "worse", 0),
        ("fallen", "right", "level", 0),
        ("right", "other", "worse", 5),
        ("right", "other", "level", 0),
        ("right", "other", "never", 0),
        ("right", "other fallen", "worse", 5),
        ("right", "other fallen", "level", 1),
    ],
)
def test_the_gate(bundles, a, b, fail_on, code):
    assert diff(bundles, a, b, "--fail-on", fail_on, "--json") == code


def test_the_gate_holds_to_evidence_of_worse_unless_told_otherwise(bundles, capsys):
    assert diff(bundles, "right", "fallen") == 1
    assert capsys.readouterr().err == "conformance: worse: all\n"
    assert diff(bundles, "right", "fallen", "--fail-on", "level") == 1
    assert capsys.readouterr().err.startswith("conformance: worse: all, agency L2 → L1")
    assert diff(bundles, "right", "other") == 5
    assert "no instance was tried in both" in capsys.readouterr().err


# -- what is shown -------------------------------------------------------------------------------


def shown(capsys, bundles, a, b, *words):
    diff(bundles, a, b, *words)
    return capsys.readouterr().out


def test_a_terminal_shows_what_moved_and_whether_it_is_noise(capsys, bundles):
    text = shown(capsys, bundles, "right", "fallen", "--locale", "en")
    assert "B is worse than A: all pairs." in text
    rows = {line.split()[0]: line.split() for line in text.splitlines() if "-SET-1" in line}
    assert rows["L2-SET-1"][1:6] == ["✓", "pass", "→", "✕", "fail"]
    assert rows["L2-SET-1"][7:10] == ["1.000", "0.000", "-1"]
    assert "Agency level      L2  L1  lower" in text
    text = shown(capsys, bundles, "right", "right", "--locale", "en")
    assert "No evidence of a difference: what moved is within chance." in text
    assert "worse than A" not in text


def test_a_campaign_that_was_cut_short_is_not_called_chance(capsys, bundles):
    assert diff(bundles, "right", "cut", "--fail-on", "worse") == 5
    told = capsys.readouterr()
    assert "B holds less, and left out L1-SET-1" in told.err
    text = " ".join(told.out.split())
    assert "B holds less (Agency level L2 → L0" in text
    assert "not tried, or not to the end, on clauses that A was tried on: L1-SET-1" in text
    assert "chance alone" not in text
    assert diff(bundles, "right", "cut", "--fail-on", "level") == 1


def test_the_versions_of_an_agent_are_told_apart(capsys, tmp_path):
    class Versioned(FakeAgent):
        def describe(self):
            return {**super().describe(), "version": "1.1"}

    old, new = FakeAgent(solve, name="clerk"), Versioned(solve, name="clerk")
    bundles = {"old": bundle(tmp_path / "old", old), "new": bundle(tmp_path / "new", new)}
    lines = shown(capsys, bundles, "old", "new", "--locale", "en").splitlines()
    sides = {line[0]: line for line in lines if line.startswith(("A  ", "B  "))}
    assert "fake:clerk  " in sides["A"]
    assert "fake:clerk 1.1  " in sides["B"]


def test_a_terminal_shows_the_same_in_chinese(capsys, bundles):
    text = shown(capsys, bundles, "right", "fallen", "--locale", "zh")
    assert "B 不如 A：全部配对。" in text
    assert "能动性等级" in text
    assert "变差" in text


def test_without_pairs_both_estimates_are_shown_as_those_at_stopping(capsys, bundles):
    text = shown(capsys, bundles, "right", "other fallen", "--locale", "en")
    assert "No paired test is possible" in text
    assert "A at stopping" in text
    assert "these are not tested against each other" in text
    assert "certify B again with --seed-of and the folder of A" in text
    assert "E worse" not in text
    assert "B is worse" not in text
    assert "各自停止时的估计值" in shown(capsys, bundles, "right", "other", "--locale", "zh")


def seed_of(bundle, out, *words):
    given = ["--agent", "builtin:oracle", "--edition", str(MINIATURE), "--no-report", *words]
    return run(["certify", *given, "--seed-of", str(bundle), "--out", str(out)])


def test_a_change_is_paired_with_a_bundle_whose_seed_the_system_drew(capsys, bundles, tmp_path):
    out = tmp_path / "change"
    assert seed_of(bundles["drawn"], out) == 0
    capsys.readouterr()
    found = json.loads(shown(capsys, {**bundles, "change": out}, "drawn", "change", "--json"))
    assert found["exit_code"] == 0
    assert found["is_same_seed"]
    assert found["all_pairs"]["test"]["n"] > 10
    assert (found["a"]["seed_source"], found["b"]["seed_source"]) == ("os", "applicant")
    assert run(["grade", str(out), "--edition", str(MINIATURE)]) == 0


def test_a_seed_that_is_no_use_is_refused_before_any_trial(capsys, bundles, tmp_path):
    out = tmp_path / "change"

    def refused(code, bundle, *words):
        assert seed_of(bundle, out, *words) == code
        assert not out.exists()
        told = capsys.readouterr().err
        assert told.count("\n") == 1
        return told

    assert "use one of them" in refused(4, bundles["right"], "--seed", "x")
    assert "give --lang as it was given there" in refused(4, bundles["right"], "--lang", "en")
    assert "there is no campaign — name a bundle's folder" in refused(4, tmp_path / "none")
    other = evaluated_bundle(tmp_path / "other")
    assert "is of another edition" in refused(4, other)
    stopped = tmp_path / "stopped"
    shutil.copytree(bundles["right"], stopped)
    path = stopped / "run/journal.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert "has not ended, so its seed is still secret" in refused(4, stopped)
    *lines, end = (bundles["right"] / "run/journal.jsonl").read_text().splitlines(keepends=True)
    for forged in ("zz", "", "00" * 32):
        end = re.sub(r'"seed":"\w*"', f'"seed":"{forged}"', end)
        path.write_text("".join([*lines, end]))
        assert "is not the seed that was committed" in refused(7, stopped)
    path.write_text("")
    assert "is empty" in refused(7, stopped)
    path.unlink()
    assert "is missing" in refused(7, stopped)
    assert seed_of(bundles["right"], out) == 0
    assert seed_of(bundles["right"], out, "--resume") == 0
    assert seed_of(bundles["other"], out, "--resume") == 4
    assert "--seed-of: another seed than the campaign's" in capsys.readouterr().err


def test_markdown_is_a_comment_that_no_agent_can_mark_up(capsys, bundles):
    text = shown(capsys, bundles, "right", "fallen", "--format", "markdown", "--locale", "en")
    assert text.startswith("### B against A\n\n**B is worse than A: all pairs.**")
    (clause,) = (line for line in text.splitlines() if line.startswith("| L2-SET-1 |"))
    assert clause.split(" | ")[1] == "✓ pass → ✕ fail"
    for block in text.split("\n\n"):
        if block.startswith("|"):
            widths = {line.replace("\\|", "").count("|") for line in block.splitlines()}
            assert len(widths) == 1, block
    for acts in ("<script", "\x1b", "\u202e", "@team", "http://x.test"):
        assert acts not in text
    assert "### A 与 B" not in text
    chinese = shown(capsys, bundles, "right", "fallen", "--format", "markdown", "--locale", "zh")
    assert chinese.startswith("### A 与 B 的比较\n\n**B 不如 A：全部配对。**")


def test_a_hostile_name_is_inert_in_a_terminal(capsys, bundles):
    text = shown(capsys, bundles, "right", "fallen")
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "⟨ESC⟩" in text


def test_the_json_document_has_the_tests_and_the_exit_code(capsys, bundles):
    found = json.loads(shown(capsys, bundles, "right", "fallen", "--json"))
    assert (found["format"], found["exit_code"], found["worse"]) == ("diff/1", 1, ["all"])
    assert found["all_pairs"]["test"]["finding"] == "worse"
    assert found["all_pairs"]["test"]["log10_e_worse"] > 1.6
    assert found["all_pairs"]["test"]["upper"] is None
    loft = next(move for move in found["clauses"] if move["id"] == "L2-SET-1")
    assert loft["pairs"]["test"]["upper"] < 0.2
    assert found["steps"][0] == {"axis": "agency", "a": "L2", "b": "L1", "is_lower": True}


def test_help_has_examples_and_every_exit_code(capsys):
    assert run(["diff", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "conformance diff runs/main runs/branch --format markdown" in text
    assert "0 no evidence of worse" in text
    assert "7 a bundle does not hold together" in text


@pytest.mark.parametrize(
    ("measure", "value", "told"),
    [
        ("wall_s", 0.0004, "< 1 ms"),
        ("wall_s", -0.0004, "< 1 ms"),
        ("wall_s", -0.25, "-250 ms"),
        ("wall_s", 75.0, "+1 min 15 s"),
        ("wall_s", 0.0, "0"),
        ("tokens", 218504.0, "+218,504"),
        ("tokens", -2316.5, "-2,316"),
        ("tool_calls", 1.5, "+1.5"),
        ("tokens", None, "–"),
    ],
)
def test_a_difference_of_what_was_used_is_written_as_people_read_it(measure, value, told):
    assert _more(measure, value) == told


def test_an_interval_at_stopping_is_rounded_outwards_and_never_on_to_its_limit(bundles):
    found = compare_bundles(bundles["right"], bundles["other"])
    (move,) = [move for move in found.clauses if move.id == "T1-CTL-1"]
    near = msgspec.structs.replace(move.a, lower=0.80004, upper=0.90361)
    clauses = [msgspec.structs.replace(move, a=near)]
    shown = diff_markdown(msgspec.structs.replace(found, clauses=clauses), "en")
    assert r"\[0.80004, 0.904\]" in shown


# -- what is refused -----------------------------------------------------------------------------


def fails(capsys, code, *words):
    assert run(["diff", *map(str, words)]) == code
    told = capsys.readouterr()
    assert told.err.count("\n") == 1
    assert told.out == ""
    return told.err


def test_a_folder_that_is_not_there_or_holds_no_bundle(capsys, bundles, tmp_path):
    assert "there is no such folder" in fails(capsys, 4, bundles["right"], tmp_path / "none")
    assert "manifest.json: is missing" in fails(capsys, 7, bundles["right"], tmp_path)


def test_two_editions(capsys, bundles, tmp_path):
    other = evaluated_bundle(tmp_path / "other")
    told = fails(capsys, 4, bundles["right"], other)
    assert "nothing in them compares — compare bundles of one edition" in told


def test_a_bundle_that_was_changed(capsys, bundles, tmp_path):
    copy = Path(shutil.copytree(bundles["right"], tmp_path / "copy"))
    (copy / "results/summary.json").write_bytes(b"{}\n")
    assert "summary.json: was changed after" in fails(capsys, 7, copy, bundles["right"])


def test_results_that_were_forged_and_sealed_again_are_found_by_a_re_grade(
    capsys, bundles, tmp_path
):
    copy = Path(shutil.copytree(bundles["fallen"], tmp_path / "copy"))
    path = copy / "results/observations.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"value":0.0', b'"value":1.0'))
    Forger(copy).seal()
    assert run(["diff", str(bundles["right"]), str(copy)]) == 0
    capsys.readouterr()
    words = (bundles["right"], copy, "--regrade", "--edition", MINIATURE)
    assert "is not what the re-grade gives" in fails(capsys, 7, *words)
    assert run(["diff", *map(str, (bundles["right"], bundles["right"], *words[2:]))]) == 0


def test_options_that_contradict_each_other(capsys, bundles):
    words = (bundles["right"], bundles["right"], "--json", "--format", "markdown")
    assert run(["diff", *map(str, words)]) == 4
    assert "does not go with --format markdown" in capsys.readouterr().err
