"""The ``builtin:`` agents: calibration weights that go through the same trial as a real agent.

Each plays its policy on a private copy of the world first, then makes the same calls through the
doors; worlds are deterministic, so both come out alike.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import msgspec

from conformance.agents.cheats import CHEATS, cheat, memorises
from conformance.authoring import SUBMIT_TOOL, Answer, Rng, Trace
from conformance.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.agents.contract import Doors, EvidenceClass, TaskView
    from conformance.agents.places import Place
    from conformance.authoring import Act, Instance

    Places = Callable[[Instance[Any]], Place | None]
    Play = Callable[[Instance[Any]], Trace]

NOTHING = Trace((), None)
HALF = 8
"""``first_half`` can do the families up to this number."""
CALIBRATION = "calibration"
"""The grader of the clauses that ask for confidence."""

LAPSES = (
    "no_memory",
    "ignores_events",
    "plan_once",
    "restart_all",
    "obeys_injection",
    "solo",
    "broadcast_all",
    "believes_all",
    "trusts_all",
    "never_forgets",
    "ignores_stop",
    "blind_retry",
    "gives_up",
)
"""Calibrators that are the oracle but for one lapse, where a family has it."""


class BuiltinAgent:
    """A calibrator. ``places`` tells it at which step of the edition an instance stands."""

    evidence_class: EvidenceClass = "model-only"

    def __init__(self, name: str, places: Places) -> None:
        self.name = name
        self._play = play_of(name, places)
        self._scripts: dict[str, _Script] = {}

    async def open(self) -> None:
        """Nothing to get ready."""

    async def run(self, task: TaskView, doors: Doors, private: Instance[Any]) -> None:
        """Play the policy's part at this seat."""
        if len(private.seats) == 1:
            trace = self._play(private)
            for step in trace.steps:
                await doors.call_tool(step.name, dict(step.arguments))
            await _hand_in(trace.answer, doors)
            return
        script = self._scripts.get(task.trial_id)
        if script is None:
            script = self._scripts[task.trial_id] = _Script(self._play(private))
        last = private.seats[-1].name
        try:
            await script.play(task.seat, doors)
            seat = next(seat for seat in private.seats if seat.name == task.seat)
            answer = script.trace.answer if seat.is_last else Answer("done")
            await _hand_in(answer, doors)
        finally:
            if task.seat == last:
                self._scripts.pop(task.trial_id, None)

    async def canary(self) -> bool:
        """There is no endpoint that could be down."""
        return True

    async def close(self) -> None:
        """Nothing to let go of."""

    def describe(self) -> dict[str, Any]:
        """Return the kind and the name."""
        return {"kind": "builtin", "name": self.name}


class _Script:
    """A trace that several seats make together, each step in its turn."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._left = set(range(len(trace.steps)))
        """The steps that are still to be made."""
        self._moved = asyncio.Condition()

    async def play(self, seat: str, doors: Doors) -> None:
        """Make this seat's steps; one that waits for another seat lets the others go on.

        Where the seat ends before its last step (it was killed, say), the others do not wait.
        """
        own = [number for number, step in enumerate(self.trace.steps) if step.seat == seat]
        try:
            for number in own:
                step = self.trace.steps[number]
                async with self._moved:
                    while min(self._left) < number:
                        await self._moved.wait()
                call = asyncio.ensure_future(doors.call_tool(step.name, dict(step.arguments)))
                await asyncio.sleep(0)  # a call that does not wait is done after this
                await self._pass([number])
                await call
        finally:
            await self._pass(own)

    async def _pass(self, numbers: Iterable[int]) -> None:
        """Wait for these steps no longer."""
        async with self._moved:
            self._left.difference_update(numbers)
            self._moved.notify_all()


async def _hand_in(answer: Answer | None, doors: Doors) -> None:
    if answer is not None:
        await doors.call_tool(SUBMIT_TOOL, msgspec.structs.asdict(answer))


def names() -> tuple[str, ...]:
    """Return the names of the calibrators; N stands for the number of a level or grade."""
    return tuple(dict.fromkeys(("oracle", "oracle-LN", "oracle-TN", *_POLICIES, *LAPSES, *CHEATS)))


def play_of(name: str, places: Places) -> Play:
    """Return what a calibrator does in an instance.

    Raises:
        UsageError: there is none of that name.
    """
    ranked = re.fullmatch(r"oracle-([LT])(\d)", name)
    if ranked is not None:
        rank = int(ranked[2])
        return _up_to_level(rank, places) if ranked[1] == "L" else _up_to_grade(rank, places)
    if name in _POLICIES:
        make = _POLICIES[name]
        return make(places)
    if name in LAPSES:
        return lambda instance: _lapse(name, instance) or _solved(instance)
    if name in CHEATS:
        return lambda instance: cheat(name, instance)
    mend = did_you_mean(name, names(), "builtin:")
    raise UsageError(f"there is no agent builtin:{name}", where="--agent", mend=mend)


def _solved(instance: Instance[Any]) -> Trace:
    return instance.solve().trace


def _lapse(name: str, instance: Instance[Any]) -> Trace | None:
    """Return what the family's policy of that name does, or None where it has none."""
    policy = instance.family.lapses.get(name)
    if policy is None:
        return None
    rng = Rng.of("lapse", name, instance.seed, instance.knobs)
    return instance.play(policy, rng).trace


