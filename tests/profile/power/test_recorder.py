"""What is kept of readers while something else runs, and the log of it."""

import json
import threading
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.errors import ConformanceError, EvidenceInvalidError
from conformance.profile.power.contract import Device, PowerFormatError, Reading
from conformance.profile.power.energy import energy_of
from conformance.profile.power.recorder import (
    FORMAT,
    Poller,
    PowerHeader,
    PowerLog,
    Recorder,
    read_power_log,
    write_power_log,
)
from tests.profile.power.readers import PlayedReader, S, wait_until

CARD = Device("nvidia", "0", id="GPU-0", node="a")


def looked(reader, *moments):
    """Look once by a clock that shows these moments."""
    shown, taken = iter(moments), []
    poller = Poller(reader, 20, taken.extend, lambda: next(shown))
    poller.look()
    return poller, taken


def test_a_reading_gets_the_middle_of_the_look_and_half_of_it_as_error():
    _, taken = looked(PlayedReader({"0": 70}), 1000, 1601)
    assert [(reading.t_ns, reading.t_error_ns) for reading in taken] == [(1300, 301)]


def test_a_reading_that_bears_its_own_time_keeps_it():
    reader = PlayedReader({"0": 70})
    reader.is_timed = True
    _, taken = looked(reader, 1000, 1601)
    assert taken[0].t_ns == 0


def test_a_look_that_fails_is_counted_and_told():
    poller, taken = looked(PlayedReader({"0": 70}, failing=[1]), 0, 1)
    assert taken == []
    assert poller.problem == "played: 1 looks failed, last: played: printed nothing"


def test_what_a_library_said_is_told_in_one_line_that_can_be_shown():
    def fail(_):
        raise PowerFormatError("\x1b[2Jgone\nwrong")

    poller, _ = looked(PlayedReader({"0": fail}), 0, 1)
    assert poller.problem.endswith("last: ?[2Jgone wrong")


def test_any_error_of_a_library_is_survived():
    reader = PlayedReader({"0": lambda _: 1 / 0})
    poller, _ = looked(reader, 0, 1)
    assert "ZeroDivisionError" in poller.problem


@pytest.mark.parametrize("watts", [-1.0, float("nan"), float("inf"), 20_001.0])
def test_what_no_device_draws_is_not_kept(watts):
    poller, taken = looked(PlayedReader({"0": watts, "1": 70.0}), 0, 1)
    assert [reading.device for reading in taken] == ["/nvidia/GPU-1"]
    assert poller.failures == 1


@pytest.mark.parametrize("joules", [-1.0, float("nan"), float("inf")])
def test_a_counter_that_is_none_is_not_kept(joules):
    reader = PlayedReader({"0": 70})
    reader.read = lambda: [Reading(0, "/nvidia/GPU-0", 70, joules)]
    assert looked(reader, 0, 1)[1] == []


def test_a_recorder_keeps_all_and_closes_its_readers():
    reader = PlayedReader({"0": 200.0, "1": 100.0})
    with Recorder([reader], hz=200) as recorder:
        wait_until(lambda: reader.looks >= 20)
        start = recorder.readings()[0].t_ns
        end = time.perf_counter_ns()
        log = recorder.log()
    assert reader.is_closed
    assert log.methods == ["played"]
    assert log.devices == recorder.devices == reader.devices()
    energy = energy_of(log.readings, log.devices, start + 1, end)
    assert [part.sampled_j for part in energy.devices] == [
        pytest.approx(200 * (end - start) / S, rel=1e-6),
        pytest.approx(100 * (end - start) / S, rel=1e-6),
    ]


def test_a_window_that_is_over_has_its_right_edge_once_the_log_is_taken():
    reader = PlayedReader({"0": 200.0})
    with Recorder([reader], hz=5) as recorder:
        wait_until(lambda: reader.looks >= 2)
        end = time.perf_counter_ns()
        log = recorder.log()
    assert log.readings[-1].t_ns >= end


def test_a_slow_tool_does_not_hold_up_a_quick_one():
    slow, quick = PlayedReader({"0": 10.0}, prefix="S"), PlayedReader({"0": 20.0}, prefix="Q")
    held = threading.Event()
    slow.read = lambda: held.wait(30) and []
    with Recorder([slow, quick], hz=100) as recorder:
        wait_until(lambda: len(recorder.readings()) >= 10)
        held.set()
    assert {reading.device for reading in recorder.readings()} == {"/nvidia/Q-0"}


def test_failing_looks_leave_a_gap_and_the_recorder_goes_on():
    reader = PlayedReader({"0": 200.0}, failing=range(3, 9))
    with Recorder([reader], hz=200) as recorder:
        wait_until(lambda: reader.looks >= 12)
        assert recorder.problems == ["played: 6 looks failed, last: played: printed nothing"]
        assert recorder.log().header.problems == recorder.problems
    assert len(recorder.readings()) >= 6


