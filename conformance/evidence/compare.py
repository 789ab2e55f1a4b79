"""Two bundles of one edition, put side by side: what moved, and what their pairs say of it."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

from conformance.agents.contract import Limits
from conformance.decision.paired import compare_pairs, share_alpha
from conformance.decision.result import ABOVE, BUDGET, LEVEL_STOPPED
from conformance.errors import UsageError
from conformance.evidence.campaign import read_campaign
from conformance.evidence.comparison import (
    FORMAT,
    AtStopping,
    ClauseMove,
    Comparison,
    CostMove,
    Figure,
    Group,
    Side,
    StepMove,
    Term,
)
from conformance.evidence.pairs import clause_pairs, fresh_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from conformance.decision.rules import Judgement
    from conformance.evidence.campaign import Campaign
    from conformance.evidence.documents import ClauseSummary, SummaryDocument
    from conformance.evidence.pairs import Pair
    from conformance.profile.document import ProfileDocument
    from conformance.trial.run import TrialRecord

ALPHA = 0.05
"""The chance that anything at all is called worse where nothing is; the same for better."""


def compare_bundles(a: Path, b: Path, *, alpha: float = ALPHA) -> Comparison:
    """Return what moved from A to B, two bundles whose files and chains hold.

    Raises:
        EvidenceInvalidError: one is broken, or was changed after it was sealed.
        UsageError: they are of different editions, or one is a single trial.
    """
    first, second = read_campaign(a), read_campaign(b)
    _same_edition(first, second)
    fresh = fresh_pairs(first.seen, second.seen)
    alpha_all, alpha_clause = share_alpha(alpha, len(_testable(first.summary, second.summary)))
    return Comparison(
        format=FORMAT,
        edition=first.summary.edition.id,
        edition_sha256=first.summary.edition.sha256,
        alpha=alpha,
        a=first.side,
        b=second.side,
        is_same_seed=first.side.seed_sha256 == second.side.seed_sha256,
        terms=_terms(first.side, second.side),
        steps=_steps(first.summary, second.summary),
        all_pairs=_group("all", fresh, alpha_all) if fresh else None,
        only_a=sum(pair.difference < 0 for pair in fresh),
        only_b=sum(pair.difference > 0 for pair in fresh),
        same=sum(pair.difference == 0 for pair in fresh),
        clauses=_clauses(first, second, alpha_clause),
        families=_groups(fresh, lambda pair: pair.family, alpha),
        langs=_groups(fresh, lambda pair: pair.lang, alpha),
        costs=_costs(fresh, first, second),
        figures=_figures(first.profile, second.profile),
    )


def _same_edition(a: Campaign, b: Campaign) -> None:
    for name, mend in (
        ("edition", "compare bundles of one edition; certify the older agent again with the newer"),
        ("sealed", "compare bundles of one sealed edition"),
    ):
        first, second = getattr(a.summary, name), getattr(b.summary, name)
        if first is not None and second is not None and first.sha256 != second.sha256:
            raise UsageError(
                f"{a.side.folder} is of {first.id} {first.sha256[:12]}, "
                f"{b.side.folder} of {second.id} {second.sha256[:12]}: nothing in them compares",
                mend=mend,
            )


def _testable(a: SummaryDocument, b: SummaryDocument) -> list[str]:
    """Return the clauses that both campaigns could have tried by their terms alone.

    How far either got has no say in how many tests share the error.
    """
    able = {clause.id for clause in b.clauses if _could_run(clause)}
    return [clause.id for clause in a.clauses if clause.id in able and _could_run(clause)]


def _could_run(clause: ClauseSummary) -> bool:
    if clause.verdict == "inapplicable":
        return False
    return clause.verdict != "not_run" or clause.reason in (ABOVE, BUDGET, LEVEL_STOPPED)


def _terms(a: Side, b: Side) -> list[Term]:
    found = []
    for name in ("plan", "claim", "langs", "denied", "suite", "evidence_class"):
        values = [getattr(side, name) for side in (a, b)]
        if values[0] != values[1]:
            told = [", ".join(v) if isinstance(v, list) else str(v) for v in values]
            found.append(Term(name, *told))
    for name in Limits.__struct_fields__:
        ends = [f"{getattr(side.limits, name):,g}" for side in (a, b)]
        if ends[0] != ends[1]:
            found.append(Term(name, *ends))
    return found


def _steps(a: SummaryDocument, b: SummaryDocument) -> list[StepMove]:
    levels, grades = ([step.id for step in steps] for steps in (a.levels, a.grades))
    # Classes come best first, and none is held where none of them is named.
    classes = [item.id for item in a.efficiency.classes or b.efficiency.classes][::-1]
    moves = []
    for axis, order, first, second in (
        ("agency", levels, a.level, b.level),
        ("trust", grades, a.trust, b.trust),
        ("efficiency", classes, a.efficiency.held, b.efficiency.held),
    ):
        ranks = [order.index(held) if held in order else -1 for held in (first, second)]
        moves.append(StepMove(axis, first, second, is_lower=ranks[1] < ranks[0]))
    return moves


def _clauses(a: Campaign, b: Campaign, alpha: float) -> list[ClauseMove]:
    pairs = clause_pairs(a.seen, b.seen)
    others = {clause.id: clause for clause in b.summary.clauses}
    return [
        ClauseMove(
            clause.id,
            _at_stopping(clause),
            _at_stopping(others[clause.id]),
            _group(clause.id, pairs[clause.id], alpha, is_one_stream=True)
            if clause.id in pairs
            else None,
        )
        for clause in a.summary.clauses
        if clause.id in others
    ]


def _at_stopping(clause: ClauseSummary) -> AtStopping:
    found: Judgement | None = clause.judgement
    return AtStopping(
        verdict=clause.verdict,
        reason=clause.reason,
        n=0 if found is None else found.n,
        mean=None if found is None else found.mean,
        lower=None if found is None else found.lower,
        upper=None if found is None else found.upper,
        p0=clause.rule.p0,
    )


def _groups(pairs: Sequence[Pair], name_of: Callable[[Pair], str], alpha: float) -> list[Group]:
    names = sorted({name_of(pair) for pair in pairs})
    own = alpha / max(len(names), 1)
    return [_group(name, [pair for pair in pairs if name_of(pair) == name], own) for name in names]


def _group(name: str, pairs: Sequence[Pair], alpha: float, *, is_one_stream: bool = False) -> Group:
    return Group(
        name=name,
        mean_a=math.fsum(pair.a for pair in pairs) / len(pairs),
        mean_b=math.fsum(pair.b for pair in pairs) / len(pairs),
        test=compare_pairs([pair.difference for pair in pairs], alpha, is_one_stream=is_one_stream),
    )


def _costs(pairs: Sequence[Pair], a: Campaign, b: Campaign) -> list[CostMove]:
    both = [(a.records[pair.trial_a], b.records[pair.trial_b]) for pair in pairs]
    moves = []
    for measure, of in _MEASURES.items():
        values = [(of(first), of(second)) for first, second in both]
        known = [(x, y) for x, y in values if x is not None and y is not None]
        first, second = ([pair[side] for pair in known] for side in (0, 1))
        moves.append(
            CostMove(
                measure=measure,
                n=len(known),
                median_a=statistics.median(first) if known else None,
                median_b=statistics.median(second) if known else None,
                median_difference=statistics.median(y - x for x, y in known) if known else None,
                ratio=math.fsum(second) / math.fsum(first) if known and math.fsum(first) else None,
            )
        )
    return moves


def _tokens(record: TrialRecord) -> float | None:
    """Return the tokens of a trial; what no call told is unknown, never zero."""
    return (record.input_tokens + record.output_tokens) or None


_MEASURES: dict[str, Callable[[TrialRecord], float | None]] = {
    # An agent that was not metered has no model calls; it is not known to have made none.
    "model_calls": lambda record: record.model_calls or None,
    "tool_calls": lambda record: record.tool_calls,
    "tokens": _tokens,
    "wall_s": lambda record: record.wall_s,
}

_FIGURES = (
    "output_tokens_per_s",
    "ttft_p50_ms",
    "tpot_p50_ms",
    "solved_per_hour",
    "j_per_solved_task",
    "money_per_solved_task",
)


def _figures(a: ProfileDocument | None, b: ProfileDocument | None) -> list[Figure]:
    if a is None or b is None:
        return []
    names = [
        name
        for name in _FIGURES
        if name != "money_per_solved_task" or a.inputs.currency == b.inputs.currency
    ]
    return [Figure(n, getattr(a.headline, n), getattr(b.headline, n)) for n in names]