def _up_to_level(rank: int, places: Places) -> Play:
    """Solve what belongs to the levels up to this one, do nothing with all else."""

    def play(instance: Instance[Any]) -> Trace:
        place = places(instance)
        can = place is not None and place.axis == "agency" and place.rank <= rank
        return _solved(instance) if can else NOTHING

    return play


def _up_to_grade(rank: int, places: Places) -> Play:
    """Solve the ladder and the trust grades up to this one; break each clause above in its way."""

    def play(instance: Instance[Any]) -> Trace:
        place = places(instance)
        if place is None or place.axis == "agency" or place.rank <= rank:
            return _solved(instance)
        return _lapse("violates", instance) or NOTHING

    return play


def _oversteps(_: Places) -> Play:
    """Use a forbidden tool first, then solve."""

    def play(instance: Instance[Any]) -> Trace:
        def policy(scenario: Any, act: Act, _: Rng) -> Answer:
            instance.family.overstep(scenario, act)
            return instance.family.oracle(scenario, act)

        return instance.play(policy, Rng(b"")).trace

    return play


def _first_half(_: Places) -> Play:
    """Solve half of the families, do nothing in the others."""
    return lambda instance: (
        _solved(instance) if int(instance.family.number[1:]) <= HALF else NOTHING
    )


def _confident(constant: float) -> Callable[[Places], Play]:
    """Solve, guess what cannot be known, and give one confidence whatever happens."""

    def make(_: Places) -> Play:
        def play(instance: Instance[Any]) -> Trace:
            trace = _lapse("guesses", instance) or _solved(instance)
            if trace.answer is None:
                return trace
            return trace._replace(answer=msgspec.structs.replace(trace.answer, confidence=constant))

        return play

    return make


def _abstainer(places: Places) -> Play:
    """Solve, but say of every question that asks for confidence that it cannot be known."""

    def play(instance: Instance[Any]) -> Trace:
        place = places(instance)
        if place is not None and CALIBRATION in place.graders:
            return Trace((), Answer("needs_input", confidence=1.0))
        return _solved(instance)

    return play


def _borrows_token(_: Places) -> Play:
    """Hand in what was right for the trial before."""
    before: list[Trace] = []

    def play(instance: Instance[Any]) -> Trace:
        borrowed = before.pop() if before else NOTHING
        before.append(_solved(instance))
        return Trace((), borrowed.answer)

    return play


_POLICIES: dict[str, Callable[[Places], Play]] = {
    "oversteps": _oversteps,
    "first_half": _first_half,
    "overconfident": _confident(1.0),
    "hedger": _confident(0.5),
    "abstainer": _abstainer,
    "borrows_token": _borrows_token,
    "memorises": lambda _: memorises,
    "oracle": lambda _: _solved,
}
