"""From what a user names to an agent and the settings of its campaign, whoever starts it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from conformance.agents.contract import Limits
from conformance.authoring import LANGS, Lang
from conformance.errors import EditionError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.agents.contract import Agent
    from conformance.agents.factory import Reach
    from conformance.campaign.entries import Terms
    from conformance.campaign.opening import GivenSeed
    from conformance.campaign.run import Settings
    from conformance.edition import Edition


class Wish(msgspec.Struct, frozen=True):
    """How a user wants a campaign run."""

    plan: str
    claim: str | None = None
    lang: Lang | None = None
    """Tasks in one language only."""
    seed: str | None = None
    """A text to make the seed from."""
    seed_of: Path | None = None
    """The bundle of an ended campaign whose seed is taken, so that trials can be paired."""
    concurrency: int | None = None
    """None is what suits the kind of agent."""
    max_time_s: float | None = None
    max_calls: int | None = None
    limits: Limits = Limits()
    """Of a trial."""
    twins: bool = False


def wish_of(given: Mapping[str, Any], *, twins: bool) -> Wish:
    """Return the wish that options state, by their names with ``_``, wherever they were given."""
    return Wish(
        plan=given["plan"],
        claim=given["claim"],
        lang=given["lang"],
        seed=given["seed"],
        seed_of=None if given["seed_of"] is None else Path(given["seed_of"]),
        concurrency=given["concurrency"],
        max_time_s=given["max_time"],
        max_calls=given["max_calls"],
        limits=Limits(
            wall_s=given["trial_time"],
            model_calls=given["trial_calls"],
            tokens=given["trial_tokens"],
            tool_calls=given["trial_tool_calls"],
        ),
        twins=twins,
    )


class Ready(NamedTuple):
    """What a campaign begins with; nothing is started yet."""

    spec: str
    """``KIND:VALUE``."""
    reach: Reach
    agent: Agent
    settings: Settings


def make_ready(edition: Edition, agent: str, reach: Reach, wish: Wish) -> Ready:
    """Return the agent that is named, and its campaign's settings.

    Args:
        edition: What grades.
        agent: ``KIND:VALUE``, or the path of an ``agent.toml``.
        reach: How it is reached, as far as that was said beside its name.
        wish: How the campaign is to be run.

    Raises:
        UsageError: the agent, the plan, the claim or an option cannot be used.
        EvidenceInvalidError: the journal of ``wish.seed_of`` is missing or broken.
    """
    from conformance.agents.factory import default_concurrency, find_agent, make_agent, patience
    from conformance.agents.places import places
    from conformance.campaign.claim import parse_claim
    from conformance.campaign.machine import missing_here
    from conformance.campaign.run import Settings

    try:
        edition.plan(wish.plan)
    except EditionError as error:
        raise UsageError(error.what, where="--plan", mend=error.mend) from None
    spec, reach = find_agent(agent, reach)
    made = make_agent(spec, reach, places(edition))
    claim = parse_claim(wish.claim, edition)
    denied = () if reach.known is None else tuple(reach.known.file.ics.denied)
    _check_denied(denied, edition, agent)
    langs = LANGS if wish.lang is None else (wish.lang,)
    settings = Settings(
        plan=wish.plan,
        claim=claim,
        langs=langs,
        limits=msgspec.structs.replace(wish.limits, wall_s=max(wish.limits.wall_s, patience(spec))),
        denied=denied,
        lacking=missing_here(edition, wish.plan, claim),
        twins=wish.twins,
        seed=_seed(wish, edition, langs),
        concurrency=wish.concurrency or default_concurrency(spec, reach.slots),
        max_time_s=wish.max_time_s,
        max_calls=wish.max_calls,
        secrets=reach.secrets,
    )
    return Ready(spec, reach, made, settings)


def _seed(wish: Wish, edition: Edition, langs: tuple[str, ...]) -> GivenSeed:
    """Return the text of a seed, or the seed that a bundle reveals.

    Raises:
        UsageError: both are given, or no trial of that bundle could be paired with one of ours.
        EvidenceInvalidError: the bundle's journal is broken.
    """
    if wish.seed_of is None:
        return wish.seed
    from conformance.campaign.journal import journal_path, read_journal
    from conformance.campaign.opening import opened_of, revealed_seed

    where, run = f"--seed-of {wish.seed_of}", wish.seed_of / "run"
    if wish.seed is not None:
        raise UsageError("does not go with --seed", where=where, mend="use one of them")
    if not run.is_dir():
        raise UsageError("there is no campaign", where=where, mend="name a bundle's folder")
    entries = read_journal(run)
    _check_pairs(opened_of(entries, journal_path(run)).terms, edition, langs, where)
    seed = revealed_seed(entries, journal_path(run))
    if seed is None:
        raise UsageError(
            "has not ended, so its seed is still secret",
            where=where,
            mend="end it with --resume, or name another bundle",
        )
    return seed


def _check_pairs(terms: Terms, edition: Edition, langs: tuple[str, ...], where: str) -> None:
    """Refuse a campaign that drew other instances than one of ours would from the same seed.

    Raises:
        UsageError: it did.
    """
    if terms.edition_sha256 != edition.digest:
        raise UsageError(
            f"is of another edition ({terms.edition}), which draws other instances",
            where=where,
            mend="certify the older agent again with this edition",
        )
    if terms.single is not None:
        raise UsageError(
            "is a trial by itself, whose instance was chosen",
            where=where,
            mend="name the bundle of a campaign",
        )
    if tuple(terms.langs) != langs:
        raise UsageError(
            f"was tried in {' and '.join(terms.langs) or 'no language'}, "
            "which draws other instances",
            where=where,
            mend="give --lang as it was given there",
        )


def _check_denied(denied: tuple[str, ...], edition: Edition, agent: str) -> None:
    """Refuse a capability unknown to an edition that names some: a typo would change nothing,
    unseen. Where no clause depends on any, what an agent lacks is a statement, no more.

    Raises:
        UsageError: there is one.
    """
    hidden = () if edition.sealed is None else edition.sealed.clauses
    known = sorted({clause.ics for clause in (*edition.clauses, *hidden) if clause.ics is not None})
    if not known:
        return
    for name in denied:
        if name not in known:
            raise UsageError(
                f"ics.denied: edition {edition.id} has no capability {name!r}",
                where=agent,
                mend=f"its capabilities: {', '.join(known)}",
            )
