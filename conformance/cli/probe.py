"""``conformance probe``: can this agent be graded, and how."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import rich_click as click

from conformance.cli.agent_options import agent_options, reach_of
from conformance.cli.options import json_option, print_json


@click.command("probe", short_help="Say whether an agent can be graded, and how.")
@agent_options
@json_option
def command(**given: Any) -> int:
    """Say in seconds whether an agent can be graded, and how: endpoint, key, model, tool calls.

    Example:  conformance probe --agent chat:MODEL --base-url http://127.0.0.1:8000/v1
    """
    from conformance.agents.factory import make_agent

    agent = make_agent(given["agent"], reach_of(given), lambda _: None)

    async def look() -> dict[str, Any]:
        await agent.open()
        try:
            return {
                "agent": given["agent"],
                "reachable": await agent.canary(),
                "evidence_class": agent.evidence_class,
                **agent.describe(),
            }
        finally:
            await agent.close()

    found = asyncio.run(look())
    if given["as_json"]:
        print_json(found)
        return 0
    for name, value in found.items():
        if name != "probe":
            sys.stdout.write(f"{name}: {value}\n")
    for seen in found.get("probe", []):
        sys.stdout.write(f"  {seen['style']}: {seen['result']} ({seen['detail']})\n")
    return 0
