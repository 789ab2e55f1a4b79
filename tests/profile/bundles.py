"""Made-up bundles whose transcripts hold model calls: only what a replay reads of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from conformance.evidence.bundle import write_manifest

if TYPE_CHECKING:
    from pathlib import Path

USER = {"role": "user", "content": "Set the lamp."}
SYSTEM = {"role": "system", "content": "You are careful."}


def says(text: str, *calls: dict[str, Any]) -> dict[str, Any]:
    """Make the message of a model; with tool calls, in the one form transcripts have."""
    return {"content": text, **({"tool_calls": list(calls)} if calls else {})}


def wants(name: str, arguments: str = "{}", call_id: str = "c1") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def called(
    t: float,
    sent: list[dict[str, Any]],
    received: dict[str, Any] | None = None,
    latency: float = 1.0,
    seat: str = "",
    **call: Any,
) -> dict[str, Any]:
    """Make the event of a model call that ended at ``t`` seconds of its trial."""
    made = {
        "requested_model": "m",
        "served_model": None,
        "sent": sent,
        "received": received or says("Well."),
        "finish_reason": "stop",
        "input_tokens": 100,
        "output_tokens": 10,
        "usage_source": "reported",
        "latency_s": latency,
    }
    return {"type": "model_call", "t": t, "call": made | call, "seat": seat}


def tool(t: float, duration: float, seat: str = "") -> dict[str, Any]:
    return {"type": "tool_call", "t": t, "name": "dim", "duration_s": duration, "seat": seat}


def bundle_of(
    folder: Path,
    *trials: list[dict[str, Any]],
    kind: str = "process",
    outcomes: tuple[str, ...] = (),
) -> Path:
    """Write a bundle of an agent of this kind; a trial is the events of its transcript."""
    (folder / "run" / "transcripts").mkdir(parents=True)
    journal: list[dict[str, Any]] = [{"type": "opened", "terms": {"agent": {"kind": kind}}}]
    for number, events in enumerate(trials):
        outcome = outcomes[number] if number < len(outcomes) else "completed"
        journal.append({"type": "trial", "record": {"trial": f"t{number}", "outcome": outcome}})
        _lines(folder / "run" / "transcripts" / f"t{number}.jsonl", events)
    _lines(folder / "run" / "journal.jsonl", journal)
    write_manifest(folder)
    return folder


def _lines(path: Path, lines: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
