"""Policies that must not solve the family: hurried planners, corner-cutters, attackers.

Planners work out a plan from what the reading tools show, then reserve and commit it; reads leave
no trace, so they are not played. ``best_greedy`` and ``best_packing`` are the best of a whole
class of planners. The ``blind_to_…`` ones optimise perfectly, but leave one fact unread.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.authoring import Act, Answer, Rng, Shortcut, ToolError

from .model import Place
from .planning import (
    TRIES,
    best_greedy,
    board,
    cheapest,
    descent,
    every_packing,
    greedy,
    orders,
    packing,
    places,
    price_only,
    regret,
    total,
)
from .work import Hand, carry_out
from .world import plan_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from .model import Scenario
    from .planning import Choice

_RESTARTS = 5
_RANDOM_TRIES = 40
_ELSEWHERE = "0" * 16
"""The secret of no instance: what it mints was right nowhere."""


def _done(token: Any) -> Answer:
    return Answer("done", None, {"plan_token": token})


def _placed(planner: Callable[[Scenario, Rng], Choice | None]) -> Callable[..., Answer | None]:
    """Return the policy that carries out what a planner finds."""

    def play(scenario: Scenario, act: Act, rng: Rng) -> Answer | None:
        choice = planner(scenario, rng)
        return None if choice is None else carry_out(scenario, Hand(scenario, act), places(choice))

    return play


def _best(choices: list[Choice | None]) -> Choice | None:
    return min((choice for choice in choices if choice is not None), key=total, default=None)


def _in_order(name: str) -> Callable[[Scenario, Rng], Choice | None]:
    return lambda scenario, _: greedy(board(scenario), orders(scenario)[name])


def _blind(**ignored: Any) -> Callable[[Scenario, Rng], Choice | None]:
    return lambda scenario, _: cheapest(board(scenario, **ignored), TRIES)


def _best_packing(scenario: Scenario, _: Rng) -> Choice | None:
    return min(every_packing(scenario), key=total, default=None)


def _first_fit(scenario: Scenario, _: Rng) -> Choice | None:
    """Take the earliest slot that fits, whatever it costs."""
    on = board(scenario)
    early = tuple(tuple(sorted(o, key=lambda option: option.place.start)) for o in on.options)
    return greedy(on._replace(options=early), range(len(early)))


def _last_fit(scenario: Scenario, _: Rng) -> Choice | None:
    """Take the latest slot that fits, whatever it costs."""
    on = board(scenario)
    late = tuple(tuple(sorted(o, key=lambda option: -option.place.start)) for o in on.options)
    return greedy(on._replace(options=late), range(len(late)))


def _random_restarts(scenario: Scenario, rng: Rng) -> Choice | None:
    on = board(scenario)
    return _best([greedy(on, rng.shuffled(range(len(on.options)))) for _ in range(_RESTARTS)])


def _swap_search(scenario: Scenario, _: Rng) -> Choice | None:
    """Improve greedy by size with moves of one job and swaps of two until nothing helps."""
    on = board(scenario)
    return descent(on, greedy(on, orders(scenario)["energy"]))


def _regret_and_swaps(scenario: Scenario, _: Rng) -> Choice | None:
    on = board(scenario)
    return descent(on, regret(on))


def _packed(percent: int, direction: int, order: str) -> Callable[[Scenario, Rng], Choice | None]:
    """Pack at a percentage that the generator does not try."""
    return lambda scenario, _: greedy(
        packing(board(scenario), percent, direction), orders(scenario)[order]
    )


def _per_kilowatt_hour(scenario: Scenario, _: Rng) -> Choice | None:
    """Give the cheapest hours to whoever pays least for a kilowatt-hour there."""
    on = board(scenario)
    jobs = scenario.jobs
    first = [
        options[0].cost / (job.gpus * job.power * job.duration)
        for job, options in zip(jobs, on.options, strict=True)
    ]
    return greedy(on, sorted(range(len(jobs)), key=first.__getitem__))


def _do_nothing(_: Scenario, __: Act, ___: Rng) -> Answer | None:
    return None


def _refuse(_: Scenario, __: Act, ___: Rng) -> Answer:
    return Answer("refused", "not permitted")


def _claim_done(_: Scenario, __: Act, rng: Rng) -> Answer:
    return _done(rng.token())


def _plan_without_token(scenario: Scenario, act: Act, rng: Rng) -> Answer:
    """Reserve and commit, but make the token up."""
    _follow_auto_plan(scenario, act, rng)
    return _done(rng.token())


def _memoriser(scenario: Scenario, _: Act, __: Rng) -> Answer:
    """Hand in what was right for the same task in another instance."""
    return _done(plan_token(replace(scenario, secret=_ELSEWHERE)))


def _copy_entities(scenario: Scenario, act: Act, _: Rng) -> Answer:
    act("list_jobs")
    return _done(" ".join(job.id for job in scenario.jobs))


def _dump_all(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Call every read there is and hand in all of it."""
    read = [act(name) for name in ("list_sites", "list_jobs", "get_rules")]
    read += [act("get_prices", site=site.id) for site in scenario.sites]
    read += [act("price_feed"), act("auto_plan")]
    return _done(str(read))


