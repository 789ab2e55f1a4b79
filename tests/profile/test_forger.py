"""A forger who knows the format: edits what it likes and makes every digest and figure fit."""

from __future__ import annotations

import json
import shutil

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.errors import EvidenceInvalidError
from conformance.evidence import profiled
from conformance.evidence.window import LiveWindow
from conformance.profile.consistent import is_found
from conformance.profile.contradictions import contradictions
from conformance.profile.document import Calibration, CalibrationPoint, Inputs, Reason
from conformance.profile.log import read_log
from conformance.profile.points import energy_in
from conformance.profile.power.recorder import read_power_log, write_power_log
from conformance.profile.reread import differences, read_profile
from conformance.profile.schedule import arrivals
from conformance.profile.shape import Bounds, Open, Trace
from conformance.profile.solved import Span, TimedWindow, solved_point
from tests.profile import forge as edits
from tests.profile.forge import STEP_NS, forge, make_profile, rewrite, trials_from
from tests.profile.logs import MS, client, log_of, request
from tests.profile.test_search import Server


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "p"
    make_profile(folder)
    return folder


@pytest.fixture
def copy(made, tmp_path):
    return shutil.copytree(made, tmp_path / "p")


def said(folder):
    return "\n".join(differences(folder))


def test_a_profile_that_was_not_touched_has_no_differences(made):
    assert said(made) == ""
    document = read_profile(made)
    assert document.knee is not None
    assert len(document.agents.points) == 2
    assert document.solved[0].energy is not None


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (edits.earlier_content, "a time before its cause"),
        (edits.shuffled_events, "a time before its cause"),
        (edits.negative_time, "a time that cannot be"),
        (edits.endless_time, "a time that cannot be"),
        (edits.endless_tokens, "a count of tokens that cannot be"),
        (edits.negative_tokens, "a count of tokens that cannot be"),
        (edits.slow_one_dropped, "was due when no slot was free"),
        (edits.slow_one_dropped_unnumbered, "are not numbered through"),
        (edits.faster_end, "was due when no slot was free"),
        (edits.doubled, "requests in flight at 1 slots"),
        (edits.measured_later, "its measured part is not that of its shape"),
        (edits.measured_shorter, "its measured part is not that of its shape"),
        (edits.no_slots, "such a load cannot be run"),
        (edits.endless_slots, "such a load cannot be run"),
        (edits.endless_duration, "such a load cannot be run"),
        (edits.failure_made_done, "done without an answer"),
        (edits.no_end_mark, "done without an answer"),
        (edits.other_workers, "its workers are not those it names"),
        (edits.events_uncounted, "counts other events or connections"),
        (edits.over_time, "due when its duration was over"),
        (edits.more_than_asked, "more than 3 requests in its measured part"),
        (edits.before_time, "it began at a time that cannot be"),
        (edits.longer_prompts, "layers.application.workload: not what a log says was asked"),
        (edits.other_model, "another endpoint, model or dialect"),
        (edits.other_boot, "of several machines or sittings"),
    ],
)
def test_a_log_that_contradicts_itself_is_named(copy, change, line):
    rewrite(copy, change)
    assert line in said(copy)


def test_an_arrival_that_is_missing_from_an_open_loop_is_named():
    for shape in (Open(100.0, seed=3), Open(100.0, "constant"), Trace((0.0, 0.01, 0.02, 0.03))):
        bounds = Bounds(requests=4, warm_up_s=0.0)
        due = [one.at for one in arrivals(shape, bounds)]
        requests = [request(at / MS, intended=at, connection=n) for n, at in enumerate(due)]
        made = log_of(
            requests, shape=shape, measured=(0, max(due) / MS), clients=[client(events=9)]
        )
        made = msgspec.structs.replace(
            made, header=msgspec.structs.replace(made.header, bounds=bounds)
        )
        assert list(contradictions(made)) == []
        requests.pop(1)
        numbered = [msgspec.structs.replace(one, number=n) for n, one in enumerate(requests)]
        less = msgspec.structs.replace(made, requests=numbered)
        assert list(contradictions(less)) == ["its requests were not due when its schedule says"]


def test_two_answers_on_one_connection_at_once_are_named():
    requests = [request(0.0, connection=3), request(100.0, connection=3)]
    (line,) = [
        line
        for line in contradictions(log_of(requests, shape=Trace((0.0, 0.1)), measured=(0, 100)))
        if "connection" in line and "carries" in line
    ]
    assert line == "connection 0-3 carries two requests at once"


