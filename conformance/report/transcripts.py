"""Transcripts as the report carries them: inert, clipped, packed, the telling ones first.

They travel as zlib-compressed JSON in base64, several to a block, and are unpacked one block at a
time when somebody reads them; so a report with a thousand trials opens at once.
"""

from __future__ import annotations

import base64
import hashlib
import json
import statistics
import zlib
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.evidence import bundle
from conformance.report.inert import Clipper, inert, inert_line
from conformance.report.sources import read_transcript
from conformance.trial.run import transcript_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from conformance.evidence.documents import ObservationLine
    from conformance.report.sources import Evidence, Trial

CAP = 20_000_000
"""Characters of packed transcripts that a report carries."""
BLOCK = 256_000
"""Characters of JSON packed together; a block is unpacked as a whole."""
CLIP = 100_000
"""Characters of one text; the rest stays in the bundle."""


class Usage(NamedTuple):
    """What the model calls of one trial used, as its transcript has it."""

    latencies: tuple[float, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int | None = None
    """None: no call said."""
    reasoning_tokens: int | None = None
    estimated: int = 0
    """Calls whose tokens the suite estimated."""
    unknown: int = 0
    """Calls whose tokens nobody knows."""
    retried: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Transcripts(NamedTuple):
    """All that was read of the transcripts."""

    blocks: tuple[str, ...]
    places: dict[str, tuple[int, int]]
    """Trial id to its block and its place in there."""
    digests: dict[str, str]
    """Trial id to the SHA-256 of its transcript's file, of those that are left out."""
    missing: int
    usage: dict[str, Usage]

    @property
    def left_out(self) -> int:
        """How many transcripts are in the bundle and not in the report."""
        return len(self.digests)


class _Packer:
    """Fills blocks in the order given until the cap is reached."""

    def __init__(self, cap: int) -> None:
        self.blocks: list[str] = []
        self.places: dict[str, tuple[int, int]] = {}
        self._room = cap
        self._open: list[tuple[str, str]] = []
        self._size = 0

    def add(self, trial: str, text: str) -> None:
        if self._open and self._size + len(text) > BLOCK:
            self.close()
        self._open.append((trial, text))
        self._size += len(text)

    def close(self) -> None:
        """Pack what is open."""
        self._pack(self._open)
        self._open, self._size = [], 0

    def _pack(self, items: list[tuple[str, str]]) -> None:
        """Make a block of what still fits; of one that does not, each half is tried by itself."""
        if not items or not self._room:
            return
        joined = "[" + ",".join(text for _, text in items) + "]"
        packed = base64.b64encode(zlib.compress(joined.encode(), 6)).decode()
        if len(packed) <= self._room:
            for place, (trial, _) in enumerate(items):
                self.places[trial] = (len(self.blocks), place)
            self.blocks.append(packed)
            self._room -= len(packed)
        elif len(items) > 1:
            half = len(items) // 2
            self._pack(items[:half])
            self._pack(items[half:])


def read_transcripts(evidence: Evidence, cap: int = CAP) -> Transcripts:
    """Read every transcript once: count what it used, pack it if there is room.

    Raises:
        EvidenceInvalidError: a transcript is broken.
    """
    packer = _Packer(cap)
    usage: dict[str, Usage] = {}
    missing = 0
    for trial in reading_order(evidence):
        events = read_transcript(evidence.folder, trial)
        if events is None:
            missing += 1
            continue
        usage[trial.id] = usage_of(events)
        packer.add(trial.id, _packed(events, trial))
    packer.close()
    return Transcripts(
        blocks=tuple(packer.blocks),
        places=packer.places,
        digests={
            trial.id: _sha256(evidence, trial)
            for trial in evidence.trials
            if trial.id in usage and trial.id not in packer.places
        },
        missing=missing,
        usage=usage,
    )


def reading_order(evidence: Evidence) -> list[Trial]:
    """Return the trials in the order of what they tell.

    First those that fell short for a clause that limits the level, then the others that fell
    short, then the rest; within each, those of median length in their family before the outliers.
    """
    limits = set(evidence.summary.limits)
    lengths: dict[str, list[int]] = {}
    for trial in evidence.trials:
        lengths.setdefault(trial.family, []).append(_length(trial))
    medians = {family: statistics.median(found) for family, found in lengths.items()}

    def rank(trial: Trial) -> tuple[int, float, int]:
        short = [o.clause for o in trial.observations if (o.value or 0.0) < 1]
        group = 0 if limits & set(short) else 1 if is_telling(trial) else 2
        return group, abs(_length(trial) - medians[trial.family]), trial.number

    return sorted(evidence.trials, key=rank)


def is_telling(trial: Trial) -> bool:
    """Say whether a trial fell short of full marks, or did not end as it should."""
    lowest = trial.lowest
    return trial.record.outcome != "completed" or (lowest is not None and lowest < 1)


def usage_of(events: Iterable[dict[str, Any]]) -> Usage:
    """Return what the model calls of a transcript used."""
    calls = [event["call"] for event in events if event["type"] == "model_call"]
    sources = Counter(call.get("usage_source") for call in calls)
    return Usage(
        latencies=tuple(float(call["latency_s"]) for call in calls),
        input_tokens=_sum(calls, "input_tokens") or 0,
        output_tokens=_sum(calls, "output_tokens") or 0,
        cached_tokens=_sum(calls, "cached_tokens"),
        reasoning_tokens=_sum(calls, "reasoning_tokens"),
        estimated=sources["estimated"],
        unknown=sources["none"],
        retried=tuple(str(why) for call in calls for why in call.get("retried_status", ())),
        notes=tuple(inert_line(e["kind"], 60) for e in events if e["type"] == "note"),
    )


def index_rows(evidence: Evidence, transcripts: Transcripts) -> list[dict[str, Any]]:
    """Return what the viewer lists of each trial, in the order of the journal."""
    return [
        _row(trial, transcripts.places.get(trial.id), transcripts.digests.get(trial.id))
        for trial in evidence.trials
    ]


def script_json(value: Any) -> str:
    """Return JSON that is safe within a ``script`` element."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _row(trial: Trial, place: tuple[int, int] | None, sha256: str | None) -> dict[str, Any]:
    record = trial.record
    return {
        "id": trial.id,
        "number": trial.number,
        "family": inert_line(trial.family),
        "lang": inert_line(trial.lang),
        "outcome": record.outcome,
        "cause": record.cause,
        "counts": trial.counts,
        "lowest": trial.lowest,
        "short": is_telling(trial),
        "model_calls": record.model_calls,
        "tool_calls": record.tool_calls,
        "wall_s": record.wall_s,
        "observed": [
            [inert_line(o.clause), o.index, o.value, sorted(_requirements(o))]
            for o in trial.observations
        ],
        "place": place,
        **({} if sha256 is None else {"sha256": sha256}),
    }


def _requirements(line: ObservationLine) -> set[str]:
    return {inert_line(finding.requirement) for finding in line.findings}


def _packed(events: list[dict[str, Any]], trial: Trial) -> str:
    clip = Clipper(CLIP)
    observed = [
        [
            inert_line(o.clause),
            o.index,
            o.value,
            [[inert_line(f.requirement), f.message] for f in o.findings],
        ]
        for o in trial.observations
    ]
    kept = [{k: v for k, v in e.items() if k not in ("seq", "prev")} for e in events]
    content = {
        "events": clip.clean(kept),
        "observed": clip.clean(observed),
        "detail": inert(record_detail) if (record_detail := trial.record.detail) else None,
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _sha256(evidence: Evidence, trial: Trial) -> str:
    path = transcript_path(evidence.folder / bundle.RUN, trial.id)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _length(trial: Trial) -> int:
    return trial.record.model_calls + trial.record.tool_calls


def _sum(calls: list[dict[str, Any]], name: str) -> int | None:
    # An endpoint may report fewer than none; the trial's own sums take that for 0 too.
    known = [max(0, int(call[name])) for call in calls if call.get(name) is not None]
    return sum(known) if known else None
