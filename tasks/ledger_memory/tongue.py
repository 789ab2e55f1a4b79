"""What a wording is made of: templates for events, orders and the session's work."""

from __future__ import annotations

from typing import NamedTuple


class Tongue(NamedTuple):
    """One way to tell every session of an instance, in one language and register."""

    agreed: str
    revised: str
    withdrawn: str
    forget: str
    proposed: str
    sister: str
    term: str
    comma: str
    """Between the terms of one item."""
    wanted: str
    also: str
    """Between the items of a batch."""
    bullet: str
    task: str
    news: str
    no_news: str
    has_minutes: str
    quiet: str
    batch: str
    resume: str
    final: str
