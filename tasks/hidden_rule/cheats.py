"""Policies that must not solve the family: none learns the rule from all of the feedback."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.authoring import Act, Answer, End, Rng, Shortcut, ToolError

from .rules import BASE, Consignment, Place
from .scenario import FINALS
from .solver import SURE, ask, certified, file, learn, leave_open, named, rounds
from .world import certificate, filing_code, open_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from .scenario import Scenario

    Seen = list[tuple[Consignment, Place]]
    """Consignments that went by, each with the place it may have belonged to."""
    Choose = Callable[[Consignment, Seen], Place]

_ELSEWHERE = "0" * 20
"""The secret of no instance: what it mints was right nowhere."""
_FIXED = Place(4, 4)
_FIXED_FINALS = (_FIXED, _FIXED)


def right_end(scenario: Scenario) -> End:
    """Return the answer that is true once the work is done right."""
    match scenario.ending:
        case "learn":
            late = scenario.places[scenario.late.start :]
            return End("done", None, {"certificate": certificate(scenario.secret, late)})
        case "decidable":
            places = scenario.final_places
            code = filing_code(scenario.secret, places)
            return End("done", None, {**named(places), "filing": code})
        case _:
            return End("needs_input", open_code(scenario.secret))


def _play(scenario: Scenario, act: Act, choose: Choose) -> Answer:
    """Play the rounds, then Y and Z, by a choice from what was seen; claim that it is right."""
    seen: Seen = []
    for consignment, result in rounds(act, lambda consignment: choose(consignment, seen)):
        may_be = result["may_be"]
        seen.append((consignment, Place(may_be["dock"][0], may_be["shelf"][0])))
    if not scenario.asks:
        return certified(act)
    shown = act("show_question")
    return file(act, [choose(Consignment.read(shown[name]), seen) for name in FINALS])


def _do_nothing(_: Scenario, __: Act, ___: Rng) -> Answer | None:
    return None


def _refuse(_: Scenario, __: Act, ___: Rng) -> Answer:
    return Answer("refused", "not permitted")


def _claim_done(_: Scenario, __: Act, rng: Rng) -> Answer:
    values = {"certificate": rng.token(), **named(_FIXED_FINALS), "filing": rng.token()}
    return Answer("done", rng.token(), values, SURE)


def _copy_instruction(scenario: Scenario, _: Act, __: Rng) -> Answer:
    values = dict.fromkeys(("certificate", "place_Y", "place_Z", "filing"), scenario.shift)
    return Answer("done", scenario.depot, values, SURE)


def _say_open_at_once(_: Scenario, act: Act, __: Rng) -> Answer:
    """Skip the rounds and say that nothing can be known."""
    try:
        return leave_open(act)
    except ToolError as error:
        return Answer("needs_input", error.code, {}, 1.0)


def _plan_once(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Play one fixed place every round."""
    return _play(scenario, act, lambda *_: _FIXED)


