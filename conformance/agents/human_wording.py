"""What the suite says to a person who plays, in the task's language."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from conformance.authoring import Lang


class Wording(NamedTuple):
    """The suite's own sentences in one language."""

    help: str
    notes: str
    """What was written down so far; ``{notes}``."""
    notes_help: str
    not_json: str
    """Said to arguments that are not JSON; ``{problem}``."""


_EN = Wording(
    help='e.g.  tool_name {"name": "value"}    help lists the tools, quit ends it',
    notes="your notes from earlier sessions: {notes}",
    notes_help="notes TEXT  writes down what later sessions will need; nothing else is kept",
    not_json="the arguments are not JSON: {problem}",
)
_ZH = Wording(
    help='例如：工具名 {"name": "value"}    help 列出工具，quit 结束',
    notes="以前会话留下的笔记：{notes}",
    notes_help="notes 文字  记下以后会话需要的内容；除此之外什么都不保留",
    not_json="参数不是 JSON：{problem}",
)


def wording(lang: Lang) -> Wording:
    """Return the sentences in a language."""
    return _ZH if lang == "zh" else _EN
