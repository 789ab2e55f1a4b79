"""The JSON that passes between the suite and an agent behind ``http:``.

``Handles`` is also what an ``a2a:`` agent finds in the metadata of its messages. The pages
``docs/agents/http.md`` and ``docs/agents/a2a.md`` tell vendors of it.
"""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from conformance.agents.contract import Limits, ModelFaultError
from conformance.authoring import Lang
from conformance.errors import UsageError

if TYPE_CHECKING:
    from conformance.agents.contract import FaultKind, TaskView
    from conformance.gateway import Gateway, Handle

MOST_BYTES = 4 * 1024 * 1024
"""Of one reply."""
CONNECT_S = 10.0
PAUSES_S = (0.2, 0.5, 1.0)
"""Before each repeat of a request that was surely not taken."""
NOT_TAKEN = (429, 502, 503)
"""Statuses that say that nobody worked on the request."""
POLL_S = 0.1
SLOWEST_POLL_S = 2.0
POLL_GROWTH = 1.5
_TOO_MANY = 429
_SERVER_ERROR = 500


class Tools(msgspec.Struct, frozen=True):
    """The tools door: an MCP server (streamable HTTP)."""

    mcp_url: str
    headers: dict[str, str]
    """To be sent with each request, where the client can."""


class Model(msgspec.Struct, frozen=True):
    """The model door: one model, in three dialects."""

    openai_base_url: str
    anthropic_base_url: str
    api_key: str
    name: str


class Handles(msgspec.Struct, frozen=True):
    """What an agent needs beside its instruction; good until the trial is over."""

    trial: str
    session: str
    """The same over the turns of one session; a new one is an agent started anew."""
    seat: str
    """Which of several agents at work on one world; empty where there is one."""
    lang: Lang
    limits: Limits
    tools: Tools
    model: Model | None
    """None where agents bring their own model."""
    store: str | None
    """Names what the agent may keep from session to session; None where there is one session."""


class HttpTask(Handles, frozen=True, kw_only=True):
    """The body of each ``POST``."""

    turn: int
    """1 for the task itself."""
    instruction: str
    """The task; the same in each turn."""
    reply: str | None
    """What came back to the agent's question; None in turn 1."""


class Final(msgspec.Struct, frozen=True, tag_field="status", tag="final"):
    """The work is over."""

    answer: Any = None
    """The answer object (``answer.schema.json``); None where ``submit_answer`` has it already."""
    text: str = ""
    """The last message; taken as the answer where it is the answer object as JSON."""


class Asks(msgspec.Struct, frozen=True, tag_field="status", tag="asks"):
    """The agent asks; the reply comes in the next ``POST``."""

    question: str


class Running(msgspec.Struct, frozen=True, tag_field="status", tag="running"):
    """The agent works on; ``poll`` is asked with ``GET`` until it says something else."""

    poll: str = ""
    """An address on the same server, relative to the agent's; empty: the one given before."""


class Failed(msgspec.Struct, frozen=True, tag_field="status", tag="failed"):
    """The agent gave up for a failure of its own."""

    message: str = ""


HttpReply = Final | Asks | Running | Failed


def fault_of(status: int, text: str) -> ModelFaultError | None:
    """Return what an HTTP status says of an agent that is down or shut to us.

    None where the status is a mistake of the agent's: the request was in order.
    """
    kind: FaultKind
    if status in (401, 403):
        kind = "unauthorised"
    elif status == _TOO_MANY:
        kind = "rate_limited"
    elif status >= _SERVER_ERROR:
        kind = "server_error"
    else:
        return None
    return ModelFaultError(kind, text, status=status, retries=0)


class Endpoint(NamedTuple):
    """Where an agent that is a server is."""

    url: str
    headers: dict[str, str]
    """What opens it; never shown."""


def endpoint(url: str, key_env: str | None, kind: str) -> Endpoint:
    """Return where an agent is reached, and with which headers.

    Args:
        url: As the user wrote it.
        key_env: The name of the variable with its bearer token, or None.
        kind: ``http`` or ``a2a``, for the error.

    Raises:
        UsageError: it is no address, or the variable is not set.
    """
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_address = is_address and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise UsageError(
            f"{url!r} is no address", where="--agent", mend=f"write {kind}:http://HOST:PORT/PATH"
        )
    if "@" in parts.netloc:
        raise UsageError(
            "the address holds a password",
            where="--agent",
            mend="put a token into a variable and name it as the agent's key",
        )
    headers: dict[str, str] = {}
    if key_env is not None:
        key = os.environ.get(key_env, "")
        if not key:
            raise UsageError(
                "the variable with the agent's key is not set", where=key_env, mend="export it"
            )
        headers["Authorization"] = f"Bearer {key}"
    return Endpoint(url, headers)


def public(url: str) -> str:
    """Return an address without what may be secret in it."""
    parts = urlsplit(url)
    return parts._replace(query="", fragment="").geturl()


def handles(task: TaskView, handle: Handle, gateway: Gateway) -> Handles:
    """Return the handles of a new session."""
    at = gateway.addresses(handle)
    has_model = gateway.upstream is not None
    return Handles(
        trial=task.trial_id,
        session=secrets.token_hex(8),
        seat=task.seat,
        lang=task.lang,
        limits=task.limits,
        tools=Tools(at.mcp_url, at.mcp_headers),
        model=Model(at.openai_base_url, at.anthropic_base_url, at.api_key, at.model)
        if has_model
        else None,
        store=None if task.store is None else task.store.id,
    )
