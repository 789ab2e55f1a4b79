"""Other tools' own figures, computed from our log by their own definitions, names and units.

Read in their sources: vLLM ``serve.py``@009e6d4a, ``endpoint_request_func.py``@02cfb534; AIPerf
0.13.0; GuideLLM 0.8.1; mlcommons/endpoints ea332753.

| | start | first token | "ITL" | "TPOT" | rates over | percentile | failed requests |
|---|---|---|---|---|---|---|---|
| vllm | before the POST | first event with choices, role-only too | gap of such events, pooled | (last such event - TTFT) / (out - 1) | whole run | linear | left out |
| aiperf | before the POST | first token event | (last token event - TTFT) / (out - 1), a request one value; ICL is the gap | - | first start to last token of done ones | linear | left out |
| guidellm | before the POST | first token event | (last - first) / (out - 1), weighted by out - 1 | (last - start) / out: with TTFT; weighted by out | whole run | weighted, of values seen | left out |
| endpoints | intended send | first token event, tool calls too | - | (end - first) / tokens after the first chunk | whole run | lower of two values | in ``qps`` and ``latency`` |

The log holds no text, so what a tool counts with its own tokenizer is taken from the server's usage
here; where an answer tells none it is null. ``NOTES`` says so, and more, for each tool.
"""  # noqa: E501 - a table

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from conformance.profile.log import CONTENT, EMPTY, ROLE, TOKENS, TOOL
from conformance.profile.percentiles import early_stopping_bound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from conformance.profile.log import LoadLog, RequestLog

Tool = Literal["vllm", "aiperf", "guidellm", "endpoints"]
Figures = dict[str, float | None]

NOTES: dict[Tool, tuple[str, ...]] = {
    "vllm": (
        "times in ms, rates by the second, over the whole measured part with its drain",
        "zeros stand where there is nothing to measure, as in the tool's own result",
        "an answer without usage would be counted by a local tokenizer: tokens and TPOT are null",
        "the warm-up is not in it, as with --num-warmups",
    ),
    "aiperf": (
        "times in ms, rates by the second",
        "as with --use-server-token-count: by default its own tokenizer counts the tokens",
        "without --per-chunk-usage: one token is taken to be in the first chunk",
    ),
    "guidellm": (
        "times in ms, request_latency in s, rates by the second as means over the measured part",
        "inter_token_latency_ms is a mean by request: no stall inside an answer is seen in it",
        "an answer without a first token counts as a TTFT of 0, as in the tool's own result",
    ),
    "endpoints": (
        "times in ns, as in result_summary.json; rates by the second",
        "its reference tokenizer counts tokens; here usage does, spread evenly over the chunks",
        "where a chat template drops reasoning text, the tool itself counts fewer tokens",
        "qps counts failed requests as completed; a dropped one was never issued",
    ),
}
"""What must be known to read a tool's figures."""

_CHOICES = TOKENS | {ROLE, EMPTY}
"""Events whose ``choices`` are not empty: all but usage and the end mark."""


def as_peer(log: LoadLog, tool: Tool) -> Figures:
    """Return what a tool would have reported of the measured part of a log.

    Returns:
        Its own names and units; None for what it would count with a tokenizer that is not here,
        and for what no request gave.
    """
    sent = [request for request in log.measured if request.sent is not None]
    return _TOOLS[tool](sent)


