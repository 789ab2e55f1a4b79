"""``conformance profile capture``: what the vendors' tools print here, for a fixture."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import rich_click as click

from conformance.cli.options import json_option, print_json


@click.command("capture", short_help="Save what accelerators' tools print, for a fixture.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("power-capture"),
    show_default=True,
    help="A folder that is new or empty.",
)
@click.option("--vendor", "vendors", multiple=True, help="Of these only; all by default.")
@click.option("--raw", is_flag=True, help="Leave serial numbers and UUIDs as they are.")
@json_option
def command(**given: Any) -> int:
    """Save what the tools of accelerators on this machine print about power.

    Nothing is changed, and nothing is sent. Where a card's power is refused because its output is
    not known for sure, send the folder with an issue: a reader and its test can be made from it.

    Example:  conformance profile capture --vendor biren --out capture
    """
    from conformance.profile.power.capture import CaptureDocument, capture

    out = given["out"]
    captured = capture(given["vendors"], out, raw=given["raw"])
    document = msgspec.json.decode((out / "capture.json").read_bytes(), type=CaptureDocument)
    if given["as_json"]:
        print_json({"folder": str(out), **msgspec.to_builtins(document)})
        return 0
    if captured:
        counts = Counter(done.vendor for done in captured)
        told = ", ".join(f"{count} commands of {vendor}" for vendor, count in counts.items())
        lines = [
            f"saved in {out}: {told}",
            "serial numbers and UUIDs are "
            + ("masked" if document.is_masked else "not masked, as --raw asks for"),
            "look through the files before you send them: names of processes are in some",
        ]
    else:
        tools = ", ".join(document.looked_for)
        lines = [f"none of these tools is on this machine: {tools}", f"{out} says so, too"]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0
