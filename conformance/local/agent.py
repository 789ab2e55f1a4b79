"""``chat:local``: the embedded endpoint and the chat agent on it, as one agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.agents.chat import ChatAgent
from conformance.agents.sampling import PROVIDER_DEFAULTS, Sampling
from conformance.local.endpoint import LocalEndpoint

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.agents.contract import Doors, EvidenceClass, TaskView
    from conformance.agents.preflight import StyleWish
    from conformance.authoring import Instance

MAX_TOKENS = 256
"""The cap of one reply: two cores write some fifty tokens a second, and a call needs thirty."""
_NO_KEY_ENV = "CONFORMANCE_NO_KEY"


class LocalAgent:
    """A chat agent whose endpoint it starts and ends itself.

    Args:
        gguf: The model file; None takes the pinned weights.
        slots: Trials whose calls are worked on at once.
        sampling: What is pinned beside the cap.
        style: ``auto`` lets the probe choose.
    """

    evidence_class: EvidenceClass = "model-only"

    def __init__(
        self,
        gguf: Path | None = None,
        *,
        slots: int = 2,
        sampling: Sampling = PROVIDER_DEFAULTS,
        style: StyleWish = "auto",
    ) -> None:
        self.endpoint = LocalEndpoint(gguf, slots=slots)
        self._sampling = sampling.capped(MAX_TOKENS)
        self._style = style
        self._chat: ChatAgent | None = None

    async def open(self) -> None:
        """Start the endpoint and probe it.

        Raises:
            ConformanceError: as ``LocalEndpoint.start`` and ``ChatAgent.open``.
        """
        await self.endpoint.start()
        chat = ChatAgent(
            self.endpoint.model,
            self.endpoint.base_url,
            key_env=_NO_KEY_ENV,
            sampling=self._sampling,
            style=self._style,
        )
        try:
            await chat.open()
        except BaseException:
            await self.endpoint.end()
            raise
        self._chat = chat

    async def run(self, task: TaskView, doors: Doors, private: Instance[Any]) -> None:
        """Let the model work on one task."""
        await self._opened().run(task, doors, private)

    async def canary(self) -> bool:
        """Say whether the endpoint still answers."""
        return self._chat is not None and await self._chat.canary()

    async def close(self) -> None:
        """End the endpoint."""
        chat, self._chat = self._chat, None
        if chat is not None:
            await chat.close()
        await self.endpoint.end()

    def describe(self) -> dict[str, Any]:
        """Return the chat agent's description; the endpoint's port is of no interest."""
        told = self._chat.describe() if self._chat is not None else {"kind": "chat"}
        return told | {
            "endpoint": "embedded (llama.cpp on loopback)",
            "slots": self.endpoint.slots,
            "slot_tokens": self.endpoint.slot_tokens,
        }

    def _opened(self) -> ChatAgent:
        if self._chat is None:
            raise RuntimeError("open() comes before run()")
        return self._chat