def _vllm(sent: Sequence[RequestLog]) -> Figures:
    done = [(request, request.times(_CHOICES)) for request in sent if request.is_done]
    done = [(request, times) for request, times in done if times]
    tokens = [request.output_tokens for request, _ in done]
    known = None not in tokens
    out = [count or 0 for count in tokens]
    tpots = [
        (times[-1] - times[0]) / 1e6 / (count - 1)
        for (_, times), count in zip(done, out, strict=True)
        if count > 1
    ]
    seconds = _seconds(map(_start, sent), (request.ended for request in sent))
    inputs = _total(request.input_tokens for request, _ in done)
    total = sum(out) if known else None
    return {
        "completed": float(len(done)),
        "failed": float(len(sent) - len(done)),
        "total_output_tokens": total,
        "duration": seconds,
        "request_throughput": _over(len(done), seconds),
        "output_throughput": _over(total, seconds),
        "total_token_throughput": _over(_plus(inputs, total), seconds),
        **_vllm_part("ttft", [(times[0] - _start(one)) / 1e6 for one, times in done]),
        **_vllm_part("tpot", tpots if known else None),
        **_vllm_part("itl", [gap / 1e6 for _, times in done for gap in _gaps(times)]),
        **_vllm_part("e2el", [(times[-1] - _start(one)) / 1e6 for one, times in done]),
    }


def _vllm_part(name: str, values: list[float] | None) -> Figures:
    if values is None:
        return dict.fromkeys((f"mean_{name}_ms", f"median_{name}_ms", f"p99_{name}_ms"))
    values = values or [0.0]
    return {
        f"mean_{name}_ms": sum(values) / len(values),
        f"median_{name}_ms": _linear(values, 50),
        f"p99_{name}_ms": _linear(values, 99),
    }


def _aiperf(sent: Sequence[RequestLog]) -> Figures:
    done = [(request, request.times()) for request in sent if request.is_done]
    streamed = [(request, times) for request, times in done if times]
    ends = [times[-1] if times else request.ended for request, times in done]
    outs = [request.output_tokens for request, _ in done]
    known = None not in outs
    itl = [
        (times[-1] - times[0]) / 1e6 / (request.output_tokens - 1)
        for request, times in streamed
        if request.output_tokens is not None and request.output_tokens > 1
    ]
    seconds = _seconds((_start(request) for request, _ in done), ends)
    first_output = [
        (at - _start(request)) / 1e6
        for request, _ in streamed
        if (at := request.first(frozenset((CONTENT, TOOL)))) is not None
    ]
    return {
        **_aiperf_part("time_to_first_token", [(t[0] - _start(r)) / 1e6 for r, t in streamed]),
        **_aiperf_part("time_to_second_token", [(t[1] - t[0]) / 1e6 for _, t in streamed if t[1:]]),
        **_aiperf_part("time_to_first_output_token", first_output),
        **_aiperf_part(
            "request_latency",
            [
                ((end or 0) - _start(request)) / 1e6
                for (request, _), end in zip(done, ends, strict=True)
            ],
        ),
        **_aiperf_part("inter_token_latency", itl if known else []),
        **_aiperf_part("inter_chunk_latency", [g / 1e6 for _, t in streamed for g in _gaps(t)]),
        "output_token_throughput": _over(_total(outs), seconds),
        "request_throughput": _over(len(done), seconds),
        "request_count": float(len(done)),
        "error_request_count": float(len(sent) - len(done)),
    }


def _aiperf_part(name: str, values: list[float]) -> Figures:
    return {
        f"{name}.avg": sum(values) / len(values) if values else None,
        **{f"{name}.p{share}": _linear(values, share) for share in (50, 90, 99)},
    }


def _guidellm(sent: Sequence[RequestLog]) -> Figures:
    done = [(request, request.times()) for request in sent if request.is_done]
    ttft, first_output, itl, tpot, latency = [], [], [], [], []
    tokens = 0
    for request, times in done:
        start = _start(request)
        out = len(times) if request.output_tokens is None else request.output_tokens
        tokens += out
        last = times[-1] if times else request.ended or 0
        content = request.first(CONTENT)
        ttft.append(((times[0] - start) / 1e6 if times else 0.0, 1))
        first_output.append(((content - start) / 1e6 if content is not None else 0.0, 1))
        tpot.append(((last - start) / 1e6 / out if out else 0.0, out))
        itl.append(((last - times[0]) / 1e6 / (out - 1) if times and out > 1 else 0.0, out - 1))
        latency.append((((request.ended or 0) - start) / 1e9, 1))
    seconds = _seconds(map(_start, sent), (request.ended for request in sent))
    return {
        **_guidellm_part("time_to_first_token_ms", ttft),
        **_guidellm_part("time_to_first_output_token_ms", first_output),
        **_guidellm_part("inter_token_latency_ms", itl),
        **_guidellm_part("time_per_output_token_ms", tpot),
        **_guidellm_part("request_latency", latency),
        "requests_per_second.mean": _over(len(done), seconds),
        "output_tokens_per_second.mean": _over(tokens, seconds),
    }


