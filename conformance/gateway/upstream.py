"""The one endpoint behind the model door."""

from __future__ import annotations

import io
import urllib.request
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from conformance.link.model import Link

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    import aiohttp


_MIN_SECRET = 12
"""A shorter key is a stand-in that local servers take, and may be an ordinary word."""
_IDLE_S = 4.0
"""Many servers close an idle connection after 5 s; a request that crosses the close is lost."""
_HEADER_BYTES = 1 << 16
_STREAM_BYTES = 1 << 18
_LARGE = 1 << 19
_KEPT = (
    "accept",
    "anthropic-beta",
    "anthropic-version",
    "content-type",
    "openai-beta",
    "user-agent",
)
"""Headers of the agent's that go on to the endpoint."""
_RETURNED = (
    "content-type",
    "openai-processing-ms",
    "request-id",
    "retry-after",
    "retry-after-ms",
    "x-request-id",
    "x-should-retry",
)
"""Headers of the endpoint's that the agent gets, beside those on rate limits. Others may name the
account, or belong to the connection."""
_RATES = ("x-ratelimit-", "anthropic-ratelimit-")


class Upstream(msgspec.Struct, frozen=True):
    """Where model calls go, and the key, which lives only here."""

    model: str
    """What the agent is told to ask for."""
    base_url: str
    """Of an OpenAI-compatible endpoint, with its ``/v1``."""
    key: str = ""
    """Never shown to an agent, never written down; empty for an endpoint that wants none."""
    timeout_s: float = 180.0
    """How long nothing at all may come."""
    connect_timeout_s: float = 10.0
    link: Link | None = None
    """What lies between here and it."""


class Line:
    """The connections to an endpoint.

    Args:
        upstream: The endpoint.
        through: Where to connect instead: the near end of a link to it.
    """

    def __init__(self, upstream: Upstream, through: str | None = None) -> None:
        import aiohttp
        from yarl import URL

        self._aiohttp = aiohttp
        base = URL((through or upstream.base_url).rstrip("/"))
        keys = [upstream.key, base.password or ""]
        secrets = [key.encode() for key in keys if len(key) >= _MIN_SECRET]
        self._secrets = [*secrets, *(s.replace(b"/", b"\\/") for s in secrets if b"/" in s)]
        self._bearer = f"Bearer {upstream.key}" if upstream.key else None
        self._key = upstream.key
        if upstream.key:
            base = base.with_user(None)
        self._url = lru_cache(lambda path: URL(f"{base}/{path}", encoded=True))
        # Anthropic's own endpoint takes one header, others may look at either.
        self._is_anthropic = (URL(upstream.base_url).host or "").endswith("anthropic.com")
        self._proxy = _proxy(str(base))
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=upstream.connect_timeout_s, sock_read=upstream.timeout_s
            ),
            max_line_size=_HEADER_BYTES,
            max_field_size=_HEADER_BYTES,
            read_bufsize=_STREAM_BYTES,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    def ask(
        self,
        path: str,
        body: bytes | None,
        given: dict[str, str],
        *,
        is_messages: bool = False,
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Send a request; what comes back is not compressed any more, and redirects stand.

        Args:
            path: After the base, with its query.
            body: JSON to post; None gets.
            given: The agent's headers, names in lower case.
            is_messages: The key goes in the header that Anthropic's dialect has for it.
        """
        headers = {name: given[name] for name in _KEPT if name in given}
        headers["accept-encoding"] = "identity"  # a stream is not held back to be packed
        if body is not None:
            headers["content-type"] = "application/json"
        if self._bearer is not None:
            if is_messages:
                headers["x-api-key"] = self._key
            if not (is_messages and self._is_anthropic):
                headers["authorization"] = self._bearer
        data: Any = body
        if body is not None and len(body) > _LARGE:
            data = io.BytesIO(body)  # written in parts, others have their turn in between
        return self._session.request(
            "GET" if body is None else "POST",
            self._url(path),
            data=data,
            headers=headers,
            allow_redirects=False,
            proxy=self._proxy,
        )

    def clean(self, data: bytes) -> bytes:
        """Return bytes without the key, should the endpoint have put it there."""
        for secret in self._secrets:
            if secret in data:
                data = data.replace(secret, b"[key]")
        return data

    def headers(self, response: aiohttp.ClientResponse) -> list[tuple[bytes, bytes]]:
        """Return those headers of a reply that the agent gets."""
        return [
            (name.lower().encode(), self.clean(value.encode("utf-8", "surrogateescape")))
            for name, value in response.headers.items()
            if name.lower() in _RETURNED or name.lower().startswith(_RATES)
        ]

    def failure(self, error: Exception) -> tuple[str, str] | None:
        """Return the kind of failure (``timeout``, ``connection``) and a text on it, if it is."""
        if isinstance(error, TimeoutError):
            return "timeout", "no reply in time"
        if isinstance(error, self._aiohttp.ClientError | OSError):
            text = f"{type(error).__name__}: {error}"
            return "connection", self.clean(text.encode("utf-8", "replace")).decode()
        return None


def _proxy(url: str) -> str | None:
    """Return the proxy of the environment, as the ``chat:`` agent's client uses it.

    Asked once: for each request anew it would cost more than all else.
    """
    scheme, _, rest = url.partition("://")
    host = rest.rpartition("@")[2].partition("/")[0]
    if urllib.request.proxy_bypass(host):
        return None
    return urllib.request.getproxies().get(scheme)
