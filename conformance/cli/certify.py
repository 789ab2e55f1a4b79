"""``conformance certify``: grade an agent."""

from __future__ import annotations

import contextlib
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec
import rich_click as click

from conformance.campaign.machine import explain_missing
from conformance.cli.agent_options import agent_options, reach_of
from conformance.cli.certify_profile import (
    check_profile,
    clear_profile,
    profile_options,
    profiled,
)
from conformance.cli.options import (
    RUNS,
    Duration,
    console,
    edition_option,
    json_option,
    locale_option,
    new_folder,
    print_json,
    sealed_option,
    spoken,
)
from conformance.errors import UsageError
from conformance.exit_codes import ExitCode

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from conformance.agents.contract import Agent
    from conformance.campaign.run import Settings
    from conformance.cli.progress import CampaignProgress
    from conformance.edition import Edition
    from conformance.evidence.documents import SummaryDocument, Words


@click.command("certify", short_help="Grade an agent: level, trust grade, efficiency class.")
@agent_options
@click.option("--claim", help="What to hold the agent to: L2, T1, L2/T1 or L2/T1/B. None: climb.")
@click.option("--plan", default="certify", show_default=True, help="certify, screen or fixed.")
@click.option("--lang", type=click.Choice(["zh", "en"]), help="Tasks in one language only.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="The bundle's folder; a new one under runs/."
)
@click.option("--resume", is_flag=True, help="Go on with the campaign in --out.")
@click.option("--seed", help="A text to make the seed from; not evidence against selection.")
@click.option(
    "--seed-of",
    type=click.Path(path_type=Path),
    metavar="BUNDLE",
    help="The seed of an ended campaign, to pair trials with its: see conformance diff.",
)
@click.option("--concurrency", type=click.IntRange(1, 4096), help="Trials at once.")
@click.option("--max-time", type=Duration(), help="End in order after this: 8m, 90s, 1h30m.")
@click.option("--max-calls", type=click.IntRange(1), help="End in order after so many calls.")
@click.option("--trial-time", type=Duration(), default="10m", show_default=True, help="Of a trial.")
@click.option("--trial-calls", default=60, show_default=True, help="Model calls of a trial.")
@click.option("--trial-tokens", default=400_000, show_default=True, help="Tokens of a trial.")
@click.option("--trial-tool-calls", default=120, show_default=True, help="Tool calls of a trial.")
@click.option("--dry-run", is_flag=True, help="Print what it would cost, and run nothing.")
@click.option(
    "--call-time", type=Duration(), default="2s", show_default=True, help="A call, for --dry-run."
)
@click.option("--no-report", is_flag=True, help="Write no report.html.")
@click.option("--no-twins", is_flag=True, help="Try no instance in the other language too.")
@profile_options
@edition_option
@sealed_option
@locale_option
@json_option
def command(**given: Any) -> int:
    """Grade an agent and write a bundle that anyone can grade again, and its report.

    Without a claim the ladder starts at L1 and climbs as far as levels are held. Exit codes:
    0 held (without a claim: ended in order), 1 not held, 2 interrupted, 3 internal, 4 usage,
    5 a required clause not run, 6 agent or endpoint unavailable, 7 evidence invalid.

    \b
    Examples:
      conformance certify --agent chat:local --max-time 8m
      conformance certify --agent chat:MODEL --base-url http://127.0.0.1:8000/v1 --claim L2
      conformance certify --agent command:"./agent {task}" --model MODEL --base-url URL
      conformance certify --agent agent.toml --claim L2/T1
      conformance certify --agent builtin:oracle --claim L2 --json
    """  # noqa: D301 - click's mark for lines to be kept
    from conformance.campaign.ready import make_ready, wish_of
    from conformance.campaign.run import check_folder
    from conformance.edition import load

    edition = load(given["edition_root"], sealed=given["sealed_root"])
    check_profile(given)
    out = given["out"] or new_folder()
    reach = msgspec.structs.replace(reach_of(given), hidden=tuple(_private(out, given)))
    wish = wish_of(given, twins=not given["no_twins"])
    _, _, agent, settings = make_ready(edition, given["agent"], reach, wish)
    for line in explain_missing(settings.lacking):
        sys.stderr.write(f"conformance: {line}\n")
    if given["dry_run"]:
        return _dry_run(edition, settings, given)
    if given["resume"] and given["out"] is None:
        raise UsageError(
            "needs the folder to go on in", where="--resume", mend="name it: --out DIR"
        )
    is_begun = check_folder(out, resume=given["resume"])
    if given["resume"] and not is_begun:
        from conformance.report.texts import say

        # No error: who runs this again and again, in CI, need not ask whether it is the first time.
        _tell(say("progress.nothing_begun", folder=out), spoken(given["locale_name"]))
    return _certify(edition, agent, settings, out, given)


