"""A campaign stopped from outside, in a process of its own: by signals, a full disk, a budget."""

import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conformance.campaign.entries import Ended, Resumed, Stopped, TrialDone, TrialStarted
from tests.campaign.campaigns import (
    bundle,
    counted,
    journal,
    of,
    problems,
    summary,
    summary_bytes,
)
from tests.fakes.agents import MINIATURE

ROOT = Path(__file__).parents[2]
AT_ONCE = 3
BEYOND = 5
"""So many lines more a campaign may write before it waits for the signal, however late it comes."""


def certify(out, *more, agent="answers_slowly", hold=None, **options):
    """Start ``conformance certify`` with a fake agent; with ``hold`` it cannot end by itself.

    No trial begins then once the journal has so many lines.
    """
    command = [sys.executable, "-m", "tests.campaign.fake_certify", "certify"]
    command += ["--agent", f"builtin:{agent}", "--edition", str(MINIATURE), "--out", str(out)]
    command += ["--seed", "a seed", "--concurrency", str(AT_ONCE), "--no-report", *more]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "CI": "1"}
        | ({} if hold is None else {"HOLD": f"{hold} {out / 'run/journal.jsonl'}"}),
        **options,
    )


def lines_of(out):
    path = out / "run/journal.jsonl"
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def wait_for(process, out, lines):
    """Wait until the journal has so many lines, or the process ends."""
    while process.poll() is None and lines_of(out) < lines:
        time.sleep(0.001)


def ended(process):
    out, err = process.communicate(timeout=600)
    return process.returncode, out, err


def complaint(err):
    """Return the one line that is not progress."""
    assert "Traceback" not in err
    (line,) = [line for line in err.splitlines() if line.startswith("conformance: ")]
    return line


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return summary_bytes(bundle(tmp_path_factory.mktemp("ref") / "c", "answers_slowly"))


def test_killed_anywhere_a_resume_loses_no_trial_and_counts_none_twice(tmp_path, reference):
    out, luck, kills = tmp_path / "c", random.Random(11), 0
    for lines in (0, 1, *(luck.randint(3, 25) for _ in range(3))):
        before = lines_of(out)
        process = certify(out, "--resume", hold=before + lines + BEYOND)
        if lines == 0:
            while process.poll() is None and not (out / "run").is_dir():
                time.sleep(0.0005)
        else:
            wait_for(process, out, before + lines)
        process.kill()
        kills += ended(process)[0] == -signal.SIGKILL
    assert kills == 5
    code, _, err = ended(certify(out, "--resume"))
    assert (code, err.count("Traceback")) == (0, 0)
    assert summary_bytes(out) == reference
    done = of(out, TrialDone)
    assert set(counted(done).values()) == {1}
    # What was started and did not end was in flight at a kill, no more than run at once.
    entries = journal(out)
    in_flight = []
    for entry in entries:
        if isinstance(entry, TrialStarted):
            in_flight.append(entry.trial)
        elif isinstance(entry, TrialDone):
            in_flight.remove(entry.record.trial)
        elif isinstance(entry, Resumed):
            assert sorted(entry.lost) == sorted(in_flight)
            assert len(entry.lost) <= AT_ONCE
            in_flight = []
    assert in_flight == []
    assert problems(out) == []


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_folder_to_go_on_with_and_exit_code_2(tmp_path, reference, stop):
    out = tmp_path / "c"
    process = certify(out, hold=6 + BEYOND)
    wait_for(process, out, 6)
    process.send_signal(stop)
    code, printed, err = ended(process)
    assert code == 2
    assert "Traceback" not in err
    assert "--resume" in err
    assert printed == ""
    last = journal(out)[-1]
    assert isinstance(last, Stopped)
    assert last.reason == "interrupted"
    code, _, err = ended(certify(out, "--resume"))
    assert code == 0
    assert summary_bytes(out) == reference
    assert problems(out) == []


def test_an_endpoint_that_is_down_is_exit_code_6_with_one_line(tmp_path):
    out = tmp_path / "c"
    code, printed, err = ended(certify(out, agent="endpoint_down"))
    assert code == 6
    assert printed == ""
    assert "endpoint is down" in complaint(err)
    assert isinstance(journal(out)[-1], Stopped)


def test_a_file_system_that_is_full_is_exit_code_3_and_the_folder_resumes(tmp_path, reference):
    out = tmp_path / "c"

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))

    code, printed, err = ended(certify(out, preexec_fn=small_files))
    assert code == 3
    assert printed == ""
    assert "cannot be written" in complaint(err)
    code, _, err = ended(certify(out, "--resume"))
    assert code == 0
    assert summary_bytes(out) == reference
    assert problems(out) == []


def test_a_budget_is_exit_code_0_and_says_how_to_go_on(tmp_path, reference):
    out = tmp_path / "c"
    code, _, err = ended(certify(out, "--max-calls", "9"))
    assert code == 0
    assert "ended by its budget" in err
    assert "--resume" in err
    assert sum(entry.record.model_calls for entry in of(out, TrialDone)) == 9
    assert summary(out)["ended"] == "budget"
    code, _, err = ended(certify(out, "--resume"))
    assert code == 0
    assert summary_bytes(out) == reference
    assert [entry.reason for entry in of(out, Ended)] == ["budget", "complete"]
