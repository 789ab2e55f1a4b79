"""``profile.json`` (``schemas/profile.schema.json``): a profile, from chip to solved task.

A figure that is not known, or not to be trusted, is null; a null has a reason beside it.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from conformance.profile.power.contract import Device

FORMAT = "profile/1"


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What all parts have in common: a key that is not known is refused."""


class Reason(Part, frozen=True):
    """Why a figure is not given, or not to be trusted."""

    code: str
    """Of ``gate_table.GATES``; for graded trials of ``solved_gates.SOLVED_GATES`` too."""
    measured: float | None = None
    limit: float | None = None
    detail: str = ""


class Percentiles(Part, frozen=True):
    """Quantiles by nearest rank: the smallest value with at least that share at or below it."""

    n: int
    mean: float | None
    p50: float | None
    p90: float | None
    p99: float | None
    p99_bound: float | None
    """The 99 % upper confidence bound of p99 (MLPerf's early stopping); null where n < 662, and for
    pooled chunk gaps, which are not independent."""
    max: float | None


class Slo(Part, frozen=True):
    """What a request must keep to count as good; null: not asked."""

    ttft_ms: float | None = None
    tpot_ms: float | None = None
    chunk_gap_ms: float | None = None
    """The longest gap between two chunks of the request."""
    e2e_ms: float | None = None
    share: float = 0.9
    """The least share of good requests at which a load is called sustained."""

    @property
    def is_set(self) -> bool:
        """Say whether it asks for anything."""
        parts = (self.ttft_ms, self.tpot_ms, self.chunk_gap_ms, self.e2e_ms)
        return any(limit is not None for limit in parts)


class DeviceEnergy(Part, frozen=True):
    """What one device used in a window."""

    device: str
    """``Device.key``."""
    joules: float | None
    method: Literal["counter", "sampling"]
    uncertainty_j: float | None
    """Half-width: what the method may be off by; null where it is not known."""
    idle_w: float | None
    samples: int
    rate_hz: float | None
    max_gap_s: float | None
    coverage: float
    """The share of the window that lies between samples no further apart than the limit."""
    counter_j: float | None = None
    sampled_j: float | None = None
    reasons: list[Reason] = []


class Energy(Part, frozen=True):
    """What all devices behind the endpoint used in a window; PUE is not in it."""

    window_s: float
    joules: float | None
    """Idle draw included; null where any device's figure is not to be trusted."""
    idle_joules: float | None
    """What the same devices would have used idle, for as long."""
    uncertainty_j: float | None
    average_w: float | None
    devices: list[DeviceEnergy]
    valid: bool
    reasons: list[Reason]


class PerToken(Part, frozen=True):
    """Energy by work."""

    j_per_output_token: float | None
    j_per_output_token_above_idle: float | None
    j_per_total_token: float | None
    tokens_per_s_per_accelerator: float | None
    tokens_per_joule: float | None


class Point(Part, frozen=True):
    """What was measured at one load."""

    concurrency: float
    """Slots of a closed loop; of an open one the mean number in flight."""
    loop: Literal["closed", "open", "trace"]
    rate: float | None
    """Requests a second that an open loop asked for."""
    window_s: float
    requests: int
    """Sent in the measured part."""
    done: int
    failed: dict[str, int]
    """By kind of error."""
    requests_per_s: float | None
    """Done ones; failed ones are never counted."""
    output_tokens_per_s: float | None
    total_tokens_per_s: float | None
    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    tokens_from: Literal["usage", "chunks"] | None
    goodput_per_s: float | None
    good_share: float | None
    user_tokens_per_s: Percentiles
    """Of each request, 1000 / TPOT: the speed that one user sees."""
    ttft_ms: Percentiles
    """To the first content, from the actual send."""
    ttft_any_ms: Percentiles
    """To the first token of any kind: reasoning, content or tool call."""
    ttft_intended_ms: Percentiles
    """To the first content, from the intended send."""
    chunk_gap_ms: Percentiles
    """Between events that bring tokens, all requests pooled."""
    tpot_ms: Percentiles
    """(last token event - first token event) / (output tokens - 1), a request one value."""
    max_stall_ms: Percentiles
    """The longest chunk gap of each request."""
    e2e_ms: Percentiles
    e2e_intended_ms: Percentiles
    energy: Energy | None
    per_token: PerToken | None
    valid: bool
    """Where false, no headline is made of this point."""
    reasons: list[Reason]
    client: ClientSummary
    log: str
    """The log's path beside this file, and its SHA-256."""
    log_sha256: str


class ClientSummary(Part, frozen=True):
    """How the client itself fared, worst worker first."""

    workers: int
    cpu_share: float
    """Of the busiest worker, of one core."""
    cpu_us_per_event: float | None
    loop_lag_p99_ms: float
    send_lag_p99_ms: float
    connections: int
    new_connections: int
    """Opened in the measured part."""


class CalibrationPoint(Part, frozen=True):
    """The client against the bundled endpoint with known truth."""

    concurrency: int
    requests: int
    ttft_p50_error_ms: float
    ttft_p99_error_ms: float
    chunk_gap_p50_error_ms: float
    chunk_gap_p99_error_ms: float
    mock_lag_p99_ms: float
    is_void: bool
    """The bundled endpoint itself was late: nothing is said of the client."""


