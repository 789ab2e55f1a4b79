"""The ``chat:`` agent: the suite's own tool loop around a bare model.

It calls the tools itself, so what is graded is the model alone (``model-only``).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from conformance.agents.contract import EvidenceClass, ModelCall
from conformance.agents.faults import PATIENCE, Failure, Patience
from conformance.agents.modelclient import Address, ModelClient, Reply, join_body
from conformance.agents.notes import NOTES, instruction_of, use_notes
from conformance.agents.preflight import Probe, StyleWish, probe_endpoint
from conformance.agents.sampling import PROVIDER_DEFAULTS, STRUCTURED_MAX_TOKENS, Sampling
from conformance.agents.styles import (
    Kit,
    echo,
    make_kit,
    read_calls,
    results,
    text_of,
)
from conformance.agents.textcalls import Wanted, bare_text
from conformance.agents.wording import wording
from conformance.authoring.answer import read_answer_text
from conformance.authoring.tools import INVALID_ARGUMENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.agents.contract import Doors, Store, TaskView
    from conformance.authoring import Instance
    from conformance.gateway.upstream import Upstream
    from conformance.link.model import Link

_CANARY_TIMEOUT_S = 30.0
_BYTES_PER_TOKEN = 4
_SAME_AGAIN = 8
_SAME_ERROR_AGAIN = 5
"""The same calls with the same results, or errors, so many times in a row: the model is stuck."""
_OPEN_FIRST = "open() comes before run()"

_encode = msgspec.json.Encoder().encode


class ChatAgent:
    """A model behind an OpenAI-compatible endpoint, driven by the suite.

    Args:
        model: The model's name, as the endpoint knows it.
        base_url: The endpoint; None takes ``OPENAI_BASE_URL``, else the client's default.
        key_env: Name of the environment variable that holds the key.
        sampling: What is pinned; the rest is the provider's default.
        style: ``auto`` lets the probe choose.
        timeout_s: Seconds one request may take.
        patience: How long a failing endpoint is given.
        link: What lies between here and the endpoint; wants a ``base_url``.
    """

    evidence_class: EvidenceClass = "model-only"

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        *,
        key_env: str = "OPENAI_API_KEY",
        sampling: Sampling = PROVIDER_DEFAULTS,
        style: StyleWish = "auto",
        timeout_s: float = 180.0,
        patience: Patience = PATIENCE,
        link: Link | None = None,
    ) -> None:
        self._wish = style
        self._sampling = sampling
        self._address = Address(model, base_url, key_env, timeout_s)
        self._client = ModelClient(self._address, patience=patience)
        self._far = link.to(base_url or "") if link else None
        self._probe: Probe | None = None
        self._fields = b""
        self._served: set[str] = set()
        self._fingerprints: set[str] = set()

    @property
    def probe(self) -> Probe | None:
        """What the preflight probe found, once opened."""
        return self._probe

    async def open(self) -> None:
        """Reach the endpoint and find the tool style that works there.

        Raises:
            AgentUnavailableError: wrong key, no endpoint, no such model, no tool calls.
        """
        if self._far is not None:
            await asyncio.to_thread(self._far.start)
        try:
            self._client.open(None if self._far is None else self._far.base_url)
            probe = await probe_endpoint(self._client, self._sampling, self._wish)
        except BaseException:
            await self.close()
            raise
        self._probe = probe
        members = {"model": self._address.model} | self._used_sampling(probe).members(
            probe.cap_name
        )
        self._fields = _encode(members)[1:-1] + b","

    async def run(self, task: TaskView, doors: Doors, private: Instance[Any]) -> None:
        """Let the model work on one task until it answers, gives up or runs out."""
        del private
        if self._probe is None:
            raise RuntimeError(_OPEN_FIRST)
        extra = () if task.store is None else (NOTES,)
        kit = make_kit(self._probe.style, (*extra, *task.tools), task.lang)
        talk = _Talk(self._fields, kit)
        talk.add(kit.system)
        talk.add({"role": "user", "content": instruction_of(task)})
        turn = _Turn(kit, talk, doors, task.store)
        while not turn.is_over:
            doors.before_model_call()
            reply = await self._client.complete(talk.body())
            self._note_server(reply)
            doors.after_model_call(_metered(self._address.model, talk, reply))
            await turn.take(reply)

    @property
    def endpoint(self) -> Upstream:
        """The endpoint it asks, once opened, for a profile of it."""
        from conformance.gateway.upstream import Upstream

        client = self._client
        link = None if self._far is None else self._far.link
        return Upstream(client.address.model, client.real_url, client.key, link=link)

    async def canary(self) -> bool:
        """Say whether the endpoint answers a request of one token, now."""
        members = {"model": self._address.model}
        if self._probe is not None:
            members |= Sampling(max_tokens=16).members(self._probe.cap_name)
        body = join_body(
            _encode(members)[1:-1] + b",", [_encode({"role": "user", "content": "Say ok."})]
        )
        got = await self._client.try_once(body, timeout_s=_CANARY_TIMEOUT_S)
        # A request that is refused was still answered.
        return not isinstance(got, Failure) or got.kind in {"refused_request", "context_overflow"}

    async def close(self) -> None:
        """Close the connections."""
        try:
            await self._client.close()
        finally:
            if self._far is not None:
                await asyncio.to_thread(self._far.close)

    def describe(self) -> dict[str, Any]:
        """Return what was asked, how it was asked and who answered."""
        probe = self._probe
        patience = self._client.patience
        return {
            "kind": "chat",
            "model": self._address.model,
            "endpoint": self._client.where,
            "served_models": sorted(self._served),
            "fingerprints": sorted(self._fingerprints),
            "style": probe.style if probe else None,
            "probe": [msgspec.to_builtins(seen) for seen in probe.seen] if probe else [],
            "sampling": msgspec.to_builtins(self._used_sampling(probe)),
            "timeout_s": self._address.timeout_s,
            "retries": {"most": patience.retries, "timeouts": patience.timeout_retries},
            "client": _client_version(),
            "store": "notes",
            **(self._far.describe() if self._far else {}),
        }

    def _used_sampling(self, probe: Probe | None) -> Sampling:
        if probe is not None and probe.style == "structured":
            return self._sampling.capped(STRUCTURED_MAX_TOKENS)
        return self._sampling

    def _note_server(self, reply: Reply) -> None:
        if reply.served_model is not None:
            self._served.add(reply.served_model)
        if reply.fingerprint is not None:
            self._fingerprints.add(reply.fingerprint)


class _Talk:
    """A conversation, each message encoded once."""

    def __init__(self, fields: bytes, kit: Kit) -> None:
        self.fresh: list[dict[str, Any]] = []
        """The messages since the last request."""
        self._constant = fields
        self._fields = fields + kit.fields
        self._encoded: list[bytes] = []
        self.size = len(self._fields)

    def use(self, kit: Kit) -> None:
        """Offer the tools of another kit from the next request on."""
        self.size += len(self._constant) + len(kit.fields) - len(self._fields)
        self._fields = self._constant + kit.fields

    def add(self, message: dict[str, Any], *, is_echo: bool = False) -> None:
        encoded = _encode(message)
        self._encoded.append(encoded)
        self.size += len(encoded)
        if not is_echo:
            self.fresh.append(message)

    def body(self) -> bytes:
        return join_body(self._fields, self._encoded)

    def take_fresh(self) -> list[dict[str, Any]]:
        fresh, self.fresh = self.fresh, []
        return fresh


class _Turn:
    """What is done with each reply; the counts of what a model is told only once."""

    def __init__(self, kit: Kit, talk: _Talk, doors: Doors, store: Store | None) -> None:
        self.is_over = False
        self._kit = kit
        self._talk = talk
        self._doors = doors
        self._store = store
        self._say = wording(kit.lang)
        self._was_cut = False
        self._was_reminded = False
        self._last: tuple[Sequence[Wanted], list[str]] = ([], [])
        self._same = 0

    async def take(self, reply: Reply) -> None:
        message = reply.message
        refusal = message.get("refusal")
        if refusal:
            self._doors.note("refusal", text=str(refusal)[:2000])
        calls, text_form = read_calls(self._kit, message)
        is_cut = reply.finish_reason == "length"
        if calls and not (is_cut and any(call.problem for call in calls)):
            if text_form is not None:
                names = [call.name for call in calls]
                self._doors.note("text_tool_call", form=text_form, tools=names)
            self._was_cut = False
            await self._execute(message, calls)
        elif is_cut:
            self._cut_off(message)
        elif not self._submit_text(text_of(message)):
            self._remind(message)

    async def _execute(self, message: dict[str, Any], calls: Sequence[Wanted]) -> None:
        texts: list[str] = []
        has_failed = False
        for call in calls:
            text, is_error, self.is_over = await self._call(call)
            has_failed = has_failed or is_error
            if self.is_over:
                left = len(calls) - len(texts) - 1
                if left:
                    self._doors.note("calls_after_answer", count=left)
                return
            texts.append(text)
        self._count_same(calls, texts)
        if self._same >= (_SAME_ERROR_AGAIN if has_failed else _SAME_AGAIN):
            self._end(f"the same call with the same result {self._same} times in a row")
            return
        self._talk.add(echo(message, calls), is_echo=True)
        for result in results(calls, texts, self._kit.lang):
            self._talk.add(result)

    def _count_same(self, calls: Sequence[Wanted], texts: list[str]) -> None:
        now = ([call._replace(call_id=None) for call in calls], texts)
        self._same = self._same + 1 if now == self._last else 1
        self._last = now

    async def _call(self, call: Wanted) -> _Called:
        complaint = ""
        if call.problem is not None:
            complaint = _encode(
                {
                    "error": INVALID_ARGUMENTS,
                    "message": self._say.unreadable.format(problem=call.problem),
                }
            ).decode()
        if not call.name:
            self._doors.note("unreadable_call", problem=call.problem, text=str(call.arguments))
            return _Called(complaint, is_error=True, is_end=False)
        if self._store is not None and call.name == NOTES.name and not complaint:
            noted = use_notes(self._store, call.arguments, self._doors)
            return _Called(noted.text, noted.is_error, noted.is_end)
        # Broken arguments go through the door as they are: a failed call is part of the record.
        reply = await self._doors.call_tool(call.name, call.arguments)
        if reply.tools is not None:
            extra = () if self._store is None else (NOTES,)
            self._kit = make_kit(self._kit.style, (*extra, *reply.tools), self._kit.lang)
            self._talk.use(self._kit)
        return _Called(complaint or reply.text, reply.is_error, reply.is_end)

    def _submit_text(self, content: str) -> bool:
        """Take a message that is the answer object as a whole."""
        answer = read_answer_text(bare_text(content))
        if answer is None:
            return False
        self._doors.submit(answer, "final message")
        self.is_over = True
        return True

    def _cut_off(self, message: dict[str, Any]) -> None:
        if self._was_cut:
            self._end("cut off at the token limit twice")
            return
        self._was_cut = True
        self._doors.note("cut_off")
        self._answer_back(message, self._say.cut)

    def _remind(self, message: dict[str, Any]) -> None:
        if self._was_reminded:
            self._end("no tool call and no answer, after one reminder")
            return
        self._was_reminded = True
        self._doors.note("reminder")
        self._answer_back(message, self._say.reminder)

    def _answer_back(self, message: dict[str, Any], text: str) -> None:
        said = text_of(message) or str(message.get("refusal") or "…")
        self._talk.add({"role": "assistant", "content": said}, is_echo=True)
        self._talk.add({"role": "user", "content": text})

    def _end(self, why: str) -> None:
        self._doors.note("ended_without_answer", why=why)
        self.is_over = True


class _Called(NamedTuple):
    text: str
    is_error: bool
    is_end: bool


def _metered(model: str, talk: _Talk, reply: Reply) -> ModelCall:
    usage = reply.usage or {}
    read, written = _count(usage, "prompt_tokens"), _count(usage, "completion_tokens")
    is_reported = read is not None and written is not None
    if not is_reported:
        read = talk.size // _BYTES_PER_TOKEN
        written = len(_encode(reply.message)) // _BYTES_PER_TOKEN
    return ModelCall(
        requested_model=model,
        served_model=reply.served_model,
        sent=talk.take_fresh(),
        received=reply.message,
        finish_reason=reply.finish_reason,
        input_tokens=read,
        output_tokens=written,
        usage_source="reported" if is_reported else "estimated",
        latency_s=round(reply.latency_s, 6),
        retries=len(reply.retried),
        retried_status=reply.retried,
        cached_tokens=_count(usage.get("prompt_tokens_details"), "cached_tokens"),
        reasoning_tokens=_count(usage.get("completion_tokens_details"), "reasoning_tokens"),
    )


def _count(usage: Any, name: str) -> int | None:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _client_version() -> str:
    import importlib.metadata

    return f"openai {importlib.metadata.version('openai')}"
