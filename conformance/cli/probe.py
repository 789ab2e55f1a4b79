"""``conformance probe``: can this agent be graded, and how."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, cast

import msgspec
import rich_click as click

from conformance.cli.agent_options import agent_options, reach_of
from conformance.cli.options import (
    console,
    json_option,
    locale_option,
    print_json,
    spoken,
    task_lang_option,
)

if TYPE_CHECKING:
    from conformance.agents.agentfile import Kind
    from conformance.agents.contract import Agent
    from conformance.authoring import Lang
    from conformance.trial.probe import ProbeReport


def _print_template(context: click.Context, _: click.Parameter, kind: Kind | None) -> None:
    if kind is not None and not context.resilient_parsing:
        from conformance.agents.agentfile import template

        sys.stdout.write(template(kind))
        context.exit()


@click.command("probe", short_help="Say whether an agent can be graded, and how.")
@agent_options
@task_lang_option
@click.option(
    "--init",
    type=click.Choice(["chat", "command", "python", "acp", "a2a", "http"]),
    is_eager=True,
    expose_value=False,
    callback=_print_template,
    help="Print an agent.toml of this kind to fill in, and do nothing else.",
)
@locale_option
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
    from conformance.report.probed import probe_lines
    from conformance.report.texts import say

    spec, reach = find_agent(given["agent"], reach_of(given))
    agent = make_agent(spec, reach, lambda _: None)
    looking = _looked_at(agent, cast("Lang", given["lang"]), reach.secrets)
    described, report = asyncio.run(looking)
    lines = list(probe_lines(described, report))
    found_class = evidence_class(agent, report)
    is_gradable = _is_gradable(found_class, report)
    code = 0 if is_gradable else 1
    if given["as_json"]:
        print_json(
            {
                "agent": given["agent"],
                "gradable": is_gradable,
                "evidence_class": found_class,
                "lines": [line.document() for line in lines],
                "canary": msgspec.to_builtins(report),
                **described,
                "exit_code": code,
            }
        )
        return code
    out, lang = console(), spoken(given["locale_name"])
    for line in lines:
        mark = "[green]✓[/]" if line.is_good else "[yellow]–[/]"
        out.print(f"{mark} [bold]{line.name.in_lang(lang)}[/]", end="")
        out.print(f"  {line.seen.in_lang(lang)}", markup=False)
        if not line.is_good and line.mend is not None:
            out.print(f"    {line.mend.in_lang(lang)}", style="dim", markup=False)
    can = say("probe.gradable" if is_gradable else "probe.not_gradable")
    for words in (say("probe.class", **{"class": found_class}), can):
        out.print(words.in_lang(lang), markup=False)
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
