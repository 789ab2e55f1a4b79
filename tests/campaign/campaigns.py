"""Whole campaigns in the miniature edition, and what they leave."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from conformance.campaign.journal import read_journal
from conformance.campaign.run import Settings, run_campaign
from conformance.evidence.seal import grade_folder, seal
from conformance.evidence.verify import audit_bundle
from conformance.trial.outcome import TABLE
from tests.fakes.agents import make, miniature

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.campaign.entries import JournalEntry
    from tests.fakes.agents import FakeAgent


def campaign(
    out: Path, agent: FakeAgent | str = "answers_right", *, resume: bool = False, **settings: Any
) -> bool:
    """Run a campaign to its end or its stop; say whether a budget cut it short."""
    agent = make(agent) if isinstance(agent, str) else agent
    settings.setdefault("seed", "a seed")
    return asyncio.run(run_campaign(miniature(), agent, Settings(**settings), out, resume=resume))


def bundle(out: Path, agent: FakeAgent | str = "answers_right", **more: Any) -> Path:
    """Run a campaign and seal it."""
    agent = make(agent) if isinstance(agent, str) else agent
    campaign(out, agent, **more)
    return sealed(out, agent)


def sealed(out: Path, agent: FakeAgent | str = "answers_right") -> Path:
    """Seal a campaign that ended."""
    agent = make(agent) if isinstance(agent, str) else agent
    seal(out, miniature(), agent.describe(), agent.evidence_class)
    return out


def journal(out: Path) -> list[JournalEntry]:
    return read_journal(out / "run")


def of(out: Path, kind: type) -> list[Any]:
    return [entry for entry in journal(out) if isinstance(entry, kind)]


def level(out: Path) -> str:
    """Return the level that a campaign's evidence comes to."""
    return grade_folder(out, miniature()).summary.level


def summary(out: Path) -> dict[str, Any]:
    return json.loads((out / "results/summary.json").read_bytes())


def summary_bytes(out: Path) -> bytes:
    return (out / "results/summary.json").read_bytes()


def counted(entries: list[Any]) -> Counter[str]:
    """Return how often each key has a trial that counts."""
    return Counter(entry.key for entry in entries if TABLE[entry.record.cause].counts)


def problems(out: Path) -> list[str]:
    return audit_bundle(out, miniature()).problems
