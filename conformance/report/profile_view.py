"""From ``profile.json`` to everything that the section, the page and the terminal show of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conformance.report.inert import inert_line, inert_pairs
from conformance.report.numbers import UNKNOWN, percent
from conformance.report.profile_chain import Step, chain
from conformance.report.profile_devices import Devices, devices_section
from conformance.report.profile_words import (
    accelerators,
    certificate_line,
    codes_of,
    endpoint_name,
    figure,
    gate_words,
    joules,
    link_name,
    measured_words,
    model_name,
    money,
    validity,
)
from conformance.report.resources import Fact
from conformance.report.texts import both, flowing, joined, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from conformance.evidence.documents import Words
    from conformance.profile.document import (
        AgentsPoint,
        CalibrationPoint,
        Percentiles,
        Point,
        ProfileDocument,
        Reason,
        SolvedPoint,
    )


class PointRow(NamedTuple):
    """A load point as the table shows it; ``–`` where a figure is not known."""

    load: Words
    requests: str
    tokens: str
    user: str
    goodput: str
    ttft_p50: str
    ttft_p90: str
    ttft_p99: str
    bound: str
    """MLPerf's bound of TTFT p99; empty where there is none."""
    gap_p99: str
    tpot_p50: str
    stall_p99: str
    e2e: str
    j_token: str
    valid: bool
    codes: str


class Gate(NamedTuple):
    """A gate that was broken, and where."""

    code: str
    meaning: Words
    mend: Words | None
    places: tuple[tuple[Words, Words | None], ...]
    """Where, and what was measured there."""


class AgentsRow(NamedTuple):
    """A number of replayed agents."""

    agents: str
    sessions: str
    turns: str
    good_share: str
    ttft_p99: str
    is_sustained: bool
    valid: bool
    codes: str


class SolvedRow(NamedTuple):
    """A window of graded trials."""

    load: str
    trials: str
    rate: str
    in_window: str
    """Of the trials, solved and all that ended inside the window."""
    per_hour: str
    joules: str
    above_idle: str
    money: str
    carbon: str
    valid: bool
    codes: str


class CalibrationRow(NamedTuple):
    """The client's own error at a load, in ms."""

    load: str
    errors: tuple[str, ...]
    lag: str
    is_void: bool


class ProfileView(NamedTuple):
    """The section."""

    model: str
    endpoint: str
    made: Words
    line: Words
    is_valid: bool
    validity: Words
    notices: tuple[Words, ...]
    """What a reader must know before the figures: that there is no accelerator, a link."""
    chain: tuple[Step, ...]
    points: tuple[PointRow, ...]
    points_note: Words
    objective: Words
    """The SLO, and where the knee lies."""
    gates: tuple[Gate, ...]
    replay_note: Words | None
    agents: tuple[AgentsRow, ...]
    solved: tuple[SolvedRow, ...]
    devices: Devices
    readers: Words | None
    power_notes: tuple[str, ...]
    calibration_lead: Words
    calibration: tuple[CalibrationRow, ...]
    inputs: tuple[Fact, ...]
    layers: tuple[tuple[Words, tuple[tuple[str, str], ...]], ...]


def build_profile(document: ProfileDocument) -> ProfileView:
    """Return what is shown of a profile, in both languages."""
    replay = document.agents
    return ProfileView(
        model=model_name(document),
        endpoint=endpoint_name(document),
        made=say(
            "profile.made",
            made=inert_line(document.made, 40),
            suite=inert_line(document.suite, 40),
        ),
        line=certificate_line(document),
        is_valid=document.valid,
        validity=validity(document),
        notices=tuple(_notices(document)),
        chain=chain(document),
        points=tuple(map(point_row, document.points)),
        points_note=say("profile.points_note"),
        objective=flowing([_slo(document), *_knee(document)]),
        gates=tuple(gates(document)),
        replay_note=None
        if replay is None
        else say(
            "profile.replay_note",
            bundle=inert_line(replay.bundle, 16),
            sessions=replay.sessions,
            turns=replay.turns,
            cache=say(f"profile.cache_{replay.cache}"),
        ),
        agents=() if replay is None else tuple(map(_agents_row, replay.points)),
        solved=tuple(_solved_row(item, document.inputs.currency) for item in document.solved),
        devices=devices_section(document),
        readers=say("profile.readers", readers=inert_line("; ".join(document.power), 400))
        if document.power
        else None,
        power_notes=tuple(inert_line(note, 300) for note in document.power_notes),
        calibration_lead=_calibration_lead(document),
        calibration=tuple(map(_calibration_row, _calibrated(document))),
        inputs=tuple(_inputs(document)),
        layers=tuple(_layers(document)),
    )


