"""``conformance serve``: endpoints on loopback."""

from __future__ import annotations

from pathlib import Path

import rich_click as click


@click.group("serve", short_help="Serve the embedded model on loopback.")
def command() -> None:
    """Serve on loopback, until interrupted."""


@command.command("model")
@click.option("--port", default=8080, show_default=True, help="Port on 127.0.0.1; 0 picks one.")
@click.option("--gguf", type=click.Path(path_type=Path), help="Another model file than the pinned.")
@click.option("--slots", default=2, show_default=True, help="Requests worked on at once.")
def model(port: int, gguf: Path | None, slots: int) -> int:
    """Serve the embedded model with an OpenAI-compatible API.

    Example:  conformance serve model --port 8080
    """
    from conformance.local.endpoint import serve

    serve(port=port, gguf=gguf, slots=slots)
    return 0
