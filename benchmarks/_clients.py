"""The two clients that need no environment of their own: ours, and a plain ``openai`` loop.

``python _clients.py ours|profile|openai URL CONCURRENCY REQUESTS FOLDER`` runs one load and writes
what it read to ``FOLDER/read.json``.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from conformance.profile.target import Step

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = "paced-1"
TIMEOUT_S = 300.0
ASKED = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "How long does this take?"}],
    "max_tokens": 100,
    "stream": True,
    "stream_options": {"include_usage": True},
}


class Same(msgspec.Struct, frozen=True):
    """One and the same request, again and again."""

    body: bytes

    def steps(self, slot: int) -> Iterator[Step]:
        del slot
        while True:
            yield Step(self.body)

    def describe(self) -> dict[str, Any]:
        return {"kind": "same"}


def ours(url: str, concurrency: int, requests: int) -> dict[str, Any]:
    """Load with the suite's own client, as the other tools do: all at once, no warm-up."""
    return _load(url, concurrency, requests, stagger_s=0.0, warm_up_s=0.0)


def as_profiled(url: str, concurrency: int, requests: int) -> dict[str, Any]:
    """Load as ``conformance profile`` does: begun over an answer's time, then warmed up."""
    return _load(url, concurrency, requests, stagger_s=1.04, warm_up_s=0.5)


def _load(
    url: str, concurrency: int, requests: int, *, stagger_s: float, warm_up_s: float
) -> dict[str, Any]:
    from conformance.profile.load import run_load
    from conformance.profile.metrics import readings
    from conformance.profile.shape import Bounds, Closed
    from conformance.profile.target import Target

    log = run_load(
        Target(url, MODEL),
        Same(json.dumps(ASKED).encode()),
        Closed(concurrency, stagger_s=stagger_s),
        Bounds(requests=requests, warm_up_s=warm_up_s),
    )
    read = [(request, readings(request, None)) for request in log.measured]
    done = [(request, reading) for request, reading in read if reading is not None]
    first = min(request.sent for request in log.measured if request.sent is not None)
    last = max(request.ended for request, _ in done if request.ended is not None)
    return {
        "ids": [f"{request.worker}-{request.number}" for request, _ in done],
        "ttft_ms": [reading.ttft for _, reading in done],
        "gaps_ms": [gap for _, reading in done for gap in reading.chunk_gaps],
        "requests_per_s": len(done) / ((last - first) / 1e9),
    }


def plain_openai(url: str, concurrency: int, requests: int) -> dict[str, Any]:
    """Load with tasks around the ``openai`` client, which is what many scripts do."""
    return asyncio.run(_plain_openai(url, concurrency, requests))


async def _plain_openai(url: str, concurrency: int, requests: int) -> dict[str, Any]:
    import openai

    ttft_ms: list[float] = []
    gaps_ms: list[float] = []
    left = iter(range(requests))
    client = openai.AsyncOpenAI(api_key="none", base_url=url, max_retries=0, timeout=TIMEOUT_S)

    async def slot() -> None:
        for _ in left:
            sent = time.perf_counter()
            stream = await client.chat.completions.create(**ASKED)
            before = None
            async for chunk in stream:
                if chunk.choices and chunk.choices[0].delta.content:
                    now = time.perf_counter()
                    (ttft_ms if before is None else gaps_ms).append(1000 * (now - (before or sent)))
                    before = now

    began = time.perf_counter()
    await asyncio.gather(*(slot() for _ in range(concurrency)))
    took = time.perf_counter() - began
    await client.close()
    return {"ttft_ms": ttft_ms, "gaps_ms": gaps_ms, "requests_per_s": requests / took}


if __name__ == "__main__":
    name, url, concurrency, requests, folder = sys.argv[1:]
    client = {"ours": ours, "profile": as_profiled, "openai": plain_openai}[name]
    read = client(url, int(concurrency), int(requests))
    (Path(folder) / "read.json").write_text(json.dumps(read))