def point_row(point: Point) -> PointRow:
    """Return a load point as text."""
    bound = point.ttft_ms.p99_bound
    per_token = point.per_token
    failed = sum(point.failed.values())
    return PointRow(
        load=load_words(point),
        requests=f"{point.done:,} / {failed:,}",
        tokens=figure(point.output_tokens_per_s),
        user=figure(point.user_tokens_per_s.p50),
        goodput=figure(point.goodput_per_s),
        ttft_p50=figure(point.ttft_ms.p50),
        ttft_p90=figure(point.ttft_ms.p90),
        ttft_p99=figure(point.ttft_ms.p99),
        bound="" if bound is None else f"≤ {figure(bound)}",
        gap_p99=figure(point.chunk_gap_ms.p99),
        tpot_p50=figure(point.tpot_ms.p50),
        stall_p99=figure(point.max_stall_ms.p99),
        e2e=_pair(point.e2e_ms),
        j_token=figure(None if per_token is None else per_token.j_per_output_token),
        valid=point.valid,
        codes=codes_of(point.reasons) if not point.valid else "",
    )


def load_words(point: Point) -> Words:
    """Return a load: slots of a closed loop; the rate of an open one, with the mean in flight."""
    if point.rate is None:
        return both(figure(point.concurrency))
    rate, load = figure(point.rate), figure(point.concurrency)
    return say("profile.load_open", rate=rate, load=load)


def gates(document: ProfileDocument) -> Iterator[Gate]:
    """Yield each gate that was broken, with all places where it was."""
    found: dict[str, list[tuple[Words, Words | None]]] = {}
    for place, reason in _broken(document):
        found.setdefault(reason.code, []).append((place, measured_words(reason)))
    for code, places in found.items():
        words = gate_words(code)
        yield Gate(inert_line(code, 60), words.meaning, words.mend, tuple(dict.fromkeys(places)))


def _broken(document: ProfileDocument) -> Iterator[tuple[Words, Reason]]:
    for reason in document.reasons:
        yield say("profile.place_whole"), reason
    for point in document.points:
        place = say("profile.place_load", load=figure(point.concurrency))
        yield from ((place, reason) for reason in _of_point(point))
    for agents in document.agents.points if document.agents is not None else ():
        place = say("profile.place_agents", n=agents.agents)
        yield from ((place, reason) for reason in _of_point(agents.point))
    for solved in document.solved:
        place = say("profile.place_trials", n=solved.concurrency)
        known = solved.energy.reasons if solved.energy is not None else []
        yield from ((place, reason) for reason in _once([*solved.reasons, *known]))


def _of_point(point: Point) -> list[Reason]:
    energy = point.energy
    return _once([*point.reasons, *(energy.reasons if energy is not None else [])])


def _once(reasons: Iterable[Reason]) -> list[Reason]:
    kept: list[Reason] = []
    for reason in reasons:
        if reason not in kept:
            kept.append(reason)
    return kept


def _notices(document: ProfileDocument) -> Iterator[Words]:
    if not accelerators(document):
        key = "no_accelerators_cpu" if document.devices else "no_accelerators"
        yield say(f"profile.{key}")
    if document.link:
        link = link_name(document.link)
        label = say("profile.link")
        yield type(label)(f"{label.zh}：{link}", f"{label.en}: {link}")


def _slo(document: ProfileDocument) -> Words:
    slo = document.slo
    limits = (
        ("ttft", slo.ttft_ms),
        ("tpot", slo.tpot_ms),
        ("gap", slo.chunk_gap_ms),
        ("e2e", slo.e2e_ms),
    )
    parts = [say(f"profile.slo_{key}", ms=figure(ms)) for key, ms in limits if ms is not None]
    if not parts:
        return say("profile.slo_none")
    return say("profile.slo", parts=joined(parts), share=percent(slo.share))


def _knee(document: ProfileDocument) -> Iterator[Words]:
    knee = document.knee
    if knee is None:
        return
    load, upper = figure(knee.concurrency), knee.upper
    if upper is None:
        yield say("profile.knee_open", load=load)
    else:
        yield say("profile.knee", load=load, upper=figure(upper))