class Calibration(Part, frozen=True):
    """What the client's own error is, on this machine, now."""

    ttft_ms: float
    """What the bundled endpoint was asked for."""
    chunk_gap_ms: float
    tokens: int
    points: list[CalibrationPoint]


class Headline(Part, frozen=True):
    """The figures for a certificate; each null where no valid point gives it."""

    concurrency: float | None
    """The highest valid load that keeps the SLO (without one: of the highest throughput)."""
    output_tokens_per_s: float | None
    tokens_per_s_per_accelerator: float | None
    goodput_per_s: float | None
    ttft_p50_ms: float | None
    ttft_p99_ms: float | None
    tpot_p50_ms: float | None
    j_per_output_token: float | None
    agents: int | None
    """Replayed agents sustained under the SLO."""
    solved_per_hour: float | None
    solve_rate: float | None
    j_per_solved_task: float | None
    money_per_solved_task: float | None
    gco2_per_solved_task: float | None


class Knee(Part, frozen=True):
    """Where goodput stops rising."""

    concurrency: float
    """The highest load that was seen to hold."""
    upper: float | None
    """The lowest that was seen not to; null: none was."""
    method: str


class AgentsPoint(Part, frozen=True):
    """A bundle's transcripts replayed by so many agents at once."""

    agents: int
    turns: int
    sessions: int
    """Whole ones, in the measured part."""
    good_share: float | None
    is_sustained: bool
    point: Point


class AgentsResult(Part, frozen=True):
    """How many agents the endpoint sustains."""

    bundle: str
    """Its id."""
    sessions: int
    turns: int
    cache: Literal["friendly", "busted"]
    sustained: int | None
    points: list[AgentsPoint]


class SolvedPoint(Part, frozen=True):
    """Real trials at a concurrency, graded."""

    concurrency: int
    window_s: float
    trials: int
    solved: int
    solve_rate: float | None
    solve_rate_low: float | None
    """95 %, Clopper and Pearson; so is the high end."""
    solve_rate_high: float | None
    solved_per_hour: float | None
    output_tokens: int | None
    energy: Energy | None
    j_per_solved_task: float | None
    """Of the whole window, failed trials' included."""
    j_per_solved_task_above_idle: float | None
    money_per_solved_task: float | None
    gco2_per_solved_task: float | None
    bundle: str
    """The id of the bundle that holds the trials."""
    valid: bool
    reasons: list[Reason]
    window_trials: int | None = None
    """Of the trials, those that ended inside the window: rates and costs are of these."""
    window_solved: int | None = None
    start_ns: int | None = None
    """The window by the monotonic clock, as in the power log; null where no clock was read."""
    end_ns: int | None = None


class Inputs(Part, frozen=True):
    """What was given, not measured."""

    pue: float | None = None
    """Facility over device power; 1 where nothing is said of it, and the profile says so."""
    carbon_g_per_kwh: float | None = None
    price_per_kwh: float | None = None
    price_per_hour: float | None = None
    """Of the whole endpoint; instead of tokens' prices."""
    price_per_million_input: float | None = None
    price_per_million_output: float | None = None
    currency: str = ""


class Layers(Part, frozen=True):
    """The four layers an agent stands on."""

    hardware: dict[str, Any]
    """``client``: the machine that measured; ``accelerators``: ``Device``; ``declared``."""
    cloud: dict[str, Any]
    model: dict[str, Any]
    application: dict[str, Any]


class ProfileDocument(Part, frozen=True):
    """All of it."""

    format: str
    suite: str
    made: str
    """UTC, ISO 8601."""
    layers: Layers
    devices: list[Device]
    power: list[str]
    """How each reader read; empty where there was none."""
    inputs: Inputs
    slo: Slo
    link: dict[str, Any] | None
    """The impairment between client and endpoint, if any."""
    percentile_method: str
    calibration: Calibration | None
    points: list[Point]
    knee: Knee | None
    agents: AgentsResult | None
    solved: list[SolvedPoint]
    headline: Headline
    valid: bool
    """At least one point is, and nothing is wrong with the whole."""
    reasons: list[Reason]
    power_log: str | None
    """The readings' path beside this file, and its SHA-256."""
    power_log_sha256: str | None
    idle_from_ns: int | None = None
    """The idle window of the power log: the monotonic clock's, as in its readings."""
    idle_to_ns: int | None = None
    power_notes: list[str] = []
    """What was looked for and not found, or refused, in plain lines."""

    @property
    def all_points(self) -> list[Point]:
        """Return the points of the loads, then those of the replayed agents."""
        replayed = [] if self.agents is None else [each.point for each in self.agents.points]
        return [*self.points, *replayed]

    @property
    def idle(self) -> tuple[int, int] | None:
        """Return the idle window of the power log, in nanoseconds; None: there was none."""
        if self.idle_from_ns is None or self.idle_to_ns is None:
            return None
        return self.idle_from_ns, self.idle_to_ns
