import pytest

from conformance.profile.power import moorethreads
from conformance.profile.power.contract import Device, PowerFormatError
from tests.profile.power.tools import FakeTool, fixture, shown, text


def test_the_nested_shape_is_read_though_its_key_ends_with_a_blank():
    powers = moorethreads.parse_json(fixture("moorethreads/nested.json"))
    assert shown(powers) == {"0": 98.41, "1": 640.02}
    assert powers[0].device == Device(
        "moorethreads",
        "0",
        name="MTT S5000",
        id="00000000-1111-2222-3333-000000000000",
        limit_w=950.0,
    )
    assert powers[1].device.limit_w is None


def test_the_flat_shape_is_read():
    powers = moorethreads.parse_json(fixture("moorethreads/flat.json"))
    assert shown(powers) == {"0": 152.5, "1": 61.0}


def test_a_limit_is_not_taken_for_a_draw():
    without = text("moorethreads/nested.json").replace('"Power Draw ": "98.41W",', "")
    with pytest.raises(PowerFormatError, match="no power draw with its unit"):
        moorethreads.parse_json(without.encode())


@pytest.mark.parametrize("value", ['"98410mW"', '"98.41"', "98.41", '"N/A"', "null", '"0W"'])
def test_a_draw_without_its_unit_or_value_is_refused(value):
    changed = text("moorethreads/nested.json").replace('"98.41W"', value)
    with pytest.raises(PowerFormatError):
        moorethreads.parse_json(changed.encode())


def test_fewer_devices_than_attached_are_refused():
    more = text("moorethreads/nested.json").replace('"Attached GPUs": "2"', '"Attached GPUs": "8"')
    with pytest.raises(PowerFormatError, match="lists 2 devices, but says attached are 8"):
        moorethreads.parse_json(more.encode())


def test_a_device_without_its_index_is_refused():
    without = text("moorethreads/nested.json").replace('"Index": "1"', '"Number": "1"')
    with pytest.raises(PowerFormatError, match="no index"):
        moorethreads.parse_json(without.encode())


def test_a_document_with_both_shapes_is_refused():
    both = text("moorethreads/nested.json").replace('"GPU": [', '"gpus": [], "GPU": [')
    with pytest.raises(PowerFormatError, match="neither a list GPU nor a list gpus"):
        moorethreads.parse_json(both.encode())


def test_the_reader_asks_in_the_shorter_way_where_the_longer_is_not_known():
    long, short = moorethreads.QUERIES
    tool = FakeTool(
        {short: fixture("moorethreads/flat.json"), ("mthreads-gmi", "-v"): b"mthreads-gmi:1.14.0\n"}
    )
    reader = moorethreads.find(tool)
    assert reader.method == "mthreads-gmi 1.14.0 power draw"
    assert [reading.power_w for reading in reader.read()] == [152.5, 61.0]
    assert tool.ran[1:] == [long, short, short]


def test_without_the_tool_there_is_no_reader():
    assert moorethreads.find(FakeTool({})) is None