def _agents_row(item: AgentsPoint) -> AgentsRow:
    return AgentsRow(
        agents=f"{item.agents:,}",
        sessions=f"{item.sessions:,}",
        turns=f"{item.turns:,}",
        good_share=UNKNOWN if item.good_share is None else percent(item.good_share),
        ttft_p99=figure(item.point.ttft_ms.p99),
        is_sustained=item.is_sustained,
        valid=item.point.valid,
        codes=codes_of(item.point.reasons) if not item.point.valid else "",
    )


def _solved_row(item: SolvedPoint, currency: str) -> SolvedRow:
    rate = UNKNOWN if item.solve_rate is None else percent(item.solve_rate)
    if item.solve_rate_low is not None and item.solve_rate_high is not None:
        rate += f" [{percent(item.solve_rate_low)}, {percent(item.solve_rate_high)}]"
    return SolvedRow(
        load=f"{item.concurrency:,}",
        trials=f"{item.solved:,} / {item.trials:,}",
        rate=rate,
        in_window=UNKNOWN
        if item.window_trials is None
        else f"{item.window_solved:,} / {item.window_trials:,}",
        per_hour=figure(item.solved_per_hour),
        joules=joules(item.j_per_solved_task),
        above_idle=joules(item.j_per_solved_task_above_idle),
        money=money(item.money_per_solved_task, currency),
        carbon=figure(item.gco2_per_solved_task),
        valid=item.valid,
        codes=codes_of(item.reasons) if not item.valid else "",
    )


def _calibrated(document: ProfileDocument) -> list[CalibrationPoint]:
    return document.calibration.points if document.calibration is not None else []


def _calibration_lead(document: ProfileDocument) -> Words:
    points = _calibrated(document)
    found = document.calibration
    if found is None or not points:
        return say("profile.calibration_none")
    held = [point for point in points if not point.is_void]
    if not held:
        lag = figure(max(point.mock_lag_p99_ms for point in points))
        return say("profile.calibration_void", lag=lag)
    return say(
        "profile.calibration_lead",
        ttft=figure(found.ttft_ms),
        gap=figure(found.chunk_gap_ms),
        tokens=found.tokens,
        p50=figure(max(abs(point.ttft_p50_error_ms) for point in held)),
        p99=figure(max(abs(point.ttft_p99_error_ms) for point in held)),
    )


def _calibration_row(point: CalibrationPoint) -> CalibrationRow:
    errors = (
        point.ttft_p50_error_ms,
        point.ttft_p99_error_ms,
        point.chunk_gap_p50_error_ms,
        point.chunk_gap_p99_error_ms,
    )
    return CalibrationRow(
        load=f"{point.concurrency:,}",
        errors=tuple(f"{error:+.2f}" for error in errors),
        lag=f"{point.mock_lag_p99_ms:.2f}",
        is_void=point.is_void,
    )


def _inputs(document: ProfileDocument) -> Iterator[Fact]:
    given = document.inputs
    nothing = say("profile.not_given")

    def paid(value: float | None) -> str:
        return money(value, given.currency)

    pue = say("profile.pue_one") if given.pue is None else both(figure(given.pue))
    yield Fact(say("profile.pue"), pue)
    carbon = say("profile.carbon_value", value=figure(given.carbon_g_per_kwh))
    yield Fact(say("profile.carbon_factor"), nothing if given.carbon_g_per_kwh is None else carbon)
    energy = say("profile.price_kwh", money=paid(given.price_per_kwh))
    yield Fact(say("profile.price_energy"), nothing if given.price_per_kwh is None else energy)
    hour = say("profile.price_hour", money=paid(given.price_per_hour))
    yield Fact(say("profile.price_endpoint"), nothing if given.price_per_hour is None else hour)
    tokens = (given.price_per_million_input, given.price_per_million_output)
    million = say("profile.price_million", input=paid(tokens[0]), output=paid(tokens[1]))
    known = any(price is not None for price in tokens)
    yield Fact(say("profile.price_tokens"), million if known else nothing)
    link = both(link_name(document.link)) if document.link else say("profile.link_none")
    yield Fact(say("profile.link"), link)


def _layers(document: ProfileDocument) -> Iterator[tuple[Words, tuple[tuple[str, str], ...]]]:
    for name in ("hardware", "cloud", "model", "application"):
        yield say(f"evidence.{name}"), inert_pairs(getattr(document.layers, name))
    if document.link:
        yield say("profile.link"), inert_pairs(document.link)


def _pair(spread: Percentiles) -> str:
    return UNKNOWN if spread.p50 is None else f"{figure(spread.p50)} / {figure(spread.p99)}"
