"""A whole campaign: folder, journal, trials, end. What it leaves is graded by ``evidence``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

import conformance
from conformance.agents.contract import Limits
from conformance.authoring import LANGS
from conformance.campaign.claim import claim_text
from conformance.campaign.entries import Terms
from conformance.campaign.journal import has_begun, is_beginning, open_journal, resume_journal
from conformance.campaign.opening import GivenSeed
from conformance.campaign.progress import Progress, Silent
from conformance.campaign.schedule import Budget, Schedule
from conformance.decision.spec import Claim
from conformance.edition.course import plan_course
from conformance.errors import ConformanceError, UsageError
from conformance.trial.redaction import redactor

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.agents.contract import Agent
    from conformance.campaign.journal import Journal
    from conformance.decision.spec import Course
    from conformance.edition import Edition


SEEN_LATER = ("dialects", "endpoint", "fingerprints", "link_seen", "probe", "served_models")
"""What an agent's description says of one sitting, not of the agent."""


class Settings(msgspec.Struct, frozen=True):
    """How a campaign is run; the first part is on the certificate, the second is not."""

    plan: str = "certify"
    claim: Claim = Claim()
    langs: tuple[str, ...] = ("zh", "en")
    limits: Limits = Limits()
    denied: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    """What the machine does not have that a clause needs."""
    twins: bool = False
    """Try instances of each level in the other language too; needs both languages."""
    seed: GivenSeed = None
    concurrency: int = 4
    max_time_s: float | None = None
    max_calls: int | None = None
    secrets: tuple[str, ...] = ()
    """Values that must never reach evidence."""


def check_folder(out: Path, *, resume: bool) -> bool:
    """Say whether there is a campaign in the folder to go on with; change nothing.

    Raises:
        UsageError: it exists and this is not a resume, or it holds something else.
    """
    if out.exists() and not out.is_dir():
        raise UsageError("is a file", where=f"--out {out}", mend="name a folder that is not there")
    if not out.is_dir() or not any(out.iterdir()):
        return False
    if not resume:
        raise UsageError(
            "the folder exists",
            where=f"--out {out}",
            mend="name another one, or go on with --resume",
        )
    if not has_begun(out / "run"):
        others = [path for path in out.iterdir() if path.name != "run"]
        if not others and is_beginning(out / "run"):
            return False
        raise UsageError(
            "holds no journal to go on from, but is not empty",
            where=f"--out {out}",
            mend="name a campaign's folder, or an empty one",
        )
    return True


async def run_campaign(
    edition: Edition,
    agent: Agent,
    settings: Settings,
    out: Path,
    *,
    resume: bool = False,
    progress: Progress | None = None,
) -> bool:
    """Run a campaign in ``out`` to its end; say whether a budget cut it short.

    The resume of one that is complete leaves it as it is.

    ``agent`` is opened. Nothing is decided here that the journal, the transcripts and the seed do
    not decide again offline.

    Raises:
        UsageError: the folder cannot be used, or a resume is on other terms.
        AgentUnavailableError: the endpoint went down, or the suite failed too often.
        StorageError: the evidence cannot be written.
        asyncio.CancelledError: stopped by the user; can be resumed.
    """
    course = plan_course(
        edition,
        settings.plan,
        settings.claim,
        denied=settings.denied,
        lacking=settings.lacking,
    )
    terms = terms_of(edition, agent, settings)
    begin = resume_journal if check_folder(out, resume=resume) else open_journal
    redact = redactor(settings.secrets)
    journal = begin(out / "run", terms, settings.seed, redact)
    if journal.is_complete:
        journal.close()
        return False
    schedule = schedule_of(edition, course, agent, settings, journal, terms, progress)
    try:
        is_cut_short = await schedule.run()
        journal.ended(
            "budget" if is_cut_short else "complete", are_twins_cut=schedule.are_twins_cut
        )
    except asyncio.CancelledError:
        journal.stopped("interrupted")
        raise
    except ConformanceError as error:
        journal.stopped(str(error))
        raise
    finally:
        journal.close()
    return is_cut_short


def schedule_of(
    edition: Edition,
    course: Course,
    agent: Agent,
    settings: Settings,
    journal: Journal,
    terms: Terms,
    progress: Progress | None,
) -> Schedule:
    """Return the schedule of a campaign whose journal is open."""
    # An agent without a model of the suite's makes no model calls that could be counted.
    unit = "model_call" if terms.agent.get("model") else "tool_call"
    return Schedule(
        edition,
        course,
        agent,
        journal,
        langs=settings.langs,
        limits=settings.limits,
        concurrency=settings.concurrency,
        budget=Budget(settings.max_time_s, settings.max_calls, unit, journal.spent_elsewhere),
        redact=redactor(settings.secrets),
        progress=progress or Silent(),
        twins=terms.twins,
    )


def terms_of(edition: Edition, agent: Agent, settings: Settings) -> Terms:
    """Return what a campaign is about."""
    return Terms(
        suite=conformance.__version__,
        edition=edition.id,
        edition_sha256=edition.digest,
        plan=settings.plan,
        claim=claim_text(settings.claim),
        langs=list(settings.langs),
        limits=settings.limits,
        agent=_identity(agent),
        denied=list(settings.denied),
        lacking=list(settings.lacking),
        sealed_sha256=None if edition.sealed is None else edition.sealed.digest,
        twins=settings.twins and set(settings.langs) == set(LANGS),
    )


def _identity(agent: Agent) -> dict[str, Any]:
    """Return what of an agent must stay the same over a campaign."""
    lasting = {name: value for name, value in agent.describe().items() if name not in SEEN_LATER}
    return {**lasting, "evidence_class": agent.evidence_class}
