"""``chat:local``: the chat agent on the embedded endpoint, started and ended with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.agents.chat import ChatAgent
from conformance.local.endpoint import LocalEndpoint

if TYPE_CHECKING:
    from conformance.agents.contract import Doors, EvidenceClass, TaskView
    from conformance.agents.factory import Reach
    from conformance.authoring import Instance
    from conformance.gateway.upstream import Upstream

MAX_TOKENS = 256
"""The cap of one reply where none is pinned: two cores write some fifty tokens a second, and a
call takes thirty."""


class LocalChatAgent:
    """The embedded model as an agent under test."""

    evidence_class: EvidenceClass = "model-only"

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._endpoint = LocalEndpoint(reach.gguf, slots=reach.slots)
        self._chat: ChatAgent | None = None

    async def open(self) -> None:
        """Start the endpoint and probe it.

        Raises:
            AgentUnavailableError: the server ended or stayed silent.
            UsageError: the model's library or file is missing.
        """
        await self._endpoint.start()
        self._chat = ChatAgent(
            self._endpoint.model,
            self._endpoint.base_url,
            key_env="",
            sampling=self._reach.sampling.capped(MAX_TOKENS),
            style=self._reach.style,
            timeout_s=self._reach.timeout_s,
            link=self._reach.link,
        )
        try:
            await self._chat.open()
        except BaseException:
            await self._endpoint.end()
            raise

    async def run(self, task: TaskView, doors: Doors, private: Instance[Any]) -> None:
        """Let the model work on one task."""
        await self._opened().run(task, doors, private)

    @property
    def endpoint(self) -> Upstream:
        """The embedded endpoint, once opened."""
        return self._opened().endpoint

    async def canary(self) -> bool:
        """Say whether the endpoint answers, now."""
        return await self._opened().canary()

    async def close(self) -> None:
        """Close the connections and end the server."""
        try:
            if self._chat is not None:
                await self._chat.close()
        finally:
            await self._endpoint.end()

    def describe(self) -> dict[str, Any]:
        """Return what the chat agent says, with the endpoint as what it is."""
        return {**self._opened().describe(), "endpoint": "embedded"}

    def _opened(self) -> ChatAgent:
        if self._chat is None:
            raise RuntimeError("open() comes first")
        return self._chat
