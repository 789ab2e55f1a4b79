"""The tools door: the world of a trial as an MCP server."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

    from conformance.gateway.handles import Handle


class ToolsDoor:
    """One MCP server for every handle of a worker; what it shows follows from the handle."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve until the block ends."""
        yield

    async def __call__(self, handle: Handle, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request that came to a handle's ``/mcp``."""
        raise NotImplementedError
