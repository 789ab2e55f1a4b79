"""The schemas of a bundle's files, ``agent.toml`` and ``http:``, made from the structs behind them.

``python -m conformance.evidence.schema_files FOLDER`` writes them; a test holds the files in
``schemas/`` to what this makes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec

from conformance.agents import agentfile, http_contract
from conformance.campaign import entries
from conformance.evidence import documents
from conformance.profile import document as profile
from conformance.report import report_document
from conformance.trial import events

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_CHAIN = {
    "seq": {"type": "integer", "minimum": 0},
    "prev": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
}


def make_schemas() -> dict[str, bytes]:
    """Return the content of each schema file by its name."""
    made = {
        "agent": ("agent.toml", agentfile.AgentFile, False),
        "http-task": ("the body of each POST to an http: agent", http_contract.HttpTask, False),
        "http-reply": ("a reply of an http: agent", http_contract.HttpReply, False),
        "claim": ("claim.json", documents.ClaimDocument, False),
        "ics": ("ics.json", documents.IcsDocument, False),
        "system": ("system.json", documents.SystemDocument, False),
        "suite.lock": ("suite.lock.json", documents.LockDocument, False),
        "manifest": ("manifest.json", documents.ManifestDocument, False),
        "summary": ("results/summary.json", documents.SummaryDocument, False),
        "twins": ("results/twins.json", documents.TwinsDocument, False),
        "single": ("results/single.json", documents.SingleDocument, False),
        "observations": ("a line of results/observations.jsonl", documents.ObservationLine, False),
        "evaluation": ("evaluation.json", documents.EvaluationDocument, False),
        "report": ("report.json", report_document.ReportDocument, False),
        "profile": ("profile.json", profile.ProfileDocument, False),
        "journal": ("a line of run/journal.jsonl", entries.JournalEntry, True),
        "transcript": ("a line of run/transcripts/TRIAL.jsonl", events.TranscriptEvent, True),
    }
    return {
        f"{name}.schema.json": _render(name, title, kind, is_chained=chained)
        for name, (title, kind, chained) in made.items()
    }


def _render(name: str, title: str, kind: Any, *, is_chained: bool) -> bytes:
    (schema,), components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    if is_chained:
        for part in components.values():
            if {"t", "time"} & part.get("properties", {}).keys():
                part["properties"] |= _CHAIN
                part["required"] = [*part["required"], *_CHAIN]
    document = {
        "$schema": _DIALECT,
        "$id": f"tag:agent-grading,2026:{name}",
        "title": title,
        **{key: value for key, value in schema.items() if key != "title"},
        "$defs": components,
    }
    return msgspec.json.format(msgspec.json.encode(document, order="sorted"), indent=2) + b"\n"


def main() -> None:
    """Write the schemas into the folder named."""
    folder = Path(sys.argv[1])
    for name, content in make_schemas().items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
