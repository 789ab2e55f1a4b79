"""The request and its frame in Chinese."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from .shapes import DAY, HOUR, TB, TIB, Said, machines
from .tongue import Manner, Tongue

if TYPE_CHECKING:
    from collections.abc import Callable

    from .scenario import Scenario

_DIGITS = "零一二三四五六七八九"
_HAN = "[\u4e00-\u9fff]"
_WEEKDAYS = "一二三四五六日"

LABELS = {
    "gpu_type": "卡型",
    "gpus": "卡数",
    "memory_gib": "内存",
    "scratch_gb": "暂存空间",
    "wall_time": "运行时限",
    "start_after": "最早开始日期",
    "finish_by": "最晚完成日期",
    "dataset": "数据集",
    "priority": "优先级",
    "notify": "通知",
}
_PRIORITY = {"low": "低", "normal": "普通", "high": "高", "urgent": "紧急"}
_NOTIFY = {
    "start": "作业开始时通知",
    "end": "作业结束时通知",
    "failure": "作业失败时通知",
    "none": "不需要通知",
}


def words(number: int) -> str:
    """Return a number from 0 to 9,999 in words, as it stands before a measure word."""
    if number < 10:
        return "两" if number == 2 else _DIGITS[number]
    if number < 20:
        return "十" + (_DIGITS[number - 10] if number > 10 else "")
    return _spelt(number)


def _spelt(number: int) -> str:
    if number < 10:
        return _DIGITS[number]
    size, name = next(pair for pair in ((1000, "千"), (100, "百"), (10, "十")) if number >= pair[0])
    many, rest = divmod(number, size)
    head = ("两" if many == 2 and size > 10 else _DIGITS[many]) + name
    if not rest:
        return head
    return head + ("零" if rest * 10 < size else "") + _spelt(rest)


def phrase(said: Said, scenario: Scenario) -> str:
    """Return the phrase for a statement's value."""
    say = _PHRASES.get(said.field)
    return say(said, scenario) if say else str(said.value)


def _cards(said: Said, _: Scenario) -> str:
    split = machines(said.value)
    if said.shape == "machines" and split is not None:
        return f"{words(split[0])}台机器、每台{words(split[1])}张卡"
    return f"{words(said.value)}张卡" if said.shape == "words" else f"{said.value} 张卡"


def _size(said: Said, step: int, units: tuple[str, str, str]) -> str:
    big, middle, small = units
    whole = said.value // step
    return {
        "digits": f"{said.value} {middle}",
        "words": f"{words(said.value)} {middle}",
        "big": f"{whole} {big}",
        "big_half": f"{words(whole)}个半 {big}" if whole else f"半个 {big}",
        "big_decimal": f"{said.value / step:g} {big}",
        "small": f"{said.value * step} {small}",
    }[said.shape]


def _duration(said: Said, _: Scenario) -> str:
    hours, days = said.value // HOUR, said.value // DAY
    return {
        "hours": f"{hours} 小时",
        "hours_words": f"{words(hours)}小时" if hours > 9 else f"{words(hours)}个小时",
        "hours_half": f"{words(hours)}个半小时" if hours else "半小时",
        "minutes": f"{said.value} 分钟",
        "quarters": "三刻钟",
        "days": f"{words(days)}天",
        "days_half": f"{words(days)}天半",
        "days_hours": f"{words(days)}天零{words(hours % 24)}小时",
    }[said.shape]


def _day(said: Said, scenario: Scenario) -> str:
    day = date.fromisoformat(said.value)
    ahead = (day - date.fromisoformat(scenario.today)).days
    start = [item.value for item in scenario.said if item.field == "start_after"]
    after = (day - date.fromisoformat(start[0])).days if start else 0
    return {
        "day": f"{day.year}年{day.month}月{day.day}日",
        "tomorrow": "明天",
        "day_after_tomorrow": "后天",
        "in_days": f"{words(abs(ahead))}天后",
        "in_weeks": f"{words(abs(ahead) // 7)}周后的今天",
        "next_week": f"下周{_WEEKDAYS[day.weekday()]}",
        "month_end": "本月最后一天",
        "next_month_first": "下个月的第一天",
        "after_start": f"最早开始日期往后推{words(abs(after))}天",
    }[said.shape]


def _set_type(text: str) -> str:
    """Set a blank between Han characters and Latin letters or digits, and none elsewhere."""
    close = re.sub(rf"(?<={_HAN}) (?={_HAN})", "", text)
    return re.sub(rf"(?<={_HAN})(?=[0-9A-Za-z])|(?<=[0-9A-Za-z])(?={_HAN})", " ", close)


