import pytest

from conformance.profile.power import iluvatar
from conformance.profile.power.contract import Device, PowerFormatError
from tests.profile.power.tools import FakeTool, fixture, shown, text

CSV = {
    field: ("ixsmi", f"--query-gpu=index,name,uuid,{field}", "--format=csv")
    for field in ("gpu.power.draw", "power.draw")
}
NO_FIELD = PowerFormatError(
    "ended with exit code 1: 'Field \"gpu.power.draw\" is not a valid field to query.'"
)


def test_of_a_board_with_two_dies_the_second_shows_the_boards_power():
    powers = iluvatar.parse_table(fixture("iluvatar/table-4.1.0.txt"))
    assert shown(powers) == {"0+1": 97, "2+3": 226}
    assert powers[0].device == Device(
        "iluvatar", "0+1", name="Iluvatar BI-V150", id="00000000:18:00.0", limit_w=350.0
    )


def test_a_duo_board_has_two_dies():
    assert shown(iluvatar.parse_table(fixture("iluvatar/table-4.4.0.txt"))) == {"0+1": 43}


def test_the_query_of_corex_4_gives_watts_and_joins_the_dies():
    powers = iluvatar.parse_csv(fixture("iluvatar/query-gpu.power.draw.csv"), "gpu.power.draw")
    assert shown(powers) == {"0+1": 97}
    assert powers[0].device.id == "GPU-00000000-1111-2222-3333-000000000001"


def test_the_query_of_other_versions_has_its_unit_at_the_value():
    powers = iluvatar.parse_csv(fixture("iluvatar/query-power.draw.csv"), "power.draw")
    assert shown(powers) == {"0": 31.5, "1": 88.25}


def test_a_value_without_unit_anywhere_is_refused():
    bare = text("iluvatar/query-power.draw.csv").replace("31.50 W", "31.50")
    with pytest.raises(PowerFormatError, match="not a number of W"):
        iluvatar.parse_csv(bare.encode(), "power.draw")


def test_milliwatts_are_refused():
    for milli in ("31500 mW", "31500mW"):
        text_ = text("iluvatar/query-power.draw.csv").replace("31.50 W", milli)
        with pytest.raises(PowerFormatError, match="not a number of W"):
            iluvatar.parse_csv(text_.encode(), "power.draw")
    headed = text("iluvatar/query-gpu.power.draw.csv").replace("[W]", "[mW]")
    with pytest.raises(PowerFormatError, match="'mW', not in W"):
        iluvatar.parse_csv(headed.encode(), "gpu.power.draw")


def test_no_power_on_a_board_of_one_die_is_refused_not_taken_for_zero():
    single = text("iluvatar/query-power.draw.csv").replace("31.50 W", "N/A")
    with pytest.raises(PowerFormatError, match="not known to have two dies"):
        iluvatar.parse_csv(single.encode(), "power.draw")


def test_a_board_that_shows_no_power_at_all_is_refused():
    nothing = text("iluvatar/query-gpu.power.draw.csv").replace("97 W", "N/A")
    with pytest.raises(PowerFormatError, match="no power of this board"):
        iluvatar.parse_csv(nothing.encode(), "gpu.power.draw")


def test_a_first_die_without_its_second_is_refused():
    lines = text("iluvatar/query-gpu.power.draw.csv").splitlines(keepends=True)
    with pytest.raises(PowerFormatError, match="no power of this board"):
        iluvatar.parse_csv("".join(lines[:2]).encode(), "gpu.power.draw")


def test_dies_whose_numbers_do_not_follow_are_not_joined():
    apart = text("iluvatar/query-gpu.power.draw.csv").replace("\n1,", "\n2,")
    with pytest.raises(PowerFormatError, match="no power of this board"):
        iluvatar.parse_csv(apart.encode(), "gpu.power.draw")


def test_two_dies_in_a_row_without_power_are_refused():
    two = text("iluvatar/query-gpu.power.draw.csv").replace(
        "\n1,", "\n1, Iluvatar BI-V150, -, N/A\n2,"
    )
    with pytest.raises(PowerFormatError, match="no power of this board"):
        iluvatar.parse_csv(two.encode(), "gpu.power.draw")


def test_a_die_without_power_after_the_one_with_power_is_refused():
    swapped = (
        text("iluvatar/query-gpu.power.draw.csv")
        .replace("N/A", "other")
        .replace("97 W", "N/A")
        .replace("other", "97 W")
    )
    with pytest.raises(PowerFormatError, match="no power of this board"):
        iluvatar.parse_csv(swapped.encode(), "gpu.power.draw")


def test_columns_may_stand_in_another_order_and_others_between():
    csv = b"power.draw [W], fan.speed [%], uuid, index, name\n31.5, 40, GPU-1, 0, Iluvatar MR-V50\n"
    assert shown(iluvatar.parse_csv(csv, "power.draw")) == {"0": 31.5}


def test_the_reader_takes_the_field_that_this_version_has():
    tool = FakeTool(
        {
            iluvatar.TABLE: fixture("iluvatar/table-4.4.0.txt"),
            CSV["gpu.power.draw"]: NO_FIELD,
            CSV["power.draw"]: fixture("iluvatar/query-power.draw.csv"),
        }
    )
    reader = iluvatar.find(tool)
    assert reader.method == "ixsmi 4.4.0 power.draw, board power"
    assert [reading.power_w for reading in reader.read()] == [31.5, 88.25]


def test_the_error_may_also_come_on_standard_output():
    tool = FakeTool(
        {
            iluvatar.TABLE: fixture("iluvatar/table-4.4.0.txt"),
            CSV["gpu.power.draw"]: fixture("iluvatar/no-such-field.txt"),
            CSV["power.draw"]: fixture("iluvatar/query-power.draw.csv"),
        }
    )
    assert iluvatar.find(tool).method == "ixsmi 4.4.0 power.draw, board power"


def test_the_reader_falls_back_to_the_table():
    reader = iluvatar.find(FakeTool({iluvatar.TABLE: fixture("iluvatar/table-4.1.0.txt")}))
    assert reader.method == "ixsmi 4.1.0 table, board power"
    assert [device.index for device in reader.devices()] == ["0+1", "2+3"]


def test_without_the_tool_there_is_no_reader():
    assert iluvatar.find(FakeTool({})) is None
