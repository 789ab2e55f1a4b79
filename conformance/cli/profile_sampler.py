"""``conformance profile sampler``: the power of the devices behind an endpoint elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

import rich_click as click

from conformance.cli.options import json_option, print_json
from conformance.errors import ConformanceError, UsageError

if TYPE_CHECKING:
    from conformance.profile.power.sampler import Sampler
    from conformance.profile.power.stream import Address


@click.command("sampler", short_help="Stream the power of this machine's devices.")
@click.option(
    "--listen",
    default="127.0.0.1:9560",
    show_default=True,
    metavar="HOST:PORT",
    help="Where; an address that others reach needs a token. Port 0 picks one.",
)
@click.option(
    "--token-env",
    metavar="NAME",
    help="The environment variable that holds the token which a client must know.",
)
@click.option(
    "--node", help="What this machine is called in the profile; its host name by default."
)
@click.option(
    "--hz",
    type=click.FloatRange(0.1, 1000),
    default=20.0,
    show_default=True,
    help="Looks a second at each device, where its tool is quick enough.",
)
@json_option
def command(**given: Any) -> int:
    """Stream the power of this machine's accelerators and CPU packages, until interrupted.

    It runs beside an endpoint; conformance profile --sampler HOST:PORT, on the machine that loads
    the endpoint, takes the readings and makes up for the difference of the clocks. The token itself
    is not sent, but readings are not encrypted: use a network that you trust, or an SSH tunnel.

    \b
    Examples:
      conformance profile sampler
      export TOKEN=$(openssl rand -hex 16); echo $TOKEN
      conformance profile sampler --listen 0.0.0.0:9560 --token-env TOKEN
    """  # noqa: D301 - click's mark for lines to be kept
    from conformance.profile.power.find import find_readers
    from conformance.profile.power.sampler import Sampler
    from conformance.profile.power.stream import parse_address

    address = parse_address(given["listen"], "--listen")
    token = token_of(given["token_env"], "--token-env")
    node = given["node"] or socket.gethostname()
    if not node.isprintable() or not 0 < len(node) <= 100:  # noqa: PLR2004
        raise UsageError("is no name", where="--node", mend="take up to 100 printable characters")
    readers, notes = find_readers()
    with contextlib.ExitStack() as stack:
        for reader in readers:
            stack.callback(reader.close)
        if not readers:
            raise ConformanceError(
                "there is no device whose power can be read: " + "; ".join(notes),
                where="this machine",
                mend="conformance profile capture saves what its tools print",
            )
        sampler = Sampler(readers, node, token=token, hz=given["hz"])
        show = _show_json if given["as_json"] else _show
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(sampler.serve(address, lambda at: show(sampler, at, notes)))
    return 0


def token_of(variable: str | None, option: str) -> str:
    """Return the token that an environment variable holds; empty where no variable is named.

    Args:
        variable: Its name.
        option: Which option named it.

    Raises:
        UsageError: the variable is not set, or holds too short a token.
    """
    from conformance.profile.power.stream import check_token

    if variable is None:
        return ""
    token = os.environ.get(variable, "")
    if not token:
        raise UsageError(f"the environment variable {variable} is not set", where=option)
    check_token(token, f"{option} {variable}")
    return token


def _show(sampler: Sampler, at: Address, notes: list[str]) -> None:
    told = sampler.welcome
    lines = [f"{told.node} at {at}, {told.hz:g} looks a second"]
    lines += [f"  {device.key}  {device.name}".rstrip() for device in told.devices]
    lines += [f"  by {method}" for method in told.methods]
    lines.append("Ctrl-C ends it")
    sys.stderr.write("".join(f"{note}\n" for note in notes))
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _show_json(sampler: Sampler, at: Address, notes: list[str]) -> None:
    told = sampler.welcome
    print_json(
        {
            "address": str(at),
            "node": told.node,
            "devices": told.devices,
            "methods": told.methods,
            "hz": told.hz,
            "notes": notes,
        }
    )
    sys.stdout.flush()