def _certify(
    edition: Edition, agent: Agent, settings: Settings, out: Path, given: dict[str, Any]
) -> int:
    import asyncio

    from conformance.cli.progress import CampaignProgress
    from conformance.report.texts import say

    lang = spoken(given["locale_name"])
    began = time.monotonic()
    try:
        with CampaignProgress(lang) as progress:
            summary = asyncio.run(_run(edition, agent, settings, out, progress, given))
    except (KeyboardInterrupt, asyncio.CancelledError):
        _tell(say("progress.interrupted", command=_again(out)), lang)
        return int(ExitCode.INTERRUPTED)
    report = None
    if not given["no_report"]:
        from conformance.report.html import write_report

        report = write_report(out)
    if given["as_json"]:
        print_json(_document(summary, out, report))
    else:
        from conformance.report.terminal import print_result

        print_result(console(), out, lang, seconds=time.monotonic() - began)
        if trouble := progress.trouble():
            sys.stderr.write(f"conformance: {trouble}\n")
        if summary.ended == "budget":
            _tell(say("progress.budget", command=_again(out)), lang)
    return summary.exit_code


async def _run(
    edition: Edition,
    agent: Agent,
    settings: Settings,
    out: Path,
    progress: CampaignProgress,
    given: dict[str, Any],
) -> SummaryDocument:
    import asyncio

    from conformance.campaign.run import run_campaign
    from conformance.evidence import bundle
    from conformance.evidence.documents import SummaryDocument
    from conformance.evidence.seal import seal
    from conformance.evidence.verify import is_clean

    task = cast("asyncio.Task[Any]", asyncio.current_task())
    with contextlib.suppress(NotImplementedError):  # no signal handlers on this platform
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await agent.open()
    try:
        for words in _warnings(agent):
            _tell(words, progress.lang)
        with profiled(given, agent) as profile:
            await run_campaign(
                edition, agent, settings, out, resume=given["resume"], progress=progress
            )
            if is_clean(out, edition):
                progress.tell("complete")
                summary = bundle.read_document(out, bundle.SUMMARY, SummaryDocument)
            else:
                clear_profile(out)
                progress.tell("grading")
                summary = seal(out, edition, agent.describe(), agent.evidence_class).summary
            if profile is not None:
                await profile.finish(out, edition, progress)
    finally:
        await agent.close()
    return summary


def _private(out: Path, given: dict[str, Any]) -> Iterator[Path]:
    """Yield what no agent may read: this campaign's seed, earlier evidence, the editions."""
    yield from (out, RUNS)
    yield from filter(None, (given["edition_root"], given["sealed_root"], given["seed_of"]))


def _warnings(agent: Agent) -> Iterator[Words]:
    """Yield what the user should know of how the agent is held, before any trial."""
    from conformance.report.texts import say

    jail = agent.describe().get("sandbox")
    if jail is None or jail["held"]:
        return
    how = say("progress.no_sandbox")
    if jail["provider"] != "none":
        leaks = ", ".join(jail["leaks"])
        how = say("progress.leaks", provider=jail["provider"], leaks=leaks)
    yield say("progress.not_jailed", how=how)


def _tell(words: Words, lang: str) -> None:
    sys.stderr.write(f"conformance: {words.in_lang(lang)}\n")


def _dry_run(edition: Edition, settings: Settings, given: dict[str, Any]) -> int:
    from conformance.campaign.estimate import estimate

    found = estimate(edition, settings, given["call_time"])
    if given["as_json"]:
        print_json(found)
        return 0
    from conformance.report.planned import plan_lines

    lines = plan_lines(found, spoken(given["locale_name"]))
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


def _document(summary: SummaryDocument, out: Path, report: Path | None) -> dict[str, Any]:
    from conformance.evidence.bundle import bundle_id

    content: dict[str, Any] = msgspec.to_builtins(summary)
    first = {
        "level": summary.level,
        "trust": summary.trust,
        "efficiency": summary.efficiency.held,
        "exit_code": summary.exit_code,
        "clauses": content["clauses"],
        "bundle": str(out),
        "bundle_id": bundle_id(out),
        "report": None if report is None else str(report),
    }
    rest = {name: value for name, value in content.items() if name not in first}
    return {**first, **rest, "efficiency_classes": rest.pop("efficiency", content["efficiency"])}


def _again(out: Path) -> str:
    """Return the command line that goes on with a campaign."""
    words = [word for word in sys.argv[1:] if word != "--resume"]
    if "--out" not in words:
        words += ["--out", str(out)]
    return shlex.join(["conformance", *words, "--resume"])
