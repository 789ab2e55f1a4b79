"""The gates as data: code, limit, unit, what a broken one means, and how to mend it (zh and en)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from conformance.profile.document import Reason
from conformance.profile.power import energy as power
from conformance.profile.power.energy import Rules

if TYPE_CHECKING:
    from collections.abc import Iterator

Matter = Literal["client", "server", "tokens", "load", "energy", "calibration"]
"""Whose matter a broken gate is: the measuring client's, the endpoint's, the counting of tokens',
the choice of the load's, the reading of power's, or the calibration's."""


class Gate(NamedTuple):
    """One of them. Broken where what was measured is above the limit, or below it."""

    matter: Matter
    limit: float | None
    """None: there is nothing to measure, it is so or not."""
    unit: str
    """``ms``, ``s``, ``Hz``, ``share`` (of 1), ``count``; empty without a limit."""
    meaning: dict[str, str]
    """zh and en, a sentence without its full stop."""
    mend: dict[str, str]
    is_least: bool = False
    """The limit is the least that is allowed, not the most."""

    def broken(self, code: str, measured: float | None, detail: str = "") -> Iterator[Reason]:
        """Yield the reason, if what was measured breaks it; what is not known breaks nothing."""
        if measured is None or self.limit is None:
            return
        if measured < self.limit if self.is_least else measured > self.limit:
            yield Reason(code, measured, self.limit, detail)


LATE_NS = 50_000_000
"""A request sent this long after its intended send counts for ``late-sends``."""

_RULES = Rules()  # those of a short window; a long one's reasons carry the limits they were held to