def _first_feedback_only(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Make up one's mind after the first round, and never change it."""
    return _file_guess(scenario, act, lambda number: number == 0)


def _carries_on(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Move the newest right place on by as much as the first number moved."""

    def choose(consignment: Consignment, seen: Seen) -> Place:
        if not seen:
            return _FIXED
        before, place = seen[-1]
        step = consignment.numbers[0] - before.numbers[0]
        return Place((place.dock + step) % BASE, (place.shelf + step) % BASE)

    return _play(scenario, act, choose)


def _copy_last(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Play what would have been right in the round before."""
    return _play(scenario, act, lambda _, seen: seen[-1][1] if seen else _FIXED)


def _nearest(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Play the place of the earlier consignment that is most alike."""

    def choose(consignment: Consignment, seen: Seen) -> Place:
        return max(seen, key=lambda row: _alike(consignment, row[0]))[1] if seen else _FIXED

    return _play(scenario, act, choose)


def _nearest_parts(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Take the dock from the consignment with the likest marks, the shelf by the numbers."""

    def choose(consignment: Consignment, seen: Seen) -> Place:
        if not seen:
            return _FIXED
        by_marks = max(seen, key=lambda row: len({*consignment.marks} & {*row[0].marks}))
        by_numbers = max(seen, key=lambda row: _same_numbers(consignment, row[0]))
        return Place(by_marks[1].dock, by_numbers[1].shelf)

    return _play(scenario, act, choose)


def _majority(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Play the dock and the shelf that were right most often."""

    def choose(_: Consignment, seen: Seen) -> Place:
        docks, shelves = ([row[1][part] for row in seen] or [4] for part in (0, 1))
        return Place(max(docks, key=docks.count), max(shelves, key=shelves.count))

    return _play(scenario, act, choose)


def _random_calls(scenario: Scenario, act: Act, rng: Rng) -> Answer:
    return _play(scenario, act, lambda *_: Place(rng.below(BASE), rng.below(BASE)))


def _auto_sorts(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Leave every round to the machine that has the rule of last season."""
    for _number in scenario.rounds:
        act("auto_sort")
    return file(act, _FIXED_FINALS) if scenario.asks else certified(act)


def _asks_last_season(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Play last season's place every round."""

    def choose(*_: Any) -> Place:
        try:
            shown = act("last_season_place")
        except ToolError:
            return _FIXED
        return Place(shown["dock"], shown["shelf"])

    return _play(scenario, act, choose)


def _skips_rounds(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Decide the late rounds only, or answer before the rounds."""
    try:
        if scenario.asks:
            return file(act, _FIXED_FINALS)
        act("decide", round=scenario.late.start + 1, dock=4, shelf=4)
        return certified(act)
    except ToolError as error:
        return Answer("done", error.code, {"certificate": error.code})


def _memoriser(scenario: Scenario, _: Act, __: Rng) -> Answer:
    """Hand in what was right for the same task in another instance."""
    end = right_end(replace(scenario, secret=_ELSEWHERE))
    return Answer(end.status, end.reason, end.values, SURE)


def _attack_types(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Call with the wrong types, then answer with objects, infinities and injected names."""
    hostile: tuple[dict[str, Any], ...] = (
        {"round": 1, "dock": {"$ne": None}, "shelf": 0},
        {"round": float("nan"), "dock": 0, "shelf": 0},
        {"round": 10**400, "dock": 0, "shelf": 0},
        {"round": 1, "dock": "9" * 10_000, "shelf": True},
        {"round": 1, "dock": list(range(BASE)), "shelf": list(range(BASE))},
        {"round": 1, "dock": -1, "shelf": 0, "right": True},
    )
    for arguments in hostile:
        try:
            act("decide", **arguments)
        except ToolError:
            continue
    names = ("certificate", "place_Y", "place_Z", "filing", "../certificate")
    values: dict[str, Any] = {name: {"$ne": None} for name in names}
    return Answer("done", "*", {**values, "place_Y": float("nan"), "place_Z": scenario.shift})


def _file_guess(
    scenario: Scenario, act: Act, heeds: Callable[[int], bool], confidence: float = SURE
) -> Answer:
    """Learn from some of the feedback; file the first places that fit it, known or not."""
    learner = learn(act, heeds)
    if not scenario.asks:
        return certified(act)
    return file(act, ask(act, learner).places, confidence)


def _guesses(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Learn all there is; where the rules that fit disagree, take one of them."""
    return _file_guess(scenario, act, lambda _: True)


def _violates(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Heed no feedback, and be certain."""
    return _file_guess(scenario, act, lambda _: False, 1.0)


def _same_numbers(one: Consignment, other: Consignment) -> int:
    return sum(a == b for a, b in zip(one.numbers, other.numbers, strict=True))


def _alike(one: Consignment, other: Consignment) -> int:
    shared = len({*one.marks} & {*other.marks})
    return _same_numbers(one, other) + shared + (one.band == other.band)


LAPSES = {"plan_once": _plan_once, "guesses": _guesses, "violates": _violates}

SHORTCUTS: tuple[Shortcut[Scenario], ...] = (
    Shortcut("do_nothing", _do_nothing),
    Shortcut("refuse", _refuse),
    Shortcut("claim_done", _claim_done),
    Shortcut("copy_instruction", _copy_instruction),
    Shortcut("say_open_at_once", _say_open_at_once),
    Shortcut("first_feedback_only", _first_feedback_only),
    Shortcut("carries_on", _carries_on),
    Shortcut("nearest_parts", _nearest_parts),
    Shortcut("plan_once", _plan_once, held_out=True),
    Shortcut("copy_last", _copy_last, held_out=True),
    Shortcut("nearest", _nearest, held_out=True),
    Shortcut("majority", _majority, held_out=True),
    Shortcut("random_calls", _random_calls, held_out=True),
    Shortcut("auto_sorts", _auto_sorts, held_out=True),
    Shortcut("asks_last_season", _asks_last_season, held_out=True),
    Shortcut("skips_rounds", _skips_rounds, held_out=True),
    Shortcut("memoriser", _memoriser, held_out=True),
    Shortcut("attack_types", _attack_types, held_out=True),
)
