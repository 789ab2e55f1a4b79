"""Progress of a profile: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

from conformance.campaign.progress import Silent
from conformance.cli.status_line import StatusLine
from conformance.report.texts import load_texts, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.authoring import Lang
    from conformance.decision.streams import Draw
    from conformance.profile.document import Point
    from conformance.profile.load import Progress
    from conformance.trial.run import TrialRecord


class ProfileProgress(StatusLine):
    """Implements ``profile.run.Say`` on stderr."""

    def __init__(self, lang: Lang, pass_on: Callable[[str], None] | None = None) -> None:
        """Begin; ``pass_on`` takes the lines where another progress has the terminal."""
        super().__init__(lang)
        self._pass_on = pass_on
        self._label = ""

    def __enter__(self) -> Self:
        """Begin."""
        return self if self._pass_on is not None else super().__enter__()

    def stage(self, stage: str, /, **values: Any) -> None:
        """Say what begins."""
        named = {name: _number(value) for name, value in values.items()}
        if load_texts().has(f"progress.shape_{values.get('name')}"):
            named["name"] = say(f"progress.shape_{values['name']}")
        self._label = self.words(f"stage_{stage}", **named)
        if stage == "point" and self._status is not None:
            self.brief(self._label)
        else:
            self.line(self._label)

    def load(self, progress: Progress) -> None:
        """Say how a load is going."""
        told = self.words(
            "load",
            seconds=f"{progress.seconds:.0f}",
            done=progress.done,
            failed=progress.failed,
            in_flight=progress.in_flight,
            tokens=progress.tokens,
        )
        self.brief(f"{self._label.rstrip(' …')} · {told}")

    def point(self, point: Point) -> None:
        """Say what a point came to."""
        done = {"done": point.done, "requests": point.requests}
        parts = [self.words("point", concurrency=f"{point.concurrency:.3g}", **done)]
        if point.output_tokens_per_s is not None:
            parts.append(f"{point.output_tokens_per_s:.1f} token/s")
        if point.ttft_ms.p50 is not None:
            parts.append(f"TTFT p50 {point.ttft_ms.p50:.1f} ms")
        if point.tpot_ms.p50 is not None:
            parts.append(f"TPOT p50 {point.tpot_ms.p50:.2f} ms")
        if point.energy is not None and point.energy.joules is not None:
            parts.append(f"{point.energy.joules:.0f} J")
        if not point.valid:
            codes = ", ".join(reason.code for reason in point.reasons)
            parts.append(self.words("invalid", codes=codes))
        self.line("  " + " · ".join(parts))

    def line(self, text: str) -> None:
        """Say one thing now."""
        if self._pass_on is None:
            super().line(text)
        else:
            self._said = time.monotonic()
            self._pass_on(text)


class LiveProgress(Silent):
    """Tells how many trials of live mode are done; implements ``campaign.progress.Progress``."""

    def __init__(self, progress: ProfileProgress) -> None:
        self._progress = progress
        self._began = time.monotonic()
        self._trials = 0

    def trial(self, draw: Draw, record: TrialRecord) -> None:
        """A trial ended."""
        del draw
        self._trials += 1
        told = self._progress.words(
            "live",
            seconds=f"{time.monotonic() - self._began:.0f}",
            n=self._trials,
            outcome=say(f"outcome.{record.outcome}"),
        )
        self._progress.brief(told)


def _number(value: Any) -> Any:
    return f"{value:g}" if isinstance(value, float) else value
