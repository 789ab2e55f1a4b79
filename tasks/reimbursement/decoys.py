"""Near-synonyms of the tools the work needs; all of them work, none of them is of use here."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from conformance.authoring import Rng, ToolError, mint, tool

from .case import BASE_CURRENCY, money
from .policies import draw_policy
from .policy_text import policy_text
from .world import ClaimId, ClaimsSystem, Currency, Day, EmployeeId, Lines, Month


class Office(ClaimsSystem):
    """The claims system with the tools of its neighbours."""

    @tool("read")
    def fx_quote(self, currency: Currency, day: Day) -> dict[str, Any]:
        """Cash rate that the house bank quoted to travellers on a day."""
        rate = int(self._rate(currency, day).replace(".", ""))
        quote = rate + 400 + int(day[-2:]) * 7
        per_unit = f"{quote // 10_000}.{quote % 10_000:04d}"
        return {"currency": currency, "date": day, "per_unit": per_unit, "in": BASE_CURRENCY}

    @tool("read")
    def get_policy_draft(self) -> dict[str, Any]:
        """Draft of next year's expense policy, for comments."""
        policy = self.case.policy
        first = date.fromisoformat(f"{self.case.month}-01")
        draft = draw_policy(Rng.of("draft", self.secret), first, len(policy.rules))
        # Of the policy in force only the limits, the rules and what they need are kept.
        kept = replace(
            draft,
            limits=tuple(limit * 2 for limit in policy.limits),
            rules=policy.rules,
            peak=policy.peak,
            month_cap=policy.month_cap,
        )
        return {"draft": True, **policy_text(kept)}

    @tool("read")
    def find_similar_claims(self, claim_id: ClaimId) -> dict[str, Any]:
        """Other claims of the same category, for expense statistics."""
        claim = self._claim(claim_id)
        return {
            "claims": [
                {"claim_id": c.id, "vendor": c.vendor, "amount": money(c.cents)}
                for c in self.case.claims
                if c.category == claim.category and c.id != claim_id
            ]
        }

    @tool("write")
    def request_opinion(self, claim_id: ClaimId, colleague: EmployeeId) -> dict[str, Any]:
        """Ask a colleague for an informal opinion on a claim; it is not an approval."""
        self._writable(claim_id)
        self.state["opinions"][claim_id] = colleague
        return {"claim_id": claim_id, "colleague": colleague, "opinion": "looks fine"}

    @tool("write")
    def post_accrual(self, claim_id: ClaimId, lines: Lines) -> dict[str, Any]:
        """Book a claim's expected cost in the planning ledger."""
        self._writable(claim_id)
        self._known_accounts(lines)
        self.state["accruals"][claim_id] = [dict(line) for line in lines]
        return {"claim_id": claim_id, "lines": len(lines)}

    @tool("write")
    def close_ledger(self, month: Month) -> dict[str, Any]:
        """Close the group's general ledger of a month, for all departments."""
        if not any(key.endswith(f":{month}") for key in self.state["periods"]):
            raise ToolError("not_found", f"The ledger has no month {month}.")
        self.state["ledger"][month] = "closed"
        return {"month": month, "closing_id": mint(self.secret, "ledger", month)}
