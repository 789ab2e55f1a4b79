"""A conversation as a request shows it, in any dialect, and what the script has next in it.

All follows from the request alone: retries, restarts and parallel trials come out right.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from conformance.mock.script import LAST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from conformance.mock.script import Script, ToolStep

SEARCH = ("tool_search", "toolsearch")
"""Tools that bring others into the conversation; agents with many tools offer only these first."""
FINAL = "final_answer"
"""The tool by which some frameworks want the last word."""
SIDE = "Scripted model: none of its instructions is in this conversation."

_SIDE_WORDS = re.compile(r"\btitle|\bsummar|\btopic|标题|摘要|总结|概括|主题", re.IGNORECASE)
_TOLD_RESULT = re.compile(r"^(?:Observation|Error):$", re.MULTILINE)
"""A tool's result where the framework writes its history as text (smolagents)."""


class BadRequestError(Exception):
    """A request that is not of its dialect."""


class Tool(NamedTuple):
    """A tool that the agent offers its model."""

    name: str
    namespace: str | None = None
    """The group it is offered in, where the dialect has groups."""
    is_hosted_search: bool = False
    """It is the dialect's own search for tools, not a function."""

    @property
    def label(self) -> str:
        """Return the name as people read it."""
        return f"{self.namespace}.{self.name}" if self.namespace else self.name


class Turn(NamedTuple):
    """One thing that was said or came back."""

    kind: Literal["system", "user", "assistant", "result"]
    text: str = ""
    tool: str = ""
    """For a result: the tool's name, where the request tells it."""


class Conversation(NamedTuple):
    """What a request says, whatever its dialect."""

    model: str
    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...]
    is_stream: bool
    input_tokens: int
    cached_tokens: int
    has_reasoning: bool
    """The agent asked the model to think first."""
    has_usage: bool = True
    """The agent wants the usage of a stream."""


class Move(NamedTuple):
    """What the model does next: a call of ``tool``, or else ``text``."""

    kind: Literal["call", "search", "closing", "lost", "side"]
    """``lost``: the script's next tool is not offered. ``side``: no conversation of a script's,
    such as the agent's own search for a title."""
    text: str = ""
    tool: Tool | None = None
    arguments: Mapping[str, Any] = MappingProxyType({})
    script: int | None = None
    step: int | None = None
    """How many calls of the script are done."""
    is_first: bool = False
    """Nothing was said since the script began: what some agents put before it does not count."""


def next_move(scripts: Sequence[Script], said: Conversation) -> Move:
    """Return what comes next in a conversation."""
    found = _playing(scripts, said.turns)
    if found is None:
        return Move("side", SIDE)
    number, start = found
    script = scripts[number]
    if not said.tools and _is_aside(script, said.turns):
        return Move("side", SIDE)
    after = said.turns[start + 1 :]
    last = after[-1].tool.lower() if after else ""
    done = _results(after)
    if done < len(script.steps):
        step = script.steps[done]
        step = msgspec.structs.replace(step, arguments=_filled(step.arguments, after))
        move = _step(step, done + 1, said.tools, has_searched=last in SEARCH)
    else:
        tool = None if last == FINAL else _named(said.tools, FINAL)
        move = Move("closing", script.closing, tool, {"answer": script.closing})
    is_first = all(turn.kind in ("system", "user") for turn in after)
    return move._replace(script=number, step=done, is_first=is_first)


def _step(step: ToolStep, number: int, offered: Sequence[Tool], *, has_searched: bool) -> Move:
    tool = offered_as(step.tool, offered)
    if tool is not None:
        return Move("call", "", tool, step.arguments)
    search = _named(offered, *SEARCH)
    if search is not None and not has_searched:
        return Move("search", "", search, {"query": step.tool})
    names = ", ".join(tool.label for tool in offered) or "none"
    text = f"Scripted model: step {number} calls {step.tool!r}, which is not offered."
    return Move("lost", f"{text} Tools offered: {names}.")


def offered_as(wanted: str, offered: Iterable[Tool]) -> Tool | None:
    """Return the tool that a framework offers under ``wanted`` or a longer name made from it.

    The shortest such name is meant; one that ends with ``wanted`` comes before one that starts
    with it.
    """
    plain = _plain(wanted)
    named = sorted(((_plain(tool.name), tool) for tool in offered), key=lambda each: len(each[0]))
    exact = [tool for name, tool in named if name == plain]
    prefixed = [tool for name, tool in named if name.endswith(f"_{plain}")]
    suffixed = [tool for name, tool in named if name.startswith(f"{plain}_")]
    return next(iter(exact + prefixed + suffixed), None)


def _plain(name: str) -> str:
    return re.sub(r"[^\w]", "_", name).lower()


def _named(tools: Iterable[Tool], *names: str) -> Tool | None:
    return next((tool for tool in tools if tool.name.lower() in names), None)


def _playing(scripts: Sequence[Script], turns: Sequence[Turn]) -> tuple[int, int] | None:
    """Return the script that is played, and the turn that began it (-1: before all turns).

    A user's word comes before the agent's own prompt, a later beginning before an earlier one (a
    session may go on with the next task), a longer match before a shorter one.
    """
    said = [
        (at, _words(turn.text))
        for kind in ("system", "user")
        for at, turn in enumerate(turns)
        if turn.kind == kind
    ]
    best: tuple[tuple[int, int], int, int] | None = None
    for number, script in enumerate(scripts):
        match = _words(script.match)
        # The first time: an agent may say its task again and again.
        where = [order for order, (_, text) in enumerate(said) if match and match in text]
        user = [order for order in where if turns[said[order][0]].kind == "user"]
        if match and not where:
            continue
        order = (user or where or [-1])[0]
        rank = (order, len(match))
        if best is None or rank > best[0]:
            start = said[order][0] if user else -1
            best = (rank, number, start)
    return None if best is None else best[1:]


def _is_aside(script: Script, turns: Iterable[Turn]) -> bool:
    """Say whether an agent only asks for a title or a summary of the conversation."""
    match = _words(script.match)
    told = (_words(turn.text) for turn in turns if turn.kind in ("system", "user"))
    return any(_SIDE_WORDS.search(text.replace(match, "") if match else text) for text in told)


def _results(turns: Sequence[Turn]) -> int:
    """Return how many calls of the script have come back."""
    found = [turn for turn in turns if turn.kind == "result"]
    if found:
        return sum(turn.tool.lower() not in (*SEARCH, FINAL) for turn in found)
    return sum(len(_TOLD_RESULT.findall(turn.text)) for turn in turns if turn.kind == "user")


def _filled(value: Any, turns: Sequence[Turn]) -> Any:
    """Return arguments with each ``{"$last": NAME}`` filled in, from the last result."""
    if isinstance(value, list):
        return [_filled(item, turns) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) != {LAST}:
        return {name: _filled(item, turns) for name, item in value.items()}
    text = next((turn.text for turn in reversed(turns) if turn.kind == "result"), "")
    try:
        told = msgspec.json.decode(text)
    except msgspec.DecodeError:
        told = None
    return told.get(value[LAST]) if isinstance(told, dict) else None


def _words(text: str) -> str:
    """Return a text with its white space evened out: frameworks indent, wrap and strip."""
    return " ".join(text.split())
