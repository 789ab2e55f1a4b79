import pytest

from conformance.profile.power.contract import PowerFormatError
from conformance.profile.power.query import Cell, parse_query

CSV = "index, name, power.draw [W]\n0, A 1, 9.50 W\n1, B, [N/A]\n"


def test_values_are_found_by_the_names_of_their_fields():
    first, second = parse_query(CSV, ("power.draw", "index"), "tool")
    assert (first["index"].text, first["power.draw"].as_watts()) == ("0", 9.5)
    assert second["power.draw"].is_absent
    assert not first["power.draw"].is_absent


@pytest.mark.parametrize(
    ("text", "unit", "expected"), [("9.5", "W", 9.5), ("9.5 W", "W", 9.5), ("9.5 W", None, 9.5)]
)
def test_a_unit_stands_in_the_heading_at_the_value_or_at_both(text, unit, expected):
    assert Cell("tool", text, unit).as_watts() == expected


@pytest.mark.parametrize(
    ("text", "unit"), [("9.5", None), ("9.5", "mW"), ("9.5 mW", None), ("9.5 mW", "W"), ("", "W")]
)
def test_no_unit_or_another_is_refused(text, unit):
    with pytest.raises(PowerFormatError):
        Cell("tool", text, unit).as_watts()


@pytest.mark.parametrize(
    ("csv", "what"),
    [
        ("", "middle of a line"),
        (CSV[:-1], "middle of a line"),
        ("index, power.draw [W]\n", "no device"),
        ("index, power [W]\n0, 9\n", "not give one column power.draw"),
        ("index, power.draw [W], power.draw [W]\n0, 9, 9\n", "not give one column power.draw"),
        ("index, power.draw [W]\n0, 9, 9\n", "3 values in 2 columns"),
        ("index, power.draw [W]\n0\n", "1 values in 2 columns"),
        ("0, 9 W\n", "not give one column"),
    ],
)
def test_csv_of_another_form_is_refused(csv, what):
    with pytest.raises(PowerFormatError, match=what):
        parse_query(csv, ("index", "power.draw"), "tool")
