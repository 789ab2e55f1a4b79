"""What an agent that is a program is told, and what it finds in its work folder."""

from __future__ import annotations

import json
import shlex
import shutil
import string
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.agents.contract import TaskView
    from conformance.gateway import Addresses

VARIABLES: Mapping[str, str] = {
    "AGENT_INSTRUCTION": "the task",
    "AGENT_LANG": "its language, zh or en",
    "AGENT_TRIAL": "a random name of the trial",
    "AGENT_SEAT": "which agent of several, or which session, this one is; else not set",
    "AGENT_LIMITS": "JSON: wall_s, model_calls, tokens, tool_calls",
    "AGENT_MCP_URL": "the tools, as an MCP server over streamable HTTP; the URL alone opens it",
    "AGENT_MCP_TOKEN": "to be sent there as Authorization: Bearer, where that is possible",
    "AGENT_MCP_CONFIG": "the same as a file in the form of mcp.json; the server is called env",
    "AGENT_MCP_STDIO": "a command that is the same MCP server over stdio",
    "AGENT_TOOL": "a command that calls a tool: followed by NAME and JSON it prints the result",
    "OPENAI_BASE_URL": "the model, for OpenAI clients: chat completions and Responses",
    "OPENAI_API_KEY": "the key to it, good for this start only",
    "ANTHROPIC_BASE_URL": "the model, for Anthropic clients",
    "ANTHROPIC_API_KEY": "the same key",
    "AGENT_MODEL": "the model's name; not set, like the four above, where the suite has no model",
    "AGENT_RESULT": "where a JSON answer may be written, in place of calling submit_answer",
    "AGENT_WORK": "a folder of this start's own, gone with it",
    "AGENT_STORE": "a folder that lasts over the sessions of a trial; else not set",
    "LANG": "C.UTF-8",
    "PATH": "the folders of the program, then the system's",
}
"""All there is in the environment of a program beside HOME, TMPDIR and what ``agent.toml`` names;
nothing is inherited."""

PLACEHOLDERS: Mapping[str, str] = {
    "task": "AGENT_INSTRUCTION",
    "mcp": "AGENT_MCP_URL",
    "mcp_config": "AGENT_MCP_CONFIG",
    "base": "OPENAI_BASE_URL",
    "anthropic_base": "ANTHROPIC_BASE_URL",
    "key": "AGENT_MCP_TOKEN",
    "model": "AGENT_MODEL",
    "result": "AGENT_RESULT",
    "work": "AGENT_WORK",
    "store": "AGENT_STORE",
    "lang": "AGENT_LANG",
}
"""What may stand in braces in a command, and the variable whose value takes its place."""
OF_MODEL = ("base", "anthropic_base", "model")

RESULT = "result.json"
SERVER = "env"
"""The MCP server's name in ``mcp.json``."""
SHIM = "shim.py"


def variables(
    text: str, task: TaskView, at: Addresses, work: Path, shim: Sequence[str]
) -> dict[str, str]:
    """Return what a program is told in its environment.

    Args:
        text: The first turn.
        task: The task it is of.
        at: Its doors; without a model's name there is no model.
        work: Its work folder, filled by ``furnish``.
        shim: The command that starts the shim.
    """
    told = {
        "AGENT_INSTRUCTION": text,
        "AGENT_LANG": task.lang,
        "AGENT_TRIAL": task.trial_id,
        "AGENT_SEAT": task.seat,
        "AGENT_LIMITS": msgspec.json.encode(task.limits).decode(),
        "AGENT_MCP_URL": at.mcp_url,
        "AGENT_MCP_TOKEN": at.api_key,
        "AGENT_MCP_CONFIG": str(work / "mcp.json"),
        "AGENT_MCP_STDIO": shlex.join(shim),
        "AGENT_TOOL": shlex.join([*shim, "call"]),
        "AGENT_RESULT": str(work / RESULT),
        "AGENT_WORK": str(work),
        "AGENT_STORE": "" if task.store is None else str(task.store.folder),
        "LANG": "C.UTF-8",
    }
    if at.model:
        told |= {
            "OPENAI_BASE_URL": at.openai_base_url,
            "OPENAI_API_KEY": at.api_key,
            "ANTHROPIC_BASE_URL": at.anthropic_base_url,
            "ANTHROPIC_API_KEY": at.api_key,
            "AGENT_MODEL": at.model,
        }
    return {name: value for name, value in told.items() if value}


def mcp_config(at: Addresses) -> str:
    """Return the tools door in the form of ``mcp.json``."""
    server = {"type": "http", "url": at.mcp_url, "headers": at.mcp_headers}
    return json.dumps({"mcpServers": {SERVER: server}})


def furnish(work: Path, at: Addresses) -> None:
    """Put into a work folder what a program finds there."""
    (work / "mcp.json").write_text(mcp_config(at), encoding="utf-8")
    shutil.copyfile(Path(__file__).parents[1] / "gateway" / SHIM, work / SHIM)


def split_command(command: str) -> tuple[str, ...]:
    """Return the words of a command, as a shell would split them; each is a template.

    Raises:
        UsageError: a quote is open, there is no word, or a placeholder is unknown.
    """
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise UsageError(str(error), where=f"command {command!r}", mend="close the quote") from None
    if not words:
        raise UsageError("is empty", where="command", mend="name a program")
    for name in placeholders(words):
        if name not in PLACEHOLDERS:
            raise UsageError(
                f"there is no placeholder {{{name}}}",
                where=f"command {command!r}",
                mend=f"there are {', '.join(PLACEHOLDERS)}; a brace itself is written {{{{ or }}}}",
            )
    return words


def placeholders(words: Iterable[str]) -> list[str]:
    """Return what stands in braces in the words of a command."""
    found = []
    for word in words:
        try:
            fields = list(string.Formatter().parse(word))
        except ValueError:  # a brace that is never closed
            return [word]
        for _, name, form, conversion in fields:
            if name is not None:
                found.append(f"{name}!{conversion}" if conversion else name + (form or ""))
    return found


def filled(words: Iterable[str], told: Mapping[str, str]) -> list[str]:
    """Return the words of a command with each placeholder's value; one without a value is empty."""
    values = {name: told.get(variable, "") for name, variable in PLACEHOLDERS.items()}
    return [word.format_map(values) for word in words]
