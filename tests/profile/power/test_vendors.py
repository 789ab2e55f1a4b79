"""What holds for the layouts of all vendors: nothing is guessed, whatever is changed or cut off."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.profile.power import (
    amd,
    ascend,
    biren,
    cambricon,
    hygon,
    iluvatar,
    metax,
    moorethreads,
)
from conformance.profile.power.contract import Device, PowerFormatError
from conformance.profile.power.layout import MOST_W, Power, with_keys
from conformance.profile.power.vendors import COMMANDS, FINDERS
from tests.profile.power.tools import FIXTURES, FakeTool, fixture, shown, text

if TYPE_CHECKING:
    from collections.abc import Callable


class Layout(NamedTuple):
    """A fixture that reads, and what of it must not change."""

    file: str
    parser: Callable[[bytes], list[Power]]
    names: tuple[str, ...]
    """Each, when renamed, is refused."""
    units: str
    """Where units stand: each, when it becomes mW, is refused."""

    def parse(self, output: bytes) -> list[Power]:
        """Return what a reader would take."""
        return with_keys(self.parser(output), self.file)


def _one_card(npu: str) -> Callable[[bytes], list[Power]]:
    return lambda output: [Power(Device("ascend", npu), ascend.parse_power(output, npu))]


MI250X = dict.fromkeys(range(4), "AMD Instinct MI250X")
AT_VALUES = r"(?<=[0-9])W(?![a-z])|(?<=[0-9] )W\b"
METAX_TABLE = ("Bus-id", "GPU", "Attached GPUs")
NPU_TABLE = ("NPU", "Chip", "Power(W)", "Bus-Id", "Name")
LAYOUTS = [
    Layout("metax/table-2.1.6.txt", metax.parse_table, (*METAX_TABLE, "Power"), AT_VALUES),
    Layout("metax/table-2.1.12.txt", metax.parse_table, (*METAX_TABLE, "Pwr:Usage/Cap"), AT_VALUES),
    Layout("metax/table-2.2.8.txt", metax.parse_table, (*METAX_TABLE, "Pwr:Usage/Cap"), AT_VALUES),
    Layout("metax/table-2.3.1.txt", metax.parse_table, (*METAX_TABLE, "Pwr:Usage/Cap"), AT_VALUES),
    Layout("metax/dmon.csv", metax.parse_monitor, ("dev", "power", "bdfid", "idx,"), r"\bW\b"),
    *(
        Layout(
            f"iluvatar/{name}", iluvatar.parse_table, ("GPU", "Bus-Id", "Pwr:Usage/Cap"), AT_VALUES
        )
        for name in ("table-4.1.0.txt", "table-4.4.0.txt")
    ),
    *(
        Layout(
            f"iluvatar/query-{field}.csv",
            partial(iluvatar.parse_csv, field=field),
            ("index", "name", "uuid", field),
            AT_VALUES + r"|(?<=\[)W",
        )
        for field in iluvatar.FIELDS
    ),
    Layout("ascend/table-25.3.rc1-910b.txt", ascend.parse_table, NPU_TABLE, r"(?<=\()W"),
    Layout("ascend/table-24.1.rc3-910c.txt", ascend.parse_table, NPU_TABLE, r"(?<=\()W"),
    Layout(
        "ascend/power-910b.txt",
        _one_card("0"),
        ("NPU ID", "NPU Real-time Power(W)", "Chip Count"),
        r"(?<=\()W",
    ),
    Layout(
        "ascend/power-910-older.txt",
        _one_card("3"),
        ("NPU ID", "Power Dissipation(W)", "Chip Count"),
        r"(?<=\()W",
    ),
    Layout("ascend/power-310p.txt", _one_card("1"), ("Power Dissipation(W)", "mcu"), r"(?<=\()W"),
    *(
        Layout(
            f"cambricon/{name}", cambricon.parse_table, ("Card", "VF", "Pwr:Usage/Cap"), AT_VALUES
        )
        for name in ("table-4.20.11.txt", "table-5.10.13.txt", "table-5.10.31.txt")
    ),
    Layout(
        "cambricon/info-5.10.22.txt", cambricon.parse_info, ("Card", "Power", "Usage"), AT_VALUES
    ),
    *(
        Layout(f"hygon/{name}", hygon.parse_json, ("card", hygon.KEY), r"(?<=Package Power \()W")
        for name in ("json-hcu.txt", "json-dcu.json")
    ),
    Layout("hygon/table-hcu.txt", hygon.parse_table, ("HCU  ", "AvgPwr", "PwrCap"), AT_VALUES),
    Layout("hygon/table-dcu.txt", hygon.parse_table, ("DCU  ", "AvgPwr", "PwrCap"), AT_VALUES),
    Layout(
        "moorethreads/nested.json",
        moorethreads.parse_json,
        ('"GPU"', "Index", "Power Readings", "Power Draw"),
        AT_VALUES,
    ),
    Layout("moorethreads/flat.json", moorethreads.parse_json, ("gpus", "power_draw"), AT_VALUES),
    Layout(
        "biren/query.csv",
        biren.parse_csv,
        ("index", "name", "power.draw"),
        AT_VALUES + r"|(?<=\[)W",
    ),
    *(
        Layout(
            f"amd/{name}",
            partial(amd.parse_metric, names=MI250X),
            names,
            r'(?<=")W(?=")',
        )
        for name, names in (
            ("metric-mi300x.json", ("gpu", "power", "value", "unit")),
            ("metric-mi250x.json", ("gpu", "power", "average_socket_power", "value", "unit")),
            ("metric-radeon.json", ("gpu", "power", "socket_power", "value", "unit")),
        )
    ),
]
IDS = [layout.file for layout in LAYOUTS]


def _renamed(name: str) -> str:
    """Return another name, as long as the first: widths do not give it away."""
    at = max(place for place, char in enumerate(name) if char.isalnum())
    return name[:at] + ("x" if name[at] != "x" else "y") + name[at + 1 :]


@pytest.mark.parametrize("layout", LAYOUTS, ids=IDS)
def test_each_name_that_a_figure_depends_on_is_refused_when_renamed(layout):
    whole = text(layout.file)
    layout.parse(whole.encode())
    for name in layout.names:
        changed = whole.replace(name, _renamed(name))
        assert changed != whole, name
        with pytest.raises(PowerFormatError):
            layout.parse(changed.encode())


@pytest.mark.parametrize("layout", LAYOUTS, ids=IDS)
def test_each_unit_is_refused_when_it_becomes_milliwatts(layout):
    whole = text(layout.file)
    places = [match.span() for match in re.finditer(layout.units, whole)]
    assert places
    for begin, end in places:
        for unit in ("mW", "kW", "uW"):
            with pytest.raises(PowerFormatError):
                layout.parse(f"{whole[:begin]}{unit}{whole[end:]}".encode())


@pytest.mark.parametrize("layout", LAYOUTS, ids=IDS)
def test_output_that_is_cut_off_is_refused_or_gives_no_other_figure(layout):
    whole = fixture(layout.file)
    right = shown(layout.parse(whole))
    for end in {*range(0, len(whole), 7), *(n + 1 for n, byte in enumerate(whole) if byte == 10)}:
        try:
            cut = shown(layout.parse(whole[:end]))
        except PowerFormatError:
            continue
        assert cut.items() <= right.items(), whole[:end][-80:]


@pytest.mark.parametrize("layout", LAYOUTS, ids=IDS)
def test_output_that_is_empty_or_in_another_encoding_is_refused(layout):
    for output in (
        b"",
        b"\n",
        b"  \r\n",
        fixture(layout.file) + b"\xff",
        "警告\n".encode("gb2312"),
    ):
        with pytest.raises(PowerFormatError):
            layout.parse(output)


@pytest.mark.parametrize("layout", LAYOUTS, ids=IDS)
def test_windows_line_ends_change_nothing(layout):
    crlf = fixture(layout.file).replace(b"\n", b"\r\n")
    assert shown(layout.parse(crlf)) == shown(layout.parse(fixture(layout.file)))


def _reads_or_refuses(layout: Layout, output: bytes) -> None:
    refused = None
    powers = []
    try:
        powers = layout.parse(output)
    except PowerFormatError as error:
        refused = error
    if refused:
        assert str(refused).isprintable()
        assert "conformance profile capture" in refused.mend
    else:
        assert powers
        assert all(0 < power.watts <= MOST_W for power in powers)
        assert all(power.joules is None or power.joules >= 0 for power in powers)


@settings(max_examples=150, deadline=None)
@given(layout=st.sampled_from(LAYOUTS), output=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(layout, output):
    _reads_or_refuses(layout, output)


@settings(max_examples=250, deadline=None)
@given(data=st.data(), layout=st.sampled_from(LAYOUTS))
def test_any_change_of_a_fixture_is_read_or_refused(data, layout):
    output = bytearray(fixture(layout.file))
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(output)))
        end = begin + data.draw(st.integers(0, 12))
        patch = st.one_of(
            st.binary(max_size=6),
            st.sampled_from(
                [b"-", b"9", b"e99", b"|", b"W", b"N/A", b"[" * 3000, b'"', b"1" * 5000]
            ),
            st.text(max_size=4).map(str.encode),
        )
        output[begin:end] = data.draw(patch)
    _reads_or_refuses(layout, bytes(output))


@pytest.mark.parametrize("layout", LAYOUTS, ids=IDS)
def test_figures_that_no_device_has_are_refused(layout):
    whole = text(layout.file)
    figure = format(layout.parse(whole.encode())[0].watts, "g")
    pattern = rf"(?<![0-9.:]){re.escape(figure)}(?:\.0+|0)?(?=[ W\",\n])"
    assert re.search(pattern, whole), figure
    # JSON numbers may have an exponent; figures in texts have none.
    exponent = () if layout.file.startswith("amd/") else ("1e3",)
    for other in ("0", f"-{figure}", "5001", *exponent, "nan", "inf", "1_0", "٣", "", "+5"):
        with pytest.raises(PowerFormatError):
            layout.parse(re.sub(pattern, other, whole, count=1).encode())


def test_every_fixture_but_the_refused_ones_is_read():
    refused = {
        "ascend/power-310.txt",
        "ascend/table-23.0.0-310.txt",
        "ascend/table-25.5.1-310p.txt",
        "biren/overview.txt",
        "iluvatar/no-such-field.txt",
        "metax/other-vendor.txt",
    }
    beside = {"amd/list-mi300x.json", "amd/static-mi300x.json", "amd/version.json"}
    files = {str(path.relative_to(FIXTURES)) for path in FIXTURES.glob("*/*") if path.is_file()}
    assert files == {layout.file for layout in LAYOUTS} | refused | beside


def test_every_fixture_is_described():
    described = (FIXTURES / "README.md").read_text()
    for path in FIXTURES.glob("*/*"):
        assert f"`{path.relative_to(FIXTURES)}`" in described


def test_a_machine_without_tools_has_no_reader():
    assert [find(FakeTool({})) for find in FINDERS.values()] == [None] * 8


def test_a_tool_that_cannot_run_is_refused_not_passed_over():
    broken = PowerFormatError("ended with exit code 127: 'libixml.so: cannot open'", where="ixsmi")
    for vendor, find in FINDERS.items():
        tool = FakeTool(dict.fromkeys(COMMANDS[vendor], broken))
        with pytest.raises(PowerFormatError, match="cannot open"):
            find(tool)


def test_no_command_of_a_capture_changes_anything():
    words = {
        word.lstrip("-") for commands in COMMANDS.values() for argv in commands for word in argv
    }
    changing = {"set", "reset", "r", "pl", "pm", "u", "upgrade", "enable", "disable", "gpureset"}
    assert not words & changing