def test_readings_of_a_window_come_with_its_surroundings():
    recorder = Recorder([PlayedReader({"0": 200.0})])
    recorder._kept.extend(Reading(second * S, CARD.key, 1.0) for second in range(100))
    seconds = [reading.t_ns // S for reading in recorder.readings(50 * S, 60 * S)]
    assert seconds == list(range(45, 66))
    assert len(recorder.readings()) == 100


def test_a_device_that_is_read_twice_is_refused():
    with pytest.raises(ConformanceError, match="read twice"):
        Recorder([PlayedReader({"0": 1.0}), PlayedReader({"0": 2.0})])


def a_log(*readings):
    header = PowerHeader(FORMAT, 10**15, 10**18, 20, [CARD], ["played"], ["one failed"])
    return PowerLog(header, list(readings))


READINGS = st.builds(
    Reading,
    st.integers(-(10**15), 10**17),
    st.sampled_from([CARD.key, "a/nvidia/GPU-new"]),
    st.none() | st.floats(0, 20_000),
    st.none() | st.floats(0, 1e15),
    st.integers(0, 10**12),
)


@settings(deadline=None)
@given(st.lists(READINGS, max_size=20))
def test_a_log_is_read_as_it_was_written(tmp_path_factory, readings):
    path = tmp_path_factory.mktemp("power") / "folder" / "power.jsonl"
    write_power_log(a_log(*readings), path)
    assert read_power_log(path) == a_log(*readings)


def lines_of(tmp_path):
    path = tmp_path / "power.jsonl"
    write_power_log(a_log(Reading(10**15 + 7, CARD.key, 70.5), Reading(0, CARD.key, None, 3)), path)
    return path, path.read_bytes().splitlines()


def test_a_line_is_a_reading(tmp_path):
    _, lines = lines_of(tmp_path)
    header = json.loads(lines[0])
    assert (header["format"], header["hz"], header["origin_ns"]) == ("power/1", 20, 10**15)
    assert header["devices"] == [msgspec.to_builtins(CARD)]
    assert json.loads(lines[1]) == ["a/nvidia/GPU-0"]
    assert json.loads(lines[2]) == [7, 0, 70.5, None, 0]
    assert json.loads(lines[3]) == [-(10**15), 0, None, 3, 0]


@pytest.mark.parametrize(
    ("number", "line", "complaint"),
    [
        (0, b"{}", "is no log of power"),
        (0, b"power/1", "is no log of power"),
        (1, b'["b/nvidia/GPU-0"]', "other names than devices"),
        (1, b"[]", "other names than devices"),
        (2, b"[7,0,NaN,null,0]", "is no log of power"),
        (2, b"[7,0,1e999,null,0]", "is no log of power"),
        (2, b"[7,0,-1,null,0]", "impossible reading"),
        (2, b"[7,0,70000,null,0]", "impossible reading"),
        (2, b"[7,0,null,-3,0]", "impossible reading"),
        (2, b"[7,1,70,null,0]", "reading of no device"),
        (2, b"[7,-1,70,null,0]", "reading of no device"),
        (2, b"[7,0,70,null,-5]", "reading of no device"),
        (2, b"[7,0,70,null]", "is no log of power"),
        (2, b"[7,0,70,null,0,1]", "is no log of power"),
        (2, b"[7.5,0,70,null,0]", "is no log of power"),
        (3, b"[7,0,7", "is no log of power"),
        (3, b"\xff\xfe", "is no log of power"),
    ],
)
def test_a_broken_log_is_refused(tmp_path, number, line, complaint):
    path, lines = lines_of(tmp_path)
    lines[number] = line
    path.write_bytes(b"\n".join(lines) + b"\n")
    with pytest.raises(EvidenceInvalidError, match=complaint) as caught:
        read_power_log(path)
    assert str(path) in str(caught.value)


def test_a_log_of_another_format_is_refused(tmp_path):
    path, lines = lines_of(tmp_path)
    path.write_bytes(b"\n".join([lines[0].replace(b"power/1", b"power/2"), *lines[1:]]))
    with pytest.raises(EvidenceInvalidError, match="is of format 'power/2'"):
        read_power_log(path)


@pytest.mark.parametrize("content", [b"", b"{}\n", b"\x00" * 50, b"[" * 5000 + b"\n[]\n"])
def test_a_file_that_is_none_is_refused(tmp_path, content):
    path = tmp_path / "power.jsonl"
    path.write_bytes(content)
    with pytest.raises(EvidenceInvalidError):
        read_power_log(path)
    with pytest.raises(EvidenceInvalidError):
        read_power_log(tmp_path / "none")
