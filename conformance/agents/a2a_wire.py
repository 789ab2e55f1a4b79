"""The HTTP beneath the A2A client: bounded, patient, and what its failures mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
from a2a.utils.errors import InternalError

from conformance.agents.contract import AgentFailedError, ModelFaultError
from conformance.agents.http_contract import CONNECT_S, MOST_BYTES, NOT_TAKEN, fault_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_LONGEST = 500


class UnfitReplyError(Exception):
    """A reply that is not read: too long, or packed though nobody asked for that."""


def client_for(headers: dict[str, str]) -> httpx.AsyncClient:
    """Return a client that waits for as long as the trial lets it, on any number of replies."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx.AsyncClient(
        transport=_Bounded(httpx.AsyncHTTPTransport(limits=limits, trust_env=False)),
        timeout=httpx.Timeout(None, connect=CONNECT_S),
        headers={**headers, "Accept-Encoding": "identity"},
        trust_env=False,
    )


def is_untaken(error: Exception) -> bool:
    """Say whether a request surely did not reach the agent."""
    for cause in _causes(error):
        if isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout):
            return True
        if isinstance(cause, httpx.HTTPStatusError):
            return cause.response.status_code in NOT_TAKEN
    return False


def judged(error: Exception) -> AgentFailedError | ModelFaultError:
    """Return what a failed call means for the trial."""
    text = f"{type(error).__name__}: {error}"[:_LONGEST]
    for cause in _causes(error):
        fault: ModelFaultError | None = None
        if isinstance(cause, httpx.HTTPStatusError):
            fault = fault_of(cause.response.status_code, text)
        elif isinstance(cause, httpx.TimeoutException):
            fault = ModelFaultError("timeout", text, status=None, retries=0)
        elif isinstance(cause, httpx.RequestError):
            fault = ModelFaultError("connection", text, status=None, retries=0)
        if fault is not None:
            return fault
    # -32603 is the agent's own failure; whatever else is wrong breaks A2A.
    return AgentFailedError(text, "agent_error" if isinstance(error, InternalError) else "protocol")


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in found:
        found.append(at)
        at = at.__cause__
    return found


class _Bounded(httpx.AsyncBaseTransport):
    """Ends a reply that is longer than any that counts."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            # A few packed bytes could be unpacked to more than the machine has.
            await response.aclose()
            raise UnfitReplyError("a reply that is packed, though it was asked for as it is")
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - by httpx's contract
        return httpx.Response(
            response.status_code,
            headers=response.headers,
            stream=_BoundedStream(response.stream),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        await self._inner.aclose()


class _BoundedStream(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._inner:
            size += len(chunk)
            if size > MOST_BYTES:
                raise UnfitReplyError(f"a reply of more than {MOST_BYTES} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()
