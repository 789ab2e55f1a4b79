"""How many replayed agents an endpoint sustains: the most at which enough turns keep the SLO."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from conformance.errors import UsageError
from conformance.profile.document import AgentsPoint, AgentsResult
from conformance.profile.percentiles import rate_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from conformance.profile.document import Point, Slo
    from conformance.profile.log import LoadLog
    from conformance.profile.replay import Replay

STEP = 0.1
"""The search ends when the next number to try is no more than this share above the last good."""


class Replayed(NamedTuple):
    """One load of replayed agents."""

    point: Point
    sessions: int
    """Whole ones; see ``finished_sessions``."""


def finished_sessions(log: LoadLog, replay: Replay) -> int:
    """Return how many sessions lie whole in the measured part: every turn sent there, and done."""
    done: dict[int, set[int]] = defaultdict(set)
    for request in log.measured:
        if request.session is not None and request.turn is not None and request.is_done:
            done[request.session].add(request.turn)
    return sum(len(turns) == replay.turns_of(session) for session, turns in done.items())


def agents_point(agents: int, measured: Replayed, slo: Slo) -> AgentsPoint:
    """Return one measurement as it stands in the profile."""
    point = measured.point
    share = point.good_share
    return AgentsPoint(
        agents=agents,
        turns=point.requests,
        sessions=measured.sessions,
        good_share=share,
        is_sustained=point.valid and share is not None and share >= slo.share,
        point=point,
    )


def sustained(points: Iterable[AgentsPoint], slo: Slo) -> int | None:
    """Return the highest number of agents that is sustained, as are all lower ones measured.

    A number that was measured several times is judged by all its turns together. One without a
    valid measurement is not sustained: what stopped there may be the client.

    Returns:
        None where not even the lowest is.
    """
    by_agents: dict[int, list[AgentsPoint]] = defaultdict(list)
    for each in points:
        by_agents[each.agents].append(each)
    highest = None
    for agents in sorted(by_agents):
        if not _is_held(by_agents[agents], slo):
            break
        highest = agents
    return highest


def find_sustained(
    measure: Callable[[int], Replayed],
    replay: Replay,
    slo: Slo,
    *,
    start: int = 1,
    limit: int = 1024,
    repeats: int = 1,
) -> AgentsResult:
    """Search the most agents sustained: doubling up to the first that is not, then bisection.

    A number at which the 95 % interval of the share of good turns holds the SLO's share is
    measured again, up to ``repeats`` times, and judged by all turns together.

    Args:
        measure: Replays so many agents at once.
        replay: What it replays.
        slo: What a turn must keep; something must be asked.
        start: The number to begin with.
        limit: No more agents than this.
        repeats: How often a close number is measured again.

    Raises:
        UsageError: the SLO asks nothing.
    """
    check_slo(slo)
    points: list[AgentsPoint] = []

    def holds(agents: int) -> bool:
        own: list[AgentsPoint] = []
        while not own or (len(own) <= repeats and _is_close(own, slo)):
            own.append(agents_point(agents, measure(agents), slo))
        points.extend(own)
        return _is_held(own, slo)

    good, bad, agents = 0, None, min(start, limit)
    while holds(agents):
        good = agents
        if agents == limit:
            break
        agents = min(2 * agents, limit)
    else:
        bad = agents
    while bad is not None and bad - good > max(1, STEP * good):
        agents = (good + bad) // 2
        if holds(agents):
            good = agents
        else:
            bad = agents
    return agents_result(points, replay, slo)


def agents_result(points: Sequence[AgentsPoint], replay: Replay, slo: Slo) -> AgentsResult:
    """Return what measurements of chosen or searched numbers of agents come to."""
    sessions = replay.recorded.sessions
    return AgentsResult(
        bundle=replay.recorded.bundle,
        sessions=len(sessions),
        turns=sum(len(session.turns) for session in sessions),
        cache=replay.cache,
        sustained=sustained(points, slo),
        points=list(points),
    )


def check_slo(slo: Slo) -> None:
    """Hold that something is asked of a turn.

    Raises:
        UsageError: nothing is, so any number of agents would do.
    """
    if not slo.is_set:
        raise UsageError(
            "is needed to say how many agents are sustained",
            where="--slo",
            mend="say what a turn must keep: ttft=1s,tpot=50ms",
        )


def _counts(points: Iterable[AgentsPoint]) -> tuple[int, int]:
    """Return the good turns and all turns of the valid measurements."""
    valid = [each for each in points if each.point.valid and each.good_share is not None]
    good = sum(round((each.good_share or 0.0) * each.turns) for each in valid)
    return good, sum(each.turns for each in valid)


def _is_held(points: Iterable[AgentsPoint], slo: Slo) -> bool:
    good, turns = _counts(points)
    return turns > 0 and good / turns >= slo.share


def _is_close(points: Iterable[AgentsPoint], slo: Slo) -> bool:
    good, turns = _counts(points)
    if not turns:
        return False
    low, high = rate_interval(good, turns)
    return low <= slo.share <= high
