"""The instruction of each session, three wordings in each language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .catalogue import ITEMS, LABELS, PROJECTS
from .chinese import CHINESE
from .chinese import CLOSING_CODE as CLOSING_CODE_ZH
from .english import CLOSING_CODE as CLOSING_CODE_EN
from .english import ENGLISH
from .minutes import grouped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.authoring import Lang

    from .scenario import Event, Scenario, Wanted
    from .tongue import Tongue

WORDINGS = len(ENGLISH)


def instruction(scenario: Scenario, session: int, lang: Lang, wording: int) -> str:
    """Say what a session is told; the rules are the same in each."""
    tongue = tongue_of(lang, wording)
    return tongue.task.format(
        project=PROJECTS[scenario.project].in_lang(lang),
        sister=PROJECTS[scenario.sister].in_lang(lang),
        sister_en=PROJECTS[scenario.sister].en,
        session=session,
        sessions=scenario.sessions,
        news=_news(scenario, session, tongue, lang),
        work=_work(scenario, session, tongue, lang),
    )


def answer_values(lang: Lang) -> dict[str, str]:
    """Return what the answer needs where nothing is lacking."""
    return {"closing_code": CLOSING_CODE_ZH if lang == "zh" else CLOSING_CODE_EN}


def tongue_of(lang: Lang, wording: int) -> Tongue:
    """Return the templates of a wording."""
    return (CHINESE if lang == "zh" else ENGLISH)[wording]


def item_name(item: str, lang: Lang) -> str:
    """Return an item's name; the Chinese one with the word that the tools take."""
    name = ITEMS[item].in_lang(lang)
    return name if lang == "en" else f"{name}（{item}）"


def _news(scenario: Scenario, session: int, tongue: Tongue, lang: Lang) -> str:
    lines = [
        tongue.bullet + _line(scenario, group, tongue, lang)
        for group in grouped(scenario.said(session))
    ]
    told = tongue.news.format(lines="\n".join(lines)) if lines else tongue.no_news
    return f"{told}\n\n{tongue.has_minutes}" if session in scenario.minutes else told


def _line(scenario: Scenario, group: tuple[Event, ...], tongue: Tongue, lang: Lang) -> str:
    first = group[0]
    template: str = getattr(tongue, first.kind)
    return template.format(
        item=item_name(first.item, lang),
        terms=tongue.comma.join(
            tongue.term.format(label=LABELS[e.term].in_lang(lang), value=said(e, lang))
            for e in group
        ),
        label=LABELS[first.term].in_lang(lang),
        value=said(first, lang),
        sister=PROJECTS[scenario.sister].in_lang(lang),
    )


def said(event: Event, lang: Lang) -> str:
    """Return a value as a text says it."""
    if event.term != "unit_price":
        return event.value
    return f"{event.value} 元" if lang == "zh" else f"CNY {event.value}"


def _work(scenario: Scenario, session: int, tongue: Tongue, lang: Lang) -> str:
    if session == scenario.sessions:
        return tongue.final.format(batch=_batch(scenario.final, tongue, lang))
    if session == scenario.cut:
        return tongue.batch.format(batch=_batch(scenario.batch, tongue, lang))
    if session == scenario.cut + 1:
        return tongue.resume.format(batch=_batch(scenario.batch, tongue, lang))
    return tongue.quiet


def _batch(batch: Iterable[Wanted], tongue: Tongue, lang: Lang) -> str:
    return tongue.also.join(
        tongue.wanted.format(item=item_name(wanted.item, lang), quantity=wanted.quantity)
        for wanted in batch
    )
