"""``certify --profile``: the endpoint's throughput and a solved task's cost, into the bundle."""

from __future__ import annotations

import contextlib
import shutil
import threading
from typing import TYPE_CHECKING, Any

import msgspec
import rich_click as click

from conformance.cli.options import Duration
from conformance.cli.profile_options import Numbers, bounds_of, cost_options, inputs_of, slo_of
from conformance.cli.profile_progress import ProfileProgress
from conformance.errors import ConformanceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conformance.agents.contract import Agent
    from conformance.cli.progress import CampaignProgress
    from conformance.edition import Edition
    from conformance.gateway.upstream import Upstream
    from conformance.profile.document import SolvedPoint
    from conformance.profile.load import Progress
    from conformance.profile.power.recorder import Recorder
    from conformance.profile.run import Sitting

_OPTIONS = (
    click.option(
        "--profile",
        "with_profile",
        is_flag=True,
        help="Profile the model's endpoint too, once graded: see conformance profile.",
    ),
    click.option(
        "--profile-concurrency",
        type=Numbers(whole=True),
        metavar="N,N,…",
        default="1,2,4,8",
        show_default=True,
        help="Of the profile: requests at once, one point each.",
    ),
    click.option(
        "--profile-duration",
        type=Duration(),
        default="15s",
        show_default=True,
        help="Of each point of the profile.",
    ),
    click.option(
        "--profile-tokens",
        type=click.IntRange(1),
        nargs=2,
        metavar="IN OUT",
        default=(256, 128),
        show_default=True,
        help="Of the profile: tokens of a prompt and, at most, of an answer.",
    ),
    click.option("--slo", metavar="NAME=VALUE,…", help="What makes a request of the profile good."),
)


def profile_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a profile in a certification."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return cost_options(function)


def check_profile(given: dict[str, Any]) -> None:
    """Refuse options of a profile that is not asked for, or that mean nothing, before a trial.

    Raises:
        UsageError: one of them.
    """
    slo_of(given["slo"])
    inputs_of(given)
    if given["with_profile"]:
        return
    names = ("slo", "samplers", "pue", "carbon", "price_kwh", "price_hour", "price_input")
    for name in (*names, "price_output"):
        if given[name]:
            option = "sampler" if name == "samplers" else name.replace("_", "-")
            raise UsageError("means nothing without --profile", where=f"--{option}")


class CampaignProfile:
    """Watches the devices during a campaign, then profiles the endpoint into its bundle.

    Args:
        given: The command's options.
        agent: Opened.
        recorder: The running recorder; None: no devices are read.
        notes: What was not found among the devices.
    """

    def __init__(
        self, given: dict[str, Any], agent: Agent, recorder: Recorder | None, notes: list[str]
    ) -> None:
        from conformance.evidence.window import Clocks

        self._given = given
        self._agent = agent
        self._recorder = recorder
        self._notes = notes
        self._before = Clocks.now()
        self._is_stopped = threading.Event()

    async def finish(self, out: Path, edition: Edition, progress: CampaignProgress) -> None:
        """Profile the endpoint, and seal the bundle with the profile in it.

        The grade stands by itself: where no profile comes about, a line says why, and the bundle
        stays as it was sealed.
        """
        import asyncio

        from conformance.evidence import bundle
        from conformance.evidence.window import Clocks

        after = Clocks.now()
        work = asyncio.ensure_future(
            asyncio.to_thread(self._measure, out, edition, after, progress)
        )
        try:
            await asyncio.shield(work)
        except ConformanceError as error:
            clear_profile(out)
            progress.tell("no_profile", why=str(error))
        except asyncio.CancelledError:
            self._is_stopped.set()
            with contextlib.suppress(_StoppedError, ConformanceError):
                await work  # until then it may write
            clear_profile(out)
            raise
        else:
            bundle.write_manifest(out)

    def _measure(self, out: Path, edition: Edition, after: Any, progress: CampaignProgress) -> None:
        from conformance.cli.profile_link import impaired
        from conformance.cli.profile_solved import solved_points
        from conformance.evidence import bundle
        from conformance.evidence.window import clocked, window_of_bundle
        from conformance.profile.run import Plan, profile_endpoint
        from conformance.profile.shape import Closed
        from conformance.profile.target import Target
        from conformance.profile.workload import Synthetic

        endpoint = known_endpoint(self._agent)
        given = self._given
        target = Target(endpoint.base_url, endpoint.model, key=endpoint.key)
        asked, answered = given["profile_tokens"]
        described = self._agent.describe()

        def solved(sitting: Sitting) -> list[SolvedPoint]:
            live = clocked(window_of_bundle(out, edition), self._before, after)
            own = msgspec.structs.replace(live.window, bundle="")
            return solved_points([msgspec.structs.replace(live, window=own)], sitting)

        with contextlib.ExitStack() as stack:
            plan = Plan(
                target=target,
                workload=Synthetic(
                    model=target.model,
                    dialect=target.dialect,
                    input_tokens=asked,
                    output_tokens=answered,
                ),
                bounds=bounds_of(given["profile_duration"]),
                shapes=tuple(Closed(int(n)) for n in given["profile_concurrency"]),
                slo=slo_of(given["slo"]),
                inputs=inputs_of(given),
                declared=described.get("layers", {}),
                agent={"kind": described.get("kind"), "name": described.get("name")},
            )
            plan, link = impaired(plan, endpoint.link, stack)
            profile_endpoint(
                plan,
                (out / bundle.PROFILE).parent,
                self._recorder,
                _Stoppable(progress, self._is_stopped),
                solved=solved,
                power_notes=self._notes,
                link=link,
            )


class _StoppedError(Exception):
    """The campaign was interrupted while its endpoint was profiled."""


class _Stoppable(ProfileProgress):
    """Ends the load that it hears of once the campaign is interrupted."""

    def __init__(self, progress: CampaignProgress, is_stopped: threading.Event) -> None:
        super().__init__(progress.lang, progress.line)
        self._is_stopped = is_stopped

    def load(self, progress: Progress) -> None:
        """Say how a load is going."""
        if self._is_stopped.is_set():
            raise _StoppedError
        super().load(progress)


def clear_profile(out: Path) -> None:
    """Take a profile out of a bundle: a campaign that goes on is no longer what it was made of."""
    from conformance.evidence import bundle

    shutil.rmtree((out / bundle.PROFILE).parent, ignore_errors=True)


def known_endpoint(agent: Agent) -> Upstream:
    """Return the endpoint to profile.

    Raises:
        UsageError: the suite knows none.
    """
    from conformance.agents.contract import endpoint_of

    endpoint = endpoint_of(agent)
    if endpoint is None:
        raise UsageError(
            "this agent has no model endpoint that the suite knows",
            where="--profile",
            mend="name it with --model and --base-url, or run conformance profile by itself",
        )
    return endpoint


@contextlib.contextmanager
def profiled(given: dict[str, Any], agent: Agent) -> Iterator[CampaignProfile | None]:
    """Watch the devices behind an opened agent's endpoint for as long as the block, if asked."""
    if not given["with_profile"]:
        yield None
        return
    from conformance.cli.profile_power import recorder_of

    endpoint = known_endpoint(agent)
    with contextlib.ExitStack() as stack:
        recorder, notes = recorder_of(given, endpoint.base_url, stack)
        yield CampaignProfile(given, agent, recorder, notes)
