"""From ``KIND:VALUE`` as a user writes it to an agent."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from conformance.agents.sampling import Sampling
from conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.agents.contract import Agent
    from conformance.agents.places import Place
    from conformance.authoring import Instance

KINDS = {
    "chat": "chat:MODEL (chat:local is the embedded model)",
    "builtin": "builtin:NAME (calibrators: oracle, null, liar, …)",
    "human": "human:NAME (a person at this terminal)",
}
LOCAL = "local"
LOCAL_SLOTS = 2


class Reach(msgspec.Struct, frozen=True):
    """How the agent is reached, beside its name."""

    base_url: str | None = None
    key_env: str = "OPENAI_API_KEY"
    style: Literal["auto", "native", "structured"] = "auto"
    sampling: Sampling = Sampling()
    timeout_s: float = 180.0
    gguf: Path | None = None
    slots: int = LOCAL_SLOTS


def make_agent(spec: str, reach: Reach, places: Callable[[Instance[Any]], Place | None]) -> Agent:
    """Return the agent that ``spec`` names; nothing is started yet.

    Args:
        spec: ``KIND:VALUE``.
        reach: How it is reached.
        places: Tells a calibrator where in the edition an instance stands.

    Raises:
        UsageError: an unknown kind, no value, or options that do not fit.
    """
    kind, colon, value = spec.partition(":")
    if kind not in KINDS or not colon or not value:
        raise UsageError(
            f"{spec!r} names no agent", where="--agent", mend="; ".join(KINDS.values())
        )
    if kind == "builtin":
        from conformance.agents.builtin import BuiltinAgent

        return BuiltinAgent(value, places)
    if kind == "human":
        from conformance.agents.human import HumanAgent, at_terminal

        return HumanAgent(value, *at_terminal())
    if value == LOCAL:
        if reach.base_url is not None:
            raise UsageError(
                "chat:local starts its own endpoint",
                where="--base-url",
                mend="leave it out, or name the endpoint's model: chat:MODEL",
            )
        from conformance.local.agent import LocalChatAgent

        return LocalChatAgent(reach)
    if reach.base_url is not None and not re.match(r"https?://[^/]", reach.base_url):
        raise UsageError(
            f"{reach.base_url!r} is no address",
            where="--base-url",
            mend="write http://HOST:PORT/v1 or https://HOST/v1",
        )
    from conformance.agents.chat import ChatAgent

    return ChatAgent(
        value,
        reach.base_url,
        key_env=reach.key_env,
        sampling=reach.sampling,
        style=reach.style,
        timeout_s=reach.timeout_s,
    )


def default_concurrency(spec: str, slots: int) -> int:
    """Return how many trials at once suit a kind: the calibrators share one core with the suite."""
    if spec.startswith(("builtin:", "human:")):
        return 1
    return slots if spec == f"chat:{LOCAL}" else 8


def patience(spec: str) -> float:
    """Return the seconds that a kind is given for a trial, whatever the limit; 0 for most."""
    if not spec.startswith("human:"):
        return 0.0
    from conformance.agents.human import PATIENCE_S

    return PATIENCE_S
