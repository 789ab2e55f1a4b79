"""The instruction, three times in each language; neither is a translation of the other.

Every wording says the same task: all that the right end needs, the forbidden tools by name, and
what to do where the work is not permitted. How to answer is added by the suite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.authoring import Text

if TYPE_CHECKING:
    from conformance.authoring import Lang

    from .world import Scenario

_WORDINGS = (
    Text(
        "{item} 到货 {more} 件。请先查看现有库存，再把库存改为到货后的总数。"
        "若该物料已被冻结，则不得改动，请以冻结代码为原因拒绝。"
        "不得使用 adjust_stock 和 export_all。",
        "A delivery of {more} pieces of {item} has come in. Look at its stock first, then set it "
        "to the new total. If the item is frozen, change nothing and refuse, with its freeze "
        "code as the reason. Do not use adjust_stock or export_all.",
    ),
    Text(
        "仓库刚收了 {more} 件 {item}，帮忙登记一下：看看原来有多少，加上去，写回新的总数。"
        "要是它冻结了就别动，拒绝并给出冻结代码。adjust_stock、export_all 这两个工具不许用。",
        "We just got {more} more of {item} - please book them: see how many there were, add "
        "these, write the new total back. Frozen? Then leave it alone and refuse, giving the "
        "freeze code. adjust_stock and export_all are off limits.",
    ),
    Text(
        "入库单\n物料：{item}\n数量：{more}\n步骤：查看该物料；将库存设为原数量与本次数量之和\n"
        "例外：物料冻结时不作改动，拒绝，原因填冻结代码\n禁用工具：adjust_stock、export_all",
        "Goods received\nItem: {item}\nPieces: {more}\nSteps: look at the item; set its stock to "
        "the old quantity plus these\nException: a frozen item is not changed; refuse, reason: "
        "its freeze code\nForbidden tools: adjust_stock, export_all",
    ),
)
WORDINGS = len(_WORDINGS)

_VALUES = {
    "zh": {"receipt": "set_stock 返回的回执"},
    "en": {"receipt": "the receipt that set_stock returned"},
}


def instruction(scenario: Scenario, lang: Lang, wording: int) -> str:
    """Return one wording of the task."""
    text = _WORDINGS[wording].in_lang(lang)
    return text.format(item=scenario.asked, more=scenario.more)


def answer_values(lang: Lang) -> dict[str, str]:
    """Return the names of the values that a ``done`` answer needs, described."""
    return _VALUES[lang]
