"""The instruction in both languages, from one scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import chinese, english

if TYPE_CHECKING:
    from conformance.authoring import Lang

    from .scenario import Scenario

WORDINGS = len(english.REPAIR)


def instruction(scenario: Scenario, lang: Lang, wording: int) -> str:
    """Return the task in a language and wording: one text for what must not be told apart."""
    return _texts(scenario, lang)[wording].format(
        incident=scenario.incident, target=scenario.target, budget=scenario.budget
    )


def _texts(scenario: Scenario, lang: Lang) -> tuple[str, ...]:
    language = chinese if lang == "zh" else english
    texts: tuple[str, ...] = language.REPAIR
    if scenario.is_diagnosis:
        texts = language.DIAGNOSIS
    elif scenario.case == "profile":
        texts = language.PROFILE
    return texts


def answer_values(scenario: Scenario, lang: Lang) -> dict[str, str]:
    """Return what the answer needs where the work was done."""
    values = (chinese if lang == "zh" else english).VALUES
    if scenario.is_diagnosis:
        return {"causes": values["cause"]}
    return {name: values[name] for name in ("causes", "probe_id")}
