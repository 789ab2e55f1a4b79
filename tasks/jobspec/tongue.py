"""What a language brings to the wording."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from .scenario import Scenario
    from .shapes import Said


class Manner(NamedTuple):
    """One way of writing a request in prose: an e-mail, a work order, a chat line."""

    sentences: Mapping[str, str]
    """A sentence for each field."""
    hint: str
    """Mentions a field without a value."""
    remarks: Mapping[str, str]
    """Asides about other jobs."""
    base: str
    """Opens an elliptic request: the earlier job and what differs."""
    kept: str
    """Confirms a field of the earlier job."""
    slip: str
    """Quotes the approval slip."""


class Tongue(NamedTuple):
    """A language: how it writes values, fields, requests and the frame around them."""

    labels: Mapping[str, str]
    phrase: Callable[[Said, Scenario], str]
    today: Callable[[date], str]
    comma: str
    space: str
    """What stands between two sentences."""
    set_type: Callable[[str], str]
    """Sets the blanks of a text by the language's typography."""
    manners: tuple[Manner, ...]
    frames: tuple[str, ...]
    values: Mapping[str, str]
    """The answer's values, described."""
