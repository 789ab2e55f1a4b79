"""How an endpoint's failures are read: what kind, worth another try, how long to wait."""

from __future__ import annotations

import email.utils
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from conformance.agents.contract import FaultKind


class Failure(NamedTuple):
    """One request that failed."""

    kind: FaultKind
    label: str
    """For ``ModelCall.retried_status``: an HTTP status, ``connection``, ``timeout``, ``body``."""
    message: str
    status: int | None = None
    is_retried: bool = False
    retry_after_s: float | None = None


class Patience(NamedTuple):
    """How long a failing endpoint is given before a call fails for good."""

    retries: int = 5
    timeout_retries: int = 1
    """A request that hung for the whole timeout is tried again this often."""
    first_wait_s: float = 0.5
    longest_wait_s: float = 20.0
    longest_retry_after_s: float = 120.0
    """An endpoint that asks for a longer wait is not waited for."""


PATIENCE = Patience()


def wait_s(patience: Patience, failure: Failure, tried: int, draw: Callable[[], float]) -> float:
    """Return the seconds to wait before try ``tried + 1``.

    What the endpoint asks for is kept to, with up to a tenth more so that many trials do not
    come back at one instant; else the wait doubles, and a random half of it is taken off.
    ``draw`` gives a number in [0, 1).
    """
    if failure.retry_after_s is not None:
        return failure.retry_after_s * (1 + 0.1 * draw())
    longest = min(patience.longest_wait_s, patience.first_wait_s * 2.0 ** (tried - 1))
    return longest * (1 - 0.5 * draw())


def status_failure(
    status: int, body: Any, headers: Mapping[str, str], now: Callable[[], float]
) -> Failure:
    """Return what an HTTP error status with this body means."""
    message, codes = _told(body)
    text = f"HTTP {status}: {message}" if message else f"HTTP {status}"
    label = str(status)
    # Some llama.cpp servers answer an overlong prompt with 500.
    if status != 429 and is_context_overflow(message, codes):  # noqa: PLR2004
        return Failure("context_overflow", label, text, status)
    if status in {401, 403}:
        return Failure("unauthorised", label, text, status)
    if status == 429:  # noqa: PLR2004
        is_spent = "insufficient_quota" in codes
        wait = retry_after_s(headers, now)
        return Failure("rate_limited", label, text, status, not is_spent, wait)
    if status >= 500:  # noqa: PLR2004
        is_hopeless = status in {501, 505}
        wait = retry_after_s(headers, now)
        return Failure("server_error", label, text, status, not is_hopeless, wait)
    # 408 request timeout, 409 lock timeout, 425 too early: passing states.
    kind: FaultKind = "server_error" if status in {408, 409, 425} else "refused_request"
    return Failure(kind, label, text, status, is_retried=kind == "server_error")


def is_context_overflow(message: str, codes: frozenset[str] = frozenset()) -> bool:
    """Say whether an error is about a prompt longer than the model's context."""
    return bool(codes & _OVERFLOW_CODES) or _OVERFLOW.search(message) is not None


def retry_after_s(headers: Mapping[str, str], now: Callable[[], float]) -> float | None:
    """Return the seconds an endpoint asks to wait, from either header and either form."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    asked = headers.get("retry-after")
    seconds = _number(asked)
    if seconds is not None or not asked:
        return seconds
    try:
        moment = email.utils.parsedate_to_datetime(asked)
    except (TypeError, ValueError):
        return None
    return max(0.0, moment.timestamp() - now())


_OVERFLOW_CODES = frozenset(
    {"context_length_exceeded", "exceed_context_size_error", "string_above_max_length"}
)
_OVERFLOW = re.compile(
    "|".join(  # noqa: FLY002 - one pattern a line
        (
            r"maximum context length",  # OpenAI, vLLM
            r"max(imum)? model(_| )len",  # vLLM
            r"exceeds? (the )?(model'?s |available |max(imum)? )*context",  # llama.cpp, vLLM
            r"longer than the (model'?s )?(maximum )?(context|model length)",  # SGLang, vLLM
            r"context (window|size|length)[^.]{0,40}(exceed|too|full)",
            r"(prompt|input|request)( is)? too (long|large)",  # Anthropic, llama.cpp
            r"input token count[^.]{0,40}exceeds",  # Gemini
            r"range of input length",  # DashScope
            r"must have less than \d+ tokens",  # TGI
            r"too large for model with \d+ maximum context",  # Mistral
            r"reduce the length of (the|your) (messages|prompt|input)",
            r"(上下文|输入|prompt|内容)[^。]{0,12}(超长|超限|超过|超出|过长)",
        )
    ),
    re.IGNORECASE,
)


def _told(body: Any) -> tuple[str, frozenset[str]]:
    """Return the message and the codes in an error body of any of the usual shapes."""
    if isinstance(body, str):
        return " ".join(body.split())[:400], frozenset()
    if not isinstance(body, dict):
        return "", frozenset()
    inner = body.get("error", body)
    if isinstance(inner, str):
        return inner[:400], frozenset()
    if not isinstance(inner, dict):
        return "", frozenset()
    message = inner.get("message") or inner.get("detail") or ""
    codes = frozenset(str(inner[key]) for key in ("code", "type") if inner.get(key))
    return " ".join(str(message).split())[:400], codes


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text else None
    except ValueError:
        return None
    return number if number is not None and 0 <= number < float("inf") else None
