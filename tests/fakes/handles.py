"""The tool loop of ``loop_agent`` as what servers do with the two doors they are told."""

from __future__ import annotations

import asyncio

from tests.fakes import loop_agent


async def http_loop(task):
    """Work as a server of ``HttpAgent``."""
    said = await asyncio.to_thread(loop_agent.run, _loop_task(task["instruction"], task))
    return {"status": "final", "text": said}


async def a2a_loop(turn):
    """Work as a server of ``a2a_server.serving``."""
    await turn.begin()
    try:
        said = await asyncio.to_thread(loop_agent.run, _loop_task(turn.text, turn.handles))
    except RuntimeError as error:  # a door that shut
        await turn.say("FAILED", str(error))
    else:
        await turn.say("COMPLETED", said)


def _loop_task(instruction, handles):
    return {
        "instruction": instruction,
        "mcp_url": handles["tools"]["mcp_url"],
        "mcp_headers": handles["tools"]["headers"],
        "openai_base_url": handles["model"]["openai_base_url"],
        "api_key": handles["model"]["api_key"],
        "model": handles["model"]["name"],
    }
