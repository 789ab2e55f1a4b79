"""The claim as a user writes it: ``L2``, ``T1``, ``L2/T1`` or ``L2/T1/B``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.decision.spec import Claim
from conformance.errors import UsageError

if TYPE_CHECKING:
    from conformance.edition import Edition


def parse_claim(text: str | None, edition: Edition) -> Claim:
    """Return the claim that ``text`` states; None or nothing states none.

    Raises:
        UsageError: a part the edition does not know, or two parts of one axis.
    """
    document = edition.document
    known = {
        "level": [step.id for step in document.agency.steps],
        "trust": [step.id for step in document.trust.steps],
        "efficiency": [item.id for item in document.efficiency.classes],
    }
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in (text or "").split("/"))):
        axis = next((axis for axis, ids in known.items() if part in ids), None)
        if axis is None:
            raise UsageError(
                f"{part!r} is no level, trust grade or efficiency class",
                where="--claim",
                mend="; ".join(f"{axis}: {', '.join(ids)}" for axis, ids in known.items()),
            )
        if axis in found:
            raise UsageError(
                f"{found[axis]} and {part} are both a {axis}",
                where="--claim",
                mend="claim one of them",
            )
        found[axis] = part
    return Claim(**found)


def claim_text(claim: Claim) -> str:
    """Return the claim as a user writes it, or nothing."""
    return "/".join(filter(None, (claim.level, claim.trust, claim.efficiency)))
