"""The world a trial happens in: JSON state behind typed tools, and the hooks of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.authoring.canonical import copied, digest
from conformance.authoring.tools import ToolSpec, tool_specs

if TYPE_CHECKING:
    from collections.abc import Sequence

State = dict[str, Any]


class NothingYet(Exception):  # noqa: N818 - no error: the door waits for another seat
    """Raised by a tool that waits for another seat's doing (a message, say).

    The caller waits until another seat has made a call, and the tool is tried again. Where no
    other seat is left that could, and in a replay, the call returns ``result``.
    """

    def __init__(self, result: Any) -> None:
        super().__init__("nothing yet")
        self.result = result


class World:
    """A deterministic world. Its tools are the methods marked with ``@tool``.

    ``state`` is all that can change and all that a grader reads: JSON, nothing else. What never
    changes (sensor tables, a policy) belongs in other attributes. ``clock`` is the logical time in
    seconds: one a tool call made so far, and what ``wait`` let pass. ``seat`` is who calls now.
    ``secret`` mints the tokens of this instance.

    Everything a world does follows from the calls it got, in their order: it is replayed.
    """

    def __init__(self, state: State, secret: str) -> None:
        self.state = state
        self.secret = secret
        self.clock = 0
        self.seat = ""

    @classmethod
    def tool_specs(cls) -> dict[str, ToolSpec]:
        """Return every tool this class has, offered or not, by its method's name."""
        return tool_specs(cls)

    def snapshot(self) -> State:
        """Return a copy of the state that later calls do not touch."""
        state: State = copied(self.state)
        return state

    def digest(self) -> str:
        """Return the SHA-256 of the state, numbers normalised."""
        return digest(self.state)

    # Hooks. None of them may change ``state``, but for ``begin``.

    def begin(self, session: int) -> None:
        """A session of the trial begins (0 the first): before the first call in it, or the end."""

    def notices(self) -> list[Any]:
        """Return what ``self.seat`` is told beside the result of the call it just made.

        Asked once after every call, failed ones too; JSON, or nothing. The agent sees it as
        ``{"result": …, "notices": […]}``.
        """
        return []

    def has_killed(self) -> bool:
        """Say whether the agent at ``self.seat`` is killed now, before it sees the reply.

        Its session ends there; the next one begins with a new agent that has only its own store.
        """
        return False

    def tools_now(self, offered: Sequence[str]) -> Sequence[str]:
        """Return which methods are tools now, out of all: ``offered`` unless tools drift.

        Asked after every call. Where the list changed, the agent is told in a notice
        ``{"tools_changed": {"removed": […], "added": [{name, description, parameters}]}}``.
        """
        return offered
