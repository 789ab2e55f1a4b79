"""Made-up profiles, whole and coherent: what a test changes in one is all that differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from conformance.profile.document import (
    FORMAT,
    AgentsPoint,
    AgentsResult,
    Calibration,
    CalibrationPoint,
    ClientSummary,
    DeviceEnergy,
    Energy,
    Headline,
    Inputs,
    Knee,
    Layers,
    Percentiles,
    PerToken,
    Point,
    ProfileDocument,
    Reason,
    Slo,
    SolvedPoint,
)
from conformance.profile.power.contract import Device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.profile.power.contract import Vendor

WINDOW_S = 30.0
BOUND_FROM = 662
NOTHING = Percentiles(0, None, None, None, None, None, None)
CLIENT = ClientSummary(
    workers=2,
    cpu_share=0.31,
    cpu_us_per_event=3.9,
    loop_lag_p99_ms=0.6,
    send_lag_p99_ms=0.4,
    connections=16,
    new_connections=0,
)
BUSY = Reason("client-cpu", measured=0.93, limit=0.8)
SEEN = ((1, 46.0, 21.4), (4, 58.0, 21.7), (16, 92.0, 23.1), (64, 205.0, 31.5), (256, 980.0, 78.0))
"""Concurrency, TTFT p50 in ms, TPOT p50 in ms of a server that fills up."""


def spread(p50: float, p99: float, n: int = 1000) -> Percentiles:
    """Make up quantiles between a median and a p99."""
    return Percentiles(
        n=n,
        mean=round(p50 * 1.05, 3),
        p50=p50,
        p90=round(p50 + 0.6 * (p99 - p50), 3),
        p99=p99,
        p99_bound=round(p99 * 1.08, 3) if n >= BOUND_FROM else None,
        max=round(p99 * 1.3, 3),
    )


def devices_of(vendor: Vendor = "nvidia", name: str = "H100 80GB HBM3", count: int = 2,
               node: str = "") -> list[Device]:  # fmt: skip
    """Make up the cards of one machine."""
    return [
        Device(vendor, str(index), name, f"{node or 'local'}-{vendor}-{index}", 700.0, node)
        for index in range(count)
    ]


def energy_of(devices: Sequence[Device], watts: float = 400.0, **changes: Any) -> Energy:
    """Make up what these devices used; each idles at a fifth of its load."""
    counted = not devices or devices[0].vendor in ("nvidia", "amd", "cpu")
    used = [
        DeviceEnergy(
            device=device.key,
            joules=watts * WINDOW_S,
            method="counter" if counted else "sampling",
            uncertainty_j=watts * 0.2,
            idle_w=watts / 5,
            samples=600,
            rate_hz=20.0,
            max_gap_s=0.06,
            coverage=1.0,
            counter_j=watts * WINDOW_S if counted else None,
            sampled_j=watts * WINDOW_S * 1.01,
        )
        for device in devices
    ]
    count = len(used)
    made = Energy(
        window_s=WINDOW_S,
        joules=watts * WINDOW_S * count,
        idle_joules=watts / 5 * WINDOW_S * count,
        uncertainty_j=watts * 0.2 * count,
        average_w=watts * count,
        devices=used,
        valid=True,
        reasons=[],
    )
    return msgspec.structs.replace(made, **changes)


def point_of(concurrency: int, ttft: float, tpot: float, devices: Sequence[Device] = (),
             **changes: Any) -> Point:  # fmt: skip
    """Make up a valid point at a load."""
    rate = concurrency * 1000 / tpot
    requests = round(rate * WINDOW_S / 200)
    n = max(requests, 30)
    accelerators = sum(device.vendor != "cpu" for device in devices)
    energy = energy_of(devices, 200.0 + 200 * min(1.0, concurrency / 64)) if devices else None
    made = Point(
        concurrency=concurrency,
        loop="closed",
        rate=None,
        window_s=WINDOW_S,
        requests=n,
        done=n,
        failed={},
        requests_per_s=n / WINDOW_S,
        output_tokens_per_s=rate,
        total_tokens_per_s=rate * 3.5,
        input_tokens=n * 500,
        cached_tokens=0,
        output_tokens=n * 200,
        tokens_from="usage",
        goodput_per_s=n / WINDOW_S * 0.97,
        good_share=0.97,
        user_tokens_per_s=spread(1000 / tpot, 1000 / tpot * 1.1, n),
        ttft_ms=spread(ttft, ttft * 2.3, n),
        ttft_any_ms=spread(ttft, ttft * 2.3, n),
        ttft_intended_ms=spread(ttft + 0.2, ttft * 2.3 + 0.4, n),
        chunk_gap_ms=spread(tpot, tpot * 2, n * 200),
        tpot_ms=spread(tpot, tpot * 1.2, n),
        max_stall_ms=spread(tpot * 1.5, tpot * 4, n),
        e2e_ms=spread(ttft + 199 * tpot, (ttft + 199 * tpot) * 1.2, n),
        e2e_intended_ms=spread(ttft + 199 * tpot + 0.2, (ttft + 199 * tpot) * 1.2, n),
        energy=energy,
        per_token=per_token(rate, energy, accelerators) if energy else None,
        valid=True,
        reasons=[],
        client=CLIENT,
        log=f"logs/closed-{concurrency}.jsonl",
        log_sha256="0" * 64,
    )
    return msgspec.structs.replace(made, **changes)


def per_token(rate: float, energy: Energy, accelerators: int) -> PerToken:
    """Divide energy by tokens, as a point does."""
    known = energy.joules is not None and energy.average_w is not None
    joules = energy.average_w / rate if known and energy.average_w is not None else None
    return PerToken(
        j_per_output_token=joules,
        j_per_output_token_above_idle=joules * 0.8 if joules else None,
        j_per_total_token=joules / 3.5 if joules else None,
        tokens_per_s_per_accelerator=rate / accelerators if accelerators else None,
        tokens_per_joule=1 / joules if joules else None,
    )


def agents_of(devices: Sequence[Device] = ()) -> AgentsResult:
    """Make up a replay that 12 agents sustain."""
    points = [
        AgentsPoint(count, count * 60, count * 6, share, share >= Slo().share, point_of(
            count, 80.0 + count, 22.0 + count / 4, devices))
        for count, share in ((4, 0.99), (8, 0.96), (12, 0.93), (16, 0.71))
    ]  # fmt: skip
    return AgentsResult("b" * 64, 40, 412, "friendly", 12, points)


def solved_of(devices: Sequence[Device] = (), **changes: Any) -> SolvedPoint:
    """Make up an hour of graded trials: 500 of them, 340 solved."""
    energy = energy_of(devices, window_s=3600.0, joules=714_000.0) if devices else None
    made = SolvedPoint(
        concurrency=12,
        window_s=3600.0,
        trials=500,
        solved=340,
        window_trials=488,
        window_solved=340,
        solve_rate=0.68,
        solve_rate_low=0.637,
        solve_rate_high=0.721,
        solved_per_hour=340.0,
        output_tokens=1_900_000,
        energy=energy,
        j_per_solved_task=2100.0 if devices else None,
        j_per_solved_task_above_idle=1580.0 if devices else None,
        money_per_solved_task=0.0125,
        gco2_per_solved_task=0.42 if devices else None,
        bundle="c" * 64,
        valid=True,
        reasons=[],
    )
    return msgspec.structs.replace(made, **changes)


def profile_of(devices: Sequence[Device] | None = None, **changes: Any) -> ProfileDocument:
    """Make up a valid profile; without devices the energy in it is unknown."""
    found = devices_of() if devices is None else list(devices)
    points = [point_of(*seen, found) for seen in SEEN]
    best = points[-1]
    solved = solved_of(found)
    made = ProfileDocument(
        format=FORMAT,
        suite="0.1.0",
        made="2026-11-25T12:00:00Z",
        layers=Layers(
            hardware={
                "client": {"cpu": "a made-up CPU", "cores": 8},
                "accelerators": sum(device.vendor != "cpu" for device in found),
                "declared": {},
            },
            cloud={"endpoint": "http://127.0.0.1:9000/v1", "declared": {}},
            model={"requested": "example-7b", "dialect": "chat", "declared": {}},
            application={
                "workload": {"kind": "synthetic", "input_tokens": 500, "output_tokens": 200},
                "agent": {},
                "declared": {},
            },
        ),
        devices=found,
        power=sorted({f"{device.vendor}: a made-up reader" for device in found}),
        inputs=Inputs(
            pue=1.3,
            carbon_g_per_kwh=550.0,
            price_per_hour=4.25,
            currency="CNY",
        ),
        slo=Slo(ttft_ms=2500.0, tpot_ms=100.0),
        link=None,
        percentile_method="nearest rank",
        calibration=calibration_of(),
        points=points,
        knee=Knee(256, None, "doubling, then bisection"),
        agents=agents_of(found),
        solved=[solved],
        headline=headline_of(best, solved, agents=12),
        valid=True,
        reasons=[],
        power_log="power.jsonl" if found else None,
        power_log_sha256="1" * 64 if found else None,
    )
    return msgspec.structs.replace(made, **changes)


def calibration_of(*, is_void: bool = False) -> Calibration:
    """Make up how the client fared against the bundled endpoint."""
    return Calibration(
        ttft_ms=50.0,
        chunk_gap_ms=10.0,
        tokens=100,
        points=[
            CalibrationPoint(1, 30, 0.2, 0.6, 0.0, 0.1, 0.3, is_void=False),
            CalibrationPoint(256, 512, 0.9, 3.1, 0.1, 0.8, 4.8 if is_void else 0.9, is_void),
        ],
    )


def headline_of(best: Point | None, solved: SolvedPoint | None = None,
                agents: int | None = None) -> Headline:  # fmt: skip
    """Make up the headline of a point and of a window of trials; nothing without them."""
    each = best.per_token if best else None
    return Headline(
        concurrency=best.concurrency if best else None,
        output_tokens_per_s=best.output_tokens_per_s if best else None,
        tokens_per_s_per_accelerator=each.tokens_per_s_per_accelerator if each else None,
        goodput_per_s=best.goodput_per_s if best else None,
        ttft_p50_ms=best.ttft_ms.p50 if best else None,
        ttft_p99_ms=best.ttft_ms.p99 if best else None,
        tpot_p50_ms=best.tpot_ms.p50 if best else None,
        j_per_output_token=each.j_per_output_token if each else None,
        agents=agents,
        solved_per_hour=solved.solved_per_hour if solved else None,
        solve_rate=solved.solve_rate if solved else None,
        j_per_solved_task=solved.j_per_solved_task if solved else None,
        money_per_solved_task=solved.money_per_solved_task if solved else None,
        gco2_per_solved_task=solved.gco2_per_solved_task if solved else None,
    )


def without_accelerators() -> ProfileDocument:
    """Make up a profile on a machine where no power could be read."""
    return profile_of(devices=[])


def client_bound() -> ProfileDocument:
    """Make up a profile of load alone, whose client was too busy at the two highest."""
    found = devices_of()
    whole = profile_of(found)
    points = [
        msgspec.structs.replace(point, valid=False, reasons=[BUSY])
        if point.concurrency >= 64
        else point
        for point in whole.points
    ]
    return msgspec.structs.replace(
        whole,
        points=points,
        knee=None,
        agents=None,
        solved=[],
        headline=headline_of(points[2]),
    )


def invalid() -> ProfileDocument:
    """Make up a profile of which no point is valid."""
    whole = profile_of()
    points = [msgspec.structs.replace(point, valid=False, reasons=[BUSY]) for point in whole.points]
    return msgspec.structs.replace(
        whole,
        points=points,
        knee=None,
        agents=None,
        solved=[],
        headline=headline_of(None),
        valid=False,
        reasons=[BUSY],
    )


def supernode() -> ProfileDocument:
    """Make up one endpoint on two nodes of eight Ascend devices each."""
    found = [
        *devices_of("ascend", "910B1", 8, "node-a"),
        *devices_of("ascend", "910B1", 8, "node-b"),
    ]
    return profile_of(found)


def chinese_vendors() -> ProfileDocument:
    """Make up one card of each Chinese vendor behind one endpoint."""
    cards: list[tuple[Vendor, str]] = [
        ("metax", "曦云 C550"),
        ("biren", "壁砺 106"),
        ("iluvatar", "天垓 150"),
        ("ascend", "昇腾 910B"),
        ("cambricon", "思元 590"),
        ("hygon", "深算 K100"),
        ("moorethreads", "MTT S4000"),
    ]
    return profile_of(
        [card for vendor, name in cards for card in devices_of(vendor, name, 1, f"node-{vendor}")]
    )


HOSTILE = (
    "</text></svg></script><script>window.pwned=1</script><img src=x onerror='window.pwned=2'>"
    "\x1b[31mred\x1b]0;t\x07 \x00 \u202egnirts\u202c \u200b\ufeff\u2028\x85 "
    "{{ 7 * 7 }} {n} $' \" `\n"
)
"""Tags, ANSI, NUL, a turned text, characters that nobody sees, template marks, a line's end."""


