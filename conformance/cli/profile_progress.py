"""Progress of a profile: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

from conformance.campaign.progress import Silent
from conformance.cli.status_line import StatusLine

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.decision.streams import Draw
    from conformance.profile.document import Point
    from conformance.profile.load import Progress
    from conformance.trial.run import TrialRecord

_STAGES = {
    "reach": "asking {base_url} once …",
    "idle": "watching the devices idle for {seconds:g} s …",
    "calibrate": "measuring this client's own error, at {concurrencies} at once …",
    "point": "{name}: {load:g} …",
    "agents": "replaying {sessions} sessions, {turns} turns, of {bundle} …",
    "live": "real trials, {concurrency} at once …",
}


class ProfileProgress(StatusLine):
    """Implements ``profile.run.Say`` on stderr."""

    def __init__(self, tell: Callable[[str], None] | None = None) -> None:
        """Begin; ``tell`` takes the lines where another progress has the terminal."""
        super().__init__()
        self._tell = tell
        self._label = ""

    def __enter__(self) -> Self:
        """Begin."""
        return self if self._tell is not None else super().__enter__()

    def stage(self, stage: str, /, **values: Any) -> None:
        """Say what begins."""
        self._label = _STAGES[stage].format_map(values)
        if stage == "point" and self._status is not None:
            self._status.update(self._label)
        else:
            self.line(self._label)

    def load(self, progress: Progress) -> None:
        """Say how a load is going."""
        text = (
            f"{self._label.rstrip(' …')} · {progress.seconds:.0f} s · {progress.done} done, "
            f"{progress.failed} failed, {progress.in_flight} in flight · {progress.tokens} tokens"
        )
        self.brief(text)

    def point(self, point: Point) -> None:
        """Say what a point came to."""
        parts = [f"{point.concurrency:.3g} at once", f"{point.done} of {point.requests} done"]
        if point.output_tokens_per_s is not None:
            parts.append(f"{point.output_tokens_per_s:.1f} tokens/s")
        if point.ttft_ms.p50 is not None:
            parts.append(f"TTFT p50 {point.ttft_ms.p50:.1f} ms")
        if point.tpot_ms.p50 is not None:
            parts.append(f"TPOT p50 {point.tpot_ms.p50:.2f} ms")
        if point.energy is not None and point.energy.joules is not None:
            parts.append(f"{point.energy.joules:.0f} J")
        if not point.valid:
            parts.append("INVALID: " + ", ".join(reason.code for reason in point.reasons))
        self.line("  " + " · ".join(parts))

    def line(self, text: str) -> None:
        """Say one thing now."""
        if self._tell is None:
            super().line(text)
        else:
            self._said = time.monotonic()
            self._tell(text)


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
        seconds = time.monotonic() - self._began
        self._progress.brief(
            f"real trials · {seconds:.0f} s · {self._trials} done, the last: {record.outcome}"
        )
