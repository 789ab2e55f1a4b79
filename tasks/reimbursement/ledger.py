"""The claims system of an unreliable day: postings stand for good, and can be looked up."""

from __future__ import annotations

from typing import Annotated, Any

from conformance.authoring import Meta, tool

from .decoys import Office
from .world import ClaimId, DepartmentCode, Line, Month

Posted = Annotated[list[Line], Meta(min_length=1, max_length=8)]


class Ledger(Office):
    """Every posting is added to those before: one made twice is there twice."""

    @tool("write")
    def post_voucher(self, claim_id: ClaimId, lines: Posted) -> dict[str, Any]:
        """Post a voucher of a claim to the ledger, for good. Every call is a posting of its own,
        also where the claim has one already. Nothing is checked.
        """
        self._writable(claim_id)
        self._known_accounts(lines)
        posted = self.state["vouchers"].setdefault(claim_id, [])
        posted += [dict(line) for line in lines]
        return {"claim_id": claim_id, "lines": len(lines)}

    @tool("read")
    def list_postings(self, department: DepartmentCode, month: Month) -> dict[str, Any]:
        """What is recorded for each open claim of a month: its decision, who approved it, and
        all lines posted for it.
        """
        return {
            "department": department,
            "month": month,
            "claims": [
                {
                    "claim_id": claim.id,
                    "decision": dict(self.state["claims"][claim.id]),
                    "approved_by": self.state["approvals"].get(claim.id),
                    "lines": [dict(line) for line in self.state["vouchers"].get(claim.id, ())],
                }
                for claim in self._filed(department, month)
                if claim.outcome == "open"
            ],
        }
