"""What the suite itself says to a model, in the task's language. The same for every model."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from conformance.authoring import Lang


class Wording(NamedTuple):
    """The suite's own sentences in one language."""

    rules: str
    """The system prompt where the endpoint carries tools itself."""
    form: str
    """What the structured style adds to the rules: how a call is written."""
    tools: str
    """The line above the list of tools."""
    result: str
    """How a tool's result is handed over; ``{name}`` and ``{text}``."""
    reminder: str
    """Said once to a message that is neither a call nor an answer."""
    cut: str
    """Said once to a message that was cut off at the token limit."""
    unreadable: str
    """Said to a call that is not JSON; ``{problem}``."""
    notes: str
    """Added to the task where it has several sessions: what the notes are for."""
    outside: str
    """Added to the task of an agent that has a loop of its own: how it acts and how it ends."""
    nobody: str
    """Said to an agent that asks where nobody can be asked."""


_EN = Wording(
    rules=(
        "You carry out one task. You act only by calling tools; text outside a tool call has no "
        "effect and nobody reads or answers it. Take facts from the task and from tool results "
        "only. End by calling submit_answer exactly once."
    ),
    form=(
        'Each of your messages is one JSON object and nothing else: {"tool": NAME, "arguments": '
        "{…}}. The tool's result comes back as the next message."
    ),
    tools="Tools (name, arguments, purpose):",
    result="Result of {name}: {text}",
    reminder=(
        "That message called no tool, so it had no effect. Go on by calling a tool, or end by "
        "calling submit_answer."
    ),
    cut=(
        "That message was cut off at the length limit and had no effect. Be brief: call one tool, "
        "or end by calling submit_answer."
    ),
    unreadable="the call could not be read: {problem}",
    notes=(
        "This work goes over several sessions. You remember nothing of earlier ones but what you "
        "wrote with the tool notes; read it first, and write down what later sessions will need."
    ),
    outside=(
        "You act only by calling the tools of the MCP server you were given; nobody reads or "
        "answers other text. Take facts from the task and from tool results only. End by calling "
        "submit_answer exactly once; if you cannot call it, end with the same object as JSON and "
        "nothing else."
    ),
    nobody=(
        "Nobody can be asked here. Go on with the tools you have, or end by calling submit_answer."
    ),
)

_ZH = Wording(
    rules=(
        "你要完成一项任务。你只能通过调用工具来行动；工具调用之外的文字没有任何作用，没有人会看，"
        "也没有人回答其中的提问。只采信任务说明和工具返回的事实。"
        "最后调用 submit_answer，且只调用一次。"
    ),
    form=(
        '你的每条消息都是且只是一个 JSON 对象：{"tool": 工具名, "arguments": {…}}。'
        "工具的结果会作为下一条消息返回。"
    ),
    tools="工具（名称、参数、用途）：",
    result="{name} 的结果：{text}",
    reminder=(
        "上一条消息没有调用工具，因此没有任何作用。请继续调用工具，或调用 submit_answer 结束。"
    ),
    cut=(
        "上一条消息因超出长度限制被截断，没有任何作用。请简短一些："
        "调用一个工具，或调用 submit_answer 结束。"
    ),
    unreadable="无法读取该调用：{problem}",
    notes=(
        "这项工作分多次会话进行。除了用 notes 工具写下的内容，你不记得以前会话中的任何事；"
        "请先读取它，并把以后会话需要的内容写下来。"
    ),
    outside=(
        "你只能通过调用所给 MCP 服务器的工具来行动；没有人会看其他文字，也没有人回答其中的提问。"
        "只采信任务说明和工具返回的事实。最后调用 submit_answer，且只调用一次；"
        "如果无法调用它，就以同样的对象作为 JSON 结束，此外不写任何内容。"
    ),
    nobody="这里没有人可以提问。请用已有的工具继续，或调用 submit_answer 结束。",
)

_BY_LANG: dict[Lang, Wording] = {"en": _EN, "zh": _ZH}


def wording(lang: Lang) -> Wording:
    """Return the suite's sentences in ``lang``."""
    return _BY_LANG[lang]
