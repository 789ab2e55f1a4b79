"""What a campaign says of a trial while it runs."""

import pytest

from conformance.cli.progress import CampaignProgress
from conformance.decision.streams import Draw
from conformance.trial.run import TrialRecord

DRAW = Draw("lamps", 1, {}, 0, "zh", "s")


@pytest.mark.parametrize(
    ("outcome", "cause", "said"),
    [
        ("harness_fault", "suite_error", "harness fault, a part of the suite failed"),
        ("cancelled", "endpoint_down", "cancelled, the endpoint was down, the canary failed too"),
        ("cancelled", "interrupted", ""),
        ("agent_crash", "agent_error", ""),
    ],
)
def test_a_trial_that_does_not_count_is_named_unless_the_end_cut_it_short(
    capsys, outcome, cause, said
):
    progress = CampaignProgress("en")
    progress.trial(DRAW, TrialRecord("t1", outcome, cause, None, "", 1.0, 0, 0, 0, 0, 0))
    lines = capsys.readouterr().err.splitlines(keepends=True)
    told = "".join(line for line in lines if line.startswith("trial "))
    assert told == (f"trial t1 (lamps): {said}\n" if said else "")


def _record(outcome, cause, detail=None):
    return TrialRecord("t", outcome, cause, detail, "", 1.0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("crashes", "others", "is_said"), [(3, 2, True), (2, 2, False), (0, 1, False)]
)
def test_an_agent_that_mostly_does_no_work_is_named_beside_its_grade(crashes, others, is_said):
    progress = CampaignProgress("en")
    for _ in range(others):
        progress.trial(DRAW, _record("completed", "returned"))
    for _ in range(crashes):
        progress.trial(DRAW, _record("agent_crash", "agent_error", "no such file: \x1bclrk.py"))
    told = progress.trouble()
    assert (told is not None) is is_said
    if is_said:
        assert told.startswith("3 of 5 trials ended with agent crash: the agent's own code failed")
        assert "(no such file: ⟨ESC⟩clrk.py) — see conformance probe" in told
