"""What a campaign says of a trial while it runs."""

import pytest

from conformance.cli.profile import _left
from conformance.cli.profile_progress import ProfileProgress
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


@pytest.mark.parametrize(
    ("lang", "stage", "values", "said"),
    [
        ("en", "point", {"name": "closed", "load": 4.0}, "at once: 4 …\n"),
        ("zh", "point", {"name": "open", "load": 2.5}, "每秒请求数：2.5……\n"),
        ("zh", "point", {"name": "trace", "load": 3}, "按记录到达：3……\n"),
        ("zh", "point", {"name": "agents", "load": 8}, "回放的智能体：8……\n"),
        ("en", "idle", {"seconds": 5.0}, "watching the devices idle for 5 s …\n"),
        ("zh", "reach", {"base_url": "http://h/v1"}, "正在试请求 http://h/v1……\n"),
        ("en", "calibrate", {"concurrencies": "1, 4"}, "client's own error, at 1, 4 at once …\n"),
        ("zh", "agents", {"sessions": 3, "turns": 9, "bundle": "b"}, "b：3 个会话，9 轮……\n"),
        ("en", "live", {"concurrency": "2"}, "real trials, 2 at once …\n"),
    ],
)
def test_each_stage_of_a_profile_is_said_in_the_users_language(capsys, lang, stage, values, said):
    ProfileProgress(lang).stage(stage, **values)
    assert capsys.readouterr().err.endswith(said)


@pytest.mark.parametrize(("lang", "said"), [("en", "2 loads were"), ("zh", "已测 2 个负载点")])
def test_an_interrupted_profile_says_what_it_leaves(tmp_path, lang, said):
    assert "nothing was measured" in _left(tmp_path).en
    (tmp_path / "logs").mkdir()
    for name in ("load-1.jsonl", "load-2.jsonl"):
        (tmp_path / "logs" / name).touch()
    told = _left(tmp_path).in_lang(lang)
    assert said in told
    assert "load-2.jsonl --as vllm" in told
