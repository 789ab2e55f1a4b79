"""A vendor who knows the format: rewrites what it likes and makes every digest fit again."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from conformance.evidence.bundle import write_manifest
from conformance.trial.chain import GENESIS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Events = list[dict[str, Any]]


def dumps(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def canonical_line(value: Any) -> bytes:
    import rfc8785

    return rfc8785.dumps(value) + b"\n"


def read_lines(path: Path) -> Events:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def rechain(path: Path, events: Events) -> str:
    """Write events with a chain that holds; return the head."""
    previous, lines = GENESIS, []
    for seq, event in enumerate(events):
        body = {name: item for name, item in event.items() if name not in ("seq", "prev")}
        line = dumps({"seq": seq, **body, "prev": previous})
        previous = hashlib.sha256(line).hexdigest()
        lines.append(line + b"\n")
    path.write_bytes(b"".join(lines))
    return previous


class Forger:
    """Edits a bundle in place; after each edit it is consistent in all that has no author."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal_path = folder / "run/journal.jsonl"

    @property
    def journal(self) -> Events:
        return read_lines(self.journal_path)

    def transcript_path(self, trial: str) -> Path:
        return self.folder / f"run/transcripts/{trial}.jsonl"

    def state_path(self, trial: str) -> Path:
        return self.folder / f"run/states/{trial}.json"

    def trials(self, **facts: Any) -> list[str]:
        """Return the trials that ended so, in the journal's order."""
        return [
            entry["record"]["trial"]
            for entry in self.journal
            if entry["type"] == "trial"
            and all(entry["record"][name] == value for name, value in facts.items())
        ]

    def observed(self) -> list[str]:
        """Return the trials that were needed, in the order of their observations."""
        lines = read_lines(self.folder / "results/observations.jsonl")
        return list(dict.fromkeys(line["trial"] for line in lines))

    def edit_journal(self, edit: Callable[[Events], Events | None]) -> None:
        events = self.journal
        rechain(self.journal_path, edit(events) or events)
        self.seal()

    def edit_transcript(self, trial: str, edit: Callable[[Events], Events | None]) -> None:
        events = read_lines(self.transcript_path(trial))
        head = rechain(self.transcript_path(trial), edit(events) or events)
        self.edit_record(trial, transcript_head=head)

    def edit_record(self, trial: str, **changed: Any) -> None:
        def change(events: Events) -> None:
            for event in events:
                if event["type"] == "trial" and event["record"]["trial"] == trial:
                    event["record"] |= changed

        self.edit_journal(change)

    def edit_state(self, trial: str, edit: Callable[[dict[str, Any]], Any]) -> None:
        """Change a sealed state, and its digest in the transcript."""
        path = self.state_path(trial)
        state = json.loads(path.read_bytes())
        state = edit(state) or state
        path.write_bytes(dumps(state))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()

        def change(events: Events) -> None:
            events[-1]["state_sha256"] = digest

        self.edit_transcript(trial, change)

    def edit_document(self, name: str, edit: Callable[[dict[str, Any]], None]) -> None:
        path = self.folder / name
        document = json.loads(path.read_bytes())
        edit(document)
        path.write_bytes(canonical_line(document))
        self.seal()

    def seal(self) -> None:
        """Make the manifest fit whatever there is."""
        write_manifest(self.folder)
