"""A whole profile, in order: idle baseline, calibration, points, agents; then the document."""

from __future__ import annotations

import hashlib
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

import conformance
from conformance.errors import AgentUnavailableError
from conformance.host import host_hardware
from conformance.profile.document import (
    FORMAT,
    AgentsResult,
    Calibration,
    Inputs,
    Knee,
    Layers,
    Point,
    ProfileDocument,
    Reason,
    Slo,
    SolvedPoint,
)
from conformance.profile.gates import whole_reasons
from conformance.profile.headline import headline_of
from conformance.profile.load import run_load
from conformance.profile.log import LoadLog, write_log
from conformance.profile.percentiles import METHOD
from conformance.profile.points import point_of
from conformance.profile.search import find_knee
from conformance.profile.shape import Bounds, Closed, Open, Shape
from conformance.profile.target import Renewable, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from conformance.profile.load import Progress
    from conformance.profile.power.recorder import PowerLog, Recorder

DOCUMENT, POWER_LOG, LOGS = "profile.json", "power.jsonl", "logs"
"""What lies where in a profile's folder."""
CROWDED = 0.60
"""The share of a core above which a load is run again with more workers."""
CALIBRATION_TOKENS = 30
"""Short answers: a third of a second each, so that few seconds bring enough of them."""
MOST_CALIBRATED = 256
"""Streams at once that the bundled endpoint can pace; a higher load is vouched for by this one."""
SPARE = 1.2
"""So many times the least number of arrivals: by chance fewer may come, and some may fail."""
IDLE_S = 10.0
"""How long the devices are watched before anything is asked of them."""


class Plan(msgspec.Struct, frozen=True):
    """What is to be measured."""

    target: Target
    workload: Renewable
    bounds: Bounds
    shapes: tuple[Shape, ...] = ()
    """The loads, one point each; none: rising concurrency until the knee is found."""
    limit: int = 256
    """Of a search: no more at once than this."""
    via: str | None = None
    """Where the target is found in its place: at the near end of an impaired link."""
    slo: Slo = Slo()
    inputs: Inputs = Inputs()
    workers: int | None = None
    """Processes of the client; None: one, and more where a core is crowded."""
    declared: dict[str, dict[str, Any]] = {}
    """What is said of the four layers."""
    agent: dict[str, Any] = {}
    """Who the agent is, where one takes part."""
    is_calibrated: bool = True


class Say(Protocol):
    """Told how it goes."""

    def stage(self, stage: str, /, **values: Any) -> None:
        """Say what begins: ``reach``, ``idle``, ``calibrate``, ``point``, ``agents``."""
        ...

    def load(self, progress: Progress) -> None:
        """Say how a load is going, some four times a second."""
        ...

    def point(self, point: Point) -> None:
        """Say what a point came to."""
        ...


class Measured(NamedTuple):
    """What was measured at one load."""

    point: Point
    log: LoadLog