def _today(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日，星期{_WEEKDAYS[day.weekday()]}"


_PHRASES: dict[str, Callable[[Said, Scenario], str]] = {
    "gpus": _cards,
    "memory_gib": lambda said, _: _size(said, TIB, ("TiB", "GiB", "MiB")),
    "scratch_gb": lambda said, _: _size(said, TB, ("TB", "GB", "MB")),
    "wall_time": _duration,
    "start_after": _day,
    "finish_by": _day,
    "priority": lambda said, _: _PRIORITY[said.value],
    "notify": lambda said, _: _NOTIFY[said.value],
}

_ORDER = Manner(
    sentences={
        "gpu_type": "卡型须为 {}。",
        "gpus": "申请用卡：{}。",
        "memory_gib": "所需内存：{}。",
        "scratch_gb": "所需暂存空间：{}。",
        "wall_time": "运行时限：{}。",
        "start_after": "最早开始日期：{}。",
        "finish_by": "最晚完成日期：{}。",
        "dataset": "训练用数据集：{}。",
        "priority": "优先级：{}。",
        "notify": "通知要求：{}。",
    },
    hint="{}按惯例。",
    remarks={
        "pilot": "仅供参考：之前另有一个试跑作业，用了 {cards} 张卡、{hours} 小时。",
        "neighbour": "仅供参考：别的组有个作业跑数据集 {dataset}，用 {cards} 张卡，与本单无关。",
        "retired": "仅供参考：数据集 {dataset} 已下线，本作业不用。",
    },
    base="按作业 {job} 再跑一次。与该作业不同的项：{changes}。其余各项照该作业。",
    kept="与 {job} 一致、不作改动的项：{0}。",
    slip="本作业审批单载明：{}为{}。",
)
_LETTER = Manner(
    sentences={
        "gpu_type": "卡请给我们 {} 型的。",
        "gpus": "一共需要{}。",
        "memory_gib": "内存要 {}。",
        "scratch_gb": "暂存空间麻烦留出 {}。",
        "wall_time": "运行时限请设为{}。",
        "start_after": "最早开始日期是{}。",
        "finish_by": "完成日期最晚不超过{}。",
        "dataset": "数据集用 {}。",
        "priority": "优先级是{}。",
        "notify": "关于通知：{}。",
    },
    hint="{}就按电话里说好的。",
    remarks={
        "pilot": "（之前试跑是另一个作业，只用了 {cards} 张卡、{hours} 小时。）",
        "neighbour": "（隔壁组用 {cards} 张卡跑 {dataset}，那是他们的作业，不是我们的。）",
        "retired": "（数据集 {dataset} 已经下线，这次不用。）",
    },
    base="请照作业 {job} 再跑一遍，只有这几项和它不同：{changes}。",
    kept="{0}仍和 {job} 里一样。",
    slip="这个作业的审批单上写的是：{}，{}。",
)
_CHAT = Manner(
    sentences={
        "gpu_type": "卡型 {}。",
        "gpus": "要{}。",
        "memory_gib": "内存给 {}。",
        "scratch_gb": "暂存 {}。",
        "wall_time": "最长跑{}。",
        "start_after": "最早{}开始。",
        "finish_by": "跑完不能晚于{}。",
        "dataset": "数据集 {}。",
        "priority": "优先级{}。",
        "notify": "{}。",
    },
    hint="{}嘛，就是吃饭时说的那个。",
    remarks={
        "pilot": "（试跑那个是单独的作业，当时 {cards} 张卡、{hours} 小时。）",
        "neighbour": "（他们组拿 {cards} 张卡跑 {dataset}，跟我这个没关系。）",
        "retired": "（{dataset} 下线了，我这个不用它。）",
    },
    base="帮我把作业 {job} 再跑一遍，要变的有：{changes}，别的照旧。",
    kept="{0}跟 {job} 一样不变。",
    slip="对了，这个作业的审批单写着{}：{}。",
)

_FRAMES = (
    """作业受理工单。今天是{today}。
请根据下面的训练需求填写作业申请并提交。

需求：
{request}

要求：
1. 各项内容都要有依据：要么需求里写了，要么在需求点名的旧作业里（用 get_job 查）。\
不许套默认值，不许猜。需求里各处说法不分轻重，同一项有两个不同的值就是矛盾。
2. 十项都明确的：调用 submit 提交一次且只提交一次，答 done，回执号填 values.ticket。
3. 有一项没给，或者说法互相矛盾的：不要提交。用 draft_question 拟一条提问，\
写明缺的那一项或矛盾的那一项（如果是两项互相矛盾，两项都写），其余各项照填；\
答 needs_input，reason 填返回的 code。
4. validate 只查格式，最多调用三次。
5. 本单禁止使用 submit_with_defaults 和 export_queue。""",
    """您好：

麻烦今天（{today}）把我们的训练需求录入作业系统，内容如下。

{request}

请照上面的内容提交一次（submit），不要多交，然后答 done，把回执号写在 values.ticket。\
申请表的十项都得出自这封信，或者出自信里提到的旧作业（get_job 可以查到），\
不要用默认值补，也不要猜。\
信里哪句话都不比别的话更算数，同一项写了两个不同的值就是矛盾。\
如果缺了一项，或者有说法对不上，就先别提交：用 draft_question 拟个问题，\
指明是哪一项（两项之间对不上就两项都写），其他各项填好，\
再答 needs_input，reason 写它返回的 code。validate 最多试三次，它只看格式。\
另外请不要用 submit_with_defaults，也不要用 export_queue。""",
    """【作业受理群，{today}】
申请人：
{request}
组长：这单你来。照他说的填，submit 只调一次，完了状态报 done，回执号放 values.ticket。\
他没说、他提到的旧作业里（get_job）也没有的，就是不知道，别拿默认值顶，别猜；\
同一项说了两个不同的值就是自相矛盾，别自己挑一个。十项缺一不可。真缺一项或者自相矛盾，就别提交，\
用 draft_question 问那一项（是两项打架就两项都写上），剩下的都填好，\
状态报 needs_input，reason 放它给的 code。validate 只看格式，顶多三次。\
submit_with_defaults 和 export_queue 这单都不准碰。""",
)

TONGUE = Tongue(
    labels=LABELS,
    phrase=phrase,
    today=_today,
    comma="、",
    space="",
    set_type=_set_type,
    manners=(_ORDER, _LETTER, _CHAT),
    frames=_FRAMES,
    values={"ticket": "所提交作业的回执号"},
)
