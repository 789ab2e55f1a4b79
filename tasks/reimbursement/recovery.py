"""How a careful clerk calls: wait out a refusal, read again what is not whole, look before posting.

Everything but a posting may be repeated without harm; whether a posting was made, the ledger says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from conformance.authoring import AGE, DELIVERY, RATE_LIMITED, TIMEOUT, WAIT_TOOL, ToolError

from .state import here

if TYPE_CHECKING:
    from conformance.authoring import Act

    from .case import Case

_PATIENCE = 12
"""Tries of one call; no schedule needs as many."""


class Steady:
    """An agent's hand that recovers from the faults of the tool door.

    Args:
        case: The case, for the department and month to look up.
        act: The hand it makes its calls with.
        after_timeout: What it does where no reply came; only ``look`` is right.
        believes_stale: It takes a reading marked as old for the state as it is.
        waits: It waits before it repeats a call that was refused as one too many.
    """

    def __init__(
        self,
        case: Case,
        act: Act,
        *,
        after_timeout: Literal["look", "repeat", "assume"] = "look",
        believes_stale: bool = False,
        waits: bool = True,
    ) -> None:
        self._case = case
        self._act = act
        self._after_timeout = after_timeout
        self._believes_stale = believes_stale
        self._waits = waits

    def __call__(self, name: str, /, **arguments: Any) -> Any:
        """Call a tool until its reply is whole, or it is known to have done its work."""
        for _ in range(_PATIENCE):
            try:
                reply = self._act(name, **arguments)
            except ToolError as error:
                if error.code == RATE_LIMITED:
                    if self._waits:
                        self._act(WAIT_TOOL, seconds=int(error.message.split()[-1]))
                elif error.code != TIMEOUT:
                    raise
                elif self._is_done(name, arguments):
                    return {}
                continue
            if name == "post_voucher" or self._is_whole(reply):
                return reply
        raise ToolError(TIMEOUT, f"{name} was given up.")

    def of(self, seat: str, /) -> Act:
        """Return the same for another seat."""
        return self._act.of(seat)

    def notices(self) -> list[Any]:
        """Return what the world told beside the last result."""
        return self._act.notices()

    def _is_done(self, name: str, arguments: dict[str, Any]) -> bool:
        if self._after_timeout != "look":
            return self._after_timeout == "assume"
        if name != "post_voucher":
            return False
        rows = self("list_postings", **here(self._case))["claims"]
        return any(row["claim_id"] == arguments["claim_id"] and row["lines"] for row in rows)

    def _is_whole(self, reply: Any) -> bool:
        if not isinstance(reply, dict) or DELIVERY in reply:
            return False
        return AGE not in reply or self._believes_stale
