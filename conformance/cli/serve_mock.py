"""``conformance serve mock``: a model that plays a script."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import rich_click as click
from click.core import ParameterSource

from conformance.cli.draws import instance_of, which_options
from conformance.cli.options import edition_option, json_option, print_json
from conformance.cli.serve_paced import PACED_ONLY, paced_options, serve_paced
from conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.mock import MockCall, MockModel, Pace, Script

BREAK = "break"
NO_SCRIPT = "This model has no script: see conformance serve mock --help."
_SCRIPTED_ONLY = (
    *("script", "family", "seed", "lang", "wording", "knob"),
    *("agent", "fail_first", "edition_root"),
)
_MILLISECONDS = click.FloatRange(0)


@click.command("mock", short_help="Serve a model that plays a script, or a load target.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8090,
    show_default=True,
    help="Port on 127.0.0.1; 0 picks one.",
)
@click.option("--model", help="The name it is served as; scripted-1 or paced-1 by default.")
@click.option("--script", type=click.Path(path_type=Path), help="A script file.")
@click.option("--family", metavar="FAMILY", help="Solve an instance of this family instead.")
@which_options
@click.option(
    "--agent", default="oracle", show_default=True, help="Whose way: any builtin agent's."
)
@click.option(
    "--ttft", type=_MILLISECONDS, default=0.0, help="Milliseconds before the first token."
)
@click.option(
    "--itl", type=_MILLISECONDS, default=0.0, help="Milliseconds before each later token."
)
@click.option(
    "--jitter",
    type=_MILLISECONDS,
    default=0.0,
    help="Milliseconds that a token may take longer, drawn evenly from 0 to this.",
)
@click.option(
    "--stall", type=_MILLISECONDS, default=0.0, help="Milliseconds that one token takes longer."
)
@click.option(
    "--stall-at",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Which token; the first is 0.",
)
@paced_options
@click.option(
    "--fail-first",
    type=click.Choice(["429", "500", "503", "529", BREAK]),
    help="Fail the first call of each conversation: with this status, or by breaking off.",
)
@edition_option
@json_option
@click.pass_context
def command(context: click.Context, /, **given: Any) -> int:
    """Serve a model that plays a script: an agent can be tried with no model at all. With
    --tokens, serve a load target at a set pace instead.

    The script: chat completions, Responses and Anthropic messages, streamed or not, and a line a
    call on stderr. Where a conversation is in its script follows from the tool results it brings,
    so many may run at once. A script file is one script or a list of them: {"match": "part of the
    user's text", "steps": [{"tool": "look", "arguments": {"at": "A1"}}], "closing": "Done."}.
    Without "match" every conversation plays it; {"$last": "code"} stands for that member of the
    last result. A tool is found under a longer name too, such as mcp__env__look. With --family the
    script solves that instance, for the agent that is given its instruction. The task of
    conformance probe is always solved.

    The load target: chat completions and Responses. Every answer has --tokens tokens, or as few as
    the request allows; each token is due at its time, however late the last was. It keeps when
    each write was due and made, so that a load tool can be held against it, and says at the end
    how late it was itself. It fits some 256 streams with a token every 10 ms.

    \b
    Examples:
      conformance serve mock --script script.json --port 8090
      conformance probe --agent agent.toml --base-url http://127.0.0.1:8090/v1 --model scripted-1
      conformance serve mock --family records --seed 7 --lang zh --fail-first 429
      conformance serve mock --tokens 100 --ttft 50 --itl 10 --record truth.jsonl
    """  # noqa: D301 - click's mark for lines to be kept
    _check_kind(context, given)
    pace = _pace(given)
    if given["tokens"] is not None:
        return serve_paced(given, pace)

    from conformance.mock import Fail, MockModel
    from conformance.mock.server import MODEL, serve

    first = given["fail_first"]
    scripts = _scripts(given)
    mock = MockModel(
        (*scripts, *_canaries()),
        model=given["model"] or MODEL,
        pace=pace,
        fail=first and Fail(status=None if first == BREAK else int(first)),
        port=given["port"],
        on_call=_tell,
    )
    with contextlib.suppress(KeyboardInterrupt):
        show = _announce_json if given["as_json"] else _announce
        asyncio.run(serve(mock, lambda mock: show(mock, scripts)))
    return 0


def _check_kind(context: click.Context, given: dict[str, Any]) -> None:
    """Refuse options of the one kind that are given for the other.

    Raises:
        UsageError: one is.
    """
    is_paced = given["tokens"] is not None
    for option in context.command.params:
        name = str(option.name)
        if context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        if is_paced and name in _SCRIPTED_ONLY:
            raise UsageError(
                "goes with no --tokens", where=option.opts[0], mend="leave one of them out"
            )
        if not is_paced and name in PACED_ONLY:
            raise UsageError("goes only with --tokens", where=option.opts[0], mend="add --tokens N")
        if name == "stall_at" and not given["stall"]:
            raise UsageError("goes only with --stall", where="--stall-at", mend="add --stall MS")


def _pace(given: dict[str, Any]) -> Pace:
    from conformance.mock import Pace

    names = ("ttft", "itl", "jitter", "stall")
    times = {f"{name}_s": given[name] / 1000 for name in names}
    return Pace(**times, stall_at=given["stall_at"])


def _scripts(given: dict[str, Any]) -> tuple[Script, ...]:
    from conformance.agents.builtin import play_of
    from conformance.agents.places import places
    from conformance.edition import load
    from conformance.mock import Script, read_scripts, script_of

    path, family = given["script"], given["family"]
    if path is not None and family is not None:
        raise UsageError("goes with no --family", where="--script", mend="leave one of them out")
    if path is not None:
        return read_scripts(path)
    if family is None:
        return (Script(closing=NO_SCRIPT),)
    edition = load(given["edition_root"])
    play = play_of(given["agent"], places(edition))
    instance = instance_of(edition, given)
    return script_of(instance, play(instance))


def _canaries() -> Iterator[Script]:
    """Yield what ``conformance probe`` asks, solved."""
    from conformance.authoring import LANGS, SUBMIT_TOOL
    from conformance.mock.script import LAST, Script, ToolStep
    from conformance.trial.canary import PLACE, canary_instance

    answer = {"status": "done", "values": {"code": {LAST: "code"}}}
    steps = (ToolStep("read_code", {"place": PLACE}), ToolStep(SUBMIT_TOOL, answer))
    for lang in LANGS:
        yield Script(steps, match=canary_instance(lang).instruction)


def _announce(mock: MockModel, scripts: tuple[Script, ...]) -> None:
    hello = {"model": mock.model, "messages": [{"role": "user", "content": "Hello"}]}
    lines = [
        f"{mock.model} at {mock.base_url} (Anthropic clients: {mock.anthropic_base_url})",
        *(_line(script) for script in scripts),
        f"Example:  curl {mock.base_url}/chat/completions -d {quote(json.dumps(hello))}",
        "Ctrl-C ends it",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _line(script: Script) -> str:
    if not script.steps and script.closing == NO_SCRIPT:
        return f"no script: it answers {NO_SCRIPT!r}; --script or --family gives it one"
    calls = ", ".join(step.tool for step in script.steps) or "no call"
    begin = " ".join(script.match.split())[:60]
    where = f"where the user says {begin!r}…" if begin else "in every conversation"
    return f"plays {where}: {calls}, then {script.closing!r}"


def _announce_json(mock: MockModel, scripts: tuple[Script, ...]) -> None:
    print_json(
        {
            "base_url": mock.base_url,
            "anthropic_base_url": mock.anthropic_base_url,
            "model": mock.model,
            "scripts": scripts,
        }
    )
    sys.stdout.flush()


def _tell(call: MockCall) -> None:
    how = "stream" if call.is_stream else "whole"
    step = "" if call.step is None else f" step {call.step + 1}"
    tool = f" {call.tool}" if call.tool else ""
    end = "" if call.is_whole else ", broken off"
    sys.stderr.write(
        f"{call.dialect} {how} {call.status} {call.kind}{step}{tool}: "
        f"{call.input_tokens} tokens in, {call.output_tokens} out{end}\n"
    )
