"""Sampling settings of a model: the provider's defaults unless pinned."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

CapName = Literal["max_tokens", "max_completion_tokens"]
"""What the endpoint calls the most tokens of one reply."""

STRUCTURED_MAX_TOKENS = 1024
"""The cap of a call in the structured style where none is pinned: a schema lets a string run on
for ever, and one call is short."""


class Sampling(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is pinned of a model's sampling; None leaves it to the provider."""

    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    """Most tokens of one reply."""
    reasoning_effort: str | None = None
    extra: dict[str, Any] = {}
    """Further members of the request body, for endpoints with settings of their own."""

    def members(self, cap_name: CapName) -> dict[str, Any]:
        """Return the members of a request body that these settings are."""
        pinned = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "seed": self.seed,
            cap_name: self.max_tokens,
            "reasoning_effort": self.reasoning_effort,
        }
        return {name: value for name, value in pinned.items() if value is not None} | self.extra

    def capped(self, max_tokens: int) -> Sampling:
        """Return the same settings with a cap where none is pinned."""
        if self.max_tokens is not None:
            return self
        return msgspec.structs.replace(self, max_tokens=max_tokens)


PROVIDER_DEFAULTS = Sampling()
