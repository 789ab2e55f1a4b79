"""The one way to a world's tools: arguments checked, faults applied, every call kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.authoring.answer import SUBMIT_TOOL, Answer, read_answer, same_answer
from conformance.authoring.canonical import copied, normalise
from conformance.authoring.faults import (
    AGE,
    DELIVERY,
    RATE_LIMITED,
    TIMEOUT,
    WAIT,
    WAIT_TOOL,
    Fault,
    cut_off,
    marked,
    rate_message,
    timeout_message,
)
from conformance.authoring.tools import (
    INVALID_ARGUMENTS,
    UNKNOWN_TOOL,
    Call,
    Step,
    ToolError,
    ToolSpec,
    argument_errors,
)
from conformance.authoring.world import NothingYet, State, World

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Seat(NamedTuple):
    """One place an agent takes in a trial: what it is told, and the tools it has.

    Most instances have one, with no name. Several in one session are agents at once, several
    sessions are the same agent started anew.
    """

    name: str
    session: int
    instruction: str
    tools: tuple[ToolSpec, ...]
    """What is offered at first, without ``submit_answer``."""
    is_last: bool = True
    """It is of the last session: its answer is the trial's."""


class Actor:
    """Calls tools as a policy does: returns the result, raises ``ToolError`` on an error."""

    def __init__(self, door: Door, seat: str) -> None:
        self._door = door
        self._seat = seat

    def __call__(self, name: str, /, **arguments: Any) -> Any:
        """Call a tool from this seat."""
        call = self._door.call(name, arguments, self._seat)
        if call.error is not None:
            raise ToolError(call.error, str(call.result))
        return call.result

    def of(self, seat: str, /) -> Actor:
        """Return the same for another seat."""
        return Actor(self._door, seat)

    def notices(self) -> list[Any]:
        """Return what the world told beside the last result."""
        return list(self._door.calls[-1].notices) if self._door.calls else []


