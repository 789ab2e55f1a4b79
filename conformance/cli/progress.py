"""Progress of a campaign: a live line on a terminal, plain lines elsewhere, nothing in silence."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from conformance.cli.status_line import StatusLine
from conformance.report.inert import inert_line
from conformance.report.texts import aside, both, say
from conformance.trial.outcome import NO_WORK, TABLE, is_idle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.authoring import Lang
    from conformance.decision.ladder import Observation, Round
    from conformance.decision.streams import Draw
    from conformance.trial.run import TrialRecord


class CampaignProgress(StatusLine):
    """Implements ``campaign.progress.Progress`` on stderr."""

    def __init__(self, lang: Lang) -> None:
        super().__init__(lang)
        self._began = time.monotonic()
        self._trials = 0
        self._calls = 0
        self._solved: dict[str, list[float]] = {}
        self._round: Round | None = None
        self._broken: list[TrialRecord] = []

    def trial(self, draw: Draw, record: TrialRecord) -> None:
        """A trial ended."""
        self._trials += 1
        self._calls += record.model_calls or record.tool_calls
        if record.outcome in NO_WORK:
            self._broken.append(record)
        # What counts is in the report; what the end of the campaign cut short is no news.
        if not TABLE[record.cause].counts and record.cause != "interrupted":
            outcome, cause = say(f"outcome.{record.outcome}"), say(f"cause.{record.cause}")
            named = {"trial": record.trial, "family": draw.family}
            self.tell("trial", **named, outcome=outcome, cause=cause)
        self._show()

    def round(self, asked: Round, reply: Mapping[str, Observation]) -> None:
        """A round was observed."""
        self._round = asked
        for clause, observation in reply.items():
            self._solved.setdefault(clause, []).append(observation.value or 0.0)
        self._show()

    def twins(self, count: int) -> None:
        """The ladder is done; the twins follow."""
        self.tell("twins", n=count)

    def trouble(self) -> str | None:
        """Return what to look at where most trials show no work of the agent, as no grade tells."""
        if not is_idle(len(self._broken), self._trials):
            return None
        last = self._broken[-1]
        detail = both("")
        if last.detail:
            detail = aside(both(inert_line(last.detail, 300)))
        return self.words(
            "trouble",
            n=len(self._broken),
            total=self._trials,
            outcome=say(f"outcome.{last.outcome}"),
            why=say(f"cause.{last.cause}"),
            detail=detail,
        )

    def _show(self) -> None:
        self.brief(self._text())

    def _text(self) -> str:
        elapsed = f"{time.monotonic() - self._began:.0f}"
        parts = [self.words("brief", seconds=elapsed, trials=self._trials, calls=self._calls)]
        if self._round is not None:
            step = self._round.step
            parts.append(self.words("round", step=step, index=self._round.index))
            parts += [
                f"{clause} {sum(seen):.4g}/{len(seen)}"
                for clause, seen in self._solved.items()
                if clause in self._round.clauses
            ]
        return " · ".join(parts)
