"""Saves what the vendors' tools on this machine print, so that an owner of a card can send it."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

import conformance
from conformance.errors import UsageError
from conformance.profile.power.contract import Vendor
from conformance.profile.power.masking import Mask
from conformance.profile.power.tool import Result, ToolMissingError, execute
from conformance.profile.power.vendors import COMMANDS

FORMAT = "capture/1"

RunIn = Callable[[Sequence[str], Path], Result]
"""Runs a command to its end in a folder.

Raises:
    ToolMissingError: the tool is not on this machine.
"""


class SavedFile(msgspec.Struct, frozen=True):
    """A file of a capture."""

    path: str
    """Beside ``capture.json``."""
    bytes: int
    sha256: str


class Captured(msgspec.Struct, frozen=True):
    """A command that was run."""

    vendor: Vendor
    command: list[str]
    exit_code: int | None
    """Null where it did not end in time."""
    duration_s: float
    stdout: SavedFile
    stderr: SavedFile
    written: list[SavedFile]
    """What the command wrote into its working directory."""


class CaptureDocument(msgspec.Struct, frozen=True):
    """``capture.json``."""

    format: str
    suite: str
    made: str
    """UTC, ISO 8601."""
    is_masked: bool
    """Whether serial numbers and UUIDs are masked; names of processes are not."""
    looked_for: list[str]
    """The tools."""
    missing: list[str]
    captured: list[Captured]


class _Output(NamedTuple):
    vendor: Vendor
    command: Sequence[str]
    result: Result
    written: dict[str, bytes]


def run_in(argv: Sequence[str], folder: Path) -> Result:
    """Run a command to its end in a folder; a ``RunIn``."""
    return execute(argv, cwd=folder, timeout_s=30)


def capture(
    vendors: Sequence[str] | None, out: Path, *, raw: bool = False, run: RunIn = run_in
) -> list[Captured]:
    """Run every read-only command of each vendor whose tool is here, and save what it prints.

    Args:
        vendors: Of which; null for all.
        out: A folder for ``capture.json`` and a folder a vendor; it may exist, empty.
        raw: Leave serial numbers and UUIDs as they are.
        run: Runs a command in a folder that is its own, for ``cnmon`` writes into it.

    Raises:
        UsageError: a vendor that is not known, or a folder that is not empty.
    """
    if unknown := set(vendors or ()) - set(COMMANDS):
        known = ", ".join(sorted(COMMANDS))
        raise UsageError(
            f"{min(unknown)} is no vendor whose tool is known", where="vendor", mend=f"name {known}"
        )
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError("is not an empty folder", where=str(out), mend="name a new one")
    wanted = {
        vendor: commands
        for vendor, commands in COMMANDS.items()
        if not vendors or vendor in vendors
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot be made ({error.strerror})", where=str(out)) from None
    outputs, missing = _run_all(wanted, run)
    mask = Mask([]) if raw else Mask(_text(data) for output in outputs for data in _all(output))
    captured = []
    for number, output in enumerate(outputs):
        stem = f"{output.vendor}/{number:02d}-{output.command[0]}"
        captured.append(
            Captured(
                vendor=output.vendor,
                command=list(output.command),
                exit_code=output.result.exit_code,
                duration_s=round(output.result.seconds, 3),
                stdout=_save(out, f"{stem}.stdout", output.result.stdout, mask),
                stderr=_save(out, f"{stem}.stderr", output.result.stderr, mask),
                written=[
                    _save(out, f"{stem}.files/{name}", data, mask)
                    for name, data in output.written.items()
                ],
            )
        )
    document = CaptureDocument(
        format=FORMAT,
        suite=conformance.__version__,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        is_masked=not raw,
        looked_for=sorted({command[0] for commands in wanted.values() for command in commands}),
        missing=sorted(missing),
        captured=captured,
    )
    encoded = msgspec.json.format(msgspec.json.encode(document), indent=1)
    (out / "capture.json").write_bytes(encoded + b"\n")
    return captured


def _run_all(
    wanted: dict[Vendor, tuple[tuple[str, ...], ...]], run: RunIn
) -> tuple[list[_Output], list[str]]:
    outputs: list[_Output] = []
    missing: list[str] = []
    for vendor, commands in wanted.items():
        for command in commands:
            if command[0] in missing:
                continue
            with tempfile.TemporaryDirectory() as folder:
                try:
                    result = run(command, Path(folder))
                except ToolMissingError:
                    missing.append(command[0])
                    continue
                written = {
                    path.name: path.read_bytes()
                    for path in sorted(Path(folder).iterdir())
                    if path.is_file() and not path.is_symlink()
                }
            outputs.append(_Output(vendor, command, result, written))
    return outputs, missing


def _all(output: _Output) -> list[bytes]:
    return [output.result.stdout, output.result.stderr, *output.written.values()]


def _text(data: bytes) -> str:
    """Return bytes as a text that gives the same bytes again, whatever they are."""
    return data.decode("utf-8", errors="surrogateescape")


def _save(out: Path, name: str, data: bytes, mask: Mask) -> SavedFile:
    hidden = mask.hide(_text(data)).encode("utf-8", errors="surrogateescape")
    path = out / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(hidden)
    return SavedFile(name, len(hidden), hashlib.sha256(hidden).hexdigest())
