"""Without a sandbox: what is said beforehand, what is not run, and with which exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest


def run(*words, sandbox="none", cwd):
    environment = {**os.environ, "CONFORMANCE_SANDBOX": sandbox, "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [sys.executable, "-m", "conformance", *words],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=cwd,
    )


def test_the_doctor_says_so_beforehand_and_names_the_clauses(tmp_path):
    checks = json.loads(run("doctor", "--json", cwd=tmp_path).stdout)["checks"]
    (found,) = [check for check in checks if check["name"] == "sandbox"]
    assert not found["is_there"]
    assert "L2-PLN-1" in found["needed_for"]
    assert "CONFORMANCE_SANDBOX" in found["detail"]
    assert found["mend"]


def test_a_claim_that_needs_it_is_not_held_and_says_what_to_do(tmp_path):
    words = ("certify", "--agent", "builtin:oracle", "--claim", "L2", "--no-twins", "--no-report")
    done = run(*words, "--seed", "s", "--out", "b", "--json", cwd=tmp_path)
    assert done.returncode == 5
    document = json.loads(done.stdout)
    reasons = {c["id"]: (c["verdict"], c["reason"]) for c in document["clauses"]}
    assert reasons["L2-PLN-1"] == ("not_run", "sandbox")
    assert document["level"] == "L1"
    assert "no sandbox works here" in done.stderr
    # The terms say so, and a re-grade follows the terms.
    assert run("grade", "b", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("words", [("tasks", "play", "workflow"), ("tasks", "check", "workflow")])
def test_a_family_that_needs_it_is_refused_with_one_line(tmp_path, words):
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 4
    assert "no sandbox works here" in done.stderr
    assert "Traceback" not in done.stderr