def hostile() -> ProfileDocument:
    """Make up a profile in which every text that someone else chooses is hostile."""
    node, bad = HOSTILE, Reason(HOSTILE, 1.0, 2.0, HOSTILE)
    devices = [Device("nvidia", HOSTILE, HOSTILE, f"{number}{HOSTILE}", None, node)
               for number in range(2)]  # fmt: skip
    whole = profile_of(devices)
    energy = energy_of(devices, valid=False, reasons=[bad], joules=None)
    points = [
        msgspec.structs.replace(point, valid=False, reasons=[bad], energy=energy)
        if point.concurrency == SEEN[-1][0]
        else point
        for point in whole.points
    ]
    agents = agents_of(devices)
    layer = {HOSTILE: HOSTILE, "list": [HOSTILE, {HOSTILE: None}]}
    return msgspec.structs.replace(
        whole,
        suite=HOSTILE,
        made=HOSTILE,
        layers=Layers(
            hardware=layer,
            cloud={"endpoint": HOSTILE, **layer},
            model={"requested": HOSTILE, **layer},
            application={"agent": {"name": HOSTILE}, **layer},
        ),
        power=[HOSTILE],
        power_notes=[HOSTILE],
        inputs=msgspec.structs.replace(whole.inputs, currency=HOSTILE),
        link={"name": HOSTILE, "delay_s": 0.02, "seen": None},
        percentile_method=HOSTILE,
        points=points,
        agents=msgspec.structs.replace(agents, bundle=HOSTILE),
        solved=[solved_of(devices, valid=False, reasons=[bad], bundle=HOSTILE)],
        headline=headline_of(points[2], None, agents=12),
    )
