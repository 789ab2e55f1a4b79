"""What the campaign used: tokens, calls, time. Beside the result, never part of it."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

from conformance.profile.percentiles import quantile
from conformance.report.numbers import UNKNOWN, plain, seconds
from conformance.report.texts import both, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.evidence.documents import Words
    from conformance.report.sources import Evidence, Trial
    from conformance.report.transcripts import Transcripts, Usage


class Fact(NamedTuple):
    """A name and what it is."""

    label: Words
    value: Words
    is_code: bool = False
    note: Words | None = None


class FamilyUse(NamedTuple):
    """Medians of one family's trials."""

    family: str
    trials: int
    model_calls: str
    tool_calls: str
    tokens: str
    wall: str


class Resources(NamedTuple):
    """The section."""

    facts: tuple[Fact, ...]
    families: tuple[FamilyUse, ...]


def resources(evidence: Evidence, transcripts: Transcripts) -> Resources:
    """Return what all trials used, those included that did not count."""
    trials = evidence.trials
    usage = transcripts.usage
    used = list(usage.values())
    walls = [trial.record.wall_s for trial in trials]
    latencies = [value for item in used for value in item.latencies]
    retries = sum(trial.record.retries for trial in trials)
    facts = [
        Fact(say("resources.trials"), both(f"{len(trials):,}")),
        Fact(say("resources.wall"), _spread(walls)),
        Fact(say("resources.total_wall"), both(seconds(sum(walls)))),
        _calls("resources.model_calls", [t.record.model_calls for t in trials]),
        _calls("resources.tool_calls", [t.record.tool_calls for t in trials]),
        Fact(say("resources.input_tokens"), _tokens(used, [u.input_tokens for u in used])),
        Fact(say("resources.output_tokens"), _tokens(used, [u.output_tokens for u in used])),
        *_parts(used),
        Fact(say("resources.latency"), _spread(latencies)),
        Fact(say("resources.retries"), both(f"{retries:,}" if latencies else UNKNOWN)),
    ]
    families = sorted({trial.family for trial in trials})
    return Resources(
        tuple(facts),
        tuple(
            _family(name, [t for t in trials if t.family == name], transcripts) for name in families
        ),
    )


def _family(name: str, trials: Sequence[Trial], transcripts: Transcripts) -> FamilyUse:
    tokens = [
        use.input_tokens + use.output_tokens
        for trial in trials
        if (use := transcripts.usage.get(trial.id)) and use.latencies and not use.unknown
    ]
    return FamilyUse(
        family=name,
        trials=len(trials),
        model_calls=_median([trial.record.model_calls for trial in trials]),
        tool_calls=_median([trial.record.tool_calls for trial in trials]),
        tokens=_median(tokens),
        wall=seconds(statistics.median(trial.record.wall_s for trial in trials)),
    )


def _calls(key: str, counts: list[int]) -> Fact:
    total = f"{sum(counts):,}"
    return Fact(say(key), say("resources.sum_per", sum=total, median=_median(counts)))


def _tokens(used: Sequence[Usage], counts: list[int]) -> Words:
    """Return a sum of tokens; unknown where no call told, a lower bound where some did not."""
    calls = sum(len(item.latencies) for item in used)
    unknown = sum(item.unknown for item in used)
    estimated = sum(item.estimated for item in used)
    if not calls or unknown == calls:
        return both(UNKNOWN)
    if unknown:
        return say("resources.partial", sum=f"{sum(counts):,}", n=unknown)
    of_trials = [count for count, item in zip(counts, used, strict=True) if item.latencies]
    text = say("resources.sum_per", sum=f"{sum(counts):,}", median=_median(of_trials))
    if not estimated:
        return text
    more = say("resources.estimated", n=estimated)
    return type(text)(text.zh + more.zh, text.en + more.en)


def _parts(used: Sequence[Usage]) -> Iterable[Fact]:
    for name in ("cached_tokens", "reasoning_tokens"):
        known = [value for item in used if (value := getattr(item, name)) is not None]
        if known:
            yield Fact(say(f"resources.{name}"), both(f"{sum(known):,}"))


def _spread(values: list[float]) -> Words:
    if not values:
        return both(UNKNOWN)
    median = seconds(statistics.median(values))
    return say("resources.quantiles", median=median, high=seconds(quantile(sorted(values), 0.95)))


def _median(values: Sequence[float]) -> str:
    return plain(statistics.median(values)) if values else UNKNOWN
