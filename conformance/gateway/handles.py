"""A handle: one agent's way to one seat of one trial, for as long as it works there."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING, Any

import msgspec

from conformance.agents.contract import ModelFaultError, ToolReply, TrialEndedError
from conformance.agents.notes import NOTES, use_notes
from conformance.authoring import SUBMIT_TOOL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.agents.contract import Doors, ModelCall, Store, TaskView
    from conformance.authoring import Answer, ToolSpec

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_LETTERS = 10
"""50 bits: short enough for a tool's name that is made from the URL, too long to guess."""


_NO_MORE_NOTES = '{"error":"too_many_calls","message":"The notes were used too often."}'


class Addresses(msgspec.Struct, frozen=True):
    """What an agent is told of its two doors."""

    mcp_url: str
    mcp_headers: dict[str, str]
    openai_base_url: str
    anthropic_base_url: str
    api_key: str
    """The trial's token. It is no key of the endpoint's."""
    model: str


class Handle:
    """A path that nobody can guess, and a token; good until it is revoked.

    All that an agent does through the gateway goes through its handle, to the doors of its seat.
    """

    def __init__(self, task: TaskView, doors: Doors) -> None:
        self.id = "".join(secrets.choice(_ALPHABET) for _ in range(_LETTERS))
        self.token = secrets.token_urlsafe(24)
        self.task = task
        self.doors = doors
        self._own_tools = () if task.store is None else (NOTES,)
        self.tools: tuple[ToolSpec, ...] = (*self._own_tools, *task.tools)
        """What the tools door offers now."""
        self._revoked = asyncio.Event()
        self.over = asyncio.Event()
        """The answer is taken, or the trial has ended: the agent has no more work."""
        self.has_ended = False
        """The doors are shut to this agent, for a limit, by the world or by the suite."""
        self.error: BaseException | None = None
        """What failed on the suite's side, to be raised where the trial runs."""
        self.fault: ModelFaultError | None = None
        """The failure of the endpoint that no later call has mended."""
        self.has_begun = False
        """The agent has called a tool of the world, or handed something in."""
        self.tool_listings = 0
        self.protocol_errors = 0
        """Requests at the tools door that were no good MCP."""
        self.model_requests = 0
        self.foreign_requests = 0
        """Requests with this handle's token that were not made at its path."""
        self.notes_calls = 0

    @property
    def is_revoked(self) -> bool:
        """Say whether it is out of force."""
        return self._revoked.is_set()

    def revoke(self) -> None:
        """Let nothing through any more."""
        self._revoked.set()

    async def keep_silent(self) -> None:
        """Wait for an agent's end before it is told of it, where the world killed the agent.

        One that heard of it could still save what it knows: its process ends a moment later.
        """
        if self.doors.was_killed:
            await self._revoked.wait()

    async def call_tool(self, name: str, arguments: Any) -> ToolReply:
        """Call a tool, the agent's notes or ``submit_answer``.

        Raises:
            TrialEndedError: the agent has no more calls; it gets no reply.
        """
        if self.is_revoked or self.has_ended:
            raise TrialEndedError
        if self.task.store is not None and name == NOTES.name:
            return self._use_notes(self.task.store, arguments)
        self.has_begun = True
        with self._at_the_doors():
            reply = await self.doors.call_tool(name, arguments)
        if reply.tools is not None:
            self.tools = (*self._own_tools, *reply.tools)
        if name == SUBMIT_TOOL and reply.is_end:
            self.over.set()
        return reply

    def _use_notes(self, store: Store, arguments: Any) -> ToolReply:
        """Let the agent use its notes, as often as it may call the world's tools.

        They count for no limit of the trial, but each call is a line of the transcript.
        """
        self.notes_calls += 1
        if self.notes_calls > self.task.limits.tool_calls:
            return ToolReply(_NO_MORE_NOTES, is_error=True, is_end=False)
        return use_notes(store, arguments, self.doors)

    def submit(self, answer: Answer, channel: str) -> None:
        """Hand in an answer that came by another way than ``submit_answer``.

        Raises:
            TrialEndedError: the trial is over.
        """
        with self._at_the_doors():
            self.doors.submit(answer, channel)

    def before_model_call(self) -> None:
        """Ask for one model call.

        Raises:
            TrialEndedError: there is none left.
        """
        if self.is_revoked:
            raise TrialEndedError
        with self._at_the_doors():
            self.doors.before_model_call()

    def after_model_call(self, call: ModelCall) -> None:
        """Meter a model call that returned.

        Raises:
            TrialEndedError: it was one too many; the agent gets no reply.
        """
        self.fault = None
        if self.is_revoked:
            raise TrialEndedError
        with self._at_the_doors():
            self.doors.after_model_call(call)

    def note(self, kind: str, **details: Any) -> None:
        """Record something else worth reading."""
        if not self.is_revoked:
            try:
                self.doors.note(kind, **details)
            except Exception as error:  # noqa: BLE001 - raised where the trial runs
                self._break(error)

    @contextlib.contextmanager
    def _at_the_doors(self) -> Iterator[None]:
        """Take note of what ends at the doors; all that comes out is ``TrialEndedError``."""
        try:
            yield
        except TrialEndedError:
            self._end()
            raise
        except Exception as error:
            self._break(error)
            raise TrialEndedError from error

    def _end(self) -> None:
        self.has_ended = True
        self.over.set()

    def _break(self, error: BaseException) -> None:
        self.error = self.error or error
        self._end()


class Handles:
    """The handles in force, by their path and by their token."""

    def __init__(self) -> None:
        self._by_id: dict[str, Handle] = {}
        self._by_token: dict[str, Handle] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Handle]:
        return iter(self._by_id.values())

    def add(self, handle: Handle) -> None:
        """Put a handle in force."""
        self._by_id[handle.id] = handle
        self._by_token[handle.token] = handle

    def revoke(self, handle: Handle) -> None:
        """Take a handle out of force: from now on its path is unknown."""
        handle.revoke()
        self._by_id.pop(handle.id, None)
        self._by_token.pop(handle.token, None)

    def at(self, path_id: str) -> Handle | None:
        """Return the handle of a path."""
        return self._by_id.get(path_id)

    def holding(self, token: str) -> Handle | None:
        """Return the handle that a token belongs to."""
        return self._by_token.get(token)
