"""A person solves an instance in the terminal, through the same doors as an agent."""

from __future__ import annotations

import asyncio
import getpass
import sys
from typing import TYPE_CHECKING

from conformance.cli.options import console, print_json

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.decision.streams import Draw
    from conformance.edition import Edition
    from conformance.evidence.documents import SingleDocument


def play_instance(edition: Edition, drawn: Draw, out: Path, *, as_json: bool) -> int:
    """Let a person play a draw; write the bundle; return 0 where it was solved, 1 where not.

    With ``as_json`` the talk goes to stderr and one document, the outcome, to stdout.
    """
    from conformance.evidence.bundle import bundle_id

    single = asyncio.run(_played(edition, drawn, out, as_json=as_json))
    talk = console(stderr=as_json)
    if as_json:
        print_json(
            {
                "family": drawn.family,
                "solved": single.solved,
                "findings": single.findings,
                "bundle": str(out),
                "bundle_id": bundle_id(out),
            }
        )
    for finding in single.findings:
        talk.print(f"· {finding.requirement}: {finding.message}", markup=False)
    talk.print(f"bundle {out}", markup=False)
    talk.print("solved" if single.solved else "not solved")
    return 0 if single.solved else 1


async def _played(edition: Edition, drawn: Draw, out: Path, *, as_json: bool) -> SingleDocument:
    from conformance.agents.contract import Limits
    from conformance.agents.human import PATIENCE_S, HumanAgent, at_terminal
    from conformance.campaign.run import Settings
    from conformance.campaign.single import run_single
    from conformance.evidence.seal import seal

    agent = HumanAgent(_person(), *at_terminal(sys.stderr if as_json else sys.stdout))
    plan = next(iter(edition.document.plans))
    limits = Limits(wall_s=PATIENCE_S, tool_calls=1000)
    settings = Settings(plan=plan, langs=(drawn.lang,), limits=limits)
    await run_single(edition, agent, drawn, settings, out)
    single = seal(out, edition, agent.describe(), agent.evidence_class).single
    if single is None:
        raise RuntimeError("a trial of its own is always graded")
    return single


def _person() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"