class Door:
    """The one way to a world's tools: checks arguments, calls, and keeps the list of calls.

    A mistake of the caller (a tool that is not offered, arguments that do not fit the schema)
    is an error result like any other; it never raises.
    """

    def __init__(
        self,
        world: World,
        offered: Iterable[ToolSpec] = (),
        *,
        seats: Sequence[Seat] = (),
        faults: Sequence[Fault] = (),
    ) -> None:
        self.world = world
        self.seats = {seat.name: seat for seat in seats or (Seat("", 0, "", tuple(offered)),)}
        self.offered = {
            name: {spec.name: spec for spec in seat.tools} for name, seat in self.seats.items()
        }
        """The tools of each seat by name, as they are now."""
        self.calls: list[Call] = []
        self.answers: dict[str, Answer] = {}
        self._first = next(iter(self.seats))
        self._known = world.tool_specs()
        self._methods = {
            name: [spec.method or spec.name for spec in seat.tools if spec is not WAIT]
            for name, seat in self.seats.items()
        }
        self._session = -1
        self._faults = {(fault.tool, fault.nth): fault for fault in faults}
        self._counts: dict[str, int] = {}
        self._refuses_until: dict[str, int] = {}
        self._before_last_write: tuple[int, State] | None = None
        self._last: tuple[str, Any] | None = None
        self._recorded: Call | None = None
        """The call that is made again now, where what it returned is taken from its record."""

    @property
    def answer(self) -> Answer | None:
        """The trial's answer: what every seat of the last session handed in alike, or None."""
        return joint_answer(self.answers, self.seats.values())

    @property
    def act(self) -> Actor:
        """The first seat's hand."""
        return Actor(self, self._first)

    def call(self, name: str, arguments: Any, seat: str | None = None) -> Call:
        """Call a tool and return what happened; ``submit_answer`` is not one of them."""
        try:
            return self.call_unless_waiting(name, arguments, seat)
        except NothingYet as nothing:
            return self._kept(self._told(self._call_of(name, arguments, nothing.result), seat))

    def call_unless_waiting(self, name: str, arguments: Any, seat: str | None = None) -> Call:
        """Call a tool as ``call`` does, but do nothing where it has to wait for another seat.

        Raises:
            NothingYet: with the result for a caller that does not wait.
        """
        place = self._first if seat is None else seat
        self.enter(self.seats[place].session)
        self.world.seat = place
        self.world.clock += 1
        try:
            call = self._call(name, arguments)
        except NothingYet:
            self.world.clock -= 1
            raise
        return self._kept(self._told(call, place))

    def enter(self, session: int) -> None:
        """Let sessions begin up to this one, those that no call was made in too."""
        while self._session < session:
            self._session += 1
            self.world.begin(self._session)

    def finish(self) -> State:
        """Let every session have begun, and return the final state."""
        self.enter(max(seat.session for seat in self.seats.values()))
        return self.world.snapshot()

    def replay(self, steps: Iterable[Step]) -> None:
        """Make the calls of a recorded trace, whatever they return."""
        for step in steps:
            self.call(step.name, dict(step.arguments), step.seat or self._first)

    def replay_call(self, recorded: Call) -> Call:
        """Make a recorded call again; a volatile tool's result is taken as recorded."""
        seat = recorded.seat or self._first
        self._recorded = None if recorded.error in _OWN_ERRORS else recorded
        try:
            return self.call(recorded.name, recorded.arguments, seat)
        finally:
            self._recorded = None

    def submit(self, answer: Answer, seat: str | None = None) -> None:
        """Take the one answer of a seat.

        Raises:
            ToolError: ``already_submitted`` for a second one.
        """
        place = self._first if seat is None else seat
        if place in self.answers:
            raise ToolError(
                "already_submitted", "An answer was already submitted; only one counts."
            )
        self.answers[place] = answer

    def submit_arguments(self, arguments: Mapping[str, Any], seat: str | None = None) -> str | None:
        """Take the arguments of ``submit_answer``; return an error for the agent, or None."""
        answer = read_answer(arguments)
        if isinstance(answer, str):
            return f"{SUBMIT_TOOL}: {answer}"
        try:
            self.submit(answer, seat)
        except ToolError as error:
            return error.message
        return None

    def _call(self, name: str, arguments: Any) -> Call:
        spec = self.offered[self.world.seat].get(name)
        try:
            # A copy: what the caller does to its own objects later must not reach the world.
            arguments = normalise(arguments)
        except (TypeError, ValueError, RecursionError) as error:
            return Call(name, {}, f"the arguments are not JSON: {error}", INVALID_ARGUMENTS)
        given = arguments if isinstance(arguments, dict) else {"": arguments}
        if spec is None:
            known = ", ".join(self.offered[self.world.seat])
            return Call(name, given, f"There is no tool {name!r}. Tools: {known}.", UNKNOWN_TOOL)
        complaint = argument_errors(spec, arguments)
        if complaint is not None:
            return Call(name, given, complaint, INVALID_ARGUMENTS, spec.effect)
        if name == WAIT_TOOL and spec is WAIT:
            self.world.clock += int(given["seconds"]) - 1
            return Call(name, given, {"waited": given["seconds"]}, None, spec.effect)
        return self._faulty(spec, given) if self._faults else self._made(spec, given)

    def _made(self, spec: ToolSpec, given: dict[str, Any]) -> Call:
        if spec.is_volatile and self._recorded is not None:
            return Call(spec.name, given, self._recorded.result, self._recorded.error, spec.effect)
        try:
            result = getattr(self.world, spec.method or spec.name)(**copied(given))
        except ToolError as error:
            return Call(spec.name, given, error.message, error.code, spec.effect)
        return Call(spec.name, given, copied(result), None, spec.effect)

    def _faulty(self, spec: ToolSpec, given: dict[str, Any]) -> Call:
        """Make a call of an instance that has faults; at most one fault meets it."""
        name, now = spec.name, self.world.clock
        left = self._refuses_until.get(name, 0) - now
        if left > 0:
            message = rate_message(left)
            return Call(name, given, message, RATE_LIMITED, spec.effect, fault=RATE_LIMITED)
        nth = self._counts[name] = self._counts.get(name, 0) + 1
        fault = self._faults.get((name, nth))
        kind = None if fault is None else fault.kind
        if fault is not None and kind == "rate_limited":
            self._refuses_until[name] = now + fault.seconds
            message = rate_message(fault.seconds)
            return Call(name, given, message, RATE_LIMITED, spec.effect, fault=kind)
        if kind == "timeout_lost":
            return Call(name, given, timeout_message(), TIMEOUT, spec.effect, fault=kind)
        try:
            if kind == "stale" and self._before_last_write is not None and spec.effect == "read":
                call = self._as_it_was(spec, given)
            else:
                call = self._carried_out(spec, given, kind)
        except NothingYet:
            self._counts[name] = nth - 1  # it was not made yet
            raise
        self._last = (call.name, call.result) if call.error is None else self._last
        return call

    def _carried_out(self, spec: ToolSpec, given: dict[str, Any], kind: str | None) -> Call:
        before = self.world.snapshot() if spec.effect == "write" else None
        call = self._made(spec, given)
        if before is not None and self.world.state != before:
            self._before_last_write = (self.world.clock, before)
        if kind == "timeout_done":
            return Call(spec.name, given, timeout_message(), TIMEOUT, spec.effect, fault=kind)
        if call.error is not None:
            return call
        if kind == "malformed":
            is_cut = spec.is_volatile and self._recorded is not None
            text = call.result if is_cut else cut_off(json.dumps(call.result, ensure_ascii=False))
            return Call(spec.name, given, text, None, spec.effect, fault=kind)
        if kind == "duplicate" and self._last is not None:
            again = marked(self._last[1], DELIVERY, self._last[0])
            return Call(spec.name, given, again, None, spec.effect, fault=kind)
        return call

    def _as_it_was(self, spec: ToolSpec, given: dict[str, Any]) -> Call:
        """Read the state as it was before the last write."""
        assert self._before_last_write is not None  # noqa: S101 - the caller looked
        since, before = self._before_last_write
        now, self.world.state = self.world.state, copied(before)
        try:
            call = self._made(spec, given)
        finally:
            self.world.state = now
        if call.error is not None:
            return Call(spec.name, given, call.result, call.error, spec.effect, fault="stale")
        shown = marked(call.result, AGE, self.world.clock - since)
        return Call(spec.name, given, shown, None, spec.effect, fault="stale")

    def _call_of(self, name: str, arguments: Any, result: Any) -> Call:
        """Return the call of a tool that had nothing to wait for."""
        self.world.clock += 1
        self._counts[name] = self._counts.get(name, 0) + 1
        spec = self.offered[self.world.seat][name]
        call = Call(name, normalise(arguments), copied(result), None, spec.effect)
        self._last = (call.name, call.result)
        return call

    def _told(self, call: Call, seat: str | None) -> Call:
        """Put the caller's seat and what the world tells it onto a call."""
        place = self._first if seat is None else seat
        notices = [*copied(self.world.notices()), *self._drifted(place)]
        if not place and not notices:
            return call
        return Call(
            call.name,
            call.arguments,
            call.result,
            call.error,
            call.effect,
            seat=place,
            fault=call.fault,
            notices=notices,
        )

    def _drifted(self, seat: str) -> list[Any]:
        """Offer the tools that the world has now; return the notice where they changed."""
        methods = self._methods[seat]
        now = list(self.world.tools_now(methods))
        if now == methods:
            return []
        before = self.offered[seat]
        kept = {spec.method or name: spec for name, spec in before.items()}
        specs = [kept.get(method) or self._known[method] for method in now]
        specs += [spec for spec in before.values() if spec is WAIT]  # the door's own, always
        self.offered[seat] = {spec.name: spec for spec in specs}
        self._methods[seat] = now
        added = [
            {"name": s.name, "description": s.description, "parameters": s.parameters}
            for s in specs
            if s not in before.values()
        ]
        removed = [spec.name for spec in before.values() if spec not in specs]
        return [{"tools_changed": {"removed": removed, "added": added}}]

    def _kept(self, call: Call) -> Call:
        self.calls.append(call)
        return call


_OWN_ERRORS = (INVALID_ARGUMENTS, UNKNOWN_TOOL)


def joint_answer(answers: Mapping[str, Answer], seats: Iterable[Seat]) -> Answer | None:
    """Return what every seat of the last session answered alike, or None."""
    given = [answers.get(seat.name) for seat in seats if seat.is_last]
    first = given[0]
    if first is None or not all(a is not None and same_answer(a, first) for a in given):
        return None
    return first
