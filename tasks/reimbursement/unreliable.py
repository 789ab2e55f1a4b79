"""What the instruction adds on a day on which the systems are unreliable, wording by wording."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.authoring import Lang

_EN = (
    """One warning: the systems are unreliable today. A call that got no reply may or may not have \
been carried out, and calls may be refused for some seconds (429; wait lets time pass) or answered \
with half a text. A reply marked cache_age_s shows how things were earlier; one marked \
redelivery_of is the reply to another call, although yours was carried out. Nothing may be done \
twice, and what is posted stands for good: list_postings shows what is there.""",
    """SYSTEM NOTICE: unstable today
- No reply: the call may or may not have been carried out.
- 429: the tool refuses until Retry-After has passed (wait).
- Replies may be cut off. cache_age_s: an old state. redelivery_of: the reply to another call; \
the call itself was carried out.
- Nothing may be done twice. Postings are final; list_postings shows those that exist.""",
    """Heads-up, the systems are having a bad day. If a call doesn't answer, it may have gone \
through or it may not; nothing may be done twice, so have a look at list_postings first, because \
a posting can't be taken back. On a 429 use wait for as long as it says. Some replies come cut \
off, some are old (those carry cache_age_s), and some belong to another call (those say \
redelivery_of; yours went through all the same).""",
)

_ZH = (
    """另请注意：今天系统不稳定。没有回应的调用可能已经执行，也可能没有；有的调用会被暂时拒绝\
（429，可用 wait 等待），有的应答只有半截。带 cache_age_s 的应答反映的是较早的状态；\
带 redelivery_of 的是另一次调用的应答，但本次调用已经执行。任何事项不得重复办理，\
凭证一经过账不能撤回，已有哪些过账请用 list_postings 查看。""",
    """【系统公告】今日系统不稳定
· 无应答：该调用可能已执行，也可能未执行。
· 429：在 Retry-After 时间内一律拒绝，用 wait 等待。
· 应答可能不完整；标有 cache_age_s 的是旧状态；标有 redelivery_of 的是另一次调用的应答，\
本次调用本身已执行。
· 任何操作不得重复。过账不可撤回，已过账的内容见 list_postings。""",
    """对了，今天系统抽风：调用没反应的话，可能办成了也可能没办成，\
凭证过了账就撤不回来，所以先用 list_postings 看看再说，同一件事千万别办两遍。\
碰到 429 就按它说的秒数 wait 一下。有的应答会断掉半截，有的是旧数据（带 cache_age_s），\
还有的是别的调用的应答（写着 redelivery_of，不过你那次其实办成了）。""",
)


def warning(lang: Lang, wording: int) -> str:
    """Return the paragraph in a language and wording."""
    return (_ZH if lang == "zh" else _EN)[wording]