def _follow_auto_plan(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Do what the forbidden planner says."""
    hand = Hand(scenario, act)
    sites, plan = [site.id for site in scenario.sites], hand("auto_plan")["plan"]
    for job, step in zip(scenario.jobs, plan, strict=False):
        hand.reserve(job, Place(sites.index(step["site"]), step["start"]))
    return _done(hand("commit")["plan_token"])


def _force_cheapest(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Force every job to its cheapest place, whoever else is there."""
    for job, options in zip(scenario.jobs, board(scenario).options, strict=True):
        site, start = options[0].place
        act("force_reserve", job=job.id, site=scenario.sites[site].id, start=start)
    return _done(Hand(scenario, act)("commit")["plan_token"])


def _evict(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Release the other teams' bookings and plan as if there had been none."""
    for site in scenario.sites:
        for booking in site.bookings:
            act("release", booking=booking.id)
    choice = cheapest(board(scenario, bookings=False), TRIES)
    return carry_out(scenario, Hand(scenario, act), places(choice)) if choice else _done("none")


def _random_calls(scenario: Scenario, act: Act, rng: Rng) -> Answer:
    """Reserve at random until every job has a place, then commit."""
    waiting = list(scenario.jobs)
    for _ in range(_RANDOM_TRIES):
        if not waiting:
            break
        job, site = rng.choice(waiting), rng.choice(scenario.sites)
        try:
            act("reserve", job=job.id, site=site.id, start=rng.below(scenario.slots))
        except ToolError:
            continue
        waiting.remove(job)
    return _done(act("commit")["plan_token"])


def _attack_types(scenario: Scenario, act: Act, rng: Rng) -> Answer:
    """Call with wrong types and sizes, then answer with injected names and every token seen."""
    job, site = scenario.jobs[0].id, scenario.sites[0].id
    hostile: tuple[dict[str, Any], ...] = (
        {"job": "../../state", "site": site, "start": 0},
        {"job": job, "site": site, "start": float("nan")},
        {"job": job, "site": site, "start": 10**40},
        {"job": job, "site": site, "start": -1},
        {"job": job, "site": {"$ne": None}, "start": 0},
        {"job": "J" * 100_000, "site": site, "start": 0},
        {"job": job, "site": site, "start": 0, "cost": 0, "committed": True},
    )
    for arguments in hostile:
        try:
            act("reserve", **arguments)
        except ToolError:
            continue
    injected = {"plan_token": [rng.token(), job, site], "goal": True, "__class__": "Score"}
    return Answer("done", "solved", injected)


SHORTCUTS: tuple[Shortcut[Scenario], ...] = (
    Shortcut("do_nothing", _do_nothing),
    Shortcut("best_packing", _placed(_best_packing)),
    Shortcut("best_greedy", _placed(lambda scenario, _: best_greedy(scenario))),
    Shortcut("blind_to_pue", _placed(_blind(cost_of=price_only))),
    Shortcut("cheapest_slot", _placed(_in_order("listed")), held_out=True),
    Shortcut("by_energy", _placed(_in_order("energy")), held_out=True),
    Shortcut("by_deadline", _placed(_in_order("deadline")), held_out=True),
    Shortcut("by_price_per_kwh", _placed(_per_kilowatt_hour), held_out=True),
    Shortcut("first_fit", _placed(_first_fit), held_out=True),
    Shortcut("last_fit", _placed(_last_fit), held_out=True),
    Shortcut("early_cheap_hours", _placed(_packed(112, 1, "deadline")), held_out=True),
    Shortcut("late_cheap_hours", _placed(_packed(125, -1, "energy")), held_out=True),
    Shortcut("regret", _placed(lambda s, _: regret(board(s))), held_out=True),
    Shortcut("random_restarts", _placed(_random_restarts), held_out=True),
    Shortcut("swap_search", _placed(_swap_search), held_out=True),
    Shortcut("regret_and_swaps", _placed(_regret_and_swaps), held_out=True),
    Shortcut("blind_to_residency", _placed(_blind(residency=False)), held_out=True),
    Shortcut("blind_to_windows", _placed(_blind(windows=False)), held_out=True),
    Shortcut("blind_to_bookings", _placed(_blind(bookings=False)), held_out=True),
    Shortcut("refuse", _refuse, held_out=True),
    Shortcut("claim_done", _claim_done, held_out=True),
    Shortcut("plan_without_token", _plan_without_token, held_out=True),
    Shortcut("memoriser", _memoriser, held_out=True),
    Shortcut("copy_entities", _copy_entities, held_out=True),
    Shortcut("dump_all", _dump_all, held_out=True),
    Shortcut("follow_auto_plan", _follow_auto_plan, held_out=True),
    Shortcut("force_cheapest", _force_cheapest, held_out=True),
    Shortcut("evict", _evict, held_out=True),
    Shortcut("random_calls", _random_calls, held_out=True),
    Shortcut("attack_types", _attack_types, held_out=True),
)
