"""The ``http:`` agent: a server in any language that keeps to a small JSON contract."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from conformance.agents.contract import AgentFailedError, EvidenceClass, ModelFaultError
from conformance.agents.external import CANCEL_S, Said
from conformance.agents.http_contract import (
    CONNECT_S,
    MOST_BYTES,
    NOT_TAKEN,
    PAUSES_S,
    POLL_GROWTH,
    POLL_S,
    SLOWEST_POLL_S,
    Asks,
    Failed,
    HttpReply,
    HttpTask,
    Running,
    endpoint,
    fault_of,
    handles,
    public,
)
from conformance.errors import AgentUnavailableError

if TYPE_CHECKING:
    import aiohttp

    from conformance.agents.contract import FaultKind, TaskView
    from conformance.agents.http_contract import Handles
    from conformance.gateway import Gateway, Handle

POLL_TIMEOUT_S = 30.0
"""One ``GET`` of a poll; a ``POST`` may stay open for as long as the trial."""
LONGEST_WAIT_S = 10.0
"""What is taken of a ``Retry-After``."""
_DOWN = (502, 503, 504)
_SHOWN_BYTES = 500

_encode = msgspec.json.Encoder().encode
_read_reply = msgspec.json.Decoder(HttpReply).decode


class HttpTransport:
    """Implements ``agents.external.Transport`` for a server.

    Args:
        url: The agent's one address.
        key_env: The name of the variable with its bearer token, or None where it wants none.
        uses_tools: False where the agent says that it does not use the suite's tools.
    """

    def __init__(self, url: str, *, key_env: str | None = None, uses_tools: bool = True) -> None:
        self.evidence_class: EvidenceClass = "observed" if uses_tools else "reported"
        self._at = endpoint(url, key_env, "http")
        self._gateway: Gateway | None = None
        self._client: aiohttp.ClientSession | None = None

    async def open(self, gateway: Gateway) -> None:
        """Hold connections, and see that the agent answers."""
        import aiohttp

        self._gateway = gateway
        # One connection a request: a kept one that the agent closes meanwhile looks like a task
        # that was lost, and a POST is not sent twice.
        self._client = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=self._at.headers,
        )
        if not await self.canary():
            await self.close()
            raise AgentUnavailableError(
                "the agent does not answer", where=public(self._at.url), mend="start it first"
            )

    async def start(self, task: TaskView, handle: Handle) -> HttpSession:
        """Return a session; the agent hears of it with the first turn."""
        assert self._client is not None, "not open"  # noqa: S101
        assert self._gateway is not None, "not open"  # noqa: S101
        return HttpSession(self._client, self._at.url, handles(task, handle, self._gateway))

    async def canary(self) -> bool:
        """Say whether a server answers: any reply to a ``GET`` but one that says it is down."""
        import aiohttp

        assert self._client is not None, "not open"  # noqa: S101
        timeout = aiohttp.ClientTimeout(total=CONNECT_S)
        try:
            async with self._client.get(
                self._at.url, timeout=timeout, allow_redirects=False
            ) as response:
                return response.status not in _DOWN
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def close(self) -> None:
        """Let go of the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def describe(self) -> dict[str, Any]:
        """Return the kind and the address."""
        return {"kind": "http", "agent_url": public(self._at.url)}