class Sitting:
    """Measures points of one endpoint into one folder, in one sitting."""

    def __init__(self, plan: Plan, folder: Path, recorder: Recorder | None, say: Say) -> None:
        self.plan = plan
        self.folder = folder
        self.recorder = recorder
        self.say = say
        self.idle: tuple[int, int] | None = None
        self._target = msgspec.structs.replace(
            plan.target, base_url=plan.via or plan.target.base_url
        )
        self._workers = plan.workers or 1
        self._loads = 0

    def reach(self) -> None:
        """Ask the endpoint once.

        Raises:
            AgentUnavailableError: it does not answer as it should; says how it did.
        """
        self.say.stage("reach", base_url=self.plan.target.base_url)
        bounds = Bounds(requests=1, warm_up_s=0.0)
        log = run_load(self._target, self.plan.workload.renewed(0), Closed(1, 0.0), bounds)
        asked = log.requests[0]
        if asked.is_done:
            return
        told = f"{asked.error}: {asked.detail}" if asked.detail else f"{asked.error}"
        raise AgentUnavailableError(
            f"does not answer as it should ({told})",
            where=self.plan.target.base_url,
            mend="see that the address, the model's name and the key are right",
        )

    def watch_idle(self, seconds: float = IDLE_S) -> None:
        """Watch the devices before anything is asked of them."""
        if self.recorder is None or not self.recorder.devices:
            return
        self.say.stage("idle", seconds=seconds)
        begin = time.perf_counter_ns()
        time.sleep(seconds)
        self.idle = (begin, time.perf_counter_ns())

    def calibrate(self, concurrencies: Sequence[int]) -> Calibration:
        """Hold the client against the bundled endpoint with known truth."""
        from conformance.profile.calibrate import calibrate

        self.say.stage("calibrate", concurrencies=", ".join(map(str, concurrencies)))
        return calibrate(
            concurrencies,
            tokens=CALIBRATION_TOKENS,
            workers=self._workers,
            dialect=self.plan.target.dialect,
        )

    def measure(self, shape: Shape, workload: Renewable | None = None, name: str = "") -> Measured:
        """Measure one point; its log stays in the folder."""
        self.say.stage("point", name=name or shape.__class__.__name__.lower(), load=_load(shape))
        log = self._run(shape, workload or self.plan.workload)
        path = self._write(log, f"{name or 'load'}-{_load(shape):g}")
        point = point_of(
            log,
            self.plan.slo,
            log_path=path,
            log_sha256=_sha256(self.folder / path),
            power=self.power(),
            idle=self.idle,
        )
        self.say.point(point)
        return Measured(point, log)

    def power(self) -> PowerLog | None:
        """Return what the devices drew so far."""
        return self.recorder.log() if self.recorder is not None else None

    def points(self) -> tuple[list[Point], Knee | None]:
        """Measure the loads of the plan, or search the knee."""
        if self.plan.shapes:
            return [self.measure(shape).point for shape in self.plan.shapes], None
        return find_knee(
            lambda concurrency: self.measure(Closed(concurrency)).point,
            limit=self.plan.limit,
            slo=self.plan.slo,
        )

    def _run(self, shape: Shape, workload: Renewable) -> LoadLog:
        """Run a load, with more workers where one is crowded."""
        most = os.cpu_count() or 1
        while True:
            self._loads += 1
            log = run_load(
                self._target,
                workload.renewed(self._loads),
                shape,
                _bounds(shape, self.plan.bounds),
                workers=min(
                    self._workers, shape.concurrency if isinstance(shape, Closed) else most
                ),
                progress=self.say.load,
            )
            busiest = max(client.cpu_share for client in log.clients)
            if self.plan.workers or busiest <= CROWDED or self._workers >= most:
                return log
            self._workers = min(2 * self._workers, most)

    def _write(self, log: LoadLog, stem: str) -> str:
        """Write a log under a name that is free; return its path in the folder."""
        number = 1
        while True:
            name = f"{LOGS}/{stem}{'' if number == 1 else f'-{number}'}.jsonl"
            if not (self.folder / name).exists():
                break
            number += 1
        write_log(log, self.folder / name)
        return name


