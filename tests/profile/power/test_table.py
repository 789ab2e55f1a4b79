import pytest

from conformance.profile.power.contract import PowerFormatError
from conformance.profile.power.table import device_rows

TABLE = """\
+------------+-------------+
| TOOL 1.0   | Driver 2    |
|------------+-------------|
| GPU  Name  | Bus         |
| Temp  Pwr  | Used/All    |
|============+=============|
| 0    A 1   | 01          |
| 30C   9W   | 1 / 2       |
+------------+-------------+
| 1    B     | 02          |
| 31C   8W   | 1    / 2    |
+------------+-------------+

+--------------------------+
| Process                  |
+--------------------------+
"""


def rows(table=TABLE):
    return device_rows(table, "tool", named="Pwr")


def test_values_stand_under_their_names():
    assert [(row.value("GPU"), row.value("Name"), row.value("Pwr")) for row in rows()] == [
        ("0", "A 1", "9W"),
        ("1", "B", "8W"),
    ]


def test_usage_and_total_are_one_value():
    assert [row.value("Used/All") for row in rows()] == ["1/2", "1/2"]


def test_a_column_may_have_several_names_or_be_absent():
    row = rows()[0]
    assert row.value("Power", "Pwr") == "9W"
    assert row.value("Cap", absent="none") == "none"
    with pytest.raises(PowerFormatError, match="no column Cap"):
        row.value("Cap")


def test_a_name_that_stands_twice_is_refused():
    with pytest.raises(PowerFormatError, match="more than one column GPU"):
        rows(TABLE.replace("Temp", "GPU "))[0].value("GPU")


def test_a_cell_with_other_values_than_names_is_refused():
    with pytest.raises(PowerFormatError, match="1 values under 2 names"):
        rows(TABLE.replace("30C   9W", "30C 9W  "))[0].value("Pwr")


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("| 30C   9W   | 1 / 2       |\n", "", "other cells than the header's"),
        ("| 30C   9W   | 1 / 2       |", "| 30C   9W   | 1 / 2", "other cells"),
        ("| 30C   9W   | 1 / 2       |", "| 30C   9W    1 / 2       |", "other cells"),
        ("Pwr", "Pow", "no table with a column Pwr"),
        ("===", "---", "no table with a column Pwr"),
        ("| Temp  Pwr  | Used/All    |", "| Temp  Pwr   Used/All    |", "other cells"),
    ],
)
def test_a_table_of_another_form_is_refused(old, new, what):
    assert old in TABLE
    with pytest.raises(PowerFormatError, match=what):
        rows(TABLE.replace(old, new))


def test_a_table_that_is_cut_off_is_refused():
    with pytest.raises(PowerFormatError, match="cut off"):
        rows(TABLE[: TABLE.index("31C") + 20])


def test_the_table_of_processes_is_not_taken_for_devices():
    joined = TABLE.replace("+\n\n+", "+\n+")
    assert len(rows(joined)) == 2
