"""``conformance serve``: endpoints on loopback."""

from __future__ import annotations

import sys
from pathlib import Path

import rich_click as click

from conformance.cli.language import LazyGroup
from conformance.cli.options import json_option, print_json


@click.group(
    "serve",
    cls=LazyGroup,
    elsewhere={name: f"conformance.cli.serve_{name}" for name in ("task", "mock")},
    short_help="Serve a model, or the doors of a task, on loopback.",
)
def command() -> None:
    """Serve on loopback, until interrupted."""


@command.command("model")
@click.option("--port", default=8080, show_default=True, help="Port on 127.0.0.1; 0 picks one.")
@click.option("--gguf", type=click.Path(path_type=Path), help="Another model file than the pinned.")
@click.option("--slots", default=2, show_default=True, help="Requests worked on at once.")
@json_option
def model(port: int, gguf: Path | None, slots: int, as_json: bool) -> int:  # noqa: FBT001
    """Serve the embedded model with an OpenAI-compatible API.

    Example:  conformance serve model --port 8080
    """
    from conformance.local.endpoint import serve

    def announce(base_url: str, name: str) -> None:
        if as_json:
            print_json({"base_url": base_url, "model": name})
        else:
            sys.stdout.write(f"{name} at {base_url}; Ctrl-C ends it\n")
        sys.stdout.flush()

    serve(port=port, gguf=gguf, slots=slots, announce=announce)
    return 0
