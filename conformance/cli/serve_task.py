"""``conformance serve task``: both doors of one instance, for who writes an adapter."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import rich_click as click

from conformance.cli.draws import draw_of, draw_options, instance_of
from conformance.cli.options import (
    Duration,
    edition_option,
    json_option,
    new_folder,
    print_json,
)
from conformance.errors import UsageError

if TYPE_CHECKING:
    from conformance.agents.contract import TaskView
    from conformance.decision.streams import Draw
    from conformance.edition import Edition
    from conformance.evidence.documents import SingleDocument
    from conformance.gateway import Addresses, Upstream


@click.command("task")
@draw_options
@click.option("--base-url", help="The endpoint behind the model door, OpenAI-compatible.")
@click.option("--model", help="What the agent is to ask that endpoint for.")
@click.option(
    "--api-key-env",
    default="OPENAI_API_KEY",
    show_default=True,
    metavar="NAME",
    help="The environment variable that holds the endpoint's key.",
)
@click.option("--trial-time", type=Duration(), default="1h", show_default=True, help="At most.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="The bundle's folder; a new one under runs/."
)
@edition_option
@json_option
def command(**given: Any) -> int:
    """Serve one instance of FAMILY: its tools as an MCP server, and a metered model door.

    The task and both addresses are printed; start your agent by hand and see each call as it
    comes. Once the answer is taken it is graded, and a bundle of the one trial is kept. Ctrl-C
    ends it. For a model that plays a script: conformance serve mock

    Example:  conformance serve task telemetry --seed 7 --base-url URL --model MODEL
    """
    from conformance.campaign.run import check_folder
    from conformance.cli.alone import tell_outcome
    from conformance.cli.machine import explain_missing, missing_for
    from conformance.edition import load

    edition = load(given["edition_root"])
    drawn = draw_of(instance_of(edition, given))
    for line in explain_missing(missing_for(edition, [drawn.family])):
        raise UsageError(line, where=drawn.family)
    upstream = _upstream(given)
    out = given["out"] or new_folder()
    check_folder(out, resume=False)
    single = asyncio.run(_served(edition, drawn, upstream, out, given))
    return tell_outcome(single, drawn.family, out, as_json=given["as_json"])


def _upstream(given: dict[str, Any]) -> Upstream | None:
    from conformance.gateway import Upstream

    if given["base_url"] is None and given["model"] is None:
        return None
    if given["base_url"] is None or given["model"] is None:
        raise UsageError(
            "go together: an endpoint and what to ask it for",
            where="--base-url, --model",
            mend="give both, or none",
        )
    key = os.environ.get(given["api_key_env"], "")
    return Upstream(given["model"], given["base_url"], key)


async def _served(
    edition: Edition, drawn: Draw, upstream: Upstream | None, out: Path, given: dict[str, Any]
) -> SingleDocument:
    from conformance.agents.contract import Limits
    from conformance.agents.external import ExternalAgent
    from conformance.agents.served import ServedTransport
    from conformance.cli.alone import tried_alone
    from conformance.gateway import Gateway

    show = _show_json if given["as_json"] else _show
    agent = ExternalAgent(ServedTransport(show, _tell), Gateway(upstream))
    limits = Limits(wall_s=given["trial_time"], model_calls=1000, tool_calls=1000)
    secrets = () if upstream is None or not upstream.key else (upstream.key,)
    await agent.open()
    try:
        return await tried_alone(edition, agent, drawn, limits, out, secrets)
    finally:
        await agent.close()


def _show(task: TaskView, text: str, at: Addresses) -> None:
    from conformance.agents.environment import mcp_config

    place = f" ({task.seat})" if task.seat else ""
    lines = [
        f"── the task{place} ──",
        text,
        "── tools: an MCP server ──",
        f"AGENT_MCP_URL={at.mcp_url}",
        f"mcp.json  {mcp_config(at)}",
        "── model ──",
    ]
    if at.model:
        lines += [
            f"OPENAI_BASE_URL={at.openai_base_url}",
            f"ANTHROPIC_BASE_URL={at.anthropic_base_url}",
            f"OPENAI_API_KEY={at.api_key}",
            f"AGENT_MODEL={at.model}",
        ]
    else:
        lines.append("none: name one with --base-url and --model")
    sys.stdout.write("\n".join([*lines, "", ""]))
    sys.stdout.flush()


def _show_json(task: TaskView, text: str, at: Addresses) -> None:
    print_json({"seat": task.seat, "instruction": text, **msgspec.structs.asdict(at)})
    sys.stdout.flush()


def _tell(line: str) -> None:
    sys.stderr.write(line + "\n")
