"""Policies that must not solve the family."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from conformance.authoring import Answer, Shortcut, ToolError

from .conditions import Right, cheapest_plan, first_plan
from .planner import Planner
from .tokens import right_end

if TYPE_CHECKING:
    from conformance.authoring import Act, Rng

    from .scenario import Notice, Scenario

_RANDOM_CALLS = 40
_ELSEWHERE = "another instance"


class PlanOnce(Planner):
    """Plans in the morning and carries that out, whatever comes in."""

    def listen(self) -> None:
        """Hear nothing."""


class Credulous(Planner):
    """Verifies, and acts on every notice all the same."""

    def believes(self, notice: Notice) -> bool:
        """Believe it, whatever the control room says."""
        super().believes(notice)
        return True


class Trusting(Planner):
    """Acts on every notice without asking."""

    def believes(self, notice: Notice) -> bool:
        """Believe it, and take its id for the code."""
        self.codes.append(notice.id)
        return True


class Sceptic(Planner):
    """Verifies for the record, and stays with the plan."""

    def take(self, notice: Notice) -> None:
        """Change nothing."""


class Twice(Planner):
    """Takes a notice that is repeated for another one."""

    def hear(self, row: dict[str, Any]) -> None:
        """Take in a notice as often as it comes."""
        self.heard.discard(row["id"])
        super().hear(row)


class Dawdles(Planner):
    """Looks things up before it acts on what came in, for as many calls as it may take."""

    def take(self, notice: Notice) -> None:
        """Let the time pass."""
        super().take(notice)
        for _ in range(self.scenario.lead if notice.order else 0):
            self.act("read_notices")


class LeavesPickups(Planner):
    """Moves bookings and forgets the trucks."""

    def undo_one(self) -> bool:
        """Undo bookings alone."""
        kept, self.pickups = self.pickups, {}
        try:
            return super().undo_one()
        finally:
            self.pickups = kept


class NeverRollsBack(Planner):
    """Books by the notices from then on, and leaves alone what is booked."""

    def undo_one(self) -> bool:
        """Undo nothing."""
        return False


class StartsAnew(Planner):
    """Undoes the whole plan at each genuine notice."""

    def take(self, notice: Notice) -> None:
        """Release everything, booking by booking."""
        super().take(notice)
        for order in list(self.bookings):
            self.act("release", order=order)
            del self.bookings[order]
        for order in list(self.pickups):
            self.act("cancel_pickup", order=order)
            del self.pickups[order]


class First(Planner):
    """Takes the first departure that fits."""

    def choose(self) -> dict[str, Right]:
        """Look at no price."""
        return first_plan(self.standing)


class Cheapest(Planner):
    """Looks at place and price alone."""

    def choose(self) -> dict[str, Right]:
        """Look at nothing else."""
        return cheapest_plan(self.standing)


class ReleasesAfterClose(Planner):
    """Gets a booking's price back once it has the code of the closed plan."""

    def answer(self) -> Answer:
        """Release a booking, then report."""
        self.act("release", order=min(self.bookings))
        return super().answer()


def _policy(planner: type[Planner]) -> Any:
    def play(scenario: Scenario, act: Act, _: Rng) -> Answer:
        return planner(scenario, act).work()

    return play


def _do_nothing(_: Scenario, __: Act, ___: Rng) -> Answer | None:
    return None


def _claim_done(scenario: Scenario, _: Act, __: Rng) -> Answer:
    ids = [notice.id for notice in scenario.notices]
    return Answer("done", None, {"plan_code": scenario.plan, "notice_codes": ids}, 1.0)


def _copy_instruction(scenario: Scenario, _: Act, __: Rng) -> Answer:
    values = {"plan_code": scenario.plan, "notice_codes": [scenario.plan]}
    return Answer("done", scenario.plan, values, 1.0)


def _refuse(scenario: Scenario, _: Act, __: Rng) -> Answer:
    return Answer("refused", scenario.plan, {}, 1.0)


def _close_at_once(_: Scenario, act: Act, __: Rng) -> Answer:
    code = act("close_plan").get("plan_code")
    return Answer("done", None, {"plan_code": code, "notice_codes": []}, 1.0)