class HttpSession:
    """Implements ``agents.external.Session``."""

    def __init__(self, client: aiohttp.ClientSession, url: str, given: Handles) -> None:
        self._client = client
        self._url = url
        self._given = given
        self._instruction = ""
        self._turn = 0
        self._is_at_work = False

    async def send(self, text: str) -> Said:
        """Send a turn, and wait for what the agent says at the end of it."""
        self._turn += 1
        if self._turn == 1:
            self._instruction = text
        self._is_at_work = True
        task = HttpTask(
            **msgspec.structs.asdict(self._given),
            turn=self._turn,
            instruction=self._instruction,
            reply=None if self._turn == 1 else text,
        )
        reply, wait_s = await self._asked("POST", self._url, _encode(task))
        poll, pause_s = "", POLL_S
        while isinstance(reply, Running):
            poll = self._poll_address(reply, poll)
            await asyncio.sleep(max(pause_s, wait_s))
            pause_s = min(pause_s * POLL_GROWTH, SLOWEST_POLL_S)
            reply, wait_s = await self._asked("GET", poll)
        self._is_at_work = False
        if isinstance(reply, Failed):
            raise AgentFailedError(f"it says: {reply.message}", "agent_error")
        if isinstance(reply, Asks):
            return Said("asks", reply.question)
        return Said("final", reply.text, reply.answer)

    async def cancel(self) -> None:
        """Tell the agent once to stop this session: ``DELETE`` of the address and its id."""
        import aiohttp
        import yarl

        if not self._is_at_work:
            return
        self._is_at_work = False
        url = yarl.URL(self._url)
        mine = url.with_path(f"{url.path.rstrip('/')}/{self._given.session}", keep_query=True)
        timeout = aiohttp.ClientTimeout(total=CANCEL_S)
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with self._client.delete(mine, timeout=timeout, allow_redirects=False):
                pass

    async def close(self, *, at_once: bool) -> None:
        """Leave the agent alone; with ``at_once`` it is not told, as a killed one is not."""
        if not at_once:
            await self.cancel()

    def _poll_address(self, reply: Running, before: str) -> str:
        """Return where to ask on; never another server: the agent's key goes there."""
        import yarl

        here = yarl.URL(self._url)
        try:
            there = here.join(yarl.URL(reply.poll)) if reply.poll else yarl.URL(before)
            is_here = there.origin() == here.origin()
        except ValueError:
            is_here = False
        if not is_here:
            raise AgentFailedError(
                f"{reply.poll[:200]!r} is no address on its server to poll", "protocol"
            )
        return str(there)

    async def _asked(
        self, method: str, url: str, body: bytes | None = None
    ) -> tuple[HttpReply, float]:
        """Send a request, again where that can do no harm; return the reply and its pause."""
        for retries, pause_s in enumerate((*PAUSES_S, None)):
            tried = await self._try(method, url, body)
            if not isinstance(tried, _Fault):
                return tried
            # A POST that may have been taken is not sent again: the work would be done twice.
            if pause_s is None or not (tried.is_untaken or method == "GET"):
                tried.error.retries = retries
                raise tried.error
            await asyncio.sleep(max(pause_s, tried.wait_s))
        raise AssertionError

    async def _try(
        self, method: str, url: str, body: bytes | None
    ) -> tuple[HttpReply, float] | _Fault:
        import aiohttp

        headers = {} if body is None else {"Content-Type": "application/json"}
        timeout = aiohttp.ClientTimeout(
            total=POLL_TIMEOUT_S if method == "GET" else None, sock_connect=CONNECT_S
        )
        try:
            async with self._client.request(
                method, url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                content = await _bounded(response)
                return _judged(response.status, content, _retry_after(response))
        except aiohttp.ClientConnectorError as error:
            return _fault("connection", error, is_untaken=True)
        except TimeoutError as error:
            is_untaken = isinstance(error, aiohttp.ConnectionTimeoutError)
            return _fault("timeout", error, is_untaken=is_untaken)
        except aiohttp.ClientResponseError as error:
            text = f"it does not speak HTTP: {error.message}"
            raise AgentFailedError(text, "protocol") from error
        except aiohttp.ClientError as error:
            return _fault("connection", error)


class _Fault(NamedTuple):
    """A request without a reply that counts."""

    error: ModelFaultError
    is_untaken: bool
    """The agent surely did not begin."""
    wait_s: float = 0.0


def _fault(kind: FaultKind, error: Exception, *, is_untaken: bool = False) -> _Fault:
    text = f"{type(error).__name__}: {error}"
    return _Fault(ModelFaultError(kind, text, status=None, retries=0), is_untaken)


def _judged(status: int, content: bytes, wait_s: float) -> tuple[HttpReply, float] | _Fault:
    if status in (200, 202):
        try:
            return _read_reply(content), wait_s
        except (msgspec.MsgspecError, RecursionError) as error:
            raise AgentFailedError(f"its reply breaks the contract: {error}", "protocol") from error
    text = f"HTTP {status}: {content[:_SHOWN_BYTES].decode(errors='replace')}"
    fault = fault_of(status, text)
    if fault is None:
        raise AgentFailedError(text, "protocol")
    return _Fault(fault, status in NOT_TAKEN, wait_s)


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for chunk in response.content.iter_chunked(65536):
        content += chunk
        if len(content) > MOST_BYTES:
            raise AgentFailedError(f"its reply is longer than {MOST_BYTES} bytes", "protocol")
    return bytes(content)


def _retry_after(response: aiohttp.ClientResponse) -> float:
    """Return the pause that a reply asks for, in seconds; 0 where it names none."""
    given = response.headers.get("Retry-After", "")
    return min(float(given), LONGEST_WAIT_S) if given.isdecimal() else 0.0
