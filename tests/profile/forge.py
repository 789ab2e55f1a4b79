"""A whole profile, and one who changes it: every digest and every figure fits again."""

from __future__ import annotations

import hashlib
import json
import time

import msgspec
import pytest

from conformance.mock import Pace, PacedMock, PacedReply
from conformance.profile.document import Inputs, Slo
from conformance.profile.headline import headline_of
from conformance.profile.log import LoadLog, read_log, write_log
from conformance.profile.points import energy_in, point_of
from conformance.profile.power.contract import Device, Reading
from conformance.profile.power.recorder import Recorder, read_power_log
from conformance.profile.recorded import Message, Recorded, Session, Turn
from conformance.profile.replay import Replay
from conformance.profile.reread import read_profile
from conformance.profile.run import Plan, Sitting, profile_endpoint, write_profile
from conformance.profile.shape import Bounds, Closed
from conformance.profile.solved import Span, TimedTrial, TimedWindow, solved_point
from conformance.profile.sustained import Replayed, agents_point, agents_result
from conformance.profile.target import Target
from conformance.profile.workload import Synthetic


class Meter:
    """A device that always draws 100 W."""

    vendor, method = "nvidia", "made up"

    def devices(self):
        return [Device("nvidia", "0", "Made up", "GPU-0")]

    def read(self):
        return [Reading(time.perf_counter_ns(), "/nvidia/GPU-0", 100.0)]

    def close(self):
        pass


class Quiet:
    def stage(self, stage, /, **values):
        pass

    def load(self, progress):
        pass

    def point(self, point):
        pass


SESSIONS = tuple(
    Session(
        f"t{at}",
        "",
        (Turn((Message("user", "Hi"),), 0.0, 4, 3, is_estimated=False),) * 2,
    )
    for at in range(3)
)
SLO = Slo(e2e_ms=10_000.0, share=0.5)


def replayed(sitting):
    replay = Replay("paced-1", "chat", Recorded("b" * 64, SESSIONS))
    points = []
    for agents in (1, 2):
        found = sitting.measure(Closed(agents, 0.05, thinks=True), replay, "agents")
        points.append(agents_point(agents, Replayed(found.point, 1), SLO))
    return agents_result(points, replay, SLO)


STEP_NS = 40_000_000
"""How long each of the graded trials takes."""


def trials_from(start):
    """Return twelve trials, one after the other from a time on; every third is solved."""
    return tuple(
        TimedTrial(
            start + STEP_NS * at, start + STEP_NS * (at + 1), counts=True, is_solved=at % 3 == 0
        )
        for at in range(12)
    )


def graded(sitting):
    start = time.perf_counter_ns()
    time.sleep(0.6)
    window = TimedWindow(concurrency=1, trials=trials_from(start), bundle="c" * 64)
    energy = energy_in(sitting.power(), sitting.idle, start, start + 12 * STEP_NS)
    return [solved_point(window, energy, Inputs(), monotonic=Span(start, start + 12 * STEP_NS))]


