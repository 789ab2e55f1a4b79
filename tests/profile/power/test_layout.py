import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.profile.power.contract import Device, PowerFormatError, Reading
from conformance.profile.power.layout import (
    Power,
    ToolReader,
    bare_watts,
    decode_json,
    first_known,
    usage_and_cap,
    version_of,
    watts,
    with_keys,
)
from tests.profile.power.tools import FakeTool


def power(index, value=50.0, **device):
    return Power(Device("metax", index, **device), value)


@pytest.mark.parametrize(("text", "value"), [("93W", 93), ("106 W", 106), ("31.50 W", 31.5)])
def test_a_figure_with_its_unit_is_read(text, value):
    assert watts(text, "tool") == value


@pytest.mark.parametrize(
    "text",
    ["93", "93w", "93 mW", "93mW", "93  W", "W", "", "N/A", "-3W", "0W", "0.0 W", "5001W", "9e1W"],
)
def test_any_other_figure_is_refused(text):
    with pytest.raises(PowerFormatError):
        watts(text, "tool")


@pytest.mark.parametrize("text", ["93W", "", "N/A", "-3", "0", "5000.5", "1e2", "٣", "1_0", " "])
def test_a_bare_figure_has_no_unit_of_its_own(text):
    with pytest.raises(PowerFormatError):
        bare_watts(text, "tool")
    assert bare_watts("5000", "tool") == 5000


def test_usage_and_cap_are_told_apart():
    assert usage_and_cap("29W / 225W", "tool") == (29, 225)
    assert usage_and_cap("106 W/ 250 W", "tool") == (106, 250)
    assert usage_and_cap("97W / NA", "tool") == (97, None)
    for text in ("NA / 225W", "29W", "29W / ?"):
        with pytest.raises(PowerFormatError):
            usage_and_cap(text, "tool")


def test_a_refusal_names_the_tool_the_line_and_the_capture():
    with pytest.raises(PowerFormatError) as caught:
        watts("93 mW", "mx-smi", "| 0 | 93 mW |\x1b")
    assert str(caught.value) == (
        "mx-smi, '| 0 | 93 mW |\\x1b': shows a power that is not a number of W: '93 mW' — "
        "run `conformance profile capture` on this machine and send what it saves"
    )


def test_json_is_found_behind_lines_that_are_none():
    assert decode_json('[WARN] low\n{noise\n  {"a": [1]}\n', "tool") == {"a": [1]}


@pytest.mark.parametrize(
    "text", ["", "no", '{"a": 1', '{"a": 1} more', '{"a": 1, "a": 2}', "[" * 100_000, '{"a": 1}{']
)
def test_json_that_is_cut_or_doubled_is_refused(text):
    with pytest.raises(PowerFormatError):
        decode_json(text, "tool")


def test_an_id_that_two_devices_share_is_left_out():
    shared = with_keys([power("0", id="0000:01:00.0"), power("1", id="0000:01:00.0")], "tool")
    assert [one.device.key for one in shared] == ["/metax/0", "/metax/1"]


def test_two_devices_with_one_index_are_refused():
    with pytest.raises(PowerFormatError, match="device 0 twice"):
        with_keys([power("0", id="a"), power("0", id="b")], "tool")


def test_no_device_is_refused():
    with pytest.raises(PowerFormatError, match="no device"):
        with_keys([], "tool")


def test_a_reading_has_the_middle_of_the_look_and_half_of_it_as_error():
    ticks = iter([1_000, 1_300])
    looks = iter([[power("0")], [Power(Device("metax", "0"), 61.0, 7.5)]])
    reader = ToolReader("metax", "tool 1", lambda: next(looks), clock=lambda: next(ticks))
    assert reader.read() == [Reading(1_150, "/metax/0", power_w=61.0, energy_j=7.5, t_error_ns=150)]


@given(before=st.sets(st.integers(0, 5), min_size=1), after=st.sets(st.integers(0, 5)))
def test_devices_that_come_or_go_are_refused(before, after):
    looks = iter([[power(str(n)) for n in sorted(before)], [power(str(n)) for n in sorted(after)]])
    reader = ToolReader("metax", "tool 1", lambda: next(looks))
    if before == after:
        assert len(reader.read()) == len(before)
    else:
        with pytest.raises(PowerFormatError):
            reader.read()


def test_the_first_layout_that_reads_is_taken():
    def refused():
        raise PowerFormatError("is unknown", where="first")

    reader = first_known("metax", [("a", refused), ("b", lambda: [power("0")])])
    assert reader.method == "b"
    with pytest.raises(PowerFormatError, match=r"first: is unknown; first: is unknown"):
        first_known("metax", [("a", refused), ("b", refused)])


def test_a_version_is_what_looks_like_one():
    tool = FakeTool({("x", "-v"): b"tool: 1.14.0\nlibrary: 2\n", ("x", "-q"): b"none\n"})
    assert version_of(tool, ("x", "-v")) == "1.14.0"
    assert version_of(tool, ("x", "-q")) == ""
    assert version_of(tool, ("x", "-z")) == ""
    assert version_of(tool, ("y", "-v")) == ""
