"""What was out of the ordinary in a campaign: a reader must not have to look for it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from conformance.agents.contract import Limits
from conformance.report.inert import inert_line
from conformance.report.numbers import percent
from conformance.report.texts import both, joined, load_texts, say
from conformance.trial.outcome import NO_WORK, is_idle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.evidence.documents import Words
    from conformance.report.sources import Evidence
    from conformance.report.transcripts import Transcripts


class Deviation(NamedTuple):
    """One line; a grave one bears on how far the result can be relied on."""

    text: Words
    is_grave: bool = False


def deviations(evidence: Evidence, transcripts: Transcripts) -> tuple[Deviation, ...]:
    """Return every deviation, the grave ones first."""
    found = [*_of_terms(evidence), *_of_course(evidence), *_of_evidence(evidence, transcripts)]
    return tuple(sorted(found, key=lambda deviation: not deviation.is_grave))


def remarks(evidence: Evidence) -> tuple[Words, ...]:
    """Return what bears on a comparison with others, of what no figure shows."""
    told = (*_of_limits(evidence), *_of_resumes(evidence), *_of_repeats(evidence))
    return tuple(deviation.text for deviation in told)


def faults(evidence: Evidence) -> int:
    """Return how many trials ended because a part of the suite failed."""
    return sum(trial.record.outcome == "harness_fault" for trial in evidence.trials)


def _of_terms(evidence: Evidence) -> Iterator[Deviation]:
    summary = evidence.summary
    if summary.seed_source != "os":
        yield Deviation(say("deviations.seed"), is_grave=True)
    if not summary.is_grade:
        yield Deviation(say("deviations.screening"), is_grave=True)
    if set(summary.langs) != {"zh", "en"}:
        langs = joined([say(f"viewer.lang_{lang}") for lang in summary.langs])
        yield Deviation(say("deviations.langs", langs=langs))
    if evidence.ics.denied:
        lines = joined([both(inert_line(line)) for line in evidence.ics.denied])
        yield Deviation(say("deviations.denied", lines=lines))
    yield from _of_limits(evidence)


def _of_limits(evidence: Evidence) -> Iterator[Deviation]:
    usual = msgspec.to_builtins(Limits())
    own = msgspec.to_builtins(evidence.opened.terms.limits)
    changed = {k: v for k, v in own.items() if usual.get(k) != v}
    if changed:
        shown = {k: f"{v:g}" if isinstance(v, float) else v for k, v in sorted(changed.items())}
        limits = [say(f"deviations.limit_{k}", n=v) for k, v in shown.items()]
        yield Deviation(say("deviations.limits", limits=joined(limits)))


ROUTINE = frozenset({"contact", "sandbox", "exit", "agent_output"})
"""Notes of every trial of an agent from outside."""


def _of_course(evidence: Evidence) -> Iterator[Deviation]:
    yield from _of_resumes(evidence)
    yield from _of_idleness(evidence)
    if evidence.summary.ended == "budget":
        yield Deviation(say("deviations.budget"), is_grave=True)
    if evidence.resumes:
        lost = sum(len(resumed.lost) for resumed in evidence.resumes)
        yield Deviation(say("deviations.resumed", n=len(evidence.resumes), lost=lost))
    # What was under way when the decision fell, or the budget was spent, may never be wanted again.
    if stopped := _uncounted(evidence)["interrupted"]:
        yield Deviation(say("deviations.stopped", n=stopped))
    yield from _of_repeats(evidence)
    broken, of = faults(evidence), len(evidence.trials)
    if broken:
        share = percent(broken / of)
        yield Deviation(say("deviations.faults", n=broken, share=share), is_grave=True)
    else:
        yield Deviation(say("deviations.no_faults", of=of))
    surplus = sum(trial.counts and not trial.observations for trial in evidence.trials)
    if surplus:
        yield Deviation(say("deviations.surplus", n=surplus))


def _of_resumes(evidence: Evidence) -> Iterator[Deviation]:
    if any(resumed.is_seed_known for resumed in evidence.resumes):
        yield Deviation(say("deviations.resumed_known"), is_grave=True)


def _of_idleness(evidence: Evidence) -> Iterator[Deviation]:
    """Yield that most trials show no work of the agent: it may not be set up right."""
    idle = [trial.record for trial in evidence.trials if trial.record.outcome in NO_WORK]
    if not is_idle(len(idle), len(evidence.trials)):
        return
    causes = _causes(Counter(record.cause for record in idle))
    detail = inert_line(next((r.detail for r in reversed(idle) if r.detail), ""), 300)
    last = say("deviations.idle_last", detail=detail) if detail else both("")
    told = say("deviations.idle", n=len(idle), of=len(evidence.trials), causes=causes, last=last)
    yield Deviation(told, is_grave=True)


def _of_repeats(evidence: Evidence) -> Iterator[Deviation]:
    counts = _uncounted(evidence)
    del counts["interrupted"]
    if counts:
        told = say("deviations.repeated", n=counts.total(), causes=_causes(counts))
        yield Deviation(told)


def _causes(counts: Counter[str]) -> Words:
    return joined([_counted(say(f"cause.{cause}"), n) for cause, n in sorted(counts.items())])


def _uncounted(evidence: Evidence) -> Counter[str]:
    return Counter(trial.record.cause for trial in evidence.trials if not trial.counts)


def _of_evidence(evidence: Evidence, transcripts: Transcripts) -> Iterator[Deviation]:
    found = evidence.claim.evidence_class
    yield Deviation(say(f"deviations.{found.replace('-', '_')}"), is_grave=found == "reported")
    if transcripts.missing:
        yield Deviation(say("deviations.missing", n=transcripts.missing), is_grave=True)
    told = (kind for use in transcripts.usage.values() for kind in use.notes)
    notes = Counter(kind for kind in told if kind not in ROUTINE)
    if notes:
        named = joined([_counted(_note(kind), n) for kind, n in sorted(notes.items())])
        yield Deviation(say("deviations.notes", notes=named))


def _note(kind: str) -> Words:
    key = f"note.{kind}"
    return say(key) if load_texts().has(key) else both(kind)


def _counted(words: Words, n: int) -> Words:
    return type(words)(f"{words.zh} × {n}", f"{words.en} × {n}")