def test_a_point_left_out_of_a_search_is_named(copy):
    document = read_profile(copy)
    forge(copy, points=[point for point in document.points if point.concurrency == 2])
    assert "knee: not what a search over these points finds" in said(copy)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 60), st.integers(0, 60), st.integers(1, 90), st.integers(1, 100),
    st.sampled_from([0.0, 0.1]),
)  # fmt: skip
def test_a_search_that_was_made_is_found_again_whatever_its_limit(slots, good, fails, limit, noise):
    server = Server(float(slots), slo_until=good, fails_from=fails, noise=noise, requests=40)
    points, knee = server.knee(limit=limit)
    assert is_found(points, knee, server.slo)


def test_another_knee_is_named(copy):
    document = read_profile(copy)
    forge(copy, knee=msgspec.structs.replace(document.knee, concurrency=64.0))
    assert "knee: not what a search over these points finds" in said(copy)


def test_one_log_shown_as_two_points_is_named(copy):
    document = read_profile(copy)
    forge(copy, knee=None, points=[document.points[0], document.points[0]])
    assert "were at the same time" in said(copy)


def test_more_agents_than_a_log_has_are_named(copy):
    agents = read_profile(copy).agents
    forge(copy, agents=msgspec.structs.replace(agents, sustained=64))
    assert "agents.sustained: not what its points give" in said(copy)
    points = [msgspec.structs.replace(agents.points[0], agents=64), *agents.points[1:]]
    forge(copy, agents=msgspec.structs.replace(agents, sustained=64, points=points))
    assert "agents.points[0]: not what its log says" in said(copy)
    forge(copy, agents=msgspec.structs.replace(agents, bundle="d" * 64))
    assert "agents.points[0]: not what its log says" in said(copy)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"solved": 12, "solve_rate": 1.0}, "solve_rate_low"),
        ({"solved": 13}, "solved"),
        ({"solve_rate": 0.9}, "solve_rate"),
        ({"solved_per_hour": 1e6}, "solved_per_hour"),
        ({"j_per_solved_task": 0.0}, "j_per_solved_task"),
        # No 0: of a machine under load that may be what was measured.
        ({"j_per_solved_task_above_idle": 1e9}, "j_per_solved_task_above_idle"),
        ({"energy": None}, "energy"),
        ({"money_per_solved_task": 0.01}, "money_per_solved_task"),
        ({"gco2_per_solved_task": 0.01}, "gco2_per_solved_task"),
        ({"window_solved": 12}, "window_solved"),
        ({"valid": False}, "valid"),
        ({"start_ns": 1, "end_ns": 1}, "end_ns"),
    ],
)
def test_graded_trials_whose_figures_do_not_follow_are_named(copy, changes, name):
    (point,) = read_profile(copy).solved
    forge(copy, solved=[msgspec.structs.replace(point, **changes)])
    assert "solved[0]: " in said(copy)
    assert name in said(copy)


def test_prices_that_would_pay_twice_are_named(copy):
    forge(copy, inputs=Inputs(price_per_hour=1.0, price_per_kwh=1.0, currency="EUR"))
    assert "solved[0]: inputs: does not follow" in said(copy)


@pytest.mark.parametrize(
    "inputs",
    [Inputs(price_per_hour=-9.0, currency="EUR"), Inputs(pue=0.1), Inputs(carbon_g_per_kwh=-1.0)],
)
def test_what_was_given_and_cannot_be_is_named(copy, inputs):
    forge(copy, inputs=inputs)
    assert "inputs: " in said(copy)
    assert " is less than " in said(copy)


class Sealed:
    """A bundle whose journal says of its trials what the profile was made of."""

    def __init__(self, folder, made, monkeypatch):
        self.folder = folder
        self.profile = shutil.copytree(made, folder / "profile")
        self.point = read_profile(self.profile).solved[0]
        header = read_power_log(made / "power.jsonl").header
        monkeypatch.setattr(profiled, "window_of_bundle", self._read)
        shift = header.origin_unix_ns - header.origin_ns
        own = trials_from(self.point.start_ns + shift)
        self.window = TimedWindow(concurrency=1, trials=own, bundle="c" * 64)

    def _read(self, folder, edition, concurrency=1):
        return LiveWindow("", msgspec.structs.replace(self.window, concurrency=concurrency))

    def forge(self, **changes):
        forge(self.profile, solved=[msgspec.structs.replace(self.point, **changes)])
        return "\n".join(profiled.profile_problems(self.folder, None))


