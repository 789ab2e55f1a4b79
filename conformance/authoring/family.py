"""What a task author writes: a family, its instances, and what a grader reads of a trial."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from conformance.authoring.door import Door, Seat
from conformance.authoring.tools import Call, Step, ToolError, ToolSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from conformance.authoring.answer import Answer, End, Lang
    from conformance.authoring.faults import Fault
    from conformance.authoring.rng import Rng
    from conformance.authoring.world import State, World

S = TypeVar("S")

Knobs = dict[str, Any]
"""Difficulty knobs by name; every value is JSON."""


ONE_SEAT = (("",),)
"""One agent, one session: what most instances have."""


class Act(Protocol):
    """Call a tool by name; return its result, raise ``ToolError`` where it returned an error."""

    def __call__(self, name: str, /, **arguments: Any) -> Any: ...

    def of(self, seat: str, /) -> Act:
        """Return the hand of another seat; calling with it opens that seat's session."""
        ...

    def notices(self) -> list[Any]:
        """Return what the world told beside the last result, whoever made that call."""
        ...


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One requirement that a trial broke."""

    requirement: str
    """``goal.…``, ``frame``, ``conduct.…``, ``answer.…``: an id the family or a grader declares."""
    message: str
    critical: bool = False
    """A critical safety event: it fails a clean-run clause at once."""


class Text(NamedTuple):
    """One text in both languages; neither is a translation of the other."""

    zh: str
    en: str

    def in_lang(self, lang: Lang) -> str:
        """Return the text in ``lang``."""
        return self.zh if lang == "zh" else self.en


class Trace(NamedTuple):
    """What an oracle did: its calls in order and its answer."""

    steps: tuple[Step, ...]
    answer: Answer | None


class Shortcut(NamedTuple, Generic[S]):
    """A policy that must not solve the family.

    ``held_out`` ones are kept from the generation filter: they show that the filter did not
    merely learn the list. ``play`` may use only what an agent sees; where it raises
    ``ToolError`` it ends without an answer.
    """

    name: str
    play: Callable[[S, Act, Rng], Answer | None]
    held_out: bool = False


class Mutation(NamedTuple, Generic[S]):
    """An operator on the oracle's trace that breaks ``requirement`` by construction.

    ``apply`` returns None where the instance gives it nothing to break.
    """

    name: str
    requirement: str
    apply: Callable[[S, Trace, Rng], Trace | None]


class Family(ABC, Generic[S]):
    """A seeded generator of tasks, with everything needed to prove its grading right.

    ``S`` is the scenario: a frozen, language-free value from which the world, the wording, the
    right end and the checks all follow. The methods are pure functions of it.
    """

    id: ClassVar[str]
    """The folder's name in ``tasks/``."""
    number: ClassVar[str]
    """``F01`` … ``F16``."""
    version: ClassVar[int]
    """Rises when any instance changes."""
    title: ClassVar[Text]
    knobs: ClassVar[Mapping[str, tuple[Any, ...]]]
    """The values each knob can take, the default first."""
    wordings: ClassVar[int]
    """How many wordings each language has; three or more."""
    requirements: ClassVar[Mapping[str, str]]
    """Each requirement that ``goal`` or ``conduct`` can find broken: id to sentence."""
    shortcuts: ClassVar[tuple[Shortcut[Any], ...]]
    mutations: ClassVar[tuple[Mutation[Any], ...]]
    lapses: ClassVar[Mapping[str, Callable[[Any, Act, Rng], Answer | None]]] = {}
    """Policies that fail in one named way (``no_memory``, ``violates``), for the calibrators of
    that name; a calibrator plays the oracle where a family has no lapse of its name."""
    needs: ClassVar[frozenset[str]] = frozenset()
    """What a trial needs of the machine: ``sandbox`` where it runs an agent's code."""

    @abstractmethod
    def scenario(self, rng: Rng, knobs: Knobs) -> S:
        """Draw one candidate; the edition rejects those that a shortcut of the filter solves."""

    @abstractmethod
    def world(self, scenario: S) -> World:
        """Build the world in its initial state."""

    @abstractmethod
    def offered(self, scenario: S) -> Sequence[str]:
        """Return the names of the tools offered, forbidden ones included, in order."""

    @abstractmethod
    def forbidden(self, scenario: S) -> Sequence[str]:
        """Return the offered tools that the instruction forbids: two or more, one tempting."""

    @abstractmethod
    def instruction(self, scenario: S, lang: Lang, wording: int) -> str:
        """Say the task, the forbidden tools included; the answer contract is added to it."""

    @abstractmethod
    def answer_values(self, scenario: S, lang: Lang) -> Mapping[str, str]:
        """Return the names of the values the answer needs where the work is done, described."""

    @abstractmethod
    def right_end(self, scenario: S) -> End:
        """Return the answer that is true once the work is done right."""

    @abstractmethod
    def oracle(self, scenario: S, act: Act) -> Answer:
        """Solve the instance with as few tool calls as can be; their number is its cost."""

    @abstractmethod
    def overstep(self, scenario: S, act: Act) -> None:
        """Use a forbidden tool in a way that leaves the goal and the frame as they are."""

    @abstractmethod
    def goal(self, scenario: S, final: State) -> Iterable[Finding]:
        """Yield what the final state lacks of the goal."""

    @abstractmethod
    def may_change(self, scenario: S) -> Sequence[str]:
        """Return the pointer patterns of what the work may change; all else is the frame."""

    def conduct(self, scenario: S, calls: Sequence[Call]) -> Iterable[Finding]:  # noqa: ARG002
        """Yield the trace rules that the calls broke, in order; none by default."""
        return ()

    # What most families have no use for.

    def sessions(self, scenario: S) -> Sequence[Sequence[str]]:  # noqa: ARG002
        """Return the seats of each session, in order; a seat's name stands once in all.

        Two sessions of one seat are one agent, killed in between. A session of several seats is
        several agents at once on one world.
        """
        return ONE_SEAT

    def offered_at(self, scenario: S, seat: str) -> Sequence[str]:  # noqa: ARG002
        """Return the methods offered at a seat."""
        return self.offered(scenario)

    def instruction_at(
        self,
        scenario: S,
        seat: str,  # noqa: ARG002
        lang: Lang,
        wording: int,
    ) -> str:
        """Say the task at a seat."""
        return self.instruction(scenario, lang, wording)

    def faults(self, scenario: S) -> Sequence[Fault]:  # noqa: ARG002
        """Return the faults at the tool door; where there are any, ``wait`` is offered too."""
        return ()

    def is_undecidable(self, scenario: S) -> bool:  # noqa: ARG002
        """Say whether what is asked cannot be known by construction."""
        return False


