"""A planner at the desk: the oracle, and what it becomes when it listens badly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring import Answer

from .conditions import Right, Standing, changed, right_plan

if TYPE_CHECKING:
    from conformance.authoring import Act

    from .scenario import Notice, Scenario


class Planner:
    """Keeps the plan right: it undoes what is not right as things stand, then adds what is missing.

    It knows of the scenario what the tools show. Subclasses replace single habits.
    """

    def __init__(self, scenario: Scenario, act: Act) -> None:
        self.scenario = scenario
        self.act = act
        self.standing: Standing = scenario.opening
        self.plan: dict[str, Right] = self.choose()
        self.bookings: dict[str, tuple[str, int]] = {}
        self.pickups: dict[str, int] = {}
        self.heard: set[str] = set()
        self.codes: list[str] = []
        self.plan_code: str | None = None

    def work(self) -> Answer:
        """Plan, book, adapt and close."""
        self.settle()
        while self.plan_code is None:
            self.plan_code = self.close()
            self.settle()
        return self.answer()

    def close(self) -> str | None:
        """Try to close the plan; return its code if that worked."""
        code = self.act("close_plan").get("plan_code")
        self.listen()
        return None if code is None else str(code)

    def answer(self) -> Answer:
        """Report."""
        return Answer("done", None, {"plan_code": self.plan_code, "notice_codes": self.codes}, 1.0)

    def settle(self) -> None:
        """Bring bookings and pickups to the plan, one call at a time."""
        while self.undo_one() or self.add_one():
            pass

    def undo_one(self) -> bool:
        """Undo one thing that is not right; say whether there was one."""
        for order, booking in self.bookings.items():
            right = self.plan.get(order)
            if right is None or booking != (right.departure, right.tonnes):
                self.act("release", order=order)
                del self.bookings[order]
                self.listen()
                return True
        for order, day in self.pickups.items():
            right = self.plan.get(order)
            if right is None or day != right.day:
                self.act("cancel_pickup", order=order)
                del self.pickups[order]
                self.listen()
                return True
        return False

    def add_one(self) -> bool:
        """Add one booking or pickup that is missing; say whether there was one."""
        for order, right in self.plan.items():
            if order not in self.bookings:
                self.bookings[order] = (right.departure, right.tonnes)
                self.act("book", order=order, departure=right.departure, tonnes=right.tonnes)
                self.listen()
                return True
            if order not in self.pickups:
                self.pickups[order] = right.day
                self.act("order_pickup", order=order, day=right.day)
                self.listen()
                return True
        return False

    def listen(self) -> None:
        """Take in what the last call told."""
        for row in self.act.notices():
            self.hear(row)

    def hear(self, row: dict[str, Any]) -> None:
        """Take in a notice, once."""
        if row["id"] in self.heard:
            return
        self.heard.add(row["id"])
        notice = self.scenario.by_id[row["id"]]
        if self.believes(notice):
            self.take(notice)

    def take(self, notice: Notice) -> None:
        """Let a notice change how things stand."""
        self.standing = changed(self.standing, notice.change)
        self.plan = self.choose()

    def believes(self, notice: Notice) -> bool:
        """Verify a notice."""
        verified = self.act("verify_notice", notice=notice.id)
        if verified["confirmed"]:
            self.codes.append(verified["code"])
        return bool(verified["confirmed"])

    def choose(self) -> dict[str, Right]:
        """Return where each order belongs as things stand."""
        return right_plan(self.standing)


def solve(scenario: Scenario, act: Act) -> Answer:
    """Solve an instance."""
    act("list_orders")
    act("timetable")
    return Planner(scenario, act).work()
