"""The only doors an agent has: tools (MCP) and models (three dialects), one listener a worker.

from conformance.gateway import Gateway, Upstream

gateway = Gateway(Upstream("qwen3", "http://127.0.0.1:8000/v1"))
await gateway.open()
with gateway.handle(task, doors) as handle:
    gateway.addresses(handle)   # what the agent is told
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conformance.gateway.faults import Injection
    from conformance.gateway.handles import Addresses, Handle
    from conformance.gateway.listener import Gateway
    from conformance.gateway.upstream import Upstream

__all__ = ["Addresses", "Gateway", "Handle", "Injection", "Upstream"]

_HOMES = {
    "Addresses": "handles",
    "Gateway": "listener",
    "Handle": "handles",
    "Injection": "faults",
    "Upstream": "upstream",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(name)
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
