"""An agent that is reached from outside, opened and closed again."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from conformance.agents.external import ExternalAgent
from conformance.gateway import Gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from conformance.agents.external import Transport


@asynccontextmanager
async def reached(
    transport: Transport, gateway: Gateway | None = None
) -> AsyncIterator[ExternalAgent]:
    """Open the agent, with a gateway of its own where none is given."""
    agent = ExternalAgent(transport, gateway or Gateway())
    await agent.open()
    try:
        yield agent
    finally:
        await agent.close()
