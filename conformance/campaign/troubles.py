"""What goes wrong in a campaign and is not the agent's doing, and how much makes it void."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.campaign.entries import Resumed, TrialDone
from conformance.trial.outcome import TABLE, fault_limit

if TYPE_CHECKING:
    from conformance.campaign.entries import JournalEntry

MOST_OUTAGES = 3
"""How many sittings of a campaign may end because the endpoint was down.

What an outage cuts short is run again on the same instance. An endpoint that goes down whenever a
trial goes badly would get as many looks at each as it likes; one outage of all trials at once is
honest, and counts once.
"""


class Troubles:
    """Counts faults and outages over the entries of a journal, as they are written or read."""

    def __init__(self) -> None:
        self.faults = 0
        """Trials that the suite itself failed."""
        self.outages = 0
        """Sittings in which the endpoint was down."""
        self._is_down = False

    def take_up(self, entry: JournalEntry) -> None:
        """Count what an entry says."""
        if isinstance(entry, Resumed):
            self._is_down = False
        elif isinstance(entry, TrialDone):
            cause = entry.record.cause
            self.faults += TABLE[cause].outcome == "harness_fault"
            self.outages += cause == "endpoint_down" and not self._is_down
            self._is_down |= cause == "endpoint_down"

    def why_void(self, trials: int) -> str | None:
        """Return why a campaign of so many trials that count is void; None where it is not."""
        if self.faults > fault_limit(trials):
            return f"{self.faults} faults of the suite itself"
        if self.outages > MOST_OUTAGES:
            return f"{self.outages} outages of the endpoint, of {MOST_OUTAGES} that are allowed"
        return None
