"""The model door: calls go to the one endpoint behind it, metered, in three dialects."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

    from conformance.gateway.handles import Handle
    from conformance.gateway.upstream import Upstream


class ModelsDoor:
    """Forwards to ``upstream``; None: there is no model, and each call is told so."""

    def __init__(self, upstream: Upstream | None) -> None:
        self.upstream = upstream

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Hold connections to the endpoint until the block ends."""
        yield

    async def canary(self) -> bool:
        """Say whether the endpoint answers, now; True where there is none."""
        raise NotImplementedError

    def describe(self) -> dict[str, Any]:
        """Return the endpoint's public address, the model, and which models it served."""
        raise NotImplementedError

    async def __call__(
        self, handle: Handle, path: str, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serve one HTTP request; ``path`` is what follows the handle's, ``/v1/…``."""
        raise NotImplementedError
