"""The gates of a window of graded trials, as ``gate_table`` has those of a load."""

from __future__ import annotations

from conformance.profile.gate_table import GATES, Gate

SOLVED_GATES: dict[str, Gate] = {
    "too-few-trials": Gate(
        "load", None, "count",
        {
            "zh": "区间内结束的试验太少（至少 10 次，且至少为并发数的 5 倍），区间两端的影响过大",
            "en": "too few trials ended inside the window (10 at least, and 5 times the "
            "concurrency): its ends weigh too much",
        },
        {
            "zh": "运行更久，或降低并发数",
            "en": "run for longer, or with fewer trials at once",
        },
        is_least=True,
    ),
    "trials-uncounted": Gate(
        "server", 0.05, "share",
        {
            "zh": "太多试验因端点或套件自身的故障而不计入，它们却占用了时间和能耗",
            "en": "too many trials did not count, for faults of the endpoint or of the suite, "
            "though they took their time and energy",
        },
        {
            "zh": "在日志（run/journal.jsonl）中查看原因，然后重测",
            "en": "look for the cause in run/journal.jsonl, and measure again",
        },
    ),
    "clock-stepped": Gate(
        "client", 0.05, "s",
        {
            "zh": "测量期间系统时钟被调整，试验时间与功耗读数对不上",
            "en": "the wall clock was set meanwhile, so the times of trials and of power readings "
            "do not fit together",
        },
        {
            "zh": "先让时钟同步稳定，然后重测",
            "en": "let the clock's synchronisation settle, and measure again",
        },
    ),
}  # fmt: skip


def gate_of(code: str) -> Gate | None:
    """Return a gate, of a load or of graded trials; None: no such code is known."""
    return GATES.get(code) or SOLVED_GATES.get(code)
