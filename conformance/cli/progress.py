"""Progress of a campaign: a live line on a terminal, plain lines elsewhere, nothing in silence."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from conformance.cli.status_line import StatusLine
from conformance.trial.outcome import TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.decision.ladder import Observation, Round
    from conformance.decision.streams import Draw
    from conformance.trial.run import TrialRecord


class CampaignProgress(StatusLine):
    """Implements ``campaign.progress.Progress`` on stderr."""

    def __init__(self) -> None:
        super().__init__()
        self._began = time.monotonic()
        self._trials = 0
        self._calls = 0
        self._solved: dict[str, list[float]] = {}
        self._round: Round | None = None

    def trial(self, draw: Draw, record: TrialRecord) -> None:
        """A trial ended."""
        self._trials += 1
        self._calls += record.model_calls or record.tool_calls
        if not TABLE[record.cause].counts:  # what counts is in the report
            self.line(f"trial {record.trial} ({draw.family}): {record.outcome}, {record.cause}")
        self._show()

    def round(self, asked: Round, reply: Mapping[str, Observation]) -> None:
        """A round was observed."""
        self._round = asked
        for clause, observation in reply.items():
            self._solved.setdefault(clause, []).append(observation.value or 0.0)
        self._show()

    def twins(self, count: int) -> None:
        """The ladder is done; the twins follow."""
        self.line(f"trying {count} instances in the other language too …")

    def say(self, text: str) -> None:
        """Say one thing now."""
        self.line(text)

    def _show(self) -> None:
        self.brief(self._text())

    def _text(self) -> str:
        elapsed = time.monotonic() - self._began
        parts = [f"{elapsed:.0f} s", f"{self._trials} trials", f"{self._calls} calls"]
        if self._round is not None:
            parts.append(f"{self._round.step} round {self._round.index}")
            parts += [
                f"{clause} {sum(seen):g}/{len(seen)}"
                for clause, seen in self._solved.items()
                if clause in self._round.clauses
            ]
        return " · ".join(parts)
