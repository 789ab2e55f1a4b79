"""The options that say which agent, and how it is reached."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from conformance.cli.link_option import link_option
from conformance.cli.options import Duration
from conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from conformance.agents.factory import Reach
    from conformance.agents.sampling import Sampling

_OPTIONS = (
    click.option(
        "--agent",
        required=True,
        metavar="KIND:VALUE",
        help="chat:MODEL, chat:local (the embedded model), command:WORDS, "
        "python:MODULE:FUNCTION, acp:WORDS, a2a:URL, http:URL, builtin:NAME (a calibrator), "
        "human:NAME (a person at this terminal), or a file agent.toml.",
    ),
    click.option(
        "--model",
        help="What an agent with its own loop is to ask its model for, at --base-url; "
        "local is the embedded model. Without: it brings its own, unmetered.",
    ),
    click.option(
        "--base-url",
        envvar="OPENAI_BASE_URL",
        show_envvar=True,
        help="The endpoint of chat:MODEL or --model, OpenAI-compatible.",
    ),
    click.option(
        "--api-key-env",
        metavar="NAME",
        help="The environment variable that holds its key; OPENAI_API_KEY by default.",
    ),
    click.option("--python", metavar="PATH", help="The interpreter of python:MODULE:FUNCTION."),
    click.option(
        "--sandbox",
        type=click.Choice(["bubblewrap", "docker", "podman", "none"]),
        help="What holds a program; by default bubblewrap where it works. none: no certificate "
        "will say jailed.",
    ),
    click.option("--image", help="The image of a container."),
    click.option(
        "--style",
        type=click.Choice(["auto", "native", "structured"]),
        default="auto",
        show_default=True,
        help="How tools are called; auto asks a probe.",
    ),
    click.option(
        "--sampling",
        multiple=True,
        metavar="NAME=VALUE",
        help="Pin a sampling setting: temperature, top_p, seed, max_tokens, reasoning_effort.",
    ),
    click.option(
        "--request-timeout", type=Duration(), default="3m", show_default=True, help="Of one call."
    ),
    click.option(
        "--gguf", type=click.Path(path_type=Path), help="Another model file for the embedded model."
    ),
    click.option(
        "--slots", default=2, show_default=True, help="Requests at once of the embedded model."
    ),
    link_option,
)


def agent_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name an agent."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def reach_of(given: dict[str, Any]) -> Reach:
    """Return how the agent is reached, from the options given.

    Raises:
        UsageError: a sampling setting that is none.
    """
    from conformance.agents.factory import Reach

    # An address of the environment is for whoever needs one; an option is meant.
    is_inherited = given["base_url"] == os.environ.get("OPENAI_BASE_URL")
    return Reach(
        base_url=None if is_inherited else given["base_url"],
        fallback_url=given["base_url"] if is_inherited else None,
        key_env=given["api_key_env"],
        style=given["style"],
        sampling=_sampling(given["sampling"]),
        timeout_s=given["request_timeout"],
        gguf=given["gguf"],
        slots=given["slots"],
        model=given["model"],
        python=given["python"],
        sandbox=given["sandbox"],
        image=given["image"],
        link=given["link"],
    )


def _sampling(given: tuple[str, ...]) -> Sampling:
    import msgspec

    from conformance.agents.sampling import Sampling

    settings: dict[str, Any] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals:
            raise UsageError(f"{item!r} is no NAME=VALUE", where="--sampling", mend="temperature=0")
        settings[name] = value
    try:
        return msgspec.convert(settings, Sampling, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(
            str(error),
            where="--sampling",
            mend="settings: temperature, top_p, seed, max_tokens, reasoning_effort",
        ) from error
