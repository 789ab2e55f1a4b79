"""What the model door adds to a call: direct to the endpoint against through the gateway.

Endpoint, gateway and client are a process each. Every round asks once directly and once through
the gateway, in turn which comes first; what is compared are the medians of one run.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import statistics
import time
from typing import TYPE_CHECKING, Any

import aiohttp

from conformance.agents.contract import Limits, TaskView
from conformance.gateway import Gateway, Upstream

if TYPE_CHECKING:
    from conformance.agents.contract import ModelCall

ROUNDS, WARM_UP = 1500, 200
BAR_WHOLE_MS, BAR_FIRST_BYTE_MS = 1.5, 2.0
PATHS = {"chat": "/chat/completions", "responses": "/responses", "messages": "/messages"}
EVENTS = 5
BETWEEN_S = 0.002
"""Between two events of a stream: the first is not to be measured in the crowd of the others."""
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: "


def chat_body(*, is_stream: bool) -> bytes:
    """Return a request as it is in the middle of a trial: 8 tools, 24 messages, 10 kB."""
    parameters = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
    tools = [
        {
            "type": "function",
            "function": {
                "name": f"tool_{n}",
                "description": "Look something up. " * 8,
                "parameters": parameters,
            },
        }
        for n in range(8)
    ]
    messages = [{"role": "system", "content": "Work carefully. " * 30}]
    for n in range(12):
        messages.append({"role": "user", "content": f"{n} " + "a result of some length " * 12})
        messages.append({"role": "assistant", "content": f"{n} " + "then " * 20})
    body: dict[str, Any] = {"model": "m", "messages": messages, "tools": tools}
    return json.dumps(body | ({"stream": True} if is_stream else {})).encode()


def replies() -> tuple[bytes, list[bytes]]:
    """Return a whole reply, and the chunks of a stream."""
    base = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m"}
    usage = {"prompt_tokens": 2500, "completion_tokens": 30, "total_tokens": 2530}
    message = {"role": "assistant", "content": "word " * 30}
    whole = {**base, "object": "chat.completion", "usage": usage}
    whole["choices"] = [{"index": 0, "message": message, "finish_reason": "stop"}]
    body = json.dumps(whole).encode()
    events = [
        {
            **base,
            "choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}],
            "usage": None,
        }
        for _ in range(EVENTS)
    ]
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    events.append({**base, "choices": [end], "usage": None})
    events.append({**base, "choices": [], "usage": usage})
    told = [b"data: %b\n\n" % json.dumps(event).encode() for event in events]
    told.append(b"data: [DONE]\n\n")
    return (
        HEAD + b"application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body,
        [
            HEAD + b"text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
            *(b"%x\r\n%b\r\n" % (len(event), event) for event in told),
            b"0\r\n\r\n",
        ],
    )


def serve_endpoint(pipe: Any) -> None:
    """Answer at once, with the least work that can be."""
    whole, stream = replies()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length: ")[2].partition(b"\r")[0])
                body = await reader.readexactly(length)
                if b'"stream": true' in body or b'"stream":true' in body:
                    writer.write(stream[0])
                    writer.write(stream[1])
                    for part in stream[2:]:
                        await asyncio.sleep(BETWEEN_S)
                        writer.write(part)
                else:
                    writer.write(whole)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def main() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=1 << 24)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


class Doors:
    """Takes model calls without end."""

    was_killed = has_answered = False

    def __init__(self) -> None:
        self.tokens = 0

    def before_model_call(self) -> None:
        """Let it through."""

    def after_model_call(self, call: ModelCall) -> None:
        assert call.usage_source in ("reported", "injected")
        self.tokens += (call.input_tokens or 0) + (call.output_tokens or 0)

    def note(self, kind: str, **details: Any) -> None:
        raise AssertionError((kind, details))


def serve_gateway(base_url: str, pipe: Any) -> None:
    """Serve one handle until told to stop; then tell the tokens it metered."""

    async def main() -> None:
        gateway, doors = Gateway(Upstream("m", base_url, "k" * 20)), Doors()
        await gateway.open()
        view = TaskView("t", "", "en", (), Limits())
        with gateway.handle(view, doors) as handle:  # type: ignore[arg-type]
            told = gateway.addresses(handle)
            pipe.send((told.openai_base_url, told.api_key))
            while await asyncio.to_thread(pipe.recv) != "stop":
                pipe.send(time.process_time())
        await gateway.close()
        pipe.send(doors.tokens)

    asyncio.run(main())


async def timed(
    session: aiohttp.ClientSession, url: str, body: bytes, key: str
) -> tuple[float, float]:
    """Return the milliseconds to the first byte of the body, and to its end."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    start = time.perf_counter()
    async with session.post(url, data=body, headers=headers) as reply:
        assert reply.status == 200
        await reply.content.readany()
        first = time.perf_counter() - start
        await reply.read()
    return first * 1e3, (time.perf_counter() - start) * 1e3


def cpu_of(gateway: Any) -> float:
    """Return the CPU seconds of the gateway's process, which a busy machine changes little."""
    gateway.send("cpu")
    return float(gateway.recv())


async def measure(direct: str, through: str, key: str, gateway: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"rounds": ROUNDS}
    async with aiohttp.ClientSession() as session:
        for kind, place, is_stream, bar in (
            ("whole", 1, False, BAR_WHOLE_MS),
            ("first_byte", 0, True, BAR_FIRST_BYTE_MS),
        ):
            body = chat_body(is_stream=is_stream)
            times: dict[str, list[float]] = {direct: [], through: []}
            cpu_s = cpu_of(gateway)
            for number in range(ROUNDS + WARM_UP):
                for url in (direct, through) if number % 2 else (through, direct):
                    took = await timed(session, url + PATHS["chat"], body, key)
                    if number >= WARM_UP:
                        times[url].append(took[place])
            p50 = {url: statistics.median(took) for url, took in times.items()}
            p95 = {url: statistics.quantiles(took, n=20)[-1] for url, took in times.items()}
            found[kind] = {
                "direct_p50_ms": round(p50[direct], 3),
                "through_p50_ms": round(p50[through], 3),
                "added_p50_ms": round(p50[through] - p50[direct], 3),
                "added_p95_ms": round(p95[through] - p95[direct], 3),
                "gateway_cpu_ms": round((cpu_of(gateway) - cpu_s) * 1e3 / (ROUNDS + WARM_UP), 3),
                "bar_ms": bar,
                "is_held": p50[through] - p50[direct] <= bar,
            }
    return found


def main() -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    endpoint = context.Process(target=serve_endpoint, args=(theirs,), daemon=True)
    endpoint.start()
    base_url = f"http://127.0.0.1:{ours.recv()}/v1"
    to_gateway, its_end = context.Pipe()
    gateway = context.Process(target=serve_gateway, args=(base_url, its_end), daemon=True)
    gateway.start()
    through, key = to_gateway.recv()
    found = asyncio.run(measure(base_url, through, key, to_gateway))
    to_gateway.send("stop")
    # Every token of every call, whole or not, warm-up or not, was metered.
    assert to_gateway.recv() == 2530 * 2 * (ROUNDS + WARM_UP)
    gateway.join()
    endpoint.terminate()
    endpoint.join()
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
