"""One model behind an OpenAI-compatible endpoint: requests, retries, what came back.

Requests go through the ``openai`` client as bytes put together from parts that were encoded
once: the history is not serialised again at each call.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import msgspec

from conformance.agents.contract import ModelFaultError
from conformance.agents.faults import PATIENCE, Failure, Patience, status_failure, wait_s
from conformance.errors import AgentUnavailableError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

_NO_KEY = "none"
_BAD_BODY = "body"


class Address(NamedTuple):
    """Where a model is and how it is reached."""

    model: str
    base_url: str | None = None
    """None: ``OPENAI_BASE_URL``, else the client's own default."""
    key_env: str = "OPENAI_API_KEY"
    """Name of the environment variable with the key. The key is never written anywhere."""
    timeout_s: float = 180.0
    connect_timeout_s: float = 10.0


class Reply(NamedTuple):
    """One response, and what it took."""

    message: dict[str, Any]
    finish_reason: str | None
    served_model: str | None
    fingerprint: str | None
    usage: dict[str, Any] | None
    latency_s: float
    """Of the try that succeeded."""
    retried: list[str]


class ModelClient:
    """A model behind an endpoint. One object serves many trials at once.

    Args:
        address: Where the model is.
        patience: How long a failing endpoint is given.
        sleep: Waits between tries; for tests.
        draw: Gives a number in [0, 1) for the jitter; for tests.
    """

    def __init__(
        self,
        address: Address,
        *,
        patience: Patience = PATIENCE,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.address = address
        self.patience = patience
        self._sleep = sleep
        self._draw = draw
        self._client: Any = None
        self._key = ""
        self._errors: Any = None
        self._through: str | None = None

    @property
    def where(self) -> str:
        """Return the endpoint's address without user-info or query, fit for a report."""
        if self._client is not None and self._through is None:
            return public_url(str(self._client.base_url))
        return public_url(self.address.base_url or os.environ.get("OPENAI_BASE_URL") or "")

    @property
    def real_url(self) -> str:
        """Return the endpoint's address, once opened, whatever lies between."""
        named = self.address.base_url or os.environ.get("OPENAI_BASE_URL")
        return named or str(self._client.base_url)

    @property
    def key(self) -> str:
        """Return the key to it, once opened; never for a report."""
        return self._key

    def open(self, through: str | None = None) -> None:
        """Make the client; no request is sent.

        Args:
            through: Where to connect instead of the address: the near end of a link to it.

        Raises:
            AgentUnavailableError: no key where one is needed, or an address that is none.
        """
        import openai

        base_url = self.address.base_url or os.environ.get("OPENAI_BASE_URL") or None
        _check_url(base_url)
        self._key = os.environ.get(self.address.key_env, "")
        if not self._key and base_url is None:
            raise AgentUnavailableError(
                "no key for the endpoint, and no other endpoint named",
                where=self.address.key_env,
                mend="set the variable, or name an endpoint with --base-url",
            )
        self._errors = openai
        self._through = through
        self._client = openai.AsyncOpenAI(
            api_key=self._key or _NO_KEY,
            base_url=through or base_url,
            max_retries=0,
            timeout=openai.Timeout(self.address.timeout_s, connect=self.address.connect_timeout_s),
        )

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def complete(
        self, body: bytes, *, timeout_s: float | None = None, patience: Patience | None = None
    ) -> Reply:
        """Send one chat request, again where that may help, and return the reply.

        Raises:
            ModelFaultError: it failed for good.
        """
        patience = patience or self.patience
        retried: list[str] = []
        timeouts = 0
        while True:
            start = time.perf_counter()
            got = await self.try_once(body, timeout_s=timeout_s)
            if not isinstance(got, Failure):
                return got._replace(latency_s=time.perf_counter() - start, retried=retried)
            timeouts += got.kind == "timeout"
            if (
                not got.is_retried
                or len(retried) >= patience.retries
                or timeouts > patience.timeout_retries
                or (got.retry_after_s or 0.0) > patience.longest_retry_after_s
            ):
                raise ModelFaultError(
                    got.kind, got.message, status=got.status, retries=len(retried)
                )
            retried.append(got.label)
            await self._sleep(wait_s(patience, got, len(retried), self._draw))

    async def try_once(self, body: bytes, *, timeout_s: float | None = None) -> Reply | Failure:
        """Send one chat request, once."""
        options: dict[str, Any] = {"security": {"bearer_auth": True}}
        if timeout_s is not None:
            options["timeout"] = timeout_s
        errors = self._errors
        try:
            data = await self._client.post(
                "/chat/completions", cast_to=object, content=body, options=options
            )
        except errors.APITimeoutError:
            limit = timeout_s or self.address.timeout_s
            return Failure("timeout", "timeout", f"no reply in {limit:g} s", is_retried=True)
        except errors.APIConnectionError as error:
            cause = error.__cause__ or error
            text = self._clean(f"{type(cause).__name__}: {cause}")
            return Failure("connection", "connection", text, is_retried=True)
        except errors.APIStatusError as error:
            failure = status_failure(
                error.status_code, error.body, error.response.headers, time.time
            )
            return failure._replace(message=self._clean(failure.message))
        except ValueError as error:
            return _bad_body(str(error))
        return self._read(data)

    async def models(self, timeout_s: float) -> list[str]:
        """Return the ids of the models the endpoint lists; none where it lists none."""
        try:
            data = await self._client.get(
                "/models",
                cast_to=object,
                options={"security": {"bearer_auth": True}, "timeout": timeout_s},
            )
        except (self._errors.OpenAIError, ValueError):
            return []
        listed = data.get("data") if isinstance(data, dict) else None
        if not isinstance(listed, list):
            return []
        return [str(item["id"]) for item in listed if isinstance(item, dict) and "id" in item]

    def _read(self, data: Any) -> Reply | Failure:
        if not isinstance(data, dict):
            return _bad_body(f"{str(data)[:120]!r} is not a JSON object")
        choices = data.get("choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        message = first.get("message") if isinstance(first, dict) else None
        if not isinstance(first, dict) or not isinstance(message, dict):
            return self._error_in_body(data)
        try:
            msgspec.json.encode(data)
        except UnicodeEncodeError:
            return _bad_body("half a surrogate pair is no character")
        usage = data.get("usage")
        served = data.get("model")
        fingerprint = data.get("system_fingerprint")
        return Reply(
            message=message,
            finish_reason=first.get("finish_reason"),
            served_model=plain_model_name(served) if isinstance(served, str) else None,
            fingerprint=fingerprint if isinstance(fingerprint, str) else None,
            usage=usage if isinstance(usage, dict) else None,
            latency_s=0.0,
            retried=[],
        )

    def _error_in_body(self, data: dict[str, Any]) -> Failure:
        """Read an error that came with a good status, as some routers send it."""
        error = data.get("error")
        code = error.get("code") if isinstance(error, dict) else None
        if isinstance(code, int) and 400 <= code < 600:  # noqa: PLR2004
            failure = status_failure(code, data, {}, time.time)
            return failure._replace(message=self._clean(failure.message))
        return _bad_body(self._clean(f"no message in {msgspec.json.encode(data)[:120]!r}"))

    def _clean(self, text: str) -> str:
        return text.replace(self._key, "[key]") if self._key else text


def plain_model_name(name: str) -> str:
    """Return a served model's name; of a path on the server's disk only the file's name."""
    is_path = name.startswith(("/", "\\", "~", ".")) or name[1:3] == ":\\"
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2] if is_path else name


def join_body(fields: bytes, messages: Sequence[bytes]) -> bytes:
    """Return a request body of encoded members, each with its comma, and encoded messages."""
    return b"".join((b"{", fields, b'"messages":[', b",".join(messages), b"]}"))


def _bad_body(problem: str) -> Failure:
    message = f"the reply is not a chat completion ({problem})"
    return Failure("bad_reply", _BAD_BODY, message, is_retried=True)


def _check_url(base_url: str | None) -> None:
    if base_url is None:
        return
    try:
        parts = urlsplit(base_url)
        is_sound = parts.scheme in {"http", "https"} and bool(parts.hostname)
        is_sound = is_sound and (parts.port is None or parts.port > 0)
    except ValueError:
        is_sound = False
    if not is_sound:
        raise AgentUnavailableError(
            "this is not an address of an endpoint",
            where=public_url(base_url),
            mend="give one like http://127.0.0.1:8000/v1",
        )


def public_url(url: str) -> str:
    """Return an endpoint's address without user-info or query, fit for a report."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "--base-url"
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
