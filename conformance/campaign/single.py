"""One instance by itself, as ``tasks play`` tries it: a journal of one trial, no verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from conformance.campaign.journal import open_journal
from conformance.campaign.observe import instance_of
from conformance.campaign.run import Settings, terms_of
from conformance.errors import AgentUnavailableError
from conformance.trial.outcome import TABLE
from conformance.trial.redaction import redactor
from conformance.trial.run import new_trial_id, run_trial

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.agents.contract import Agent
    from conformance.decision.streams import Draw
    from conformance.edition import Edition
    from conformance.trial.run import TrialRecord


async def run_single(
    edition: Edition, agent: Agent, drawn: Draw, settings: Settings, out: Path
) -> TrialRecord:
    """Try one draw and leave a campaign that ended before its first observation.

    The draw is in the terms: it was chosen, not drawn from a stream, and no verdict rests on it.

    Raises:
        AgentUnavailableError: the trial does not count: the suite or the endpoint failed.
        StorageError: the evidence cannot be written.
    """
    terms = msgspec.structs.replace(
        terms_of(edition, agent, settings), single=msgspec.to_builtins(drawn)
    )
    redact = redactor(settings.secrets)
    journal = open_journal(out / "run", terms, settings.seed, redact)
    try:
        trial = new_trial_id()
        journal.trial_started(trial, drawn.key, drawn)
        record = await run_trial(
            instance_of(edition, drawn),
            agent,
            trial=trial,
            run=journal.run,
            limits=settings.limits,
            redact=redact,
        )
        journal.trial_done(drawn.key, record)
        treatment = TABLE[record.cause]
        if not treatment.counts:
            journal.stopped(record.cause)
            raise AgentUnavailableError(
                f"{treatment.why} ({record.detail or record.cause}), so the trial does not count",
                where=f"trial {trial}",
                mend="try it again in a new folder",
            )
        journal.ended("budget")
    finally:
        journal.close()
    return record
