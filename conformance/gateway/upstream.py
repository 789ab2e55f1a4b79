"""The one endpoint behind the model door."""

from __future__ import annotations

import msgspec


class Upstream(msgspec.Struct, frozen=True):
    """Where model calls go, and the key, which lives only here."""

    model: str
    """What the agent is told to ask for."""
    base_url: str
    """Of an OpenAI-compatible endpoint, with its ``/v1``."""
    key: str = ""
    """Never shown to an agent, never written down; empty for an endpoint that wants none."""
    timeout_s: float = 180.0
    connect_timeout_s: float = 10.0
