"""The ladder as a page: each clause, what is seen, from which families, how it is decided.

Made from an edition alone: ``conformance edition show --page``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from conformance.edition.lint import curve
from conformance.report.texts import aside, load_texts, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.authoring import Lang
    from conformance.edition import Edition
    from conformance.edition.document import Axes, ClauseDoc

PLAN = "certify"
"""The plan whose numbers the page shows; the first of an edition that has no such plan."""


def ladder_page(edition: Edition, lang: Lang) -> str:
    """Return the page in Markdown."""
    return "\n".join(_lines(edition, lang)).rstrip() + "\n"


def _lines(edition: Edition, lang: Lang) -> Iterator[str]:
    def t(key: str, **values: Any) -> str:
        return str(getattr(say(f"ladder.{key}", **values), lang))

    document = edition.document
    yield f"# {t('heading', title=document.title.text().in_lang(lang))}"
    yield ""
    command = f"`conformance edition show --page --locale {lang}`"
    yield t("generated", source="`tasks/edition.yaml`", command=command)
    yield ""
    yield t("edition", id=f"`{edition.id}`", notice=document.notice.text().in_lang(lang))
    yield ""
    yield t("how")
    for axis, how in ((document.agency, None), (document.trust, "trust_how")):
        yield from ("", f"## {axis.title.text().in_lang(lang)}", "")
        if how is not None:
            yield from (t(how), "")
        yield from _axis(edition, axis, lang)
    yield from ("", f"## {document.efficiency.title.text().in_lang(lang)}", "")
    yield t("efficiency", p0=f"{document.efficiency.rule.p0:g}")
    yield ""
    for item in document.efficiency.classes:
        above = item.kappa is None
        key = "class_above" if above else "class"
        values = {} if above else {"kappa": f"{item.kappa:g}"}
        yield f"- {t(key, name=item.id, **values)}"
    yield from ("", f"## {t('family_list')}", "")
    yield from _families(edition, lang)


def _axis(edition: Edition, axis: Axes, lang: Lang) -> Iterator[str]:
    for step in axis.steps:
        yield from (f"### {step.id} {step.title.text().in_lang(lang)}", "")
        headings = ("clause", "seen", "families", "observed", "decided", "trials")
        texts = [getattr(say(f"ladder.{name}"), lang) for name in headings]
        yield from _table(
            texts, (_clause(edition, c, lang) for c in edition.clauses if c.step == step.id)
        )
        yield ""


def _clause(edition: Edition, clause: ClauseDoc, lang: Lang) -> list[str]:
    found = curve(edition, clause, PLAN if PLAN in edition.document.plans else _first(edition))
    dimensions = {item.id: item.title for item in edition.document.dimensions}
    rule = found.rule
    key = {"clean-run": "clean_run"}.get(rule.name, rule.name)
    most = found.fewest if rule.name == "clean-run" else rule.n_max
    decided = say(f"ladder.{key}", p0=f"{rule.p0:g}", p1=f"{rule.p1:g}", most=str(most))
    trials = say("ladder.numbers", fewest=str(found.fewest), mean=f"{found.at_p1.expected_n:.0f}")
    return [
        f"**{clause.id}**<br>{dimensions[clause.dimension].text().in_lang(lang)}",
        clause.text.text().in_lang(lang),
        "<br>".join(_sources(edition, clause, lang)),
        _observed(clause, lang),
        str(getattr(decided, lang)),
        str(getattr(trials, lang)),
    ]


def _sources(edition: Edition, clause: ClauseDoc, lang: Lang) -> Iterator[str]:
    if clause.rider:
        yield str(getattr(say("ladder.rider"), lang))
    if clause.sealed:
        yield str(getattr(say("ladder.sealed"), lang))
    if clause.pending is not None:
        yield str(getattr(say("ladder.pending", families=clause.pending), lang))
    for draw in clause.draws:
        family = edition.family(draw.family)
        knobs = ", ".join(f"{name} {_value(value)}" for name, value in draw.knobs.items())
        title = family.title.in_lang(lang)
        yield f"{family.number} {title} `{family.id}`" + (f" ({knobs})" if knobs else "")


def _observed(clause: ClauseDoc, lang: Lang) -> str:
    name = clause.observation.grader
    key = f"grader.{name}"
    text = str(getattr(say(key), lang)) if load_texts().has(key) else f"`{name}`"
    if clause.repeats > 1:
        text += "<br>" + str(getattr(say("ladder.repeats", n=clause.repeats), lang))
    return text


def _families(edition: Edition, lang: Lang) -> Iterator[str]:
    headings = ("families", "drawn_by")
    texts = [getattr(say(f"ladder.{name}"), lang) for name in headings]
    rows = []
    for name in edition.family_ids():
        family = edition.family(name)
        by = [c.id for c in edition.clauses if any(d.family == name for d in c.draws)]
        label = f"{family.number} {family.title.in_lang(lang)} `{name}`"
        need = aside(say("ladder.needs_sandbox")).in_lang(lang) if family.needs else ""
        rows.append([label + need, ", ".join(by) or "–"])
    yield from _table(texts, rows)


def _table(headings: list[str], rows: Iterable[list[str]]) -> Iterator[str]:
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"


def _value(value: Any) -> str:
    if isinstance(value, list):
        return "/".join(map(_value, value))
    return value if isinstance(value, str) else json.dumps(value)


def _first(edition: Edition) -> str:
    return next(iter(edition.document.plans))
