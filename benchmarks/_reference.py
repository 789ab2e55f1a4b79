"""Figures of tools that are not run here, from one run on another machine on 2026-11-23.

2 shared cores, loopback, Python 3.11 and 3.12, a C endpoint of TTFT 50 ms, gap 10 ms, 100 tokens.
The cells of a tool stand for the loads c = 1, 16, 64, 256 with n = 10, 64, 256, 512.
"""

from __future__ import annotations

from typing import NamedTuple

CONCURRENCIES = (1, 16, 64, 256)
TRUE_TTFT_P50 = 50.1
"""Milliseconds; it was 50.0 to 50.3."""


class Pair(NamedTuple):
    """What a tool read, and what was true, in milliseconds."""

    read: float
    true: float

    @property
    def error(self) -> float:
        return self.read - self.true


class Reference(NamedTuple):
    """One tool."""

    version: str
    ttft_p50: tuple[float | None, ...]
    ttft_p99: tuple[Pair | None, ...]
    gap_p99: tuple[Pair | None, ...]
    requests_per_s: tuple[float | None, ...]
    zero_requests_per_s: float
    """At zero delay, c = 64, 100 tokens."""
    zero_us_per_chunk: float
    paced_us_per_chunk: float | None


def _pairs(*given: str) -> tuple[Pair | None, ...]:
    pairs = (text.partition("/") for text in given)
    return tuple(Pair(float(read), float(true)) if read else None for read, _, true in pairs)


REFERENCES = {
    "aiperf": Reference(
        "0.13.0",
        (51.6, 56.9, 64.6, 92.2),
        _pairs("58.1/50.1", "78.8/51.8", "149.3/53.0", "644.0/59.2"),
        _pairs("", "", "", ""),  # its ICL was not tabulated
        (1.0, 14.7, 53.1, 148.7),
        392,
        57.8,
        15,
    ),
    "guidellm": Reference(
        "0.8.1",
        (51.5, 61.6, 64.7, 163.6),
        _pairs("55.3/50.3", "94.0/74.0", "143.7/119.1", "253.4/166.8"),
        _pairs("", "", "", ""),  # none by its definition
        (1.0, 14.6, 53.9, 158.4),
        240,
        71.0,
        65,
    ),
    "inference-perf": Reference(
        "0.7.0",
        (50.9, 50.7, 51.1, 52.9),
        _pairs("54.1/50.2", "58.3/55.0", "63.5/53.2", "107.2/53.3"),
        _pairs("11.7/11.2", "16.5/14.4", "15.1/11.9", "24.6/13.3"),
        (1.0, 14.3, 55.7, 169.0),
        405,
        54.6,
        86,
    ),
    "evalscope": Reference(
        "1.14.1",
        (52.2, 57.4, 75.0, 142.3),
        _pairs("56.4/50.1", "66.2/50.8", "92.1/52.0", "294.0/54.2"),
        _pairs("12.2/12.0", "13.6/12.8", "24.0/16.5", "202.9/14.0"),
        (None, None, None, None),
        524,
        15.6,
        41,
    ),
    "endpoints": Reference(
        "ea332753",
        (None, None, 51.9, 58.8),
        _pairs("", "", "54.5/51.7", "61.8/51.3"),
        _pairs("", "", "", ""),  # none by its definition
        (None, None, 61.3, 243.5),
        2830,
        11.2,
        29,
    ),
    "openai": Reference(
        "3.54",
        (52.9, 79.8, 217.9, 1569.8),
        _pairs("227.5/50.1", "127.6/51.1", "310.8/53.1", "2271.4/55.4"),
        _pairs("12.7/11.8", "26.0/14.4", "220.8/26.3", "1654.1/17.6"),
        (0.8, 11.9, 35.7, 41.2),
        89,
        119.8,
        131,
    ),
    "vllm": Reference(
        "a copy of benchmark_serving.py in InferenceX 843c6254f",
        (52.0, 57.8, 79.0, 176.3),
        _pairs("60.7/50.2", "72.2/50.5", "84.9/50.4", "194.8/50.1"),
        _pairs("11.5/10.8", "11.0/10.7", "11.6/10.5", "15.0/11.9"),
        (1.0, 15.2, 59.4, 212.5),
        862,
        10.5,
        24,
    ),
}