@dataclass(frozen=True)
class Instance(Generic[S]):
    """A family with knobs, wording, language and a seed: one task for one agent."""

    family: Family[S]
    knobs: Knobs
    seed: str
    lang: Lang
    wording: int
    scenario: S
    instruction: str
    tools: tuple[ToolSpec, ...]
    """What is offered at any seat, without ``submit_answer``."""
    forbidden: frozenset[str]
    right_end: End
    seats: tuple[Seat, ...]
    """In the order of their sessions; most instances have one."""
    rejected: int = 0
    """Candidates the generation filter turned away before this one."""

    def door(self) -> Door:
        """Return a door to a fresh world in its initial state."""
        world = self.family.world(self.scenario)
        return Door(world, seats=self.seats, faults=self.family.faults(self.scenario))

    def play(self, policy: Callable[[S, Act, Rng], Answer | None], rng: Rng) -> Played[S]:
        """Let a policy act on a fresh world; a tool error it does not catch ends it."""
        door = self.door()
        initial = door.world.snapshot()
        try:
            answer = policy(self.scenario, door.act, rng)
        except ToolError:
            answer = None
        return Played(self, initial, door.finish(), tuple(door.calls), answer)

    def replay(self, trace: Trace) -> Played[S]:
        """Make the calls of ``trace`` on a fresh world and hand in its answer."""
        door = self.door()
        initial = door.world.snapshot()
        door.replay(trace.steps)
        return Played(self, initial, door.finish(), tuple(door.calls), trace.answer)

    def solve(self) -> Played[S]:
        """Let the oracle act on a fresh world."""
        return self.play(lambda scenario, act, _: self.family.oracle(scenario, act), _NO_RNG)


@dataclass(frozen=True)
class Played(Generic[S]):
    """A trial as a grader reads it: the instance, both states, the calls and the answer."""

    instance: Instance[S]
    initial: State
    final: State
    calls: tuple[Call, ...]
    answer: Answer | None
    """What the seats of the last session handed in alike; None where they differ."""

    @property
    def trace(self) -> Trace:
        """Return the calls as steps that can be replayed."""
        return Trace(tuple(Step(c.name, c.arguments, c.seat) for c in self.calls), self.answer)


class Score(msgspec.Struct, frozen=True):
    """What a grader gives a trial: a number in [0, 1] and the requirements it found broken."""

    value: float
    findings: tuple[Finding, ...] = ()


class Grader(Protocol):
    """A function of a played trial; it never sees the agent, the network or the clock."""

    def __call__(self, played: Played[Any], /, **options: Any) -> Score: ...


class _NoRng:
    def __getattr__(self, name: str) -> Any:
        msg = f"an oracle draws nothing at random, but asked for {name}"
        raise AttributeError(msg)


_NO_RNG: Any = _NoRng()
