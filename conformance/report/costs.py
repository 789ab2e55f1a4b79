"""What a solved task took: tokens, time, money, energy; unknown where nobody measured or priced."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conformance.profile.solved import price_basis
from conformance.report.numbers import UNKNOWN, seconds
from conformance.report.profile_chain import chain
from conformance.report.profile_words import figure, money
from conformance.report.resources import Fact
from conformance.report.texts import both, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from conformance.evidence.documents import Words
    from conformance.report.sources import Evidence, Trial
    from conformance.report.transcripts import Transcripts, Usage


class Tokens(NamedTuple):
    """The tokens of some trials; None where a call told none, or some call was not metered."""

    sent: int | None
    made: int | None
    is_estimated: bool

    @property
    def total(self) -> int | None:
        """Input and output."""
        return None if self.sent is None or self.made is None else self.sent + self.made


class Use(NamedTuple):
    """What the trials took that agency clauses observed, failed ones included."""

    trials: int
    solved: int
    """Of them, those worth 1 to each such clause."""
    tokens: Tokens
    seconds: float
    """Wall time."""

    def per_solved(self, total: float | None) -> float | None:
        """Return a total over the solved trials; None where there is none, or it is not known."""
        return None if total is None or not self.solved else total / self.solved


def costs(evidence: Evidence, transcripts: Transcripts) -> tuple[Fact, ...]:
    """Return what a solved task took, failed trials included."""
    use = agency_use(evidence, transcripts.usage)
    if not use.trials:
        return ()
    return (
        Fact(
            say("costs.solved"),
            say("costs.solved_of", n=use.solved, of=use.trials),
            note=say("costs.solved_note"),
        ),
        Fact(say("costs.tokens"), *_tokens_each(use)),
        Fact(say("costs.seconds"), both(seconds(use.per_solved(use.seconds)))),
        *_of_profile(evidence),
        _spent(evidence, transcripts),
    )


def agency_use(evidence: Evidence, usage: Mapping[str, Usage]) -> Use:
    """Return what the trials took that agency clauses observed.

    Args:
        evidence: The bundle.
        usage: What the model calls of each of these trials used, by its id.
    """
    observed = agency_trials(evidence)
    return Use(
        trials=len(observed),
        solved=sum(all(value == 1 for value in values) for _, values in observed),
        tokens=tokens_of(evidence, [trial for trial, _ in observed], usage),
        seconds=sum(trial.record.wall_s for trial, _ in observed),
    )


def agency_trials(evidence: Evidence) -> list[tuple[Trial, list[float]]]:
    """Return the trials that an agency clause observed, and what each was worth to them."""
    agency = {clause.id for clause in evidence.summary.clauses if clause.axis == "agency"}
    worth = [
        (trial, [line.value or 0.0 for line in trial.observations if line.clause in agency])
        for trial in evidence.trials
    ]
    return [(trial, values) for trial, values in worth if values]


def tokens_of(evidence: Evidence, trials: Iterable[Trial], usage: Mapping[str, Usage]) -> Tokens:
    """Return the tokens of trials, as their transcripts have them."""
    used = [usage.get(trial.id) for trial in trials]
    known = [use for use in used if use is not None and not use.unknown]
    is_unknown = evidence.claim.unmetered or len(known) < len(used)
    if is_unknown or not any(use.latencies for use in known):
        return Tokens(None, None, is_estimated=False)
    return Tokens(
        sum(use.input_tokens for use in known),
        sum(use.output_tokens for use in known),
        any(use.estimated for use in known),
    )


def _tokens_each(use: Use) -> tuple[Words, bool, Words | None]:
    each = use.per_solved(use.tokens.total)
    if each is None:
        why = "costs.unmetered" if use.solved else "costs.none_solved"
        return both(UNKNOWN), False, say(why)
    return both(figure(each)), False, say("costs.estimated") if use.tokens.is_estimated else None


def _of_profile(evidence: Evidence) -> Iterator[Fact]:
    """Yield what the window of graded trials says, or why there is nothing to say."""
    if evidence.profile is None:
        why = say("costs.no_profile")
        for key in ("money_solved", "j_solved"):
            yield Fact(say(f"profile.{key}"), both(UNKNOWN), note=why)
        return
    figures = {item.label: item for item in chain(evidence.profile)[-1].figures}
    for key in ("money_solved", "j_solved"):
        item = figures[say(f"profile.{key}")]
        if item.value is None:
            yield Fact(item.label, both(UNKNOWN), note=item.why)
        else:
            yield Fact(item.label, item.value, note=say("costs.in_window"))


def _spent(evidence: Evidence, transcripts: Transcripts) -> Fact:
    """Return what all trials cost at the prices of tokens that were given."""
    label, profile = say("costs.spent"), evidence.profile
    if profile is None or price_basis(profile.inputs) != "tokens":
        return Fact(label, both(UNKNOWN), note=say("costs.no_token_price"))
    tokens = tokens_of(evidence, evidence.trials, transcripts.usage)
    read, written = profile.inputs.price_per_million_input, profile.inputs.price_per_million_output
    if tokens.sent is None or tokens.made is None:
        return Fact(label, both(UNKNOWN), note=say("costs.unmetered"))
    if read is None or written is None:
        return Fact(label, both(UNKNOWN), note=say("costs.half_price"))
    paid = (tokens.sent * read + tokens.made * written) / 1e6
    return Fact(label, both(money(paid, profile.inputs.currency)), note=say("costs.by_tokens"))
