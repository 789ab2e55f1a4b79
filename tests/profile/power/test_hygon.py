import pytest

from conformance.profile.power import hygon
from conformance.profile.power.contract import Device, PowerFormatError
from tests.profile.power.tools import FakeTool, fixture, shown, text


def test_json_is_read_behind_noise_and_with_its_commas_missing():
    powers = hygon.parse_json(fixture("hygon/json-hcu.txt"))
    assert shown(powers) == {"0": 94, "1": 561}
    assert powers[1].device == Device("hygon", "1", name="BW", id="0000:5e:00.0")


def test_colours_before_the_json_are_noise():
    assert shown(hygon.parse_json(b"\x1b[0m" + fixture("hygon/json-dcu.json"))) == {
        "0": 136,
        "1": 21,
    }


def test_json_from_before_the_renaming_is_read():
    assert shown(hygon.parse_json(fixture("hygon/json-dcu.json"))) == {"0": 136, "1": 21}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("table-hcu.txt", {"0": 82, "1": 571}), ("table-dcu.txt", {"0": 22, "1": 18})],
)
def test_both_tables_give_their_watts(name, expected):
    assert shown(hygon.parse_table(fixture(f"hygon/{name}"))) == expected


def test_the_table_gives_the_limit():
    assert hygon.parse_table(fixture("hygon/table-hcu.txt"))[0].device.limit_w == 1000


def test_the_power_of_core_or_memory_is_not_taken_for_the_packages():
    parts = text("hygon/json-hcu.txt").replace("Average Graphics Package Power", "Package Power")
    with pytest.raises(PowerFormatError, match="shows no Average Graphics Package Power"):
        hygon.parse_json(parts.encode())


def test_another_unit_in_the_key_is_refused():
    milli = text("hygon/json-dcu.json").replace("Package Power (W)", "Package Power (mW)")
    with pytest.raises(PowerFormatError, match="shows no Average Graphics Package Power"):
        hygon.parse_json(milli.encode())


def test_a_number_that_is_no_string_is_refused():
    number = text("hygon/json-dcu.json").replace('"136.0"', "136.0")
    with pytest.raises(PowerFormatError, match="shows no Average Graphics"):
        hygon.parse_json(number.encode())


def test_a_key_that_stands_twice_is_refused():
    twice = text("hygon/json-dcu.json").replace('"DCU use (%)": "88"', f'"{hygon.KEY}": "1.0"')
    with pytest.raises(PowerFormatError, match="no JSON that can be read"):
        hygon.parse_json(twice.encode())


def test_a_table_that_does_not_reach_its_end_is_refused():
    lines = text("hygon/table-hcu.txt").splitlines(keepends=True)
    with pytest.raises(PowerFormatError, match="cut off"):
        hygon.parse_table("".join(lines[:-1]).encode())


def test_a_row_with_fewer_columns_is_refused():
    fewer = text("hygon/table-dcu.txt").replace(" 1250Mhz", "")
    with pytest.raises(PowerFormatError, match="no device"):
        hygon.parse_table(fewer.encode())


def test_the_reader_asks_with_fewer_options_and_then_for_the_table():
    tool = FakeTool({hygon.PLAIN_JSON: fixture("hygon/json-dcu.json")})
    reader = hygon.find(tool)
    assert reader.method == "hy-smi average package power"
    assert [reading.power_w for reading in reader.read()] == [136, 21]
    tool = FakeTool(
        {hygon.TABLE: fixture("hygon/table-hcu.txt"), ("hy-smi", "--version"): b"hy-smi 1.11.0\n"}
    )
    assert hygon.find(tool).method == "hy-smi 1.11.0 table, average power"


def test_without_the_tool_there_is_no_reader():
    assert hygon.find(FakeTool({})) is None
