"""From ``KIND:VALUE``, or an ``agent.toml``, as a user names it to an agent."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from conformance.agents.agentfile import PROGRAMS, Known, read_agent_file
from conformance.agents.sampling import PROVIDER_DEFAULTS, Sampling
from conformance.errors import UsageError
from conformance.link.model import Link

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.agents.contract import Agent
    from conformance.agents.external import Transport
    from conformance.agents.places import Place
    from conformance.agents.process import Setup
    from conformance.authoring import Instance
    from conformance.gateway import Gateway

KINDS = {
    "chat": "chat:MODEL (chat:local is the embedded model)",
    "command": "command:WORDS (a program that is started for each trial)",
    "python": "python:MODULE:FUNCTION",
    "acp": "acp:WORDS (a program that speaks ACP)",
    "a2a": "a2a:URL",
    "http": "http:URL (a server that takes the suite's own JSON)",
    "builtin": "builtin:NAME (calibrators: oracle, null, liar, …)",
    "human": "human:NAME (a person at this terminal)",
    "": "a file agent.toml",
}
LOCAL = "local"
LOCAL_SLOTS = 2
DEFAULT_KEY_ENV = "OPENAI_API_KEY"


class Reach(msgspec.Struct, frozen=True):
    """How the agent is reached, beside its name; None leaves it to its file, or to its kind."""

    base_url: str | None = None
    """Of ``chat:MODEL``, or of what is behind the model door."""
    fallback_url: str | None = None
    """What the environment has in its place: used where a model is named and no address is."""
    key_env: str | None = None
    style: Literal["auto", "native", "structured"] = "auto"
    sampling: Sampling = PROVIDER_DEFAULTS
    timeout_s: float = 180.0
    gguf: Path | None = None
    slots: int = LOCAL_SLOTS
    model: str | None = None
    """What the model door of an agent from outside leads to; ``local`` is the embedded model."""
    python: str | None = None
    sandbox: str | None = None
    image: str | None = None
    hidden: tuple[Path, ...] = ()
    """What an agent in a jail may not read, wherever it lies."""
    link: Link | None = None
    """What lies between here and the endpoint of the model."""
    known: Known | None = None
    """The agent's file, once read."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return the values that must never reach evidence."""
        own = os.environ.get(self.key_env or DEFAULT_KEY_ENV, "")
        return (*((own,) if own else ()), *(self.known.secret_values if self.known else ()))


def find_agent(spec: str, reach: Reach) -> tuple[str, Reach]:
    """Return ``KIND:VALUE`` and how it is reached, read from the agent's file where one is named.

    What ``reach`` says goes before what the file says.

    Raises:
        UsageError: an unknown kind, no value, or a file that is none.
    """
    if spec.endswith(".toml"):
        spec, reach = _from_file(Path(spec), reach)
    kind, colon, value = spec.partition(":")
    if not kind or kind not in KINDS or not colon or not value:
        raise UsageError(
            f"{spec!r} names no agent", where="--agent", mend="; ".join(KINDS.values())
        )
    asked = value if kind == "chat" else reach.model
    if reach.base_url is None and asked not in (None, LOCAL):
        reach = msgspec.structs.replace(reach, base_url=reach.fallback_url)
    return spec, reach


def _from_file(path: Path, reach: Reach) -> tuple[str, Reach]:
    known = read_agent_file(path)
    said = known.file.reach
    is_pinned = reach.sampling != PROVIDER_DEFAULTS
    return f"{said.kind}:{known.value}", msgspec.structs.replace(
        reach,
        known=known,
        base_url=reach.base_url or said.base_url,
        key_env=reach.key_env or said.api_key_env,
        model=reach.model or (None if said.kind == "chat" else said.model),
        sandbox=reach.sandbox or said.sandbox,
        image=reach.image or said.image,
        sampling=reach.sampling if is_pinned else known.file.sampling,
    )


def make_agent(spec: str, reach: Reach, places: Callable[[Instance[Any]], Place | None]) -> Agent:
    """Return the agent that ``spec`` names; nothing is started yet.

    Args:
        spec: ``KIND:VALUE``, or the path of an ``agent.toml``.
        reach: How it is reached.
        places: Tells a calibrator where in the edition an instance stands.

    Raises:
        UsageError: an unknown kind, no value, or options that do not fit.
    """
    spec, reach = find_agent(spec, reach)
    kind, _, value = spec.partition(":")
    _check_options(kind, value, reach)
    agent = _agent(kind, value, reach, places)
    if reach.known is None:
        return agent
    from conformance.agents.introduced import IntroducedAgent

    return IntroducedAgent(agent, reach.known.identity())


def gateway_of(reach: Reach) -> Gateway:
    """Return the gateway, with what ``--model`` and ``--base-url`` name behind its model door.

    Raises:
        UsageError: one of them alone, or an address that is none.
    """
    from conformance.gateway import Gateway, Upstream

    _check_address(reach.base_url)
    if reach.model == LOCAL and reach.base_url is None:
        from conformance.local.gateway import LocalGateway

        return LocalGateway(reach.gguf, reach.slots, reach.link)
    if (reach.model is None) != (reach.base_url is None):
        raise UsageError(
            "go together: the model's name and where it is",
            where="--model, --base-url",
            mend="give both, or neither: then the agent brings its own model",
        )
    if reach.model is None or reach.base_url is None:
        return Gateway()
    key = os.environ.get(reach.key_env or DEFAULT_KEY_ENV, "")
    return Gateway(Upstream(reach.model, reach.base_url, key, reach.timeout_s, link=reach.link))


