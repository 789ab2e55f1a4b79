"""``conformance certify``: the grades of the calibrators, the document, and the exit codes.

Most campaigns have one seed, so that what one of them drew is there for the next.
"""

import io
import json

import pytest

from conformance.cli import run
from conformance.evidence.bundle import write_document, write_manifest
from tests.campaign.test_supplements import SEALED, edited
from tests.fakes.editions import shared_edition

__all__ = ["shared_edition"]

pytestmark = pytest.mark.usefixtures("shared_edition")

SEEDED = ("--seed", "s")
OTHER = ("id: miniature", "id: secret")


def certify(capsys, tmp_path, *arguments, code=None):
    out = tmp_path / "bundle"
    given = ["certify", "--out", str(out), "--json", "--no-report", *arguments]
    got = run(given)
    document = json.loads(capsys.readouterr().out)
    if code is not None:
        assert got == code, document
    return document, out


def verdicts(document):
    return {clause["id"]: clause["verdict"] for clause in document["clauses"]}


def test_the_oracle_holds_the_level_it_claims(capsys, tmp_path):
    document, out = certify(
        capsys, tmp_path, "--agent", "builtin:oracle", "--claim", "L2", *SEEDED, code=0
    )
    assert (document["level"], document["trust"], document["efficiency"]) == ("L2", "–", "A")
    assert document["bundle"] == str(out)
    assert verdicts(document)["L3-PLN-1"] == "not_run"
    twins = json.loads((out / "results" / "twins.json").read_bytes())["levels"]
    assert [(level["step"], level["gap"]) for level in twins] == [("L1", 0), ("L2", 0)]


def test_an_oracle_of_one_level_holds_that_level(capsys, tmp_path):
    document, _ = certify(
        capsys, tmp_path, "--agent", "builtin:oracle-L1", "--claim", "L2", *SEEDED, code=1
    )
    assert document["level"] == "L1"


def test_overstepping_keeps_the_level_and_loses_the_trust_clause(capsys, tmp_path):
    document, _ = certify(
        capsys, tmp_path, "--agent", "builtin:oversteps", "--claim", "L2/T1", *SEEDED, code=1
    )
    assert document["level"] == "L2"
    assert document["trust"] == "–"
    assert verdicts(document)["T1-CTL-2"] == "fail"


@pytest.mark.parametrize("name", ["null", "greedy"])
def test_no_cheat_earns_a_level(capsys, tmp_path, name):
    document, _ = certify(capsys, tmp_path, "--agent", f"builtin:{name}", *SEEDED, code=0)
    assert document["level"] == "L0"
    assert document["efficiency"] == "–"


def test_a_liar_is_called_one(capsys, tmp_path):
    document, _ = certify(
        capsys, tmp_path, "--agent", "builtin:liar", "--claim", "L1/T1", *SEEDED, code=1
    )
    assert verdicts(document)["T1-HON-1"] == "fail"


def test_a_sealed_clause_needs_the_sealed_edition_and_grade_the_same_one(capsys, tmp_path):
    edition, sealed = edited(tmp_path, SEALED), edited(tmp_path, OTHER, name="secret")
    words = ("--agent", "builtin:oracle", "--claim", "L2", "--edition", str(edition))
    document, _ = certify(capsys, tmp_path / "without", *words, code=5)
    assert document["level"] == "L1"
    reasons = {c["id"]: c["reason"] for c in document["clauses"]}
    assert reasons["L2-SET-1"] == "sealed"
    words += ("--sealed", str(sealed))
    document, out = certify(capsys, tmp_path / "with", *words, code=0)
    assert document["level"] == "L2"
    assert document["sealed"]["id"] == "secret"
    again = ["grade", str(out), "--edition", str(edition)]
    assert run(again) == 7
    assert run([*again, "--sealed", str(sealed)]) == 0


def test_a_screening_is_no_grade_and_leaves_trust_out(capsys, tmp_path):
    document, _ = certify(
        capsys,
        tmp_path,
        "--agent",
        "builtin:oracle",
        "--claim",
        "L1",
        "--plan",
        "screen",
        *SEEDED,
        code=0,
    )
    assert document["is_grade"] is False
    assert document["statement"]["en"] == "Screening, not a grade."
    assert {c["reason"] for c in document["clauses"] if c["id"] == "T1-CTL-2"} == {"plan"}


def test_a_fixed_plan_takes_the_exact_number_of_trials(capsys, tmp_path):
    document, _ = certify(
        capsys,
        tmp_path,
        "--agent",
        "builtin:oracle",
        "--claim",
        "L1",
        "--plan",
        "fixed",
        *SEEDED,
        code=0,
    )
    counts = {c["judgement"]["n"] for c in document["clauses"] if c["step"] == "L1"}
    assert counts == {142}


def test_a_seed_chosen_by_the_applicant_is_said_to_be(capsys, tmp_path):
    document, _ = certify(
        capsys, tmp_path, "--agent", "builtin:null", "--claim", "L1", "--seed", "mine"
    )
    assert document["seed_source"] == "applicant"


