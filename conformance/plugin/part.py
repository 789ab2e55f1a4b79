"""One process's part in the campaign: the agent, opened once, and the rounds it takes part in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.campaign.shared import SharedCampaign
from conformance.decision.ladder import EFFICIENCY
from conformance.errors import ConformanceError
from conformance.plugin.loop import Loop

if TYPE_CHECKING:
    from conformance.agents.contract import Agent
    from conformance.campaign.observe import Observed
    from conformance.campaign.shared import Session
    from conformance.decision.result import ClauseResult, EfficiencyResult
    from conformance.plugin.plan import Plan


class Part:
    """What one process does of a campaign. Nothing is opened before it is needed.

    Args:
        plan: What is graded.
        session: What every process of the run is told.
    """

    def __init__(self, plan: Plan, session: Session) -> None:
        self.plan = plan
        self.loop = Loop()
        self.told: tuple[dict[str, Any], str] | None = None
        """Who the agent is and its evidence class, once it was opened."""
        self._session = session
        self._agent: Agent | None = None
        self._campaign: SharedCampaign | None = None
        self._trouble: ConformanceError | None = None

    def settle(self, clause: str) -> None:
        """Run what is needed until a clause is settled.

        Raises:
            AgentUnavailableError: the agent or its endpoint failed, or the suite too often.
            ConformanceError: the agent, or the run folder, cannot be used.
        """
        self.loop.run(self._settle(clause))

    def result(self, clause: str) -> ClauseResult:
        """Return what a settled clause came to."""
        assert self._campaign is not None, "settle() comes first"  # noqa: S101
        found = self._campaign.result(clause)
        assert found is not None, "settle() comes first"  # noqa: S101
        return found

    def efficiency(self) -> EfficiencyResult:
        """Return the efficiency class, once it is settled."""
        assert self._campaign is not None, "settle() comes first"  # noqa: S101
        found = self._campaign.efficiency
        assert found is not None, "settle() comes first"  # noqa: S101
        return found

    def observed(self, clause: str) -> list[Observed]:
        """Return what was observed of a clause, in order."""
        return [] if self._campaign is None else self._campaign.observed(clause)

    async def agent(self) -> Agent:
        """Return the agent under test, opened.

        Raises:
            ConformanceError: it cannot be.
        """
        if self._agent is None:
            agent = self.plan.ready.agent
            await agent.open()
            self._agent = agent
        return self._agent

    def leave(self) -> None:
        """Cancel what is in flight, and close the agent; a second time does nothing."""
        self.loop.run(self._leave())
        self.loop.close()

    async def _settle(self, clause: str) -> None:
        if self._trouble is not None:  # an endpoint that is down is not asked by each clause anew
            raise self._trouble
        try:
            if self._campaign is None:
                agent = await self.agent()
                settings, out = self.plan.ready.settings, self.plan.out
                self._campaign = SharedCampaign(
                    self.plan.edition, agent, settings, out, session=self._session
                )
            await self._campaign.settle(clause)
            if clause == self.plan.in_reach[-1].clause and clause != EFFICIENCY:
                await self._campaign.settle(EFFICIENCY)  # an edition without classes ends too
        except ConformanceError as error:
            self._trouble = error
            raise

    async def _leave(self) -> None:
        campaign, agent = self._campaign, self._agent
        self._campaign = self._agent = None
        if campaign is not None:
            await campaign.leave()
        if agent is not None:
            self.told = agent.describe(), agent.evidence_class
            await agent.close()