GATES: dict[str, Gate] = {
    # --- the client
    "loop-lag": Gate(
        "client", 5.0, "ms",
        {
            "zh": "压测客户端的事件循环来不及处理：1% 以上的定时器晚了这么久，读到的时间不可信",
            "en": "the client's event loop was late: more than 1 % of its timers fired this late, "
            "so the times it read cannot be trusted",
        },
        {
            "zh": "把客户端移到空闲的机器上，或增加客户端进程",
            "en": "move the client to a quiet machine, or use more client processes",
        },
    ),
    "send-lag": Gate(
        "client", 5.0, "ms",
        {
            "zh": "请求发出得太晚：1% 以上的请求比计划晚了这么久（不含建立连接的时间）",
            "en": "requests were sent late: more than 1 % of them this long after their intended "
            "send, connects not counted",
        },
        {
            "zh": "把客户端移到空闲的机器上，或增加客户端进程",
            "en": "move the client to a quiet machine, or use more client processes",
        },
    ),
    "late-sends": Gate(
        "client", 0.001, "share",
        {
            "zh": "有请求比计划晚发出 50 ms 以上（不含建立连接的时间），实际负载与声明的不同",
            "en": "some requests were sent more than 50 ms after their intended send, connects not "
            "counted: the load was another one than stated",
        },
        {
            "zh": "找出客户端停顿的原因（其他程序、交换内存、虚拟机被暂停），然后重测",
            "en": "find what stopped the client (other programs, swapping, a paused virtual "
            "machine) and measure again",
        },
    ),
    "client-cpu": Gate(
        "client", 0.80, "share",
        {
            "zh": "最忙的客户端进程几乎占满一个核心，测到的可能是客户端的上限",
            "en": "the busiest client process nearly filled its core: what was measured may be the "
            "client's limit",
        },
        {
            "zh": "增加客户端进程，使每个进程低于一个核心的 60%",
            "en": "use more client processes, so that each stays below 60 % of a core",
        },
    ),
    "connection-churn": Gate(
        "client", 0.05, "share",
        {
            "zh": "测量期间太多请求新建了连接，而断开并非端点所为，时延里混入了建立连接的时间",
            "en": "too many requests of the measured part opened a connection that no server "
            "had ended: connects are mixed into their latency",
        },
        {
            "zh": "开环负载请加长预热",
            "en": "give an open loop a longer warm-up",
        },
    ),
    "dropped": Gate(
        "client", 0.0, "count",
        {
            "zh": "有请求因为同时进行的请求太多而没有发出，负载低于声明",
            "en": "requests were not sent because too many were in flight: the load was lower than "
            "stated",
        },
        {
            "zh": "降低请求速率，或提高同时进行的请求上限",
            "en": "lower the rate, or raise the limit of requests in flight",
        },
    ),
    # --- the load
    "too-few": Gate(
        "load", 30.0, "count",
        {
            "zh": "完成的请求太少：从 29 个起，最大值才以 95% 的把握不低于真实的 p90",
            "en": "too few requests were done: only from 29 on is the greatest value above the "
            "true p90 with 95 % confidence",
        },
        {
            "zh": "测量更多请求，或测得更久",
            "en": "measure more requests, or for longer",
        },
        is_least=True,
    ),
    "no-steady-window": Gate(
        "load", None, "",
        {
            "zh": "并发数从未达到声明的水平，没有稳定区间可供计算吞吐",
            "en": "the stated concurrency was never reached, so there is no steady window to take "
            "rates from",
        },
        {
            "zh": "延长预热和测量时间，并检查失败的请求",
            "en": "warm up and measure for longer, and look at the requests that failed",
        },
    ),
    "window-short": Gate(
        "load", 1.0, "count",
        {
            "zh": "稳定区间短于一个典型回答，吞吐不具代表性"
            "（数值为区间长度与端到端时延中位数之比）",
            "en": "the steady window is shorter than a typical answer, so its rates are not "
            "typical (measured: its length over the median end-to-end latency)",
        },
        {
            "zh": "每个并发测量至少两轮请求，或测得更久",
            "en": "measure two rounds of requests a slot at least, or for longer",
        },
        is_least=True,
    ),
    "concurrency-not-held": Gate(
        "load", 0.90, "share",
        {
            "zh": "稳定区间内平均并发数明显低于声明",
            "en": "inside the steady window the mean number in flight was well below the stated "
            "concurrency",
        },
        {
            "zh": "检查失败的请求；回答很短时增加客户端进程",
            "en": "look at the requests that failed; with very short answers use more client "
            "processes",
        },
        is_least=True,
    ),
    # --- the endpoint
    "failures": Gate(
        "server", 0.01, "share",
        {
            "zh": "失败的请求太多",
            "en": "too many requests failed",
        },
        {
            "zh": "按日志中的错误种类查找端点的原因，或降低负载",
            "en": "find the endpoint's cause by the kinds of error in the log, or lower the load",
        },
    ),
    "drained": Gate(
        "server", 0.0, "count",
        {
            "zh": "有请求到最长等待时间仍未完成而被中断，最慢的回答不在统计中",
            "en": "requests were cut because they were not over after the longest wait: the "
            "slowest answers are missing from the figures",
        },
        {
            "zh": "降低负载，或延长最后的等待时间",
            "en": "lower the load, or wait longer at the end",
        },
    ),
    # --- tokens
    "token-mismatch": Gate(
        "tokens", 0.01, "share",
        {
            "zh": "端点报告的 token 数不可能属实，或只有部分回答报告",
            "en": "the endpoint's own token counts cannot be true, or only some answers tell "
            "theirs",
        },
        {
            "zh": "检查端点的 usage 字段：文本事件不会多于 token，token 不会多于请求的上限",
            "en": "look at the endpoint's usage: there are no more events of text than tokens, and "
            "no more tokens than were asked for",
        },
    ),
    "short-answers": Gate(
        "tokens", 0.01, "share",
        {
            "zh": "太多回答为空，或比 --ignore-eos 要求的短",
            "en": "too many answers are empty, or shorter than --ignore-eos asked",
        }, {
            "zh": "查看日志中的结束原因；端点不支持时不要用 --ignore-eos",
            "en": "see why they ended; leave --ignore-eos out where the endpoint does not take it",
        },
    ),
    "no-usage": Gate(
        "tokens", None, "",
        {
            "zh": "端点不报告 token 数；一个事件可能含多个 token，所以按事件计数不能作为结论",
            "en": "the endpoint tells no token counts; an event may bring several tokens, so "
            "counts by events are no result",
        },
        {
            "zh": "让端点在流式回答中返回 usage（stream_options.include_usage）",
            "en": "let the endpoint return usage in its streams (stream_options.include_usage)",
        },
    ),
    # --- the calibration
    "calibration-off": Gate(
        "calibration", 2.0, "ms",
        {
            "zh": "客户端对已知真值的端点读数有误：首 token 时延或事件间隔的中位数偏差过大",
            "en": "against the endpoint with known truth this client read wrong: the median TTFT "
            "or chunk gap was off by too much",
        },
        {
            "zh": "在空闲的机器上重测，或增加客户端进程",
            "en": "measure again on a quiet machine, or use more client processes",
        },
    ),
    "calibration-tail-off": Gate(
        "calibration", 5.0, "ms",
        {
            "zh": "客户端对已知真值的端点读数有误：首 token 时延的 p99 偏差过大",
            "en": "against the endpoint with known truth this client read wrong: the p99 of TTFT "
            "was off by too much",
        },
        {
            "zh": "在空闲的机器上重测，或增加客户端进程",
            "en": "measure again on a quiet machine, or use more client processes",
        },
    ),
    "not-calibrated": Gate(
        "calibration", None, "",
        {
            "zh": "没有做校准，客户端自身的误差未知",
            "en": "there was no calibration, so the client's own error is not known",
        },
        {
            "zh": "不加 --no-calibrate 重测",
            "en": "measure again without --no-calibrate",
        },
    ),
    "link-late": Gate(
        "calibration", 5.0, "ms",
        {
            "zh": "受损链路的代理晚了：1% 以上的分段比应到时刻晚了这么久，测到的不是链路",
            "en": "the impaired link's proxy was late: more than 1 % of the segments were handed "
            "on this long after they were due, so the proxy was measured, not the link",
        },
        {
            "zh": "降低负载，或在空闲的机器上重测",
            "en": "lower the load, or measure again on a quiet machine",
        },
    ),
    "mock-late": Gate(
        "calibration", 2.0, "ms",
        {
            "zh": "自带的校准端点自己就晚了，这次校准作废，客户端的误差未知",
            "en": "the bundled endpoint itself was late, so the calibration is void and the "
            "client's error is not known",
        },
        {
            "zh": "停止机器上的其他程序后重测",
            "en": "stop other programs on this machine and measure again",
        },
    ),
    # --- power
    power.MISSING: Gate(
        "energy", None, "",
        {
            "zh": "某个设备没有足够的功耗读数",
            "en": "a device has not enough readings of power",
        },
        {
            "zh": "检查该设备的驱动和权限",
            "en": "check the device's driver and the permission to read it",
        },
    ),
    power.COVERAGE: Gate(
        "energy", 1.0, "share",
        {
            "zh": "功耗读数没有覆盖整个测量区间",
            "en": "the readings of power do not cover the whole window",
        },
        {
            "zh": "在测量前开始、测量后结束读取功耗，并检查采样程序是否中断",
            "en": "read power from before the window to after it, and see that the sampler was not "
            "cut off",
        },
        is_least=True,
    ),
    power.GAP: Gate(
        "energy", _RULES.gap_s, "s",
        {
            "zh": "两次功耗读数之间隔得太久",
            "en": "two readings of power are too far apart",
        },
        {
            "zh": "检查读取工具的耗时和机器的负载",
            "en": "see how long the tool takes and how busy the machine is",
        },
    ),
    power.RATE: Gate(
        "energy", _RULES.least_rate_hz, "Hz",
        {
            "zh": "对这么短的区间，功耗采样太慢",
            "en": "power was sampled too seldom for a window of this length",
        },
        {
            "zh": "测得更久，或换用更快的读取方式",
            "en": "measure for longer, or read power by a faster way",
        },
        is_least=True,
    ),
    power.RESET: Gate(
        "energy", None, "",
        {
            "zh": "能量计数器变小：被重置或溢出",
            "en": "an energy counter fell: it was reset, or it overflowed",
        },
        {
            "zh": "测量期间不要重载驱动，然后重测",
            "en": "do not reload drivers while measuring, and measure again",
        },
    ),
    power.STUCK: Gate(
        "energy", None, "",
        {
            "zh": "能量计数器在整个区间内没有变化",
            "en": "an energy counter did not move in the whole window",
        },
        {
            "zh": "测得更久；仍不变化时改用功耗采样",
            "en": "measure for longer; where it still does not move, sample power instead",
        },
    ),
    power.DIFFERS: Gate(
        "energy", _RULES.counter_differs, "share",
        {
            "zh": "能量计数器与功耗采样的结果不一致",
            "en": "the energy counter and the sampled power disagree",
        },
        {
            "zh": "把原始读数交给厂商核对，在此之前不要使用能耗数值",
            "en": "show the raw readings to the vendor, and use no energy figure until then",
        },
    ),
    power.CHANGED: Gate(
        "energy", None, "",
        {
            "zh": "测量期间设备增加或减少了",
            "en": "the set of devices changed while it was measured",
        },
        {
            "zh": "固定端点所用的设备，然后重测",
            "en": "keep the endpoint's devices as they are, and measure again",
        },
    ),
    "power-window": Gate(
        "energy", 0.01, "share",
        {
            "zh": "能耗与吞吐不是在同一区间测得的",
            "en": "energy and throughput were not taken over the same window",
        },
        {
            "zh": "在该负载的稳定区间内计算能耗",
            "en": "take the energy of the load's steady window",
        },
    ),
}  # fmt: skip