@pytest.fixture
def sealed(made, tmp_path, monkeypatch):
    return Sealed(tmp_path, made, monkeypatch)


def test_the_trials_of_a_bundle_give_what_its_profile_says(sealed):
    assert sealed.forge() == ""
    # What was read on clocks alone may stand there, and makes the figures invalid.
    assert sealed.forge(valid=False, reasons=[Reason("client-cpu", 0.9, 0.8)]) == ""


def test_a_graded_window_that_was_not_valid_cannot_be_called_so(sealed):
    few = sealed.window.trials[:9]
    span = Span(sealed.point.start_ns, sealed.point.start_ns + 9 * STEP_NS)
    sealed.window = TimedWindow(1, few, "c" * 64)
    power = read_power_log(sealed.profile / "power.jsonl")
    energy = energy_in(power, read_profile(sealed.profile).idle, span.start_ns, span.end_ns)
    sealed.point = solved_point(sealed.window, energy, Inputs(), monotonic=span)
    assert [reason.code for reason in sealed.point.reasons] == ["too-few-trials"]
    assert sealed.forge() == ""
    assert "solved[0]: valid, reasons: not what" in sealed.forge(valid=True, reasons=[])
    assert "solved[0]: valid: not what" in sealed.forge(valid=True)


def test_another_concurrency_than_the_trials_is_named(sealed):
    assert "solved[0]: concurrency" in sealed.forge(concurrency=8)


def test_the_energy_of_a_quieter_time_is_refused(sealed):
    document = read_profile(sealed.profile)
    start, _ = document.idle
    length = sealed.point.end_ns - sealed.point.start_ns
    said = sealed.forge(start_ns=start, end_ns=start + length)
    assert "the energy of the trials is that of another time" in said


@pytest.mark.parametrize("name", ["start_ns", "end_ns", "trials", "window_solved"])
def test_an_integer_beyond_all_arithmetic_is_refused(copy, name):
    raw = json.loads((copy / "profile.json").read_bytes())
    raw["solved"][0][name] = 10**400
    (copy / "profile.json").write_text(json.dumps(raw))
    with pytest.raises(EvidenceInvalidError):
        said(copy)


def test_an_idle_window_laid_into_a_load_is_named(copy):
    document = read_profile(copy)
    origin = read_log(copy / document.points[0].log).header.origin_ns
    forge(copy, idle_from_ns=origin, idle_to_ns=origin + 400_000_000)
    assert "its idle window or its trials were at the same time" in said(copy)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"percentile_method": "the best"}, "percentile_method"),
        ({"power": ["a better meter"]}, "power, devices: not those"),
        ({"power_log": None, "power_log_sha256": None}, "power, devices: not those"),
    ],
)
def test_what_stands_in_two_places_agrees(copy, changes, line):
    forge(copy, **changes)
    assert line in said(copy)


def test_accelerators_and_model_are_those_of_the_logs(copy):
    layers = read_profile(copy).layers
    forge(copy, layers=msgspec.structs.replace(layers, hardware={"accelerators": 8}))
    assert "layers.hardware.accelerators" in said(copy)
    forge(
        copy, layers=msgspec.structs.replace(layers, model={"requested": "gpt", "dialect": "chat"})
    )
    assert "layers: another endpoint, model or dialect" in said(copy)


@pytest.mark.parametrize("lag", [0.5, 9.0])
def test_a_calibration_is_void_where_its_own_figures_say_so(copy, lag):
    one = CalibrationPoint(1, 50, 0.1, 0.2, 0.0, 0.1, mock_lag_p99_ms=lag, is_void=lag < 2)
    forge(copy, calibration=Calibration(50.0, 10.0, 30, [one]))
    assert "calibration.points[0]: is_void: not what mock_lag_p99_ms says" in said(copy)


@pytest.mark.parametrize(("power", "energy"), [(-1.0, None), (1e9, None), (None, -1.0)])
def test_an_impossible_reading_is_refused(copy, power, energy):
    log = read_power_log(copy / "power.jsonl")
    one = msgspec.structs.replace(log.readings[9], power_w=power, energy_j=energy)
    write_power_log(msgspec.structs.replace(log, readings=[one]), copy / "power.jsonl")
    with pytest.raises(EvidenceInvalidError, match="impossible reading"):
        said(copy)