def default_concurrency(spec: str, slots: int) -> int:
    """Return how many trials at once suit a kind: the calibrators share one core with the suite."""
    kind = spec.partition(":")[0]
    if kind in ("builtin", "human"):
        return 1
    if spec == f"chat:{LOCAL}":
        return slots
    return 4 if kind in PROGRAMS else 8


def patience(spec: str) -> float:
    """Return the seconds that a kind is given for a trial, whatever the limit; 0 for most."""
    if not spec.startswith("human:"):
        return 0.0
    from conformance.agents.human import PATIENCE_S

    return PATIENCE_S


def _check_options(kind: str, value: str, reach: Reach) -> None:
    """Refuse options that mean nothing to a kind: who gives one thinks that it does something."""
    _check_address(reach.base_url)
    idle = {
        "--model": reach.model if kind in ("chat", "builtin", "human") else None,
        "--python": reach.python if kind != "python" else None,
        "--sandbox": reach.sandbox if kind not in PROGRAMS else None,
        "--image": reach.image if reach.sandbox not in ("docker", "podman") else None,
    }
    for option, given in idle.items():
        if given is not None:
            raise UsageError(
                f"means nothing to {kind}:" + (" without a container" * (option == "--image")),
                where=f"{option} {given}",
                mend="leave it out",
            )
    if reach.link is not None:
        _check_link(kind, value, reach)


def _check_link(kind: str, value: str, reach: Reach) -> None:
    """Refuse a link that would lie between nothing."""
    if kind in ("builtin", "human"):
        raise UsageError(f"{kind}: calls no model", where="--link", mend="leave it out")
    if kind == "chat" and value != LOCAL and reach.base_url is None:
        raise UsageError(
            "no endpoint is named for it to lead to", where="--link", mend="name it: --base-url"
        )
    if kind != "chat" and reach.model is None:
        raise UsageError(
            "the agent brings its own model, whose calls do not come through the suite",
            where="--link",
            mend="name the model with --model and --base-url",
        )


def _check_address(base_url: str | None) -> None:
    if base_url is not None and not re.match(r"https?://[^/]", base_url):
        raise UsageError(
            f"{base_url!r} is no address",
            where="--base-url",
            mend="write http://HOST:PORT/v1 or https://HOST/v1",
        )


def _agent(
    kind: str, value: str, reach: Reach, places: Callable[[Instance[Any]], Place | None]
) -> Agent:
    if kind == "builtin":
        from conformance.agents.builtin import BuiltinAgent

        return BuiltinAgent(value, places)
    if kind == "human":
        from conformance.agents.human import HumanAgent, at_terminal

        return HumanAgent(value, *at_terminal())
    if kind == "chat":
        return _chat(value, reach)
    from conformance.agents.external import ExternalAgent

    return ExternalAgent(_transport(kind, value, reach), gateway_of(reach))


def _chat(value: str, reach: Reach) -> Agent:
    if value == LOCAL:
        if reach.base_url is not None:
            raise UsageError(
                "chat:local starts its own endpoint",
                where="--base-url",
                mend="leave it out, or name the endpoint's model: chat:MODEL",
            )
        from conformance.local.agent import LocalChatAgent

        return LocalChatAgent(reach)
    from conformance.agents.chat import ChatAgent

    return ChatAgent(
        value,
        reach.base_url,
        key_env=reach.key_env or DEFAULT_KEY_ENV,
        sampling=reach.sampling,
        style=reach.style,
        timeout_s=reach.timeout_s,
        link=reach.link,
    )


def _transport(kind: str, value: str, reach: Reach) -> Transport:
    if kind == "command":
        from conformance.agents.process import ProcessTransport

        return ProcessTransport(value, _setup(reach))
    if kind == "python":
        from conformance.agents.function import FunctionTransport

        return FunctionTransport(value, _setup(reach))
    if kind == "acp":
        from conformance.agents.acp import AcpTransport

        return AcpTransport(value, _setup(reach))
    file = reach.known.file if reach.known else None
    key_env = file.reach.key_env if file else None
    uses_tools = file.ics.suite_tools if file else True
    if kind == "a2a":
        from conformance.agents.a2a import A2aTransport

        return A2aTransport(value, key_env=key_env, uses_tools=uses_tools)
    from conformance.agents.http import HttpTransport

    return HttpTransport(value, key_env=key_env, uses_tools=uses_tools)


def _setup(reach: Reach) -> Setup:
    """Return how an agent's programs are run."""
    from conformance.agents.process import Setup

    setup = reach.known.setup() if reach.known else Setup(Path.cwd())
    return msgspec.structs.replace(
        setup,
        python=reach.python or setup.python,
        sandbox=reach.sandbox,
        image=reach.image,
        hidden=reach.hidden,
    )
