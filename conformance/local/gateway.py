"""``--model local``: a gateway with the embedded endpoint behind it, started and ended with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.gateway.listener import Gateway
from conformance.gateway.models import ModelsDoor
from conformance.gateway.upstream import Upstream
from conformance.local.endpoint import LocalEndpoint

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.link.model import Link


class LocalGateway(Gateway):
    """Implements ``gateway.Gateway`` on the embedded model.

    Args:
        gguf: The model file; None takes the pinned weights.
        slots: Requests worked on at once.
        link: What lies between the gateway and the endpoint.
    """

    def __init__(self, gguf: Path | None, slots: int, link: Link | None = None) -> None:
        super().__init__()
        self._link = link
        self._endpoint = LocalEndpoint(gguf, slots=slots)

    async def open(self) -> None:
        """Start the endpoint, then listen.

        Raises:
            AgentUnavailableError: the server ended or stayed silent.
            UsageError: the model's library or file is missing.
        """
        if self._running is not None:
            return
        await self._endpoint.start()
        self.upstream = Upstream(self._endpoint.model, self._endpoint.base_url, link=self._link)
        self.models = ModelsDoor(self.upstream, self.models.injections)
        try:
            await super().open()
        except BaseException:
            await self._endpoint.end()
            raise

    async def close(self) -> None:
        """Stop listening, then end the endpoint."""
        try:
            await super().close()
        finally:
            await self._endpoint.end()

    def describe(self) -> dict[str, Any]:
        """Return what the gateway says, with the endpoint as what it is."""
        return {**super().describe(), "endpoint": "embedded"}
