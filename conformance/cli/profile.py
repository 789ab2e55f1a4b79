"""``conformance profile``: what an endpoint delivers, and what a solved task costs on it."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
import rich_click as click

from conformance.cli.language import LazyGroup
from conformance.cli.link_option import link_option
from conformance.cli.options import (
    Duration,
    console,
    edition_option,
    json_option,
    locale_option,
    new_folder,
    print_json,
    spoken,
)
from conformance.cli.profile_options import (
    Numbers,
    cost_options,
    declared_of,
    load_options,
    plan_of,
    target_of,
)
from conformance.errors import ConformanceError, UsageError
from conformance.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.evidence.documents import Words
    from conformance.profile.document import ProfileDocument

LOCAL = "local"


@click.group(
    "profile",
    cls=LazyGroup,
    elsewhere={name: f"conformance.cli.profile_{name}" for name in ("show", "capture", "sampler")},
    invoke_without_command=True,
    short_help="Measure what an endpoint delivers, from chip to solved task.",
)
@click.option("--endpoint", metavar="URL", help="http://HOST:PORT/v1, or local: the embedded one.")
@click.option("--model", help="The model's name, as the endpoint knows it.")
@click.option(
    "--dialect",
    type=click.Choice(["chat", "responses"]),
    default="chat",
    show_default=True,
    help="Chat completions or Responses.",
)
@click.option(
    "--api-key-env",
    "key_env",
    metavar="NAME",
    help="The environment variable that holds the key; OPENAI_API_KEY by default.",
)
@click.option(
    "--ca-file", type=click.Path(exists=True, dir_okay=False), help="Certificates to trust, PEM."
)
@click.option(
    "--request-timeout", type=Duration(), default="10m", show_default=True, help="Of one request."
)
@load_options
@click.option(
    "--replay",
    type=click.Path(path_type=Path),
    metavar="BUNDLE",
    help="Replay a bundle's transcripts too: how many agents are sustained under --slo?",
)
@click.option(
    "--agents", type=Numbers(whole=True), metavar="N,N,…", help="Replayed agents; else rising."
)
@click.option(
    "--cache",
    type=click.Choice(["friendly", "busted"]),
    default="friendly",
    show_default=True,
    help="Replayed prefixes as recorded, or new ones that no cache knows.",
)
@click.option(
    "--think-scale",
    type=click.FloatRange(0),
    default=1.0,
    show_default=True,
    help="Of the recorded waits between a replayed agent's calls.",
)
@click.option(
    "--live",
    metavar="KIND:VALUE",
    help="Real, graded trials of this agent on the endpoint too: solved tasks an hour, and what "
    "one costs.",
)
@click.option(
    "--live-trials",
    type=Numbers(whole=True),
    default="1",
    metavar="N,N,…",
    show_default=True,
    help="How many trials at once.",
)
@click.option(
    "--live-time", type=Duration(), default="5m", show_default=True, help="Of each of them."
)
@click.option("--live-claim", metavar="LEVEL", help="Up to which level; L1 without.")
@click.option("--seed", help="A text to make the live trials' seed from.")
@click.option(
    "--agent-file", type=click.Path(path_type=Path), help="An agent.toml that says the four layers."
)
@cost_options
@link_option
@click.option("--gguf", type=click.Path(path_type=Path), help="Another model file, for local.")
@click.option("--slots", default=2, show_default=True, help="Requests at once, for local.")
@click.option("--out", type=click.Path(path_type=Path), help="Its folder; a new one under runs/.")
@edition_option
@locale_option
@json_option
@click.pass_context
def command(ctx: click.Context, /, **given: Any) -> int | None:
    """Measure what an endpoint delivers, and what a solved task costs on it.

    Writes profile.json, every log it is computed from, curves and a page. Exit codes: 0 a valid
    profile, 1 one that is not valid (it says why), 2 interrupted, 4 usage, 6 endpoint unavailable.

    \b
    Examples:
      conformance profile --endpoint http://127.0.0.1:8000/v1 --model M
      conformance profile --endpoint URL --model M --concurrency 1,8,64 --slo ttft=500ms,tpot=50ms
      conformance profile --endpoint URL --model M --replay runs/BUNDLE --slo ttft=1s
      conformance profile --endpoint URL --model M --live agent.toml --live-trials 1,8
      conformance profile --endpoint local --concurrency 1,2
      conformance profile show runs/FOLDER --as vllm
    """  # noqa: D301 - click's mark for lines to be kept
    if ctx.invoked_subcommand is not None:
        return None
    if given["endpoint"] is None:
        raise UsageError(
            "is needed",
            where="--endpoint",
            mend="name the address: http://HOST:PORT/v1; or local, the embedded one",
        )
    _check(given)
    folder = given["out"] or new_folder("profile")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("the folder exists", where=f"--out {folder}", mend="name another one")
    try:
        with _terminable():
            document = _profile(given, folder)
    except KeyboardInterrupt:
        told = _left(folder).in_lang(spoken(given["locale_name"]))
        sys.stderr.write(f"conformance: {told}\n")
        return int(ExitCode.INTERRUPTED)
    except ConformanceError:
        with contextlib.suppress(OSError):
            folder.rmdir()  # nothing was measured
        raise
    if given["as_json"]:
        print_json({"folder": str(folder), **msgspec.to_builtins(document)})
    else:
        from conformance.report.profile import print_profile

        print_profile(console(), document, spoken(given["locale_name"]))
        console().print(f"{folder}/profile.html", markup=False)
    return 0 if document.valid else 1


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Take the signal to end (SIGTERM) as an interrupt, where this is the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _left(folder: Path) -> Words:
    """Return what an interrupted profile leaves."""
    from conformance.report.texts import say

    logs = sorted((folder / "logs").glob("*.jsonl"))
    left = say("progress.left", n=len(logs), log=logs[-1]) if logs else say("progress.left_none")
    return say("progress.stopped", left=left)


def _check(given: dict[str, Any]) -> None:
    """Refuse what means nothing before anything is started."""
    is_local = given["endpoint"] == LOCAL
    address = urlsplit(given["endpoint"])
    if not is_local and (address.scheme not in ("http", "https") or not address.hostname):
        raise UsageError(
            f"{given['endpoint']!r} is no address",
            where="--endpoint",
            mend="write http://HOST:PORT/v1 or https://HOST/v1",
        )
    if is_local == (given["model"] is not None):
        raise UsageError(
            "the embedded endpoint names its own" if is_local else "is needed",
            where="--model",
            mend="leave it out" if is_local else "name the model as the endpoint knows it",
        )
    for name in ("duration", "live_time", "request_timeout"):
        if not given[name]:
            option = f"--{name.replace('_', '-')}"
            raise UsageError("is no time", where=option, mend="write 20s or 1m30s")
    needs = {
        "--agents": ("--replay", given["agents"], given["replay"]),
        "--cache": ("--replay", given["cache"] != "friendly", given["replay"]),
        "--think-scale": ("--replay", given["think_scale"] != 1, given["replay"]),
        "--live-claim": ("--live", given["live_claim"], given["live"]),
        "--seed": ("--live", given["seed"], given["live"]),
        "--gguf": ("--endpoint local", given["gguf"], is_local),
        "--sampler-token-env": ("--sampler", given["sampler_token_env"], given["samplers"]),
    }
    for option, (other, is_given, is_there) in needs.items():
        if is_given and not is_there:
            raise UsageError(f"means nothing without {other}", where=option, mend="leave it out")


def _profile(given: dict[str, Any], folder: Path) -> ProfileDocument:
    from conformance.cli.profile_agents import agent_on, live_trials, recorded_of, replay
    from conformance.cli.profile_link import impaired
    from conformance.cli.profile_power import recorder_of
    from conformance.cli.profile_progress import ProfileProgress
    from conformance.profile.run import profile_endpoint
    from conformance.report.profile_charts import draw_curves, write_curves
    from conformance.report.profile_page import write_profile_page

    with contextlib.ExitStack() as stack:
        base_url, model = _endpoint(given, stack)
        target = target_of(given, base_url, model)
        plan = plan_of(given, target)
        recorded = None if given["replay"] is None else recorded_of(given, plan)
        live = None if given["live"] is None else agent_on(given, target)
        plan = msgspec.structs.replace(plan, declared=_declared(given), agent=_agent(given))
        plan, link = impaired(plan, given["link"], stack)
        recorder, notes = recorder_of(given, base_url, stack)
        say = stack.enter_context(ProfileProgress(spoken(given["locale_name"])))
        for note in notes:
            say.line(note)
        _make(folder)
        document = profile_endpoint(
            plan,
            folder,
            recorder,
            say,
            agents=None if recorded is None else partial(replay, given, recorded),
            solved=None if live is None else partial(live_trials, given, say, *live),
            power_notes=notes,
            link=link,
        )
    curves = draw_curves(document)
    write_curves(curves, folder)
    write_profile_page(document, curves, folder / "profile.html")
    return document


def _make(folder: Path) -> None:
    """Make the profile's folder.

    Raises:
        UsageError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot be made ({error.strerror})",
            where=f"--out {folder}",
            mend="name a folder that can be written",
        ) from error


def _declared(given: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what an agent.toml says of the four layers."""
    live = given["live"]
    is_file = live is not None and live.endswith(".toml")
    return declared_of(given["agent_file"] or (Path(live) if is_file else None))


def _agent(given: dict[str, Any]) -> dict[str, Any]:
    return {} if given["live"] is None else {"agent": given["live"]}


def _endpoint(given: dict[str, Any], stack: contextlib.ExitStack) -> tuple[str, str]:
    """Return the address and the model; the embedded endpoint is started."""
    if given["endpoint"] != LOCAL:
        return given["endpoint"], given["model"]
    import asyncio

    from conformance.local.endpoint import LocalEndpoint

    runner = stack.enter_context(asyncio.Runner())
    local = LocalEndpoint(given["gguf"], slots=given["slots"])
    runner.run(local.start())
    stack.callback(lambda: runner.run(local.end()))
    return local.base_url, local.model
