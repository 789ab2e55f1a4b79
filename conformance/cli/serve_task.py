"""``conformance serve task``: both doors of one instance, for who writes an adapter."""

from __future__ import annotations

import asyncio
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
    from conformance.gateway import Addresses, Injection


@click.command("task")
@draw_options
@click.option("--base-url", help="The endpoint behind the model door, OpenAI-compatible.")
@click.option("--model", help="What the agent is to ask it for; local is the embedded model.")
@click.option(
    "--api-key-env",
    default="OPENAI_API_KEY",
    show_default=True,
    metavar="NAME",
    help="The environment variable that holds the endpoint's key.",
)
@click.option(
    "--fail-first",
    type=click.Choice(["429", "500", "503", "disconnect"]),
    help="Fail the first model call, to see what your agent does about it.",
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
    from conformance.agents.contract import Limits
    from conformance.agents.external import ExternalAgent
    from conformance.agents.factory import Reach, gateway_of
    from conformance.agents.served import ServedTransport
    from conformance.campaign.machine import explain_missing, missing_for
    from conformance.campaign.run import check_folder
    from conformance.cli.alone import tell_outcome, tried_alone
    from conformance.edition import load

    edition = load(given["edition_root"])
    drawn = draw_of(instance_of(edition, given))
    for line in explain_missing(missing_for(edition, [drawn.family])):
        raise UsageError(line, where=drawn.family)
    reach = Reach(model=given["model"], base_url=given["base_url"], key_env=given["api_key_env"])
    gateway = gateway_of(reach)
    gateway.models.injections = _injections(given["fail_first"])
    out = given["out"] or new_folder()
    check_folder(out, resume=False)
    agent = ExternalAgent(
        ServedTransport(_show_json if given["as_json"] else _show, _tell), gateway
    )
    limits = Limits(wall_s=given["trial_time"], model_calls=1000, tool_calls=1000)
    single = asyncio.run(tried_alone(edition, agent, drawn, limits, out, reach.secrets))
    return tell_outcome(single, drawn.family, out, as_json=given["as_json"])


def _injections(fault: str | None) -> tuple[Injection, ...]:
    from conformance.gateway import Injection

    if fault is None:
        return ()
    return (Injection("disconnect") if fault == "disconnect" else Injection(status=int(fault)),)


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
