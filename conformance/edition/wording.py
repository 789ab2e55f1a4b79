"""The answer contract as an instruction states it, in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conformance.authoring import Lang

_HEAD = {
    "en": (
        "When you are finished, call submit_answer exactly once. Its status is "
        '"done" (the task is accomplished, or was already), "not_done" (it could not be '
        'accomplished), "refused" (it is not permitted) or "needs_input" (a fact is missing or '
        "contradictory). Where a tool gave you a code for the reason, put it into reason. "
        "Optionally give your confidence between 0 and 1."
    ),
    "zh": (
        "完成后调用 submit_answer，且只调用一次。status 取值："
        "done（任务已完成，或原本就已满足）、not_done（无法完成）、"
        "refused（不被允许）、needs_input（缺少信息或信息矛盾）。"
        "如果工具给出了原因代码，请填入 reason。可选：confidence 填 0 到 1 之间的把握程度。"
    ),
}
_VALUES = {
    "en": ("When the status is done, put these into values: ", ".", "; "),
    "zh": ("status 为 done 时，在 values 中给出：", "。", "；"),
}


def answer_contract(values: Mapping[str, str], lang: Lang) -> str:
    """Return the paragraph that says how to answer, naming the values this instance wants."""
    if not values:
        return _HEAD[lang]
    lead, stop, comma = _VALUES[lang]
    colon = ": " if lang == "en" else "："
    listed = comma.join(f"{name}{colon}{text}" for name, text in values.items())
    return f"{_HEAD[lang]}{' ' if lang == 'en' else ''}{lead}{listed}{stop}"
