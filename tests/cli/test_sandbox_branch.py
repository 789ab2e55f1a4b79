"""Without a sandbox: what is said beforehand, what is not run, and with which exit code."""

from __future__ import annotations

import json

import pytest

from conformance.cli import run
from tests.fakes.editions import shared_edition

__all__ = ["shared_edition"]


@pytest.fixture(autouse=True)
def no_sandbox(monkeypatch, tmp_path):
    monkeypatch.setenv("CONFORMANCE_SANDBOX", "none")
    monkeypatch.chdir(tmp_path)


def test_the_doctor_says_so_beforehand_and_names_the_clauses(capsys):
    run(["doctor", "--json"])
    checks = json.loads(capsys.readouterr().out)["checks"]
    (found,) = [check for check in checks if check["name"] == "sandbox"]
    assert not found["is_there"]
    assert "L2-PLN-1" in found["needed_for"]
    assert "CONFORMANCE_SANDBOX" in found["detail"]
    assert found["mend"]


@pytest.mark.usefixtures("shared_edition")
def test_a_claim_that_needs_it_is_not_held_and_says_what_to_do(capsys):
    words = ("certify", "--agent", "builtin:oracle", "--claim", "L2", "--no-twins", "--no-report")
    assert run([*words, "--seed", "s", "--out", "b", "--json"]) == 5
    said = capsys.readouterr()
    document = json.loads(said.out)
    reasons = {c["id"]: (c["verdict"], c["reason"]) for c in document["clauses"]}
    assert reasons["L2-PLN-1"] == ("not_run", "sandbox")
    assert document["level"] == "L1"
    assert "no sandbox works here" in said.err
    # The terms say so, and a re-grade follows the terms.
    assert run(["grade", "b"]) == 0


@pytest.mark.parametrize("words", [("tasks", "play", "workflow"), ("tasks", "check", "workflow")])
def test_a_family_that_needs_it_is_refused_with_one_line(words, capsys):
    assert run(list(words)) == 4
    (said,) = capsys.readouterr().err.splitlines()
    assert "no sandbox works here" in said