def test_one_language_only_is_on_the_certificate(capsys, tmp_path):
    document, out = certify(
        capsys, tmp_path, "--agent", "builtin:null", "--claim", "L1", "--lang", "zh", *SEEDED
    )
    assert document["langs"] == ["zh"]
    starts = [
        json.loads(path.read_text().splitlines()[0])
        for path in (out / "run" / "transcripts").glob("*.jsonl")
    ]
    assert {start["lang"] for start in starts} == {"zh"}


def test_a_budget_of_calls_ends_in_order_and_can_be_resumed(capsys, tmp_path):
    arguments = ("--agent", "builtin:oracle", "--claim", "L1", *SEEDED)
    cut, out = certify(capsys, tmp_path, *arguments, "--max-calls", "20", code=1)
    assert cut["ended"] == "budget"
    assert {c["reason"] for c in cut["clauses"] if c["step"] == "L1"} == {"budget"}
    assert run(["certify", "--out", str(out), "--json", "--no-report", *arguments]) == 4
    capsys.readouterr()
    resumed, _ = certify(capsys, tmp_path, *arguments, "--resume", code=0)
    whole, _ = certify(capsys, tmp_path / "other", *arguments, code=0)
    assert resumed["clauses"] == whole["clauses"]


def test_a_resume_of_nothing_says_that_it_begins(capsys, tmp_path):
    out = tmp_path / "misspelt"
    words = ["--agent", "builtin:oracle", "--claim", "L1", "--max-calls", "3", "--no-report"]
    run(["certify", *words, "--out", str(out), "--resume", "--locale", "en"])
    assert f"there is no campaign in {out} to go on with: a new one" in capsys.readouterr().err


def test_the_resume_of_a_complete_campaign_leaves_its_bundle_as_it_is(capsys, tmp_path):
    arguments = ("--agent", "builtin:oracle", "--claim", "L1", "--plan", "screen", *SEEDED)
    first, out = certify(capsys, tmp_path, *arguments, code=0)
    files = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    again, _ = certify(capsys, tmp_path, *arguments, "--resume", code=0)
    assert again == first
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == files
    (out / "manifest.json").unlink()  # as if it had been stopped before it was sealed
    assert certify(capsys, tmp_path, *arguments, "--resume", code=0)[0] == first
    assert run(["grade", str(out)]) == 0
    other = ("--agent", "builtin:oracle", "--claim", "L2", "--plan", "screen", "--resume", *SEEDED)
    assert run(["certify", "--out", str(out), *other]) == 4
    assert "claim was" in capsys.readouterr().err


def test_a_forged_summary_is_not_what_a_resume_ends_with(capsys, tmp_path):
    arguments = ("--agent", "builtin:null", "--claim", "L1", "--plan", "screen", *SEEDED)
    first, out = certify(capsys, tmp_path, *arguments, code=1)
    forged = json.loads((out / "results/summary.json").read_bytes())
    write_document(out, "results/summary.json", {**forged, "level": "L1", "exit_code": 0})
    write_manifest(out)
    again, _ = certify(capsys, tmp_path, *arguments, "--resume", code=1)
    assert again == first
    assert run(["grade", str(out)]) == 0


def test_a_dry_run_prints_the_cost_and_writes_nothing(capsys, tmp_path):
    document, out = certify(
        capsys, tmp_path, "--agent", "builtin:oracle", "--claim", "L2", "--dry-run", code=0
    )
    trials = {cost["case"]: cost["trials"] for cost in document["costs"]}
    assert 0 < trials["p1"] < trials["p0"] <= trials["worst"]
    assert not out.exists()


def test_the_terminal_ends_with_the_result_and_the_paths(capsys, tmp_path):
    out = tmp_path / "b"
    assert run(["certify", "--agent", "builtin:liar", "--out", str(out), "--locale", "en"]) == 0
    printed = capsys.readouterr().out
    assert "L0" in printed
    assert "L1-UND-1" in printed
    assert "report.html" in printed
    assert (out / "report.html").stat().st_size > 10_000


def test_a_budget_does_not_leave_open_what_is_sure_and_the_re_grade_agrees(capsys, tmp_path):
    arguments = ("--agent", "builtin:random", "--max-calls", "60", "--seed", "s")
    cut, out = certify(capsys, tmp_path, *arguments, code=0)
    assert cut["ended"] == "budget"
    failed = next(c for c in cut["clauses"] if c["id"] == "L1-TOL-1")
    assert failed["verdict"] == "fail"
    assert failed["judgement"]["n"] < failed["rule"]["n_min"]
    assert {c["reason"] for c in cut["clauses"] if c["id"] == "L2-PLN-1"} == {"above"}
    assert run(["grade", str(out)]) == 0


def test_a_person_at_the_terminal_climbs_the_same_ladder(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("sys.stdin", io.StringIO("quit\n" * 400))
    words = ("--agent", "human:tester", "--claim", "L1", "--no-twins", "--seed", "s")
    document, out = certify(capsys, tmp_path, *words, code=1)
    assert document["level"] == "L0"
    assert set(verdicts(document).values()) == {"fail", "not_run"}
    claim = json.loads((out / "claim.json").read_bytes())
    assert (claim["agent"]["kind"], claim["agent"]["name"]) == ("human", "tester")
