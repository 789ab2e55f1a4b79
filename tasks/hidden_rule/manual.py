"""The depot's manual: which rules a season can have, and what a round's feedback means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .learner import Rulebook
from .rules import BANDS, MARKS, PARTS, Kind, Part
from .scenario import numbered_marks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .scenario import Scenario

_GENERAL = (
    "A place is a dock and a shelf, each a digit from 0 to 9. Which place a consignment belongs to "
    "follows from one rule for the dock and one for the shelf. Both are drawn afresh every season, "
    "every possibility below as likely as another, and hold unchanged for every round of the "
    "shift and for what is asked after it. 'Modulo 10' takes the last digit and counts up from "
    "below zero: 13 is 3, and -3 is 7."
)
_KINDS: Mapping[Kind, str] = {
    "two_numbers": (
        "Two different ones of the consignment's four numbers count. Either they are added, or "
        "one of them is subtracted from the other; then a constant from 0 to 9 is added; modulo "
        "10. Hidden: which two numbers, whether and which way round they are subtracted, the "
        "constant."
    ),
    "one_number": (
        "One of the consignment's four numbers counts; a constant from 0 to 9 is added; modulo "
        "10. Hidden: which number, the constant."
    ),
    "first_mark": (
        "The five marks stand in a strict order of precedence. Of the marks on the consignment "
        "only the one that stands highest counts: to its own number (mark_numbers) a constant "
        "from 0 to 9 is added; modulo 10. Hidden: the order, the constant."
    ),
    "counter": (
        "A counter starts the shift at a digit from 0 to 9. Every consignment, whatever was "
        "decided, first moves it on by the step of its band, modulo 10; then the counter is the "
        "digit. Each of the bands red, amber and blue has a step from 1 to 9; two may be alike. "
        "After the last round the counter goes on: Y comes next, then Z. Hidden: the start, the "
        "three steps."
    ),
}
_FEEDBACK = {
    "answer": (
        "After a decision, may_be lists the one dock and the one shelf that were right, whatever "
        "was decided."
    ),
    "part": (
        "After a decision, may_be lists what the right dock and the right shelf may have been: "
        "one of the two exactly, of the other two digits that are five apart, of which one was "
        "right. Which of the two is exact changes every two rounds, whatever was decided."
    ),
}


def manual(scenario: Scenario) -> dict[str, Any]:
    """Return the manual as its tool shows it; the hidden rule is no part of it."""
    book = scenario.book
    parts: dict[str, Any] = {
        f"{part}_rule": {"kind": book.kind(part), "text": _KINDS[book.kind(part)]} for part in PARTS
    }
    numbers = {"mark_numbers": numbered_marks(scenario.mark_numbers)}
    marked = numbers if "first_mark" in (book.dock, book.shelf) else {}
    banded = {"bands": list(BANDS)} if "counter" in (book.dock, book.shelf) else {}
    return {
        "general": _GENERAL,
        **parts,
        **marked,
        **banded,
        "feedback": _FEEDBACK[scenario.feedback],
    }


def read_book(shown: Mapping[str, Any]) -> Rulebook:
    """Return what a reader of the manual knows of the rule."""
    kinds: dict[Part, Kind] = {part: shown[f"{part}_rule"]["kind"] for part in PARTS}
    numbers = shown.get("mark_numbers", dict.fromkeys(MARKS, 0))
    return Rulebook(kinds["dock"], kinds["shelf"], tuple(numbers[mark] for mark in MARKS))