def make_profile(folder):
    """Make a whole profile of a paced endpoint: knee, replayed agents, graded trials, power."""
    folder.mkdir()
    watch = Sitting.watch_idle
    with (
        PacedMock(PacedReply(tokens=4, pace=Pace(ttft_s=0.004, itl_s=0.001))) as mock,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(Sitting, "watch_idle", lambda sitting: watch(sitting, 0.4))
        plan = Plan(
            Target(mock.base_url, "paced-1"),
            Synthetic("paced-1", input_tokens=20, output_tokens=4),
            Bounds(duration_s=0.5, warm_up_s=0.1, drain_s=5.0),
            limit=2,
            slo=SLO,
            is_calibrated=False,
        )
        recorder = Recorder([Meter()], hz=25.0)
        with recorder:
            profile_endpoint(plan, folder, recorder, Quiet(), agents=replayed, solved=graded)


def forge(folder, **changes):
    """Change the document, and all that follows from its points, as one who knows the format."""
    document = msgspec.structs.replace(read_profile(folder), **changes)
    power = None if document.power_log is None else read_power_log(folder / document.power_log)

    def again(point):
        path = folder / point.log
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return point_of(
            read_log(path), document.slo, log_path=point.log, log_sha256=digest, power=power,
            idle=document.idle,
        )  # fmt: skip

    points = [again(point) for point in document.points]
    document = msgspec.structs.replace(document, points=points)
    headline = headline_of(points, document.slo, document.agents, document.solved, document.reasons)
    write_profile(msgspec.structs.replace(document, headline=headline), folder)


def rewrite(folder, change, at=0):
    """Change a log of a point, then make the rest fit."""
    document = read_profile(folder)
    path = folder / document.points[at].log
    log = read_log(path)
    requests = [msgspec.structs.replace(one) for one in log.requests]
    found = change(log, requests)
    write_log(found if isinstance(found, LoadLog) else LoadLog(log.header, requests, log.clients),
              path)  # fmt: skip
    try:
        forge(folder)
    except (ArithmeticError, ValueError):  # the honest computation cannot take it
        raw = json.loads((folder / "profile.json").read_bytes())
        raw["points"][at]["log_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        (folder / "profile.json").write_text(json.dumps(raw))


def earlier_content(log, requests):
    one = requests[5]
    one.events = [one.sent - 1, *one.events[1:]]


def shuffled_events(log, requests):
    # One whose events did not all arrive in one read, which have one time.
    spread = next(r for r in requests if r.events[0] != r.events[-1])
    spread.events = spread.events[::-1]


def negative_time(log, requests):
    requests[0].intended = -5


def endless_time(log, requests):
    requests[5].ended = 10**400


def endless_tokens(log, requests):
    requests[5].output_tokens = 10**400


def negative_tokens(log, requests):
    requests[5].output_tokens = -4


def slow_one_dropped(log, requests):
    gone = requests.pop(7)
    for one in requests:  # and the rest numbered through
        one.number -= one.number > gone.number


def slow_one_dropped_unnumbered(log, requests):
    requests.pop(7)


def faster_end(log, requests):
    one = requests[5]
    one.events = [one.sent + (at - one.sent) // 2 for at in one.events]
    one.first_byte = one.headers = one.events[0]
    one.ended = one.sent + (one.ended - one.sent) // 2


def doubled(log, requests):
    requests.append(msgspec.structs.replace(requests[5], number=len(requests), connection=1))


def measured_later(log, requests):
    header = msgspec.structs.replace(log.header, measured_from=log.header.measured_from + 1)
    return LoadLog(header, requests, log.clients)


def measured_shorter(log, requests):
    header = msgspec.structs.replace(log.header, measured_to=log.header.measured_to - 1)
    return LoadLog(header, requests, log.clients)


def no_slots(log, requests):
    header = msgspec.structs.replace(log.header, shape=Closed(0))
    return LoadLog(header, requests, log.clients)


def endless_slots(log, requests):
    header = msgspec.structs.replace(log.header, shape=Closed(10**400))
    return LoadLog(header, requests, log.clients)


def endless_duration(log, requests):
    bounds = msgspec.structs.replace(log.header.bounds, duration_s=1e308)
    return LoadLog(msgspec.structs.replace(log.header, bounds=bounds), requests, log.clients)


def failure_made_done(log, requests):
    requests[5].status = 500


def no_end_mark(log, requests):
    requests[5].kinds = requests[5].kinds.replace("d", "e")


def other_workers(log, requests):
    header = msgspec.structs.replace(log.header, workers=3)
    return LoadLog(header, requests, log.clients)


def events_uncounted(log, requests):
    clients = [msgspec.structs.replace(log.clients[0], events=10**9)]
    return LoadLog(log.header, requests, clients)


def over_time(log, requests):
    bounds = msgspec.structs.replace(log.header.bounds, duration_s=0.1)
    header = msgspec.structs.replace(log.header, bounds=bounds)
    return LoadLog(header, requests, log.clients)


def more_than_asked(log, requests):
    bounds = msgspec.structs.replace(log.header.bounds, requests=3)
    header = msgspec.structs.replace(log.header, bounds=bounds)
    return LoadLog(header, requests, log.clients)


def before_time(log, requests):
    header = msgspec.structs.replace(log.header, origin_ns=-1)
    return LoadLog(header, requests, log.clients)


def longer_prompts(log, requests):
    header = msgspec.structs.replace(log.header, workload={**log.header.workload, "seed": 1})
    return LoadLog(header, requests, log.clients)


def other_model(log, requests):
    header = msgspec.structs.replace(log.header, model="another")
    return LoadLog(header, requests, log.clients)


def other_boot(log, requests):
    header = msgspec.structs.replace(log.header, origin_unix_ns=0)
    return LoadLog(header, requests, log.clients)
