"""The instruction in both languages, from one scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import chinese, english

if TYPE_CHECKING:
    from conformance.authoring import Lang

    from .scenario import Scenario

WORDINGS = len(english.INSTRUCTION)


def instruction(scenario: Scenario, lang: Lang, wording: int) -> str:
    """Return the task in a language and wording."""
    texts = chinese.INSTRUCTION if lang == "zh" else english.INSTRUCTION
    return texts[wording].format(
        plan=scenario.plan,
        orders=len(scenario.orders),
        lead=scenario.lead,
        budget=scenario.budget,
    )


def answer_values(lang: Lang) -> dict[str, str]:
    """Return what the answer needs."""
    return dict((chinese if lang == "zh" else english).VALUES)
