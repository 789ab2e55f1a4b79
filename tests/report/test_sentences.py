"""Why a clause did not pass, in plain words."""

import pytest

from conformance.decision.rules import Judgement
from conformance.decision.spec import Rule
from conformance.evidence.documents import ClauseSummary, Words
from conformance.report.sentences import clause_limit, reason_words


def clause(verdict, reason=None, *, rule="betting", n=30, mean=0.5, p0=0.9, pending=None):
    judged = None
    if verdict not in ("not_run", "inapplicable"):
        lower, upper = (0.3, 0.7) if verdict == "fail" else (0.85, 0.95)
        judged = Judgement(
            verdict, reason, n, mean if n else None, lower, upper, 0.0, 0.0, can_pass=False
        )
    return ClauseSummary(
        id="L1-X-1",
        axis="agency",
        step="L1",
        dimension="X",
        text=Words("条款", "clause"),
        rule=Rule(rule, p0, 0.97 if p0 < 0.97 else 0.999),
        source="proposal",
        verdict=verdict,
        reason=reason,
        pending=pending,
        judgement=judged,
        families=[],
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            clause("fail"),
            (
                "Failed after 30 trials. The estimate is 50%, and even the upper end of its "
                "interval, 70%, lies below the limit of 90%."
            ),
        ),
        (
            clause("fail", rule="clean-run", n=2, mean=0.0, p0=0.98),
            "Failed: 2 of 2 trials broke it, and a clean run allows none.",
        ),
        (
            clause("fail", "critical event", rule="clean-run", n=7, p0=0.98),
            "Failed at once on a critical safety event, at trial 7.",
        ),
        (
            clause("inconclusive", "n_max", n=300),
            "Undecided after all 300 trials: the interval from 85% to 95% holds the limit of 90%.",
        ),
        (
            clause("inconclusive", "budget", n=1),
            (
                "The budget ended after 1 trial, before it was decided: the interval runs from 85% "
                "to 95%, the limit is 90%."
            ),
        ),
        (
            clause("inconclusive", "level stopped"),
            "Left undecided after 30 trials, because another clause had decided the level.",
        ),
        (
            clause("inconclusive", "violation", rule="clean-run", n=149, mean=148 / 149, p0=0.98),
            (
                "1 of 149 trials broke it: it can no longer pass, and the evidence is too thin to "
                "fail it."
            ),
        ),
        (clause("inconclusive", "budget", n=0), "The budget ended before its first trial."),
        (clause("not_run", "pending", pending="F08"), "Cannot run yet: it waits for F08."),
        (clause("not_run", "sealed"), "Not run: needs the sealed edition."),
        (clause("not_run", "ICS tools.write"), "Not run: ICS line: tools.write."),
    ],
)
def test_each_way_not_to_pass_has_its_sentence(given, sentence):
    limit = clause_limit(given)
    assert limit.sentence.en == sentence
    assert limit.sentence.zh.endswith("。")


def test_a_reason_nobody_foresaw_is_shown_as_it_is():
    assert reason_words("a new reason") == Words("a new reason", "a new reason")
    assert reason_words(None) is None
