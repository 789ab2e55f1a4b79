"""An agent together with what its file says of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.agents.contract import endpoint_of

if TYPE_CHECKING:
    from conformance.agents.contract import Agent, Doors, EvidenceClass, TaskView
    from conformance.authoring import Instance
    from conformance.gateway.upstream import Upstream


class IntroducedAgent:
    """Implements ``agents.contract.Agent``: the same agent, with its name and layers.

    Args:
        agent: The agent itself.
        identity: What its description has beside its own (``agentfile.Known.identity``).
    """

    def __init__(self, agent: Agent, identity: dict[str, Any]) -> None:
        self.agent = agent
        self._identity = identity

    @property
    def evidence_class(self) -> EvidenceClass:
        """Return what the evidence of its trials is worth."""
        return self.agent.evidence_class

    async def open(self) -> None:
        """Get it ready."""
        await self.agent.open()

    async def run(self, task: TaskView, doors: Doors, private: Instance[Any]) -> None:
        """Let it work on one task."""
        await self.agent.run(task, doors, private)

    @property
    def endpoint(self) -> Upstream | None:
        """The endpoint of its model, where the suite knows it."""
        return endpoint_of(self.agent)

    async def canary(self) -> bool:
        """Say whether it answers, now."""
        return await self.agent.canary()

    async def close(self) -> None:
        """Let go of it."""
        await self.agent.close()

    def describe(self) -> dict[str, Any]:
        """Return who it is; its file's name for it goes before that of an A2A card."""
        return {**self.agent.describe(), **self._identity}
