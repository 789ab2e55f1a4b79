"""Calls an agent that is a Python function, in the agent's own interpreter.

    python function_runner.py FOLDER MODULE FUNCTION

Copied beside the agent and run there, with the standard library alone, on Python 3.8 or later. The
function gets the task as a dict and returns its answer as a dict or a JSON text, or None where it
called ``submit_answer``. With ``--check`` as a fourth word nothing is called: it must be there.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import inspect
import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

TASK = {
    "instruction": "AGENT_INSTRUCTION",
    "lang": "AGENT_LANG",
    "trial": "AGENT_TRIAL",
    "seat": "AGENT_SEAT",
    "mcp_url": "AGENT_MCP_URL",
    "mcp_config": "AGENT_MCP_CONFIG",
    "openai_base_url": "OPENAI_BASE_URL",
    "anthropic_base_url": "ANTHROPIC_BASE_URL",
    "api_key": "AGENT_MCP_TOKEN",
    "model": "AGENT_MODEL",
    "work": "AGENT_WORK",
    "store": "AGENT_STORE",
}
"""Each member of the task, and the variable that holds it; None where it is not set."""


def find(module: str, name: str) -> Callable[[dict[str, Any]], Any]:
    """Return the function.

    Raises:
        TypeError: it is nothing that can be called.
    """
    found: Any = functools.reduce(getattr, name.split("."), importlib.import_module(module))
    if not callable(found):
        raise TypeError("%s:%s cannot be called" % (module, name))  # noqa: UP031 - Python 3.8
    function: Callable[[dict[str, Any]], Any] = found
    return function


def task() -> dict[str, Any]:
    """Return the task, from the environment."""
    given: dict[str, Any] = {name: os.environ.get(key) for name, key in TASK.items()}
    given["limits"] = json.loads(os.environ["AGENT_LIMITS"])
    given["mcp_headers"] = {"Authorization": "Bearer " + os.environ["AGENT_MCP_TOKEN"]}
    return given


async def _awaited(result: Any) -> Any:
    return await result


def hand_over(result: Any) -> None:
    """Write what the function returned where the suite looks for it."""
    if isinstance(result, dict):
        result = json.dumps(result, ensure_ascii=False)
    elif not isinstance(result, str):
        kind = type(result).__name__
        raise TypeError("returned %s: return a dict, a JSON text or None" % kind)  # noqa: UP031
    with open(os.environ["AGENT_RESULT"], "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(result)


def main(folder: str, module: str, name: str, mode: str = "") -> None:
    """Find the function, and call it unless it is only to be found."""
    sys.path.insert(0, folder)
    function = find(module, name)
    if mode == "--check":
        return
    result = function(task())
    if inspect.isawaitable(result):
        result = asyncio.run(_awaited(result))
    if result is not None:
        hand_over(result)


if __name__ == "__main__":
    main(*sys.argv[1:])
