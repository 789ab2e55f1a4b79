"""An entry as the tables show it: every name inert, every figure as text, unknown never zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conformance.report.inert import inert_line
from conformance.report.numbers import UNKNOWN, moment, percent, seconds
from conformance.report.profile_words import figure, joules, money
from conformance.report.texts import LANGS, both, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.evidence.documents import Words
    from conformance.report.board.entries import Entry

METERED = ("jailed", "model-only")
"""Evidence classes whose whole use of models the suite saw."""
_NAME, _FACT = 60, 80


class Row(NamedTuple):
    """One line of a table."""

    entry: Entry
    key: str
    """Names the submission within the site; goes into addresses."""
    rank: int | None
    """Equals share one; None: a calibrator."""
    name: str
    href: str
    report: str
    vendor: str
    model: str
    """Empty where it is not known."""
    version: str
    """Of the agent; empty where it is not known."""
    level: str
    level_title: Words
    trust: str
    trust_title: Words
    efficiency: str
    standing: Words
    evidence_class: str
    kind: str
    langs: tuple[str, ...]
    share: float | None
    """Of the trials, those that were solved; None: there was none."""
    solved: str
    tokens: str
    joules: str
    cost: str
    currency: str | None
    seconds: str
    is_metered: bool
    date: str
    notes: tuple[Words, ...]
    submissions: int
    """Of this agent and model, under this edition and plan."""
    haystack: str
    """What the text filter searches."""


def make_row(entry: Entry, *, rank: int | None = None, submissions: int = 1) -> Row:
    """Return what is shown of an entry."""
    name = inert_line(entry.agent, _NAME)
    vendor, model, version = (
        inert_line(text or "", _FACT) for text in (entry.vendor, entry.model, entry.version)
    )
    kind = inert_line(entry.kind, 40)
    share = entry.solved / entry.trials if entry.trials else None
    currency = None if entry.currency is None else inert_line(entry.currency, 12)
    is_metered = entry.evidence_class in METERED
    more = "" if is_metered else "≥ "
    about = "≈ " if entry.tokens_estimated else ""
    return Row(
        entry=entry,
        key=entry.id[:12],
        rank=rank,
        name=name,
        href=f"agents/{entry.slug}.html",
        report=f"reports/{entry.id}.html",
        vendor=vendor,
        model=model,
        version=version,
        level=inert_line(entry.level, 12),
        level_title=inert_words(entry.level_title),
        trust=inert_line(entry.trust, 12),
        trust_title=inert_words(entry.trust_title),
        efficiency=inert_line(entry.efficiency, 12),
        standing=standing_word(entry),
        evidence_class=inert_line(entry.evidence_class, 40),
        kind=kind,
        langs=tuple(inert_line(lang, 20) for lang in entry.langs),
        share=share,
        solved=UNKNOWN if share is None else percent(share),
        tokens=_signed(more or about, figure(entry.tokens_per_solved)),
        joules=_signed(more, joules(entry.joules_per_solved)),
        cost=_signed(more, money(entry.cost_per_solved, currency or "")),
        currency=currency if entry.cost_per_solved is not None else None,
        seconds=seconds(entry.seconds_per_solved),
        is_metered=is_metered,
        date=moment(entry.ended),
        notes=tuple(_notes(entry)),
        submissions=submissions,
        haystack=f"{name} {vendor} {model} {version} {kind}".lower(),
    )


def standing_word(entry: Entry) -> Words:
    """Return the word that stands beside every figure of an entry."""
    audited = entry.standing == "audited"
    return say("board.standing_audited" if audited else "board.standing_declared")


def captioned(what: Words, rows: Sequence[Row]) -> Words:
    """Return the caption of a drawing of some rows, with the standing of its figures."""
    audited = any(row.entry.standing == "audited" for row in rows)
    return say("board.plot_mixed" if audited else "board.plot_declared", y=what)


def currencies(rows: Sequence[Row]) -> tuple[str | None, ...]:
    """Return the currencies in which something is priced, in order."""
    return tuple(sorted({row.currency for row in rows if row.currency is not None}))


def board_name(entry: Entry) -> Words:
    """Return what an edition and plan are called together; an edition's texts are inert too."""
    return say(
        "board.board_name", edition=_inert(entry.edition_title), plan=_inert(entry.plan_title)
    )


def edition_name(entry: Entry) -> Words:
    """Return the title of an entry's edition."""
    return _inert(entry.edition_title)


def lang_name(lang: str) -> Words:
    """Return what a language of tasks is called."""
    return say(f"board.lang_{lang}") if lang in LANGS else both(inert_line(lang, 20))


def inert_words(words: Words | None) -> Words:
    """Return a text in both languages on one line each; empty where there is none."""
    return both("") if words is None else _inert(words)


def _inert(words: Words) -> Words:
    return type(words)(inert_line(words.zh, _FACT), inert_line(words.en, _FACT))


def _signed(sign: str, shown: str) -> str:
    return shown if shown == UNKNOWN else sign + shown


def _is_modest(claimed: str) -> bool:
    """Say whether a bundle calls itself no more than self-declared."""
    return claimed.casefold().startswith(("self-declared", "self-declaration", "自我声明"))


def _notes(entry: Entry) -> Iterable[Words]:
    if entry.seed_source != "os":
        yield say("board.seed_applicant")
    if entry.ended_by != "complete":
        yield say("board.ended_budget")
    yield from entry.remarks
    if entry.standing != "audited" and not _is_modest(entry.claimed_standing):
        yield say("board.claims_audited", standing=inert_line(entry.claimed_standing, 40))
