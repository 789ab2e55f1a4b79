"""One instance tried by itself: a bundle of one trial, and what the graders say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from conformance.cli.options import console, print_json

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.agents.contract import Agent, Limits
    from conformance.decision.streams import Draw
    from conformance.edition import Edition
    from conformance.evidence.documents import SingleDocument


async def tried_alone(
    edition: Edition,
    agent: Agent,
    drawn: Draw,
    limits: Limits,
    out: Path,
    secrets: tuple[str, ...] = (),
) -> SingleDocument:
    """Let an agent try one draw; write the bundle."""
    from conformance.campaign.run import Settings
    from conformance.campaign.single import run_single
    from conformance.evidence.seal import seal

    plan = next(iter(edition.document.plans))
    settings = Settings(plan=plan, langs=(drawn.lang,), limits=limits, secrets=secrets)
    await agent.open()
    try:
        await run_single(edition, agent, drawn, settings, out)
        described = agent.describe()
    finally:
        await agent.close()
    single = seal(out, edition, described, agent.evidence_class).single
    if single is None:
        raise RuntimeError("a trial of its own is always graded")
    return single


def tell_outcome(single: SingleDocument, family: str, out: Path, *, as_json: bool) -> int:
    """Print what came of it; return 0 where it was solved, 1 where not.

    With ``as_json`` the talk goes to stderr and one document to stdout.
    """
    from conformance.evidence.bundle import bundle_id

    talk = console(stderr=as_json)
    if as_json:
        document: dict[str, Any] = {
            "family": family,
            "solved": single.solved,
            "findings": msgspec.to_builtins(single.findings),
            "bundle": str(out),
            "bundle_id": bundle_id(out),
        }
        print_json(document)
    for finding in single.findings:
        talk.print(f"· {finding.requirement}: {finding.message}", markup=False)
    talk.print(f"bundle {out}", markup=False)
    talk.print("solved" if single.solved else "not solved")
    return 0 if single.solved else 1
