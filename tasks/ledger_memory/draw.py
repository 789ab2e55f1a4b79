"""Draws a scenario: chains of changes, distractors, what is to be forgotten and never said.

Traps that a shortcut must meet are put in by construction, all on the item ``sure`` of the last
batch, whose terms are all agreed: one term is changed for good, one changed and changed back, of
one the last that is heard is a proposal, of one it is the sister project's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .catalogue import FORGETTABLE, ITEMS, PROJECTS, TERMS, TermName, Values
from .scenario import Event, Key, Kind, Scenario, Wanted

if TYPE_CHECKING:
    from conformance.authoring import Knobs, Rng

_MOST_EARLY = 3
"""Terms are first agreed in one of the first sessions."""


class Ledger:
    """Builds the events of a scenario: chains of changes, one event of a term a session."""

    def __init__(self, rng: Rng, sessions: int, batch: list[str]) -> None:
        self.rng = rng
        self.sessions = sessions
        self.batch = batch
        self.values = Values(rng.fork("values"))
        self.events: list[tuple[int, str, TermName, Kind, str]] = []
        self.last: dict[Key, int] = {}
        """The session of the last event of a chain."""
        self.fixed: set[Key] = set()
        """Chains that must not go on."""

    def begin(self, item: str, terms: tuple[TermName, ...]) -> None:
        """Agree the terms of an item for the first time."""
        cut = self.sessions - 2
        latest = max(1, cut - 1)
        session = self.rng.integer(1, min(_MOST_EARLY, latest))
        for term in terms:
            self._add(session, item, term, "agreed")

    def goes_on(self, item: str, term: TermName, kind: Kind, *, until: int, value: str = "") -> str:
        """Add an event to a chain in a session after its last; return the value, or "" for none."""
        first = self.last[item, term] + 1
        if item in self.batch:
            until = min(until, self.sessions - 2)
        if first > until:
            return ""
        return self._add(self.rng.integer(first, until), item, term, kind, value)

    def change_back(self, item: str, term: TermName) -> None:
        """Change a term, and withdraw the change in a later session."""
        before_last = self.sessions - 1
        value = self.goes_on(item, term, "revised", until=before_last)
        if value:
            self.goes_on(item, term, "withdrawn", until=self.sessions, value=value)

    def distract(
        self, session: int, item: str, term: TermName, kind: Kind, value: str = ""
    ) -> None:
        """Add what is not agreed for this project."""
        self.events.append((session, item, term, kind, value or self.values.draw(term)))

    def _add(self, session: int, item: str, term: TermName, kind: Kind, value: str = "") -> str:
        if kind != "forget" and not value:
            value = self.values.draw(term)
        self.events.append((session, item, term, kind, value))
        self.last[item, term] = session
        return value


def draw(rng: Rng, knobs: Knobs) -> Scenario:
    """Draw a scenario."""
    sessions, forgets = knobs["sessions"], knobs["case"] == "forget"
    batch_size, final_size = rng.integer(2, 3), 3 if forgets else rng.integer(2, 3)
    count = batch_size + final_size + 1 + sessions // 6
    items = rng.sample(list(ITEMS), min(count, len(ITEMS)))
    batch, final = items[:batch_size], items[batch_size : batch_size + final_size]
    ledger = Ledger(rng, sessions, batch)
    sister_terms = {
        item: tuple(ledger.values.draw(term) for term in TERMS) for item in sorted(items)
    }
    sure, changed = final[0], rng.shuffled(TERMS)
    unsaid = (final[2], rng.choice(TERMS)) if forgets and rng.chance(50) else None
    for item in items:
        ledger.begin(item, tuple(term for term in TERMS if (item, term) != unsaid))
    if forgets:
        _forget(ledger, final[1], rng.choice(FORGETTABLE))
        anew = [term for term in changed[2:] if term in FORGETTABLE]
        if anew and rng.chance(60):
            _agree_anew(ledger, sure, anew[0])
    ledger.goes_on(sure, changed[0], "revised", until=sessions - 1)
    ledger.change_back(sure, changed[1])
    ledger.fixed.add((sure, changed[1]))
    if sessions > 3:
        ledger.goes_on(rng.choice(batch), rng.choice(TERMS), "revised", until=sessions)
    _change(ledger, knobs["revisions"] * (sessions - 2))
    _distract(ledger, items, sister_terms)
    ledger.distract(rng.integer(sessions - 1, sessions), final[-1], rng.choice(TERMS), "proposed")
    if unsaid and rng.chance(50):
        ledger.distract(rng.integer(1, sessions), unsaid[0], _term(unsaid), "proposed")
    for term, kind in ((changed[2], "proposed"), (changed[3], "sister")):
        late = rng.integer(ledger.last[sure, term], sessions)
        value = sister_terms[sure][TERMS.index(term)] if kind == "sister" else ""
        ledger.distract(late, sure, term, "sister" if kind == "sister" else "proposed", value)
    project, sister = rng.sample(range(len(PROJECTS)), 2)
    return Scenario(
        secret=rng.token(20),
        project=project,
        sister=sister,
        sessions=sessions,
        items=tuple(sorted(items)),
        events=_told(rng, ledger),
        batch=tuple(Wanted(item, rng.integer(3, 90)) for item in batch),
        killed_after=rng.integer(1, batch_size - 1),
        final=tuple(Wanted(item, rng.integer(3, 90)) for item in rng.shuffled(final)),
        sister_terms=tuple(sister_terms.items()),
    )


def _forget(ledger: Ledger, item: str, term: TermName) -> None:
    """Have a term forgotten and never agreed again, half the time after a change of it."""
    if ledger.last[item, term] < ledger.sessions - 2 and ledger.rng.chance(50):
        ledger.goes_on(item, term, "revised", until=ledger.sessions - 2)
    ledger.goes_on(item, term, "forget", until=ledger.sessions - 1)
    ledger.fixed.add((item, term))


def _agree_anew(ledger: Ledger, item: str, term: TermName) -> None:
    """Have a term forgotten, and another value agreed later."""
    ledger.goes_on(item, term, "forget", until=ledger.sessions - 1)
    ledger.goes_on(item, term, "agreed", until=ledger.sessions)
    ledger.fixed.add((item, term))


def _change(ledger: Ledger, count: int) -> None:
    """Change terms at random, one in four of them back again."""
    open_keys = [key for key in sorted(ledger.last) if key not in ledger.fixed]
    for _ in range(count):
        item, term = ledger.rng.choice(open_keys)
        if ledger.rng.chance(25):
            ledger.change_back(item, _term((item, term)))
        else:
            ledger.goes_on(item, _term((item, term)), "revised", until=ledger.sessions - 1)


def _distract(ledger: Ledger, items: list[str], sister_terms: dict[str, tuple[str, ...]]) -> None:
    """Say something in most sessions that is not agreed for this project."""
    for session in range(1, ledger.sessions + 1):
        item, term = ledger.rng.choice(items), ledger.rng.choice(TERMS)
        if ledger.rng.chance(50):
            ledger.distract(session, item, term, "proposed")
        else:
            value = sister_terms[item][TERMS.index(term)]
            ledger.distract(session, item, term, "sister", value)


def _told(rng: Rng, ledger: Ledger) -> tuple[Event, ...]:
    """Say each event in the instruction or in minutes, an item's first terms together.

    The session that is cut off and the last one have no minutes: all is told at once there.
    """
    sessions = ledger.sessions
    percent = 50 if sessions < 12 else 25
    minuted = {
        session
        for session in range(1, sessions)
        if session != sessions - 2 and (session == 1 or rng.chance(percent))
    }
    channel: dict[tuple[int, str], bool] = {}
    found = []
    for session, item, term, kind, value in ledger.events:
        is_said = session not in minuted or kind == "forget"
        if not is_said and kind == "agreed":
            if (session, item) not in channel:
                channel[session, item] = rng.chance(50)
            is_said = channel[session, item]
        elif not is_said:
            is_said = rng.chance(50)
        found.append(Event(session, is_said, item, term, kind, value))
    return tuple(sorted(found, key=lambda event: event.session))


def _term(key: Key) -> TermName:
    return TERMS[TERMS.index(key[1])]
