import pytest

from conformance.profile.power import biren
from conformance.profile.power.contract import PowerFormatError
from tests.profile.power.tools import FakeTool, fixture, shown, text


def test_an_answer_with_names_and_unit_is_read():
    assert shown(biren.parse_csv(fixture("biren/query.csv"))) == {"0": 131, "1": 88}


def test_an_answer_without_a_unit_is_refused():
    bare = text("biren/query.csv").replace(" [W]", "").replace("131.00 W", "131.00")
    with pytest.raises(PowerFormatError, match="not a number of W"):
        biren.parse_csv(bare.encode())


def test_milliwatts_which_its_library_counts_in_are_refused():
    milli = text("biren/query.csv").replace("[W]", "[mW]")
    with pytest.raises(PowerFormatError, match="not in W"):
        biren.parse_csv(milli.encode())


@pytest.mark.parametrize(
    "answer",
    [fixture("biren/overview.txt"), PowerFormatError("ended with exit code 1: 'bad field'")],
)
def test_any_other_answer_asks_for_a_capture(answer):
    tool = FakeTool({biren.QUERY: answer, ("brsmi", "--version"): b"BR-SMI 1.11.0\n"})
    with pytest.raises(PowerFormatError, match="a layout that is not public yet") as caught:
        biren.find(tool)
    assert "conformance profile capture" in caught.value.mend


def test_the_reader_names_the_version():
    tool = FakeTool(
        {biren.QUERY: fixture("biren/query.csv"), ("brsmi", "--version"): b"BR-SMI 1.11.0\n"}
    )
    assert biren.find(tool).method == "brsmi 1.11.0 power.draw"


def test_without_the_tool_there_is_no_reader():
    assert biren.find(FakeTool({})) is None
