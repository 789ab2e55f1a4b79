"""One model call on its way through the door."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from conformance.agents.contract import ModelCall, ModelFaultError, TrialEndedError
from conformance.agents.faults import Failure, status_failure
from conformance.gateway import asgi, sse
from conformance.gateway.dialects import RESPONSES, Heard, UnreadableError
from conformance.gateway.dialects.common import bad_reply, decode, encode
from conformance.gateway.dialects.responses import referred
from conformance.gateway.faults import injected, words

if TYPE_CHECKING:
    from collections.abc import Callable

    import aiohttp
    from starlette.types import Receive, Scope, Send

    from conformance.gateway.dialects import Reading, Request, Speech
    from conformance.gateway.faults import Injection
    from conformance.gateway.handles import Handle
    from conformance.gateway.models import ModelsDoor
    from conformance.gateway.talk import Sent, Talk

PATIENT_S = 10.0
"""An agent that leaves sooner, with nothing of the reply, did not leave for the endpoint."""
_BYTES_PER_TOKEN = 4
_REFUSALS = {400, 422}
"""How servers say that they do not know ``stream_options``."""


class Exchange:
    """One request to the model and its reply, forwarded, metered and recorded."""

    def __init__(
        self,
        door: ModelsDoor,
        handle: Handle,
        talk: Talk,
        speech: Speech,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self._door, self._handle, self._talk, self._speech = door, handle, talk, speech
        self._scope, self._receive, self._send = scope, receive, send
        self._line = door.line
        self._start = time.perf_counter()
        self._first_token_s: float | None = None
        self._has_begun = False
        """The agent has got the head of a stream."""
        self._is_metered = False
        self._is_without_usage = False
        """Sent once more, without asking for the usage of its stream."""
        self._body = b""
        self._size = 0
        self._request: Request
        self._sent: Sent

    async def run(self) -> None:
        """Serve the request."""
        with self._talk.room.taken() as take:
            await self._run(take)

    async def _run(self, take: Callable[[int], None]) -> None:
        handle, talk = self._handle, self._talk
        handle.model_requests += 1
        number = handle.model_requests
        try:
            self._read(await asgi.body(self._scope, self._receive, take))
        except asgi.AgentGoneError:
            return
        except asgi.BodyError as error:
            await self._refuse(error.status, str(error), "invalid_request")
            return
        except UnreadableError as error:
            await self._refuse(400, f"the request is no JSON object: {error}", "invalid_json")
            return
        unknown = self._unknown_state()
        if unknown is not None:
            text = f"Previous response with id '{unknown[:80]}' not found: it is of no call here."
            await self._refuse(400, text, "previous_response_not_found")
            return
        try:
            talk.begin()
        except TrialEndedError:
            await self._refuse_ended()
            return
        fault = injected(self._door.injections, number)
        try:
            if fault is None or not await self._injected(fault):
                await self._forward()
        except TrialEndedError:
            await self._refuse_ended()

    def _read(self, body: bytes) -> None:
        """Read the request, and what of it is new.

        Raises:
            UnreadableError: it is no JSON object.
        """
        self._body = body
        request = self._speech.read(body, asks_usage=self._door.asks_usage)
        self._request, self._sent = request, self._talk.sent(request)
        if request.stripped:
            what = ", ".join(request.stripped)
            self._talk.note_once("hosted_tools_stripped", what, types=request.stripped)

    def _unknown_state(self) -> str | None:
        """Return an id by which the request refers to what this handle never got, if any."""
        if self._speech is not RESPONSES:
            return None
        return min(referred(self._request) - self._talk.ids, default=None)

    async def _injected(self, fault: Injection) -> bool:
        """Make a fault; say whether it took the place of a reply."""
        if fault.delay_s:
            try:
                async with asgi.attended(self._receive):
                    await asyncio.sleep(fault.delay_s)
            except asgi.AgentGoneError:
                failure = Failure("timeout", "timeout", "the agent left")
                self._talk.failed(failure, is_injected=True)
                return True
        if fault.kind == "slow":
            self._handle.note("model_delayed", seconds=fault.delay_s, injected=True)
            return False
        if fault.kind == "disconnect":
            failure = Failure("connection", "connection", "cut by the suite")
            self._talk.failed(failure, is_injected=True)
            await asgi.cut(self._receive, self._send)
            return True
        failure = status_failure(fault.status, "injected by the suite", {}, time.time)
        self._talk.failed(failure, is_injected=True)
        headers = list(asgi.JSON)
        if fault.retry_after_s is not None:
            headers.append((b"retry-after", b"%g" % fault.retry_after_s))
        # The agent is not told that it is a test.
        error = self._speech.error(fault.status, *words(fault.status))
        await asgi.reply(self._send, fault.status, error, headers)
        return True

    async def _forward(self) -> None:
        body = self._request.body()
        self._size = len(body)
        given = asgi.headers(self._scope)
        path = self._speech.path
        if b"beta=true" in self._scope["query_string"]:
            path += "?beta=true"
        reading = self._speech.stream()
        try:
            async with (
                asgi.attended(self._receive),
                self._line.ask(
                    path, body, given, is_messages=self._speech.name == "messages"
                ) as response,
            ):
                is_stream = "event-stream" in response.headers.get("content-type", "")
                if response.status == 200 and is_stream:  # noqa: PLR2004
                    heard = await self._relay(response, reading)
                else:
                    data = self._line.clean(await response.read())
        except asgi.AgentGoneError:
            self._left(reading)
            return
        except Exception as error:
            told = self._line.failure(error)
            if told is None:
                raise
            await self._broken(told)
            return
        if response.status == 200 and is_stream:  # noqa: PLR2004
            await self._end_stream(heard)
        elif not await self._again_without_usage(response.status, data):
            await self._whole(response, data)

    async def _whole(self, response: aiohttp.ClientResponse, data: bytes) -> None:
        """Meter a reply in one piece, then hand it to the agent."""
        status, headers = response.status, self._line.headers(response)
        try:
            told = decode(data)
        except UnreadableError:
            told = None
        if 300 <= status < 400:  # noqa: PLR2004 - HTTP's classes
            failure: Failure | None = bad_reply(f"a redirect, HTTP {status}")
            status, headers = 502, list(asgi.JSON)
            data = self._speech.error(status, "the endpoint is somewhere else", "redirect")
        elif status >= 400:  # noqa: PLR2004 - HTTP's classes
            said = data.decode("utf-8", "replace") if told is None else told
            failure = status_failure(status, said, response.headers, time.time)
        else:
            heard = (
                self._speech.whole(told)
                if isinstance(told, dict)
                else Heard({}, failure=bad_reply("it is no JSON object"))
            )
            failure = heard.failure
        if failure is not None:
            self._talk.failed(failure)
        else:
            self._meter(heard)
        await asgi.reply(self._send, status, data, headers)

    async def _relay(self, response: aiohttp.ClientResponse, reading: Reading) -> Heard:
        """Hand a stream on event by event; its last bytes are sent by ``_end_stream``."""
        splitter = sse.Splitter()
        # Two turns of the loop: most servers send the first event right after the head, and what
        # has come by now goes on together with it.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        with asgi.in_one_piece(self._send):
            await asgi.start(self._send, response.status, self._line.headers(response))
            self._has_begun = True
            await self._hand_on(splitter.feed(response.content.read_nowait(-1)), reading)
        async for chunk in response.content.iter_any():
            if self._handle.is_revoked:
                raise ConnectionAbortedError("the trial is over")
            await self._hand_on(splitter.feed(chunk), reading)
        rest = splitter.rest()
        if rest:
            await self._hand_on([rest], reading)
        return reading.heard()

    async def _hand_on(self, events: list[bytes], reading: Reading) -> None:
        is_injected = self._request.is_usage_injected
        passed = [handed_on(event, reading, is_usage_injected=is_injected) for event in events]
        out = b"".join([self._line.clean(event) for event in passed])
        if reading.is_done and not self._is_metered:
            # Before its last word goes out: the agent's next call may follow at once.
            heard = reading.heard()
            if heard.failure is None:
                self._try_meter(heard)
        if out:
            await self._send({"type": "http.response.body", "body": out, "more_body": True})
            if self._first_token_s is None and reading.has_content:
                self._first_token_s = time.perf_counter() - self._start

    async def _end_stream(self, heard: Heard) -> None:
        if heard.failure is not None:
            self._talk.failed(heard.failure)
        elif not self._is_metered:
            self._try_meter(heard)
        await self._send({"type": "http.response.body", "body": b""})

    async def _broken(self, told: tuple[str, str]) -> None:
        """Deal with an endpoint that cannot be reached, hangs, or breaks off."""
        kind, text = told
        if self._is_metered:  # all is said; what is broken off is the connection
            await self._send({"type": "http.response.body", "body": b""})
            return
        if self._handle.is_revoked:
            await asgi.cut(self._receive, self._send)
            return
        is_timeout = kind == "timeout"
        self._talk.failed(
            Failure("timeout" if is_timeout else "connection", kind, text, is_retried=True)
        )
        if self._has_begun:
            await asgi.cut(self._receive, self._send)
            return
        status = 504 if is_timeout else 502
        error = self._speech.error(status, "the model's endpoint cannot be reached", kind)
        await asgi.reply(self._send, status, error)

    def _left(self, reading: Reading) -> None:
        """Meter what was produced for an agent that did not wait for all of it."""
        if self._is_metered:  # many clients leave at the last word, before the stream is closed
            return
        heard = reading.heard()
        waited_s = time.perf_counter() - self._start
        fault = self._handle.fault
        self._handle.note("model_call_left", after_s=round(waited_s, 3))
        self._try_meter(heard._replace(failure=None))
        if not reading.has_content and waited_s >= PATIENT_S:
            fault = ModelFaultError(
                "timeout", f"the agent left after {waited_s:.0f} s", status=None, retries=0
            )
        # It mended nothing.
        self._handle.fault = fault

    async def _again_without_usage(self, status: int, data: bytes) -> bool:
        """Try once more where the endpoint will not be asked for the usage of a stream."""
        if not (
            self._request.is_usage_injected
            and status in _REFUSALS
            and (b"stream_options" in data or b"include_usage" in data)
        ):
            return False
        self._is_without_usage = True
        self._request = self._speech.read(self._body, asks_usage=False)
        await self._forward()
        return True

    def _try_meter(self, heard: Heard) -> None:
        """Meter what the agent has got already, or gets all the same."""
        with contextlib.suppress(TrialEndedError):
            self._meter(heard)

    def _meter(self, heard: Heard) -> None:
        """Record a model call that returned.

        Raises:
            TrialEndedError: it was one too many.
        """
        self._is_metered = True
        request, usage = self._request, heard.usage
        read, written = usage.input, usage.output
        is_told = read is not None and written is not None
        if not is_told:
            read = self._size // _BYTES_PER_TOKEN
            written = len(encode(heard.message)) // _BYTES_PER_TOKEN
        source: Any = "injected" if request.is_usage_injected else "reported"
        door = self._door
        if self._is_without_usage:
            # That it was this which the endpoint refused is clear only now: an agent can have a
            # request refused in any words, and all other trials would be metered worse for it.
            door.asks_usage = False
        door.dialects.add(self._speech.name)
        if heard.served_model is not None:
            door.served.add(heard.served_model)
        self._talk.ids.update(heard.ids)
        failed = self._talk.succeeded(self._sent)
        first = self._first_token_s
        self._handle.after_model_call(
            ModelCall(
                requested_model=request.model,
                served_model=heard.served_model,
                sent=self._sent.fresh,
                received=heard.message,
                finish_reason=heard.finish_reason,
                input_tokens=read,
                output_tokens=written,
                usage_source=source if is_told else "estimated",
                latency_s=round(time.perf_counter() - self._start, 6),
                retries=len(failed),
                retried_status=failed,
                cached_tokens=usage.cached,
                reasoning_tokens=usage.reasoning,
                dialect=self._speech.name,
                is_stream=self._has_begun,
                first_token_s=None if first is None else round(first, 6),
                known=self._sent.known,
                tools=request.tools,
                stripped=request.stripped,
            )
        )

    async def _refuse(self, status: int, text: str, code: str) -> None:
        """Turn down a request that is not forwarded, by a mistake of the agent's."""
        self._talk.note_once("model_request_refused", text, status=status, why=text)
        await asgi.reply(self._send, status, self._speech.error(status, text, code))

    async def _refuse_ended(self) -> None:
        await self._handle.keep_silent()
        # 403: no client tries that again.
        error = self._speech.error(403, "the trial is over: no more model calls", "trial_over")
        await asgi.reply(self._send, 403, error)


def handed_on(event: bytes, reading: Reading, *, is_usage_injected: bool) -> bytes:
    """Read one event of a stream; return what the agent gets of it."""
    data = sse.data_of(event)
    if data == b"[DONE]":
        reading.done()
        return event
    told: Any = None
    with contextlib.suppress(UnreadableError):
        told = decode(data)
    if not isinstance(told, dict):
        return event
    reading.take(told)
    if not is_usage_injected or "usage" not in told:
        return event
    if told["usage"] is None:
        return sse.without_usage(event)
    return b"" if told.get("choices") == [] else event
