"""The figures for a certificate, out of all points; none of a point that is not valid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.profile.document import Headline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.profile.document import AgentsResult, Point, Reason, Slo, SolvedPoint


def headline_of(
    points: Sequence[Point],
    slo: Slo,
    agents: AgentsResult | None,
    solved: Sequence[SolvedPoint],
    reasons: Sequence[Reason],
) -> Headline:
    """Return the headline.

    Of the load: the point of the highest goodput among those that keep the SLO, or of the highest
    throughput where none is set. Of the graded trials: the concurrency with the most solved tasks
    an hour. Where something is wrong with the whole (``reasons``) all is null.
    """
    point = None if reasons else _best(points, slo)
    task = None if reasons else _best_solved(solved)
    held = None if reasons or agents is None else agents.sustained
    token = None if point is None else point.per_token
    return Headline(
        concurrency=None if point is None else point.concurrency,
        output_tokens_per_s=None if point is None else point.output_tokens_per_s,
        tokens_per_s_per_accelerator=None if token is None else token.tokens_per_s_per_accelerator,
        goodput_per_s=None if point is None else point.goodput_per_s,
        ttft_p50_ms=None if point is None else point.ttft_ms.p50,
        ttft_p99_ms=None if point is None else point.ttft_ms.p99,
        tpot_p50_ms=None if point is None else point.tpot_ms.p50,
        j_per_output_token=None if token is None else token.j_per_output_token,
        agents=held,
        solved_per_hour=None if task is None else task.solved_per_hour,
        solve_rate=None if task is None else task.solve_rate,
        j_per_solved_task=None if task is None else task.j_per_solved_task,
        money_per_solved_task=None if task is None else task.money_per_solved_task,
        gco2_per_solved_task=None if task is None else task.gco2_per_solved_task,
    )


def _best(points: Sequence[Point], slo: Slo) -> Point | None:
    valid = [point for point in points if point.valid and point.output_tokens_per_s is not None]
    if slo.is_set:
        valid = [point for point in valid if (point.good_share or 0.0) >= slo.share]
        return max(valid, key=lambda point: point.goodput_per_s or 0.0, default=None)
    return max(valid, key=lambda point: point.output_tokens_per_s or 0.0, default=None)


def _best_solved(solved: Sequence[SolvedPoint]) -> SolvedPoint | None:
    known = [point for point in solved if point.valid and point.solved_per_hour is not None]
    return max(known, key=lambda point: point.solved_per_hour or 0.0, default=None)
