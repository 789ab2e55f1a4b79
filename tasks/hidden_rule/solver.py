"""Solving a shift from what the tools show, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.authoring import Answer

from .learner import Learner
from .manual import read_book
from .rules import Consignment, Place
from .scenario import FINALS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from conformance.authoring import Act

    from .scenario import Scenario

SURE = 0.95


class Question(NamedTuple):
    """Y and Z: the place a learner gives each, and whether every rule that fits agrees."""

    places: tuple[Place, ...]
    is_settled: bool


def solve(scenario: Scenario, act: Act, heeds: Callable[[int], bool] = lambda _: True) -> Answer:
    """Learn from the rounds whose feedback is heeded; then close the shift, or answer."""
    learner = learn(act, heeds)
    if not scenario.asks:
        return certified(act)
    question = ask(act, learner)
    return file(act, question.places) if question.is_settled else leave_open(act)


def learn(act: Act, heeds: Callable[[int], bool] = lambda _: True) -> Learner:
    """Play every round with a rule that fits; return what is known then."""
    learner = Learner(read_book(act("read_manual")))

    def choose(consignment: Consignment) -> Place:
        return learner.guess(consignment)

    for number, (consignment, result) in enumerate(rounds(act, choose)):
        learner.learn(consignment, result["may_be"] if heeds(number) else None)
    return learner


def rounds(
    act: Act, choose: Callable[[Consignment], Sequence[int]]
) -> Iterable[tuple[Consignment, dict[str, Any]]]:
    """Decide round after round; yield each consignment with its feedback."""
    coming = act("show_round", round=1)
    while coming is not None:
        consignment = Consignment.read(coming["consignment"])
        dock, shelf = choose(consignment)
        result = act("decide", round=coming["round"], dock=dock, shelf=shelf)
        yield consignment, result
        coming = result["next"]


def ask(act: Act, learner: Learner) -> Question:
    """Look at Y and Z."""
    shown = act("show_question")
    first, second = (Consignment.read(shown[name]) for name in FINALS)
    histories = ((first,), (first, second))
    places = tuple(learner.guess(*coming) for coming in histories)
    return Question(places, all(learner.knows(*coming) for coming in histories))


def certified(act: Act) -> Answer:
    """Close the shift and hand in its certificate."""
    return Answer("done", None, act("close_shift"))


def file(act: Act, places: Sequence[Place], confidence: float = SURE) -> Answer:
    """File places for Y and Z and hand them in."""
    (y_dock, y_shelf), (z_dock, z_shelf) = places
    filed = act("file_places", y_dock=y_dock, y_shelf=y_shelf, z_dock=z_dock, z_shelf=z_shelf)
    return Answer("done", None, {**named(places), "filing": filed["filing"]}, confidence)


def leave_open(act: Act, confidence: float = SURE) -> Answer:
    """File that Y and Z cannot both be known, and say so."""
    return Answer("needs_input", act("file_open")["open"], {}, confidence)


def named(places: Iterable[Place]) -> dict[str, str]:
    """Return places as the answer's values name them."""
    return {f"place_{name}": str(place) for name, place in zip(FINALS, places, strict=True)}
