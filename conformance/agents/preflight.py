"""Before the first trial: does the endpoint answer, and which tool style works there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NoReturn

import msgspec

from conformance.agents.contract import ModelFaultError
from conformance.agents.faults import Patience
from conformance.agents.modelclient import join_body
from conformance.agents.sampling import CapName
from conformance.agents.styles import StyleName, make_kit, read_calls, text_of
from conformance.authoring import ToolSpec, submit_spec
from conformance.errors import AgentUnavailableError

if TYPE_CHECKING:
    from conformance.agents.modelclient import ModelClient, Reply
    from conformance.agents.sampling import Sampling

StyleWish = Literal["auto", "native", "structured"]

PROBE_TIMEOUT_S = 60.0
_BRIEF_TOKENS = 120
_THINKING_TOKENS = 2048
_PATIENCE = Patience(
    retries=2, timeout_retries=0, first_wait_s=0.5, longest_wait_s=2.0, longest_retry_after_s=20.0
)
_CANARY = (
    ToolSpec(
        name="report_code",
        description="Report a code.",
        parameters={
            "type": "object",
            "properties": {"code": {"type": "string", "description": "The code to report"}},
            "required": ["code"],
            "additionalProperties": False,
        },
    ),
    submit_spec({}),
)
_ASK = {"role": "user", "content": "Report the code K7. Call report_code with it now."}


class Seen(msgspec.Struct, frozen=True):
    """What one style did with the canary call."""

    style: StyleName
    result: Literal["called", "text_call", "no_call", "refused"]
    """``text_call``: a call, but left in the text; ``refused``: the endpoint takes no such
    request."""
    detail: str


class Probe(msgspec.Struct, frozen=True):
    """What the probe found: the style to use and why."""

    style: StyleName
    seen: tuple[Seen, ...]
    served_model: str | None
    cap_name: CapName = "max_tokens"


async def probe_endpoint(
    client: ModelClient,
    sampling: Sampling,
    wish: StyleWish = "auto",
    timeout_s: float = PROBE_TIMEOUT_S,
) -> Probe:
    """Try the canary call natively, then structured, and return the style to use.

    A model that calls nothing in any style is no fault of the endpoint: it is graded natively.

    Raises:
        AgentUnavailableError: no usable answer; says what, where and how to mend it.
    """
    prober = _Prober(client, sampling, timeout_s)
    wanted: tuple[StyleName, ...] = ("native", "structured") if wish == "auto" else (wish,)
    for style in wanted:
        await prober.look(style)
        if prober.seen[-1].result == "called":
            break
    seen = tuple(prober.seen)
    if all(item.result == "refused" for item in seen):
        tried = "; ".join(f"{item.style}: {item.detail}" for item in seen)
        raise AgentUnavailableError(
            f"the endpoint takes no tool calls ({tried})",
            where=client.where,
            mend="see the endpoint's settings for tool calls, or try another --style",
        )
    best = min(seen, key=lambda item: _RANK[item.result])
    return Probe(best.style, seen, prober.served_model, prober.cap_name)


_RANK = {"called": 0, "text_call": 1, "no_call": 2, "refused": 3}


class _Prober:
    def __init__(self, client: ModelClient, sampling: Sampling, timeout_s: float) -> None:
        self.seen: list[Seen] = []
        self.served_model: str | None = None
        self.cap_name: CapName = "max_tokens"
        self._client = client
        self._sampling = sampling
        self._timeout_s = timeout_s

    async def look(self, style: StyleName) -> None:
        """Send the canary in one style and add what was seen."""
        try:
            reply = await self._ask(style, _BRIEF_TOKENS)
            if reply.finish_reason == "length" and _thinks(reply):
                reply = await self._ask(style, _THINKING_TOKENS)
            seen = _judge(style, reply)
            if seen.result == "no_call" and reply.finish_reason != "length":
                # A model that samples may miss once.
                seen = _judge(style, await self._ask(style, _BRIEF_TOKENS))
        except ModelFaultError as fault:
            if fault.kind != "refused_request" or await self._is_unknown_model(fault):
                await _give_up(self._client, fault)
            seen = Seen(style, "refused", str(fault))
        self.seen.append(seen)

    async def _ask(self, style: StyleName, tokens: int) -> Reply:
        try:
            return await self._send(style, tokens)
        except ModelFaultError as fault:
            # Newer models of one provider know the cap under another name only.
            if "max_completion_tokens" not in str(fault) or self.cap_name != "max_tokens":
                raise
            self.cap_name = "max_completion_tokens"
            return await self._send(style, tokens)

    async def _send(self, style: StyleName, tokens: int) -> Reply:
        kit = make_kit(style, _CANARY, "en")
        members = {"model": self._client.address.model} | self._sampling.capped(tokens).members(
            self.cap_name
        )
        encode = msgspec.json.encode
        fields = encode(members)[1:-1] + b"," + kit.fields
        body = join_body(fields, [encode(kit.system), encode(_ASK)])
        reply = await self._client.complete(body, timeout_s=self._timeout_s, patience=_PATIENCE)
        self.served_model = reply.served_model
        return reply

    async def _is_unknown_model(self, fault: ModelFaultError) -> bool:
        if fault.status == 404:  # noqa: PLR2004
            return True
        listed = await self._client.models(self._timeout_s)
        return (
            "model" in str(fault).lower()
            and bool(listed)
            and (self._client.address.model not in listed)
        )


def _thinks(reply: Reply) -> bool:
    message = reply.message
    return bool(
        message.get("reasoning_content")
        or message.get("reasoning")
        or "<think>" in text_of(message)
        or not text_of(message)
    )


def _judge(style: StyleName, reply: Reply) -> Seen:
    kit = make_kit(style, _CANARY, "en")
    reading = read_calls(kit, reply.message)
    named = [call.name for call in reading.calls if call.problem is None]
    if not named:
        said = " ".join(text_of(reply.message).split())[:80]
        return Seen(style, "no_call", f"said {said!r}" if said else "said nothing")
    if reading.text_form is not None:
        return Seen(style, "text_call", f"{named[0]}, left in the text as {reading.text_form}")
    return Seen(style, "called", named[0])


async def _give_up(client: ModelClient, fault: ModelFaultError) -> NoReturn:
    address = client.address
    what, mend = {
        "unauthorised": (
            f"the endpoint refuses the key ({fault})",
            f"put a valid key into {address.key_env}",
        ),
        "connection": (
            f"the endpoint cannot be reached ({fault})",
            "check the address and that the server runs",
        ),
        "timeout": (
            f"the endpoint took the request and stayed silent ({fault})",
            "check that the model is loaded and not overrun",
        ),
        "rate_limited": (
            f"the endpoint lets no request through ({fault})",
            "wait, or raise the account's limit",
        ),
        "server_error": (f"the endpoint fails ({fault})", "see the server's own log"),
        "bad_reply": (
            f"no OpenAI-compatible chat endpoint answers there ({fault})",
            "check the address; most end in /v1",
        ),
        "context_overflow": (
            f"the model's context is too small for one tool call ({fault})",
            "serve the model with a context of 4,096 tokens or more",
        ),
        "refused_request": (
            f"the endpoint does not serve model {address.model!r} ({fault})",
            "check the model's name and the address; most end in /v1",
        ),
    }[fault.kind]
    if fault.kind == "refused_request":
        listed = await client.models(PROBE_TIMEOUT_S)
        if listed:
            mend = f"it serves {', '.join(listed[:8])}{' …' if len(listed) > 8 else ''}"  # noqa: PLR2004
    raise AgentUnavailableError(what, where=client.where, mend=mend)
