import pytest

from conformance.profile.power import cambricon
from conformance.profile.power.contract import Device, PowerFormatError
from tests.profile.power.tools import FakeTool, fixture, shown, text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("table-4.20.11.txt", {"0": 33, "1": 121}),
        ("table-5.10.13.txt", {"0": 109, "1": 104}),
        ("table-5.10.31.txt", {"0": 102}),
    ],
)
def test_every_version_of_the_table_gives_its_watts(name, expected):
    assert shown(cambricon.parse_table(fixture(f"cambricon/{name}"))) == expected


def test_info_gives_the_usage_under_power():
    first, second = cambricon.parse_info(fixture("cambricon/info-5.10.22.txt"))
    assert (first.watts, second.watts) == (47, 29)
    assert first.device == Device(
        "cambricon",
        "0",
        name="MLU370-X4",
        id="00000000-1111-2222-3333-000000000000",
        limit_w=150.0,
    )
    assert second.device.limit_w is None


def test_a_card_of_an_older_version_has_no_bus_address_and_keeps_its_number():
    first, _ = cambricon.parse_table(fixture("cambricon/table-4.20.11.txt"))
    assert first.device == Device("cambricon", "0", name="MLU370-X4", limit_w=150.0)


def test_a_part_of_a_card_is_refused():
    part = text("cambricon/table-5.10.13.txt").replace("| 0     / ", "| 0     1 ")
    with pytest.raises(PowerFormatError, match="no whole card"):
        cambricon.parse_table(part.encode())


def test_a_usage_outside_the_section_power_is_not_taken():
    moved = text("cambricon/info-5.10.22.txt").replace("    Power  ", "    Memory ")
    with pytest.raises(PowerFormatError, match="no usage under Power"):
        cambricon.parse_info(moved.encode())


def test_info_in_milliwatts_is_refused():
    milli = text("cambricon/info-5.10.22.txt").replace(": 47 W", ": 47000 mW")
    with pytest.raises(PowerFormatError, match="not a number of W"):
        cambricon.parse_info(milli.encode())


def test_the_reader_names_the_version_and_falls_back_to_info():
    tool = FakeTool({cambricon.TABLE: fixture("cambricon/table-5.10.31.txt")})
    assert cambricon.find(tool).method == "cnmon 5.10.31 table"
    renamed = text("cambricon/table-5.10.31.txt").replace("Pwr:Usage/Cap", "Pwr:Use/Limit")
    tool = FakeTool(
        {
            cambricon.TABLE: renamed.encode(),
            cambricon.INFO: fixture("cambricon/info-5.10.22.txt"),
        }
    )
    reader = cambricon.find(tool)
    assert reader.method == "cnmon 5.10.31 info"
    assert [reading.power_w for reading in reader.read()] == [47, 29]


def test_json_whose_power_key_is_not_public_is_never_asked_for():
    tool = FakeTool({cambricon.TABLE: b"unknown\n", cambricon.INFO: b"unknown\n"})
    with pytest.raises(PowerFormatError, match="none of the layouts"):
        cambricon.find(tool)
    assert all("-j" not in argv for argv in tool.ran)


def test_without_the_tool_there_is_no_reader():
    assert cambricon.find(FakeTool({})) is None
