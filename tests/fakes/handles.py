"""From the two doors as servers are told them to what the tool loop takes."""

from __future__ import annotations


def loop_task(instruction, handles):
    """Return the task of ``loop_agent.run``."""
    return {
        "instruction": instruction,
        "mcp_url": handles["tools"]["mcp_url"],
        "mcp_headers": handles["tools"]["headers"],
        "openai_base_url": handles["model"]["openai_base_url"],
        "api_key": handles["model"]["api_key"],
        "model": handles["model"]["name"],
    }
