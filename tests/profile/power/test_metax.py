import pytest

from conformance.profile.power import metax
from conformance.profile.power.contract import Device, PowerFormatError
from tests.profile.power.tools import FakeTool, fixture, shown, text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("table-2.1.6.txt", {"0": 83, "1": 64}),
        ("table-2.1.12.txt", {"0": 102}),
        ("table-2.2.8.txt", {"0": 31, "1": 188}),
        ("table-2.3.1.txt", {"0": 39, "1": 311}),
    ],
)
def test_every_version_of_the_table_gives_its_watts(name, expected):
    assert shown(metax.parse_table(fixture(f"metax/{name}"))) == expected


def test_the_monitor_gives_the_watts_under_its_unit():
    assert shown(metax.parse_monitor(fixture("metax/dmon.csv"))) == {"0": 161, "1": 172}


def test_a_device_has_its_name_bus_address_and_limit():
    first, second = metax.parse_table(fixture("metax/table-2.2.8.txt"))
    assert first.device == Device("metax", "0", name="MetaX N260", id="0000:03:00.0", limit_w=225.0)
    assert second.device.key == "/metax/0000:24:00.0"


def test_a_cap_that_is_not_known_is_no_limit():
    (power,) = metax.parse_table(fixture("metax/table-2.1.12.txt"))
    assert power.device.limit_w is None


def test_a_table_without_a_cap_has_no_limit():
    assert metax.parse_table(fixture("metax/table-2.1.6.txt"))[0].device.limit_w is None


def test_columns_of_the_monitor_may_stand_in_another_order_and_others_between():
    csv = b"bdfid, power, extra, dev\n, W, V, idx\n0000:0a:00.0, 161, 12, 0\n"
    assert shown(metax.parse_monitor(csv)) == {"0": 161}


def test_the_monitor_is_refused_without_the_line_of_units():
    lines = text("metax/dmon.csv").splitlines(keepends=True)
    with pytest.raises(PowerFormatError, match="does not give power in W"):
        metax.parse_monitor("".join([lines[0], *lines[2:]]).encode())


def test_the_monitor_is_refused_in_milliwatts():
    with pytest.raises(PowerFormatError, match="does not give power in W"):
        metax.parse_monitor(text("metax/dmon.csv").replace(", W,", ", mW,").encode())


def test_the_monitor_is_refused_when_a_device_has_two_dies():
    two = text("metax/dmon.csv").replace("1, 0, 44", "0, 1, 44")
    with pytest.raises(PowerFormatError, match="several dies"):
        metax.parse_monitor(two.encode())


def test_the_monitor_is_refused_when_its_last_line_is_cut_off():
    with pytest.raises(PowerFormatError, match="middle of a line"):
        metax.parse_monitor(b"dev, bdfid, power\nidx, , W\n0, 0000:0a:00.0, 16")


def test_a_table_with_fewer_devices_than_attached_is_refused():
    fewer = text("metax/table-2.2.8.txt").replace("Attached GPUs" + " " * 37 + ": 2", "")
    assert fewer != text("metax/table-2.2.8.txt")
    with pytest.raises(PowerFormatError, match="not what it calls attached"):
        metax.parse_table(fewer.encode())
    more = text("metax/table-2.2.8.txt").replace(": 2\n", ": 3\n")
    with pytest.raises(PowerFormatError, match="shows 2 devices"):
        metax.parse_table(more.encode())


def test_a_board_that_does_not_have_its_gpus_number_is_refused():
    other = text("metax/table-2.3.1.txt").replace(
        "| 1     MetaX C500 | 1 ", "| 0     MetaX C500 | 1 "
    )
    with pytest.raises(PowerFormatError, match="a board of several GPUs"):
        metax.parse_table(other.encode())


def test_the_reader_prefers_the_table_and_names_the_version():
    tool = FakeTool({metax.TABLE: fixture("metax/table-2.2.8.txt")})
    reader = metax.find(tool)
    assert reader.vendor == "metax"
    assert reader.method == "mx-smi 2.2.8 table, board power"
    assert [reading.power_w for reading in reader.read()] == [31, 188]
    assert metax.MONITOR not in tool.ran


def test_the_reader_falls_back_to_the_monitor_where_the_table_is_not_known():
    renamed = text("metax/table-2.2.8.txt").replace("Pwr:Usage/Cap", "Power-Draw   ")
    tool = FakeTool({metax.TABLE: renamed.encode(), metax.MONITOR: fixture("metax/dmon.csv")})
    reader = metax.find(tool)
    assert reader.method == "mx-smi 2.2.8 dmon, board power"
    assert [reading.power_w for reading in reader.read()] == [161, 172]


def test_where_no_layout_is_known_the_refusal_names_both_and_how_to_mend_it():
    renamed = text("metax/table-2.2.8.txt").replace("Pwr:Usage/Cap", "Power-Draw   ")
    with pytest.raises(PowerFormatError) as caught:
        metax.find(FakeTool({metax.TABLE: renamed.encode(), metax.MONITOR: b"dev\n"}))
    assert "shows no column Power" in str(caught.value)
    assert "mx-smi dmon" in str(caught.value)
    assert "conformance profile capture" in caught.value.mend


def test_another_vendors_tool_of_the_same_name_is_not_metax():
    assert metax.find(FakeTool({metax.TABLE: fixture("metax/other-vendor.txt")})) is None


def test_metax_without_its_banner_is_refused_not_passed_over():
    renamed = text("metax/table-2.2.8.txt").replace("System Management Interface", "SMI")
    with pytest.raises(PowerFormatError, match="does not call itself"):
        metax.find(FakeTool({metax.TABLE: renamed.encode()}))


def test_a_table_of_another_tool_is_refused_though_it_looks_the_same():
    other = text("metax/table-2.2.8.txt").replace("MetaX System", "Other System")
    with pytest.raises(PowerFormatError, match="does not call itself MetaX"):
        metax.parse_table(other.encode())


def test_without_the_tool_there_is_no_reader():
    assert metax.find(FakeTool({})) is None