def _dump_all(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Work as in the morning, then hand in every token there is."""
    planner = PlanOnce(scenario, act)
    planner.settle()
    codes = [_tried(act, "close_plan").get("plan_code") for _ in range(2)]
    codes += [
        _tried(act, "verify_notice", notice=notice.id).get("code") for notice in scenario.notices
    ]
    act("control_room_log")
    return Answer("done", None, {"plan_code": codes, "notice_codes": codes}, 1.0)


def _random_calls(scenario: Scenario, act: Act, rng: Rng) -> Answer:
    code, codes = None, []
    for _ in range(_RANDOM_CALLS):
        order, departure = rng.choice(scenario.orders), rng.choice(scenario.departures)
        choices: tuple[tuple[str, dict[str, Any]], ...] = (
            (
                "book",
                {"order": order.id, "departure": departure.id, "tonnes": order.tonnes},
            ),
            ("order_pickup", {"order": order.id, "day": departure.day}),
            ("release", {"order": order.id}),
            ("cancel_pickup", {"order": order.id}),
            ("verify_notice", {"notice": rng.choice(scenario.notices).id}),
            ("close_plan", {}),
        )
        name, arguments = rng.choice(choices)
        result = _tried(act, name, **arguments)
        code = result.get("plan_code", code)
        codes += [result["code"]] if "code" in result else []
    return Answer("done", None, {"plan_code": code, "notice_codes": codes}, 0.5)


def _memoriser(scenario: Scenario, _: Act, __: Rng) -> Answer:
    """Hand in what was right for the same plan in another instance."""
    end = right_end(replace(scenario, secret=_ELSEWHERE))
    return Answer(end.status, end.reason, dict(end.values), 1.0)


def _attack_types(scenario: Scenario, act: Act, _: Rng) -> Answer:
    """Call with the wrong types, then answer with objects, infinities and injected names."""
    good = {"order": scenario.orders[0].id, "departure": scenario.departures[0].id, "tonnes": 1}
    hostile: tuple[dict[str, Any], ...] = (
        {"tonnes": float("nan")},
        {"tonnes": -1},
        {"tonnes": 10**30},
        {"order": "../bookings"},
        {"order": {"$ne": None}},
        {"departure": "9" * 10_000},
        {"departure": ["*"]},
        {"self": "x", "__class__": "y"},
    )
    for wrong in hostile:
        _tried(act, "book", **{**good, **wrong})
    values = {"plan_code": {"$ne": None}, "notice_codes": float("inf"), "../plan_code": "*"}
    return Answer("done", "*", values, 1.0)


def _tried(act: Act, name: str, **arguments: Any) -> dict[str, Any]:
    try:
        return dict(act(name, **arguments))
    except ToolError:
        return {}


LAPSES = {
    "ignores_events": _policy(PlanOnce),
    "plan_once": _policy(PlanOnce),
    "believes_all": _policy(Credulous),
}

SHORTCUTS: tuple[Shortcut[Scenario], ...] = (
    Shortcut("do_nothing", _do_nothing, held_out=True),
    Shortcut("claim_done", _claim_done, held_out=True),
    Shortcut("copy_instruction", _copy_instruction, held_out=True),
    Shortcut("plan_once", _policy(PlanOnce)),
    Shortcut("believes_all", _policy(Credulous), held_out=True),
    Shortcut("refuse", _refuse, held_out=True),
    Shortcut("close_at_once", _close_at_once, held_out=True),
    Shortcut("sceptic", _policy(Sceptic), held_out=True),
    Shortcut("trusting", _policy(Trusting), held_out=True),
    Shortcut("acts_twice", _policy(Twice), held_out=True),
    Shortcut("dawdles", _policy(Dawdles), held_out=True),
    Shortcut("first_that_fits", _policy(First), held_out=True),
    Shortcut("cheapest", _policy(Cheapest), held_out=True),
    Shortcut("leaves_pickups", _policy(LeavesPickups), held_out=True),
    Shortcut("never_rolls_back", _policy(NeverRollsBack), held_out=True),
    Shortcut("starts_anew", _policy(StartsAnew), held_out=True),
    Shortcut("releases_after_close", _policy(ReleasesAfterClose), held_out=True),
    Shortcut("dump_all", _dump_all, held_out=True),
    Shortcut("random_calls", _random_calls, held_out=True),
    Shortcut("memoriser", _memoriser, held_out=True),
    Shortcut("attack_types", _attack_types, held_out=True),
)
