"""What the suite and an agent owe each other in a trial, however the agent is reached."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import msgspec

from conformance.authoring import Lang, ToolSpec
from conformance.clearing import clear_away

if TYPE_CHECKING:
    from conformance.authoring import Answer, Instance
    from conformance.gateway.upstream import Upstream

EvidenceClass = Literal["jailed", "observed", "reported", "model-only"]


Dialect = Literal["chat", "responses", "messages"]
"""How an agent talks to its model: chat completions, Responses, Anthropic messages."""


class Limits(msgspec.Struct, frozen=True):
    """What one trial may use; crossing one ends it with ``limit_exceeded`` (wall: ``timeout``)."""

    wall_s: float = 600.0
    model_calls: int = 60
    tokens: int = 400_000
    tool_calls: int = 120


class Store:
    """An agent's own store over the sessions of one trial: all that survives of it in between."""

    def __init__(self) -> None:
        self.id = secrets.token_hex(8)
        """Names the store to an agent that keeps its own things elsewhere."""
        self.text = ""
        """Notes, for an agent that has no place of its own."""
        self._folder: Path | None = None

    @property
    def folder(self) -> Path:
        """A folder that lasts as long as the trial, for an agent that is a program."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="conformance-store-"))
        return self._folder

    def clear(self) -> None:
        """Forget everything: the trial is over."""
        self.text = ""
        if self._folder is not None:
            clear_away(self._folder)
            self._folder = None


class TaskView(msgspec.Struct, frozen=True):
    """All that reaches the agent of a task. No seed, no index, no family."""

    trial_id: str
    """Random; names nothing."""
    instruction: str
    lang: Lang
    tools: tuple[ToolSpec, ...]
    """The tools offered, ``submit_answer`` last."""
    limits: Limits
    seat: str = ""
    """Which of several agents at work on one world this one is, or which session of one."""
    store: Store | None = None
    """Where the trial has several sessions: what this agent wrote in the earlier ones."""


class ToolReply(NamedTuple):
    """What a tool call gives back to the agent."""

    text: str
    """One JSON text; for an error ``{"error": code, "message": …}``."""
    is_error: bool
    is_end: bool
    """The answer was taken: the work is over."""
    tools: tuple[ToolSpec, ...] | None = None
    """All the tools there are from now on, where they changed."""


class ModelCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call of the model behind an agent, as metered by the suite."""

    requested_model: str
    served_model: str | None
    sent: list[dict[str, Any]]
    """The messages new since the previous call of the trial (all of them in the first)."""
    received: dict[str, Any]
    """The assistant's message: content, tool calls, refusal."""
    finish_reason: str | None
    input_tokens: int | None
    output_tokens: int | None
    usage_source: Literal["reported", "injected", "estimated", "none"]
    """``injected``: the suite asked for the usage that the agent did not ask for."""
    latency_s: float
    retries: int = 0
    retried_status: list[str] = []
    """Why each retry was made: an HTTP status, ``connection``, ``timeout``, or ``body``."""
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    dialect: Dialect = "chat"
    is_stream: bool = False
    first_token_s: float | None = None
    """Seconds from the request to the first content of a stream."""
    known: int = 0
    """Messages at the head of the request that an earlier call of the trial had sent already;
    they are not in ``sent``."""
    tools: int | None = None
    """How many tools the agent offered its model."""
    stripped: list[str] = []
    """What the gateway took out of the request: hosted tools, by type."""


class Doors(Protocol):
    """The only doors an agent has: tools, and the meter of its model calls."""

    @property
    def was_killed(self) -> bool:
        """Say whether the world killed this agent: it ends at once, by no fault of its own."""
        ...

    @property
    def has_answered(self) -> bool:
        """Say whether the answer is taken."""
        ...

    async def call_tool(self, name: str, arguments: Any) -> ToolReply:
        """Call a tool or ``submit_answer``; never raises for a mistake of the agent.

        Raises:
            TrialEndedError: the trial's limits are used up; let it pass.
        """
        ...

    def submit(self, answer: Answer, channel: str) -> ToolReply:
        """Take an answer that did not come as a call of ``submit_answer``."""
        ...

    def before_model_call(self) -> None:
        """Ask for one model call.

        Raises:
            TrialEndedError: the trial's limits are used up; let it pass.
        """
        ...

    def after_model_call(self, call: ModelCall) -> None:
        """Meter and record a model call that returned."""
        ...

    def note(self, kind: str, **details: Any) -> None:
        """Record something else worth reading in the transcript."""
        ...


class Agent(Protocol):
    """An agent under test. One object serves a whole campaign, many trials at once."""

    @property
    def evidence_class(self) -> EvidenceClass:
        """Return what the evidence of its trials is worth; the same over a whole campaign."""
        ...

    async def open(self) -> None:
        """Get ready before the first trial.

        Raises:
            AgentUnavailableError: the agent or its endpoint cannot be reached.
        """
        ...

    async def run(self, task: TaskView, doors: Doors, private: Instance[Any]) -> None:
        """Work on one task; return when done, answered or not.

        ``private`` is the instance itself, for the ``builtin:`` calibrators alone; no other
        kind may look at it.

        Raises:
            ModelFaultError: the model's endpoint failed; the trial's table says what follows.
        """
        ...

    async def canary(self) -> bool:
        """Say whether the agent's endpoint answers at all, now. Cheap."""
        ...

    async def close(self) -> None:
        """Let go of connections and processes."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return who the agent is, for the report: kind, model, tool style, sampling, versions."""
        ...


def endpoint_of(agent: Agent) -> Upstream | None:
    """Return the endpoint of the model behind an agent, once opened.

    None where it has none, as a calibrator, or brings its own, which the suite does not know.
    """
    endpoint: Upstream | None = getattr(agent, "endpoint", None)
    return endpoint


class TrialEndedError(Exception):
    """The trial ended under the agent: a limit was crossed. Raised by the doors."""


class AgentFailedError(Exception):
    """The agent itself failed: it crashed, or did not keep to its protocol."""

    def __init__(self, message: str, cause: Literal["agent_error", "protocol"]) -> None:
        super().__init__(message)
        self.cause = cause


class SuiteFailedError(Exception):
    """What stands between the suite and an agent failed, by no fault of the agent."""


FaultKind = Literal[
    "server_error",  # 5xx after all retries
    "rate_limited",  # 429 after all retries
    "timeout",
    "connection",
    "context_overflow",
    "refused_request",  # any other 4xx
    "unauthorised",  # 401, 403
    "bad_reply",  # a good status, but no chat completion, after all retries
]


class ModelFaultError(Exception):
    """A model call failed for good, after retries."""

    def __init__(self, kind: FaultKind, message: str, *, status: int | None, retries: int) -> None:
        super().__init__(message)
        self.kind = kind
        self.status = status
        self.retries = retries
