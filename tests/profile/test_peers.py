"""Each tool's figure of a probe is the one it was measured to give (throughput.md, table 4c)."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.profile.document import Slo
from conformance.profile.metrics import measure
from conformance.profile.peers import NOTES, Tool, as_peer
from conformance.profile.shape import Open
from tests.profile.logs import MS, Stream, failed, log_of, request

TOOLS = get_args(Tool)
TTFT = {
    "vllm": "median_ttft_ms",
    "aiperf": "time_to_first_token.p50",
    "guidellm": "time_to_first_token_ms.median",
    "endpoints": "ttft.median",
}
ITL = {
    "vllm": "median_itl_ms",
    "aiperf": "inter_token_latency.p50",
    "guidellm": "inter_token_latency_ms.median",
    "endpoints": "tpot.median",
}


def _probe(stream, n=16):
    return log_of(
        [request(at * 300.0, stream) for at in range(n)], shape=Open(rate=10.0), measured=(0, 9000)
    )


def _read(log, name):
    """Return a figure of each tool in milliseconds."""
    return {
        tool: as_peer(log, tool)[name[tool]] / (MS if tool == "endpoints" else 1) for tool in TOOLS
    }


def _ours(log):
    return measure(log, Slo(), log_path="load.jsonl", log_sha256="0" * 64)


def test_a_plain_stream_reads_alike_everywhere():
    log = _probe(Stream(ttft=50, gap=10, events=100))

    assert _read(log, TTFT) == dict.fromkeys(TOOLS, 50.0)
    assert _read(log, ITL) == pytest.approx(dict.fromkeys(TOOLS, 10.0))
    assert (_ours(log).ttft_ms.p50, _ours(log).tpot_ms.p50) == (50.0, 10.0)


def test_a_role_only_chunk_is_a_first_token_to_vllm_alone():
    log = _probe(Stream(ttft=50, gap=10, events=100, role_at=5.0))

    assert _read(log, TTFT) == {"vllm": 5.0, "aiperf": 50.0, "guidellm": 50.0, "endpoints": 50.0}
    # The reference saw 7.6 and 10.46 from a role chunk at 5 ms, client error included.
    assert as_peer(log, "vllm")["median_tpot_ms"] == pytest.approx((1040 - 5) / 99)  # 10.45
    assert (_ours(log).ttft_ms.p50, _ours(log).tpot_ms.p50) == (50.0, 10.0)


def test_five_tokens_a_chunk_are_five_times_vllms_gap():
    log = _probe(Stream(ttft=50, gap=50, events=20, tokens_per_event=5))

    assert _read(log, ITL) == pytest.approx(
        {"vllm": 50.0, "aiperf": 9.596, "guidellm": 9.596, "endpoints": 10.0}, abs=1e-3
    )
    assert as_peer(log, "vllm")["median_tpot_ms"] == pytest.approx(9.596, abs=1e-3)
    assert _ours(log).chunk_gap_ms.p50 == 50.0
    assert _ours(log).tpot_ms.p50 == pytest.approx(9.596, abs=1e-3)


def test_a_stall_is_hidden_by_means_and_seen_in_gaps():
    log = _probe(Stream(ttft=50, gap=10, events=21, stall_before=10, stall=300.0))
    mean = (19 * 10 + 300) / 20

    assert _read(log, ITL) == pytest.approx(
        {"vllm": 10.0, "aiperf": mean, "guidellm": mean, "endpoints": mean}
    )
    assert as_peer(log, "vllm")["p99_itl_ms"] == 300.0
    assert as_peer(log, "aiperf")["inter_chunk_latency.p99"] == 300.0
    assert as_peer(log, "guidellm")["inter_token_latency_ms.p99"] == pytest.approx(mean)
    assert _ours(log).max_stall_ms.p50 == 300.0


def test_reasoning_is_a_first_token_and_has_a_first_output_of_its_own():
    log = _probe(Stream(ttft=50, gap=10, events=100, reasoning=50))

    assert _read(log, TTFT) == dict.fromkeys(TOOLS, 50.0)
    assert as_peer(log, "aiperf")["time_to_first_output_token.p50"] == 550.0
    assert as_peer(log, "guidellm")["time_to_first_output_token_ms.median"] == 550.0
    assert as_peer(log, "vllm")["median_tpot_ms"] == pytest.approx(10.0)
    assert (_ours(log).ttft_any_ms.p50, _ours(log).ttft_ms.p50) == (50.0, 550.0)


def test_a_tool_call_is_a_first_token_to_all():
    log = _probe(Stream(ttft=50, gap=10, events=20, tools=20))

    assert _read(log, TTFT) == dict.fromkeys(TOOLS, 50.0)
    assert as_peer(log, "aiperf")["time_to_first_output_token.p50"] == 50.0
    assert (_ours(log).ttft_any_ms.p50, _ours(log).ttft_ms.p50) == (50.0, None)


def test_failures_count_in_the_rate_of_endpoints_alone():
    # 13 done and 3 failed in 4 seconds.
    stream = Stream(ttft=50, gap=10, events=100)
    log = log_of(
        [request(at * 200.0, stream) for at in range(12)]
        + [request(2960.0, stream)]
        + [failed(at * 200.0) for at in range(3)],
        shape=Open(rate=10.0),
        measured=(0, 9000),
    )

    assert as_peer(log, "vllm")["request_throughput"] == pytest.approx(13 / 4)
    assert as_peer(log, "aiperf")["request_throughput"] == pytest.approx(13 / 4)
    assert as_peer(log, "guidellm")["requests_per_second.mean"] == pytest.approx(13 / 4)
    assert as_peer(log, "endpoints")["qps"] == pytest.approx(16 / 4)
    assert as_peer(log, "endpoints")["tps"] == pytest.approx(1300 / 4)
    assert as_peer(log, "vllm")["failed"] == 3
    assert as_peer(log, "aiperf")["error_request_count"] == 3


def test_guidellms_tpot_holds_the_ttft():
    log = _probe(Stream(ttft=500, gap=10, events=100))

    assert as_peer(log, "guidellm")["time_per_output_token_ms.median"] == pytest.approx(14.9)
    assert as_peer(log, "vllm")["median_tpot_ms"] == pytest.approx(10.0)


def test_guidellm_weighs_long_answers_more():
    log = log_of(
        [
            request(0, Stream(gap=10, events=2)),
            request(1, Stream(gap=10, events=2)),
            request(2, Stream(gap=30, events=101)),
        ],
        shape=Open(rate=1.0),
    )

    assert as_peer(log, "guidellm")["inter_token_latency_ms.median"] == 30.0
    assert as_peer(log, "aiperf")["inter_token_latency.p50"] == 10.0


def test_endpoints_alone_begins_with_the_intended_send():
    log = log_of([request(400.0, Stream(ttft=50), late=400.0)], shape=Open(rate=1.0))

    assert _read(log, TTFT) == {"vllm": 50.0, "aiperf": 50.0, "guidellm": 50.0, "endpoints": 450.0}


def test_a_connect_counts_in_the_ttft_of_those_that_stamp_before_it():
    log = log_of(
        [request(40.0, Stream(ttft=50), late=40.0, is_new_connection=True)], shape=Open(rate=1.0)
    )

    assert _read(log, TTFT) == dict.fromkeys(TOOLS, 90.0)
    assert _ours(log).ttft_ms.p50 == 50.0


def test_what_needs_a_tokenizer_is_null():
    log = _probe(Stream(usage=False))

    assert as_peer(log, "vllm")["output_throughput"] is None
    assert as_peer(log, "vllm")["median_tpot_ms"] is None
    assert as_peer(log, "vllm")["median_itl_ms"] == 10.0
    assert as_peer(log, "aiperf")["inter_token_latency.p50"] is None
    assert as_peer(log, "aiperf")["output_token_throughput"] is None
    assert as_peer(log, "endpoints")["tpot.median"] is None
    assert as_peer(log, "endpoints")["tps"] is None
    # GuideLLM counts its iterations.
    assert as_peer(log, "guidellm")["inter_token_latency_ms.median"] == pytest.approx(10.0)


def test_one_token_answers_have_no_tpot_but_a_zero_where_the_tool_prints_one():
    log = _probe(Stream(events=1))

    assert as_peer(log, "vllm")["median_tpot_ms"] == 0.0
    assert as_peer(log, "aiperf")["inter_token_latency.p50"] is None
    assert as_peer(log, "guidellm")["inter_token_latency_ms.median"] is None
    assert as_peer(log, "endpoints")["tpot.median"] is None


def test_percentiles_are_each_tools_own():
    log = log_of(
        [request(at * 10.0, Stream(ttft=ttft)) for at, ttft in enumerate((10, 20, 30, 40))],
        shape=Open(rate=1.0),
    )

    # Linear, linear, of weighted values seen, and the lower of two.
    assert _read(log, TTFT) == {
        "vllm": 25.0, "aiperf": 25.0, "guidellm": 20.0, "endpoints": 20.0,
    }  # fmt: skip
    p99 = {tool: name.replace("p50", "p99").replace("median", "p99") for tool, name in TTFT.items()}
    p99 |= {"vllm": "p99_ttft_ms", "endpoints": "ttft.percentiles.99"}
    assert _read(log, p99) == pytest.approx(
        {"vllm": 39.7, "aiperf": 39.7, "guidellm": 40.0, "endpoints": 30.0}
    )


def test_mlperfs_bound_stands_beside_its_own_p99():
    few, many = _probe(Stream(events=1), 661), _probe(Stream(events=1), 662)
    many = log_of(many.requests, shape=Open(rate=1.0))
    few = log_of(few.requests, shape=Open(rate=1.0))

    assert as_peer(few, "endpoints")["ttft.early_stopping.99"] is None
    assert as_peer(many, "endpoints")["ttft.early_stopping.99"] == 50.0 * MS


@pytest.mark.parametrize("tool", TOOLS)
def test_an_empty_log_gives_the_same_names_and_no_figures(tool):
    nothing = as_peer(log_of([], measured=(0, 1000)), tool)

    assert set(nothing) == set(as_peer(_probe(Stream()), tool))
    assert not any(nothing.values())
    assert NOTES[tool]


STREAMS = st.builds(
    Stream,
    ttft=st.floats(1, 500),
    gap=st.floats(0, 50),
    events=st.integers(0, 6),
    tokens_per_event=st.integers(1, 3),
    role_at=st.none() | st.floats(0, 1),
    reasoning=st.integers(0, 3),
    tools=st.integers(0, 3),
    stall_before=st.none(),
    stall=st.just(0.0),
    finish_event=st.booleans(),
    usage=st.booleans(),
    input_tokens=st.integers(1, 9),
)


@given(
    st.lists(
        st.builds(request, st.floats(0, 900), STREAMS, late=st.floats(0, 9))
        | st.builds(
            failed, st.floats(0, 900), error=st.sampled_from(["status", "dropped", "timeout"])
        ),
        max_size=8,
    ),
    st.sampled_from(TOOLS),
)
def test_any_log_can_be_read_as_any_tool(requests, tool):
    figures = as_peer(log_of(requests, shape=Open(rate=1.0), measured=(-10, 1000)), tool)

    assert all(value is None or value >= 0 for value in figures.values())