def _guidellm_part(name: str, weighted: list[tuple[float, int]]) -> Figures:
    ordered = sorted((value, weight) for value, weight in weighted if weight > 0)
    total = sum(weight for _, weight in ordered)

    def at(share: float) -> float | None:
        below = 0
        for value, weight in ordered:
            below += weight
            if below >= share * total:
                return value
        return None

    return {
        f"{name}.mean": sum(v * w for v, w in ordered) / total if total else None,
        f"{name}.median": at(0.5),
        f"{name}.p99": at(0.99),
    }


def _endpoints(sent: Sequence[RequestLog]) -> Figures:
    ended = [request for request in sent if request.ended is not None]
    done = [(request, request.times()) for request in ended if request.is_done]
    outs = [request.output_tokens for request, _ in done]
    known = None not in outs
    tpot = []
    for request, times in done:
        # Tokens of the first chunk are not in the divisor.
        after = (request.output_tokens or 0) * (len(times) - 1) / len(times) if times else 0
        if after > 0:
            tpot.append(((request.ended or 0) - times[0]) / after)
    seconds = _seconds((request.intended for request in sent), (request.ended for request in ended))
    ttft = [float(at - one.intended) for one in ended if (at := one.first(TOKENS)) is not None]
    latency = [float((request.ended or 0) - request.intended) for request in ended]
    return {
        **_endpoints_part("ttft", ttft),
        **_endpoints_part("tpot", tpot if known else []),
        **_endpoints_part("latency", latency),
        "qps": _over(len(ended), seconds),
        "tps": _over(_total(outs), seconds),
    }


def _endpoints_part(name: str, values: list[float]) -> Figures:
    import numpy as np

    ordered = sorted(values)
    if not ordered:
        names = ("avg", "median", "percentiles.99", "early_stopping.99")
        return dict.fromkeys(f"{name}.{part}" for part in names)
    return {
        f"{name}.avg": sum(ordered) / len(ordered),
        f"{name}.median": float(np.percentile(ordered, 50, method="lower")),
        f"{name}.percentiles.99": float(np.percentile(ordered, 99, method="lower")),
        f"{name}.early_stopping.99": early_stopping_bound(ordered, 0.99),
    }


_TOOLS: dict[Tool, Callable[[Sequence[RequestLog]], Figures]] = {
    "vllm": _vllm,
    "aiperf": _aiperf,
    "guidellm": _guidellm,
    "endpoints": _endpoints,
}


def _start(request: RequestLog) -> int:
    """Return when a tool that stamps before its POST would have begun: a connect is after that."""
    if request.is_new_connection or request.sent is None:
        return request.intended
    return request.sent


def _gaps(times: Sequence[int]) -> list[int]:
    return [after - before for before, after in pairwise(times)]


def _linear(values: Sequence[float], percent: float) -> float | None:
    """Return numpy's default percentile, which lies between two values seen."""
    import numpy as np

    return float(np.percentile(values, percent)) if len(values) else None


def _seconds(starts: Iterable[int], ends: Iterable[int | None]) -> float | None:
    """Return from the first start to the last end."""
    first = min(starts, default=None)
    last = max((end for end in ends if end is not None), default=None)
    return None if first is None or last is None or last <= first else (last - first) / 1e9


def _total(values: Iterable[int | None]) -> int | None:
    told = list(values)
    return None if None in told else sum(value or 0 for value in told)


def _plus(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _over(count: int | None, seconds: float | None) -> float | None:
    return None if count is None or not seconds else count / seconds
