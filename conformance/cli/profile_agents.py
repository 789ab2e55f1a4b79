"""What agents make of a profiled endpoint: a bundle replayed, and real trials, graded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from conformance.cli.options import existing_bundle
from conformance.cli.profile_options import control_of
from conformance.errors import UsageError

if TYPE_CHECKING:
    from conformance.agents.factory import Reach
    from conformance.cli.profile_progress import ProfileProgress
    from conformance.profile.document import AgentsResult, SolvedPoint
    from conformance.profile.replay import Replay
    from conformance.profile.run import Plan, Sitting
    from conformance.profile.target import Target


def recorded_of(given: dict[str, Any], plan: Plan) -> Replay:
    """Return the bundle to replay."""
    from conformance.profile.replay import Replay
    from conformance.profile.sustained import check_slo

    check_slo(plan.slo)
    return Replay.read(
        existing_bundle(given["replay"]),
        plan.target.model,
        plan.target.dialect,
        cache=given["cache"],
        think_scale=given["think_scale"],
        control=control_of(given),
    )


def replay(given: dict[str, Any], recorded: Replay, sitting: Sitting) -> AgentsResult:
    """Replay a bundle: at the numbers of agents asked for, or at rising ones."""
    from conformance.profile.shape import Closed
    from conformance.profile.sustained import (
        Replayed,
        agents_point,
        agents_result,
        find_sustained,
        finished_sessions,
    )

    slo = sitting.plan.slo
    sessions = recorded.recorded.sessions
    turns = sum(len(session.turns) for session in sessions)
    sitting.say.stage("agents", sessions=len(sessions), turns=turns, bundle=given["replay"])

    def measure(agents: int) -> Replayed:
        found = sitting.measure(Closed(agents, thinks=True), recorded, "agents")
        return Replayed(found.point, finished_sessions(found.log, recorded))

    if given["agents"] is None:
        return find_sustained(measure, recorded, slo, limit=given["limit"])
    numbers = [int(n) for n in given["agents"]]
    return agents_result([agents_point(n, measure(n), slo) for n in numbers], recorded, slo)


def agent_on(given: dict[str, Any], target: Target) -> tuple[str, Reach]:
    """Return the agent of the live trials, on the endpoint."""
    from conformance.agents.factory import Reach, find_agent, make_agent

    wish = Reach(
        base_url=target.base_url,
        key_env=given["key_env"],
        link=given["link"],
        model=None if given["live"].startswith("chat:") else target.model,
    )
    try:
        spec, reach = find_agent(given["live"], wish)
    except UsageError as error:
        where = error.where.replace("--agent", "--live")
        raise UsageError(error.what, where=where, mend=error.mend) from error
    if spec.startswith("chat:"):
        reach = msgspec.structs.replace(reach, model=None)
    make_agent(spec, reach, lambda _: None)  # what does not fit is told before anything runs
    return spec, reach


def live_trials(
    given: dict[str, Any], say: ProfileProgress, spec: str, reach: Reach, sitting: Sitting
) -> list[SolvedPoint]:
    """Run real trials on the endpoint, graded."""
    from conformance.agents.factory import make_agent
    from conformance.agents.places import places
    from conformance.campaign.claim import parse_claim
    from conformance.campaign.machine import missing_here
    from conformance.campaign.run import Settings
    from conformance.cli.profile_live import run_live
    from conformance.cli.profile_progress import LiveProgress
    from conformance.cli.profile_solved import solved_points
    from conformance.edition import load

    edition = load(given["edition_root"])
    reach = msgspec.structs.replace(reach, hidden=(sitting.folder,))
    claim = parse_claim(given["live_claim"], edition)
    settings = Settings(
        claim=claim,
        denied=() if reach.known is None else tuple(reach.known.file.ics.denied),
        lacking=missing_here(edition, "certify", claim),
        seed=given["seed"],
        max_time_s=given["live_time"],
        secrets=reach.secrets,
    )
    sitting.say.stage("live", concurrency=", ".join(f"{n:g}" for n in given["live_trials"]))
    windows = run_live(
        edition,
        lambda: make_agent(spec, reach, places(edition)),
        settings,
        [int(n) for n in given["live_trials"]],
        sitting.folder / "live",
        progress=LiveProgress(say),
    )
    return solved_points(windows, sitting)