def profile_endpoint(
    plan: Plan,
    folder: Path,
    recorder: Recorder | None,
    say: Say,
    *,
    agents: Callable[[Sitting], AgentsResult] | None = None,
    solved: Callable[[Sitting], list[SolvedPoint]] | None = None,
    power_notes: Sequence[str] = (),
    link: Callable[[], dict[str, Any]] | None = None,
) -> ProfileDocument:
    """Measure and write everything into ``folder``; return what stands in ``profile.json``.

    Args:
        plan: What is measured.
        folder: Where logs and the document go.
        recorder: The running recorder of power; None: no devices are read.
        say: Told how it goes.
        agents: Replays a bundle, where asked.
        solved: Runs real trials, where asked, or reads those that ran.
        power_notes: What was not found or refused among the devices.
        link: Says, at the end, what lay between client and endpoint and what it did.

    Raises:
        AgentUnavailableError: the endpoint does not answer.
    """
    sitting = Sitting(plan, folder, recorder, say)
    sitting.watch_idle()
    sitting.reach()
    calibration = None
    if plan.is_calibrated:
        calibration = sitting.calibrate(_ends(plan))
    points, knee = sitting.points()
    replayed = agents(sitting) if agents is not None else None
    graded = solved(sitting) if solved is not None else []
    power_path = None
    if recorder is not None and recorder.devices:
        recorder.write(folder / POWER_LOG)
        power_path = POWER_LOG
    between = None if link is None else link()
    reasons = whole_reasons(points, calibration, between)
    document = ProfileDocument(
        format=FORMAT,
        suite=conformance.__version__,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        layers=_layers(plan, recorder),
        devices=[] if recorder is None else list(recorder.devices),
        power=[] if recorder is None else list(recorder.methods),
        inputs=plan.inputs,
        slo=plan.slo,
        link=between,
        percentile_method=METHOD,
        calibration=calibration,
        points=points,
        knee=knee,
        agents=replayed,
        solved=graded,
        headline=headline_of(points, plan.slo, replayed, graded, reasons),
        valid=is_valid(points, reasons),
        reasons=reasons,
        power_log=power_path,
        power_log_sha256=None if power_path is None else _sha256(folder / power_path),
        idle_from_ns=None if sitting.idle is None else sitting.idle[0],
        idle_to_ns=None if sitting.idle is None else sitting.idle[1],
        power_notes=list(power_notes),
    )
    write_profile(document, folder)
    return document


def is_valid(points: Sequence[Point], reasons: Sequence[Reason]) -> bool:
    """Say whether a headline can be made: a valid point, and nothing wrong with the whole."""
    return any(point.valid for point in points) and not reasons


def write_profile(document: ProfileDocument, folder: Path) -> None:
    """Write ``profile.json``, whole or not at all."""
    content = msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
    path = folder / DOCUMENT
    partial = path.with_name(f"{DOCUMENT}.part")
    partial.write_bytes(content)
    os.replace(partial, path)  # noqa: PTH105 - atomic on every platform


def _bounds(shape: Shape, bounds: Bounds) -> Bounds:
    """Return the bounds of a load: a slow open loop goes on until enough requests are due."""
    if not isinstance(shape, Open) or bounds.duration_s is None:
        return bounds
    enough_s = SPARE * bounds.least_done / shape.rate
    return msgspec.structs.replace(bounds, duration_s=max(bounds.duration_s, enough_s))


def _ends(plan: Plan) -> list[int]:
    """Return the lowest and the highest concurrency that the client is held to."""
    found = [shape.concurrency for shape in plan.shapes if isinstance(shape, Closed)]
    if not found:
        found = [16] if plan.shapes else [1, min(16, plan.limit)]
    return sorted({min(n, MOST_CALIBRATED) for n in (min(found), max(found))})


def _load(shape: Shape) -> float:
    """Return what a load is called by: its slots, or its rate."""
    if isinstance(shape, Closed):
        return float(shape.concurrency)
    return shape.rate if isinstance(shape, Open) else float(len(shape.offsets_s))


def _layers(plan: Plan, recorder: Recorder | None) -> Layers:
    said = plan.declared
    target = plan.target
    return Layers(
        hardware={
            "client": host_hardware(),
            "accelerators": sum(d.is_accelerator for d in recorder.devices) if recorder else 0,
            "declared": said.get("hardware", {}),
        },
        cloud={"endpoint": target.base_url, "declared": said.get("cloud", {})},
        model={
            "requested": target.model,
            "dialect": target.dialect,
            "declared": said.get("model", {}),
        },
        application={
            "workload": plan.workload.describe(),
            "agent": plan.agent,
            "declared": said.get("application", {}),
        },
    )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
