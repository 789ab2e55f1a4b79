"""``conformance probe``: can this agent be graded, and how."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec
import rich_click as click

from conformance.cli.agent_options import agent_options, reach_of
from conformance.cli.options import console, json_option, print_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.agents.agentfile import Kind
    from conformance.agents.contract import Agent
    from conformance.authoring import Lang
    from conformance.trial.probe import ProbeReport


class Line(NamedTuple):
    """One thing that was looked at."""

    name: str
    is_good: bool
    seen: str
    mend: str = ""
    """What to change, where it is not good."""


def _good(name: str, seen: str) -> Line:
    return Line(name, is_good=True, seen=seen)


def _bad(name: str, seen: str, mend: str = "") -> Line:
    return Line(name, is_good=False, seen=seen, mend=mend)


def _print_template(context: click.Context, _: click.Parameter, kind: Kind | None) -> None:
    if kind is not None and not context.resilient_parsing:
        from conformance.agents.agentfile import template

        sys.stdout.write(template(kind))
        context.exit()


@click.command("probe", short_help="Say whether an agent can be graded, and how.")
@agent_options
@click.option("--lang", type=click.Choice(["zh", "en"]), default="en", show_default=True)
@click.option(
    "--init",
    type=click.Choice(["chat", "command", "python", "acp", "a2a", "http"]),
    is_eager=True,
    expose_value=False,
    callback=_print_template,
    help="Print an agent.toml of this kind to fill in, and do nothing else.",
)
@json_option
def command(**given: Any) -> int:
    """Say in seconds whether an agent can be graded, and how.

    The agent gets one small task through the same doors as in a certification: one tool call and
    one model call must be seen, and the answer must arrive. What works is printed, what was not
    seen, the evidence class that follows, and what to change. Exit codes: 0 it can be graded, 1 it
    did not reach the tools or its answer did not arrive, 6 it cannot be reached.

    \b
    Examples:
      conformance probe --agent chat:MODEL --base-url http://127.0.0.1:8000/v1
      conformance probe --agent command:'./agent {task}' --model MODEL --base-url URL
      conformance probe --init command > agent.toml
      conformance probe --agent agent.toml
    """  # noqa: D301 - click's mark for lines to be kept
    import asyncio

    from conformance.agents.factory import find_agent, make_agent

    spec, reach = find_agent(given["agent"], reach_of(given))
    agent = make_agent(spec, reach, lambda _: None)
    looking = _looked_at(agent, cast("Lang", given["lang"]), reach.secrets)
    described, report = asyncio.run(looking)
    lines = list(lines_of(described, report))
    found_class = evidence_class(agent, report)
    is_gradable = _is_gradable(found_class, report)
    code = 0 if is_gradable else 1
    if given["as_json"]:
        print_json(
            {
                "agent": given["agent"],
                "gradable": is_gradable,
                "evidence_class": found_class,
                "lines": [line._asdict() for line in lines],
                "canary": msgspec.to_builtins(report),
                **described,
                "exit_code": code,
            }
        )
        return code
    out = console()
    for line in lines:
        out.print(
            f"{'[green]✓[/]' if line.is_good else '[yellow]–[/]'} [bold]{line.name}[/]", end=""
        )
        out.print(f"  {line.seen}", markup=False)
        if not line.is_good and line.mend:
            out.print(f"    {line.mend}", style="dim", markup=False)
    out.print(f"evidence class: {found_class}", markup=False)
    out.print("it can be graded" if is_gradable else "it cannot be graded yet")
    return code


def _is_gradable(found_class: str, report: ProbeReport) -> bool:
    """Say whether trials would measure the agent, rather than how it is connected."""
    if found_class == "model-only":
        return True  # the suite's own loop: a model that does nothing is weak, not unconnected
    if found_class == "reported":
        return report.answered_by is not None
    return report.has_contact


async def _looked_at(
    agent: Agent, lang: Lang, secrets: tuple[str, ...]
) -> tuple[dict[str, Any], ProbeReport]:
    from conformance.trial.probe import probe_agent
    from conformance.trial.redaction import redactor

    await agent.open()
    try:
        report = await probe_agent(agent, lang, redactor(secrets))
        return agent.describe(), report
    finally:
        await agent.close()


def evidence_class(agent: Agent, report: ProbeReport) -> str:
    """Return the class that a campaign like this trial would have."""
    if agent.evidence_class == "jailed" and not report.models.calls:
        return "observed"
    return agent.evidence_class


def lines_of(described: dict[str, Any], report: ProbeReport) -> Iterator[Line]:
    """Yield what was looked at: the end, the doors, the answer, the declaration, the jail."""
    is_outside = report.listed_tools is not None
    ended = f"{report.outcome} in {report.seconds:.1f} s"
    ended += f" ({report.detail})" if report.detail else ""
    yield Line("end", report.outcome == "completed", ended, _END.get(report.outcome, ""))
    for style in described.get("probe", []):
        yield _good("endpoint", f"{style['style']}: {style['result']} ({style['detail']})")
    if described.get("link"):
        from conformance.link.model import Link

        yield _good("link", str(msgspec.convert(described["link"], Link)))
    yield _tools(report)
    yield _models(report, is_outside=is_outside, has_model=bool(described.get("model")))
    by = f"taken by {report.answered_by}" if report.answered_by else "none arrived"
    right = "" if report.is_right else ", without the code that the tool gave"
    yield Line(
        "answer",
        report.answered_by is not None,
        by + (right if report.answered_by else ""),
        "call submit_answer, or give the same object back as the agent's result",
    )
    yield from _declared(described, report)
    if is_outside:
        yield _jail(described.get("sandbox") or {})
    said = [note for note in report.notes if note["kind"] == "agent_output" and note.get("text")]
    for note in said if not report.has_contact else []:
        yield _bad("output", str(note["text"]).strip()[-300:])


_END = {
    "no_contact": "it ended and touched neither door: does it read AGENT_INSTRUCTION or {task}?",
    "timeout": "it did not end: does it wait for input? It must end by itself once it has answered",
    "agent_crash": "it failed: run it by itself against conformance serve task",
    "limit_exceeded": "it used up the canary's calls: it may be stuck in a loop",
    "protocol_violation": "it did not keep to its protocol: see docs/agents",
}


def _tools(report: ProbeReport) -> Line:
    mend = "connect the agent's MCP client to AGENT_MCP_URL (AGENT_MCP_CONFIG holds the same)"
    if report.has_read:
        return _good("tools", f"called, the canary's tool right ({report.tool_calls} in all)")
    if report.unknown_tools:
        names = ", ".join(report.unknown_tools)
        return _bad("tools", f"called what is not offered: {names}", mend)
    if report.listed_tools:
        mend = "the way to them is open: its task is to call one tool and to answer with the code"
        return _bad("tools", "listed, but none was called right", mend)
    return _bad("tools", "never asked for", mend)


def _models(report: ProbeReport, *, is_outside: bool, has_model: bool) -> Line:
    seen = report.models
    if not seen.calls:
        mend = (
            "send its calls to OPENAI_BASE_URL (or ANTHROPIC_BASE_URL) with OPENAI_API_KEY; "
            "as it is, tokens are not metered and the class is observed at best"
            if has_model
            else "name the endpoint with --base-url and --model, and its calls can be metered"
        )
        failed = f", {seen.failures} failed" if seen.failures else ""
        return Line("model", not is_outside, f"no call was metered{failed}", mend)
    how = ", ".join([*seen.dialects, *(["streaming"] if seen.streams else [])])
    served = ", ".join(seen.served) or "it does not say"
    asked = ", ".join(seen.requested)
    text = f"{seen.calls} calls ({how}); asked for {asked}, served by {served}; "
    text += f"tokens {', '.join(seen.usage)}"
    if seen.stripped:
        text += f"; taken out: {', '.join(seen.stripped)}"
    return _good("model", text)


def _declared(described: dict[str, Any], report: ProbeReport) -> Iterator[Line]:
    """Yield what the agent says of itself and the trial shows otherwise."""
    said, seen = described.get("declared", {}), report.models
    if said.get("streaming") and seen.calls and not seen.streams:
        yield _bad("declared", "streaming, but no call was streamed", "correct ics.streaming")
    if said.get("streaming") is False and seen.streams:
        yield _bad("declared", "no streaming, but calls were streamed", "correct ics.streaming")
    if said.get("suite_tools") is False and report.has_read:
        mend = "take out ics.suite_tools = false: more than its answers can be judged"
        yield _bad("declared", "no use of the suite's tools, but it called one", mend)
    if described.get("declares_handles") is False:
        mend = "an agent that knows where its doors are declares it in its card: docs/agents/a2a.md"
        yield _bad("declared", "nothing of the suite's extension, which was sent", mend)


def _jail(found: dict[str, Any]) -> Line:
    provider = found.get("provider", "none")
    leaks = found.get("leaks") or []
    if leaks:
        return _bad("jail", f"{provider} leaks: {'; '.join(map(str, leaks))}", _NO_JAIL)
    if not found.get("held"):
        return _bad("jail", f"{provider}: the agent is not held", _NO_JAIL)
    return _good("jail", f"{provider} held against every probe")


_NO_JAIL = "conformance doctor says what a jail needs; agents reached by a URL are never jailed"
