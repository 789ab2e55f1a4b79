import pytest

from conformance.profile.power import ascend
from conformance.profile.power.contract import Device, PowerFormatError
from tests.profile.power.tools import FakeTool, fixture, shown, text

POWER_1 = (*ascend.POWER, "1")


def test_each_npu_keeps_its_number_in_a_table_that_is_not_sorted():
    powers = ascend.parse_table(fixture("ascend/table-25.3.rc1-910b.txt"))
    assert shown(powers) == {"0": 97.6, "2": 104.2, "4": 341.9, "1": 95.1}
    assert powers[3].device == Device("ascend", "1", name="910B1", id="0000:c6:00.0")


def test_a_card_of_two_dies_is_one_device_whose_power_the_first_shows():
    powers = ascend.parse_table(fixture("ascend/table-24.1.rc3-910c.txt"))
    assert shown(powers) == {"0": 178.4, "1": 604.7}


def test_a_rated_power_is_not_taken_for_what_is_drawn():
    with pytest.raises(PowerFormatError, match="rated power of this chip"):
        ascend.parse_table(fixture("ascend/table-23.0.0-310.txt"))
    with pytest.raises(PowerFormatError, match="not show one power that is drawn"):
        ascend.parse_power(fixture("ascend/power-310.txt"), "0")


def test_a_table_without_power_is_refused():
    with pytest.raises(PowerFormatError, match="no power of this NPU"):
        ascend.parse_table(fixture("ascend/table-25.5.1-310p.txt"))


def test_two_chips_that_both_show_power_are_refused():
    both = text("ascend/table-24.1.rc3-910c.txt").replace("| -   ", "| 88.1")
    with pytest.raises(PowerFormatError, match="several powers for a card"):
        ascend.parse_table(both.encode())


def test_a_card_whose_second_die_shows_the_power_is_refused():
    swapped = (
        text("ascend/table-24.1.rc3-910c.txt")
        .replace("\n| 0     0  ", "\n| 9     0  ")
        .replace("\n| 1     1  ", "\n| 0     1  ")
        .replace("\n| 9     0  ", "\n| 1     0  ")
    )
    with pytest.raises(PowerFormatError, match="several powers for a card"):
        ascend.parse_table(swapped.encode())


def test_a_second_die_alone_is_refused():
    lines = text("ascend/table-24.1.rc3-910c.txt").splitlines(keepends=True)
    alone = "".join([*lines[:6], *lines[9:12]]).replace("| -   ", "| 88.1")
    with pytest.raises(PowerFormatError, match="second die without its first"):
        ascend.parse_table(alone.encode())


@pytest.mark.parametrize(
    ("name", "npu", "expected"),
    [
        ("power-910b.txt", "0", 101.7),
        ("power-910-older.txt", "3", 68.3),
        ("power-310p.txt", "1", 44.1),
    ],
)
def test_the_power_of_one_card_has_newer_and_older_words(name, npu, expected):
    assert ascend.parse_power(fixture(f"ascend/{name}"), npu) == expected


def test_another_cards_power_is_refused():
    with pytest.raises(PowerFormatError, match="does not show NPU 1"):
        ascend.parse_power(fixture("ascend/power-910b.txt"), "1")


def test_one_figure_of_several_chips_is_refused_unless_the_cards_controller_gives_it():
    chip = text("ascend/power-310p.txt").replace("Chip Name  ", "Chip ID    ").replace("mcu", "0")
    with pytest.raises(PowerFormatError, match="a card of several chips"):
        ascend.parse_power(chip.encode(), "1")


def test_two_figures_for_one_card_are_refused():
    two = text("ascend/power-310p.txt") + "\tNPU Real-time Power(W)         : 12.0\n"
    with pytest.raises(PowerFormatError, match="not show one power"):
        ascend.parse_power(two.encode(), "1")


def test_the_reader_asks_each_card_where_the_table_shows_no_power():
    tool = FakeTool(
        {
            ascend.TABLE: fixture("ascend/table-25.5.1-310p.txt"),
            POWER_1: fixture("ascend/power-310p.txt"),
        }
    )
    reader = ascend.find(tool)
    assert reader.method == "npu-smi 25.5.1 -t power"
    assert reader.devices() == [Device("ascend", "1", name="310P3", id="0000:02:00.0")]
    assert [reading.power_w for reading in reader.read()] == [44.1]


def test_a_rated_power_is_refused_and_not_asked_for_in_another_way():
    tool = FakeTool({ascend.TABLE: fixture("ascend/table-23.0.0-310.txt")})
    with pytest.raises(PowerFormatError, match="rated power"):
        ascend.find(tool)
    assert set(tool.ran) == {ascend.TABLE}


def test_the_reader_names_the_version():
    reader = ascend.find(FakeTool({ascend.TABLE: fixture("ascend/table-25.3.rc1-910b.txt")}))
    assert reader.method == "npu-smi 25.3.rc1 table"


def test_an_npu_that_is_gone_is_refused():
    whole = text("ascend/table-25.3.rc1-910b.txt")
    lines = whole.splitlines(keepends=True)
    fewer = "".join([*lines[:6], *lines[9:]])
    tool = FakeTool({ascend.TABLE: [whole.encode(), whole.encode(), fewer.encode()]})
    reader = ascend.find(tool)
    with pytest.raises(PowerFormatError, match="other devices than at the beginning"):
        reader.read()


def test_without_the_tool_there_is_no_reader():
    assert ascend.find(FakeTool({})) is None
