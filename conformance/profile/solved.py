"""From graded trials in a window of time to solved tasks an hour, and what one of them costs.

Two sets of trials: the **sample** is all that began, each waited for and graded, whenever it
ended; the solve rate is of it, so no trial is left out for being long. The **window** reaches from
the first beginning to the last moment at which ``concurrency`` trials were in flight; tasks an
hour, energy and money are of what ended inside. No trial was at work before the window, and those
still at work at its end count for nothing though they used time and energy: both figures err
against the endpoint, by about (concurrency - 1) / 2 trials.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from conformance.errors import UsageError
from conformance.profile.document import Part, Reason, SolvedPoint
from conformance.profile.gate_table import GATES
from conformance.profile.percentiles import rate_interval
from conformance.profile.solved_gates import SOLVED_GATES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.profile.document import Energy, Inputs

JOULES_PER_KWH = 3_600_000
NS = 1_000_000_000
LEAST_TRIALS = 10
"""The fewest in a window."""
TRIALS_A_SLOT = 5
"""The fewest in a window, times the concurrency: what its end leaves out is then 10 % at most."""


class TimedTrial(Part, frozen=True):
    """One trial: when it was at work, and what came of it."""

    began_ns: int
    ended_ns: int
    """By one clock for all trials of a window, whatever it is."""
    counts: bool
    """False: the endpoint was down, or the suite failed; it took its time and counts for
    nothing."""
    is_solved: bool
    input_tokens: int | None = None
    """None: not metered."""
    output_tokens: int | None = None


class TimedWindow(Part, frozen=True):
    """The trials of one sitting at one concurrency."""

    concurrency: int
    trials: tuple[TimedTrial, ...]
    """All that ended."""
    bundle: str
    """The id of the bundle that holds them."""
    cpu_share: float | None = None
    """Of one core, what the suite itself took meanwhile; None: not known."""
    clock_step_s: float = 0.0
    """By how much the wall clock, by which trials are timed, was set off meanwhile."""


class Span(Part, frozen=True):
    """From when to when, by the clock of the trials."""

    start_ns: int
    end_ns: int

    @property
    def seconds(self) -> float:
        """Return how long it is."""
        return (self.end_ns - self.start_ns) / NS


Basis = Literal["hour", "kwh", "tokens"]


def price_basis(inputs: Inputs) -> Basis | None:
    """Return what money is reckoned by; None where no price is given.

    The price of an hour (of the whole endpoint, its power included), that of a kWh (power alone,
    where nothing else is to be paid for) and those of tokens exclude each other: adding them would
    pay twice.

    Raises:
        UsageError: more than one kind of price is given.
    """
    tokens = (inputs.price_per_million_input, inputs.price_per_million_output)
    given: dict[Basis, bool] = {
        "hour": inputs.price_per_hour is not None,
        "kwh": inputs.price_per_kwh is not None,
        "tokens": any(price is not None for price in tokens),
    }
    kinds = [basis for basis, is_given in given.items() if is_given]
    if len(kinds) > 1:
        raise UsageError(
            f"prices by {' and by '.join(kinds)} would pay for the same thing twice",
            where="prices",
            mend="give one kind of price",
        )
    return kinds[0] if kinds else None


def busy_span(trials: Sequence[TimedTrial], concurrency: int) -> Span | None:
    """Return the window of trials: see above; None where never so many were in flight."""
    # Where one ends as another begins, they were not at work at once.
    moments = sorted(
        [(trial.began_ns, 1) for trial in trials]
        + [(max(trial.ended_ns, trial.began_ns + 1), -1) for trial in trials]
    )
    in_flight, end = 0, None
    for at, change in moments:
        if change < 0 and in_flight == concurrency:
            end = at
        in_flight += change
    return None if end is None else Span(moments[0][0], end)


def solved_point(
    window: TimedWindow,
    energy: Energy | None,
    inputs: Inputs,
    *,
    monotonic: Span | None = None,
) -> SolvedPoint:
    """Return what the trials of a window come to. A pure function of its arguments.

    - J a solved task: the window's energy over the tasks solved in it, the energy of failed and
      unfinished trials included; PUE is not in it. Null where energy is not to be trusted, and
      where nothing was solved.
    - Money: by ``price_basis``. An hour's price takes the window's time, a kWh's the devices'
      energy times PUE, tokens' the tokens of the trials that ended inside, failed ones too.
    - gCO2: the devices' energy times PUE times the carbon factor.
    - PUE is 1 where none is given. What is not known makes a figure null, never 0.

    Args:
        window: The trials.
        energy: Of the same span of time; None: there was nothing to read.
        inputs: Prices, PUE, carbon factor.
        monotonic: The same span by the clock of the power log, to be kept beside the figures.

    Raises:
        UsageError: more than one kind of price is given.
    """
    sample = [trial for trial in window.trials if trial.counts]
    solved = sum(trial.is_solved for trial in sample)
    rate = rate_interval(solved, len(sample)) if sample else None
    span = busy_span(window.trials, window.concurrency)
    inside = [] if span is None else [each for each in window.trials if _is_in(each, span)]
    counted = [trial for trial in inside if trial.counts]
    done = sum(trial.is_solved for trial in counted)
    seconds = 0.0 if span is None else span.seconds
    reasons = list(_reasons(window, span, inside, energy))
    costs = costs_of(
        energy,
        inputs,
        solved=done,
        seconds=seconds,
        sent=_total([trial.input_tokens for trial in inside]),
        made=_total([trial.output_tokens for trial in inside]),
    )
    return SolvedPoint(
        concurrency=window.concurrency,
        window_s=seconds,
        trials=len(sample),
        solved=solved,
        solve_rate=solved / len(sample) if sample else None,
        solve_rate_low=None if rate is None else rate.low,
        solve_rate_high=None if rate is None else rate.high,
        solved_per_hour=costs.solved_per_hour,
        output_tokens=_total([trial.output_tokens for trial in inside]),
        energy=energy,
        j_per_solved_task=costs.j_per_solved_task,
        j_per_solved_task_above_idle=costs.j_per_solved_task_above_idle,
        money_per_solved_task=costs.money_per_solved_task,
        gco2_per_solved_task=costs.gco2_per_solved_task,
        bundle=window.bundle,
        valid=not reasons,
        reasons=reasons,
        window_trials=len(counted),
        window_solved=done,
        start_ns=None if monotonic is None else monotonic.start_ns,
        end_ns=None if monotonic is None else monotonic.end_ns,
    )


class Costs(NamedTuple):
    """What a window of trials comes to by the hour and by the task; names as in ``SolvedPoint``."""

    solved_per_hour: float | None
    j_per_solved_task: float | None
    j_per_solved_task_above_idle: float | None
    money_per_solved_task: float | None
    gco2_per_solved_task: float | None


def costs_of(
    energy: Energy | None,
    inputs: Inputs,
    *,
    solved: int,
    seconds: float,
    sent: int | None,
    made: int | None,
) -> Costs:
    """Return what a window costs; the rules are those of ``solved_point``.

    Args:
        energy: Of the window; not used where it is not to be trusted, or of another length.
        inputs: Prices, PUE, carbon factor.
        solved: Tasks solved in the window.
        seconds: How long it is.
        sent: Input tokens of the trials in it; None: not known.
        made: Output tokens, likewise.
    """
    joules = idle = None
    is_trusted = energy is not None and energy.valid and seconds > 0
    if energy is not None and is_trusted and not any(_window_reasons(energy, seconds)):
        joules, idle = energy.joules, energy.idle_joules
    above = None if joules is None or idle is None else joules - idle
    kwh = None if joules is None else joules * (inputs.pue or 1.0) / JOULES_PER_KWH
    carbon = inputs.carbon_g_per_kwh
    return Costs(
        solved_per_hour=solved / seconds * 3600 if seconds else None,
        j_per_solved_task=_each(joules, solved),
        j_per_solved_task_above_idle=_each(above, solved),
        money_per_solved_task=_each(_money(inputs, seconds, kwh, sent, made), solved),
        gco2_per_solved_task=_each(None if kwh is None or carbon is None else kwh * carbon, solved),
    )


def _window_reasons(energy: Energy, seconds: float) -> Iterator[Reason]:
    """Yield that energy was taken over a span of another length."""
    return _broken("power-window", abs(energy.window_s / seconds - 1))


def _is_in(trial: TimedTrial, span: Span) -> bool:
    return span.start_ns <= trial.began_ns and trial.ended_ns <= span.end_ns


def _money(
    inputs: Inputs, seconds: float, kwh: float | None, sent: int | None, made: int | None
) -> float | None:
    """Return what the window cost, in the currency of the prices."""
    basis = price_basis(inputs)
    if basis == "hour" and inputs.price_per_hour is not None:
        return inputs.price_per_hour * seconds / 3600
    if basis == "kwh" and inputs.price_per_kwh is not None:
        return None if kwh is None else kwh * inputs.price_per_kwh
    read, written = inputs.price_per_million_input, inputs.price_per_million_output
    if read is None or written is None or sent is None or made is None:
        return None
    return (sent * read + made * written) / 1e6


def _total(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if counts and len(known) == len(counts) else None


def _each(total: float | None, tasks: int) -> float | None:
    return None if total is None or not tasks else total / tasks


def _reasons(
    window: TimedWindow, span: Span | None, inside: Sequence[TimedTrial], energy: Energy | None
) -> Iterator[Reason]:
    if span is None or not span.seconds:
        yield Reason("no-steady-window", detail=f"never {window.concurrency} trials in flight")
        return
    counted = sum(trial.counts for trial in inside)
    least = max(LEAST_TRIALS, TRIALS_A_SLOT * window.concurrency)
    if counted < least:
        yield Reason("too-few-trials", counted, least)
    held = _mean_in_flight(window.trials, span) / window.concurrency
    yield from _broken("concurrency-not-held", held)
    if inside:
        yield from _broken("trials-uncounted", (len(inside) - counted) / len(inside))
    yield from _broken("client-cpu", window.cpu_share)
    yield from _broken("clock-stepped", abs(window.clock_step_s))
    if energy is not None:
        yield from _window_reasons(energy, span.seconds)


def _broken(code: str, measured: float | None) -> Iterator[Reason]:
    return (SOLVED_GATES.get(code) or GATES[code]).broken(code, measured)


def _mean_in_flight(trials: Sequence[TimedTrial], span: Span) -> float:
    worked = sum(
        max(0, min(trial.ended_ns, span.end_ns) - max(trial.began_ns, span.start_ns))
        for trial in trials
    )
    return worked / (span.end_ns - span.start_ns)
