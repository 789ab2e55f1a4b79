"""What a campaign tells the person who waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.decision.ladder import Observation, Round
    from conformance.decision.streams import Draw
    from conformance.trial.run import TrialRecord


class Progress(Protocol):
    """Told of every trial and every round."""

    def trial(self, draw: Draw, record: TrialRecord) -> None:
        """A trial ended."""

    def round(self, asked: Round, reply: Mapping[str, Observation]) -> None:
        """A round was observed."""

    def twins(self, count: int) -> None:
        """The ladder is done; so many instances are tried in the other language too."""


class Silent:
    """Tells nobody."""

    def trial(self, draw: Draw, record: TrialRecord) -> None:
        """Say nothing."""

    def round(self, asked: Round, reply: Mapping[str, Observation]) -> None:
        """Say nothing."""

    def twins(self, count: int) -> None:
        """Say nothing."""
