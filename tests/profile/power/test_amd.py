import json

import pytest

from conformance.profile.power import amd
from conformance.profile.power.contract import Device, PowerFormatError
from tests.profile.power.tools import FakeTool, fixture, shown, text

MI250X = dict.fromkeys(range(4), "AMD Instinct MI250X / MI250")
VERSION = ("amd-smi", "version", "--json")


def test_socket_power_and_energy_are_read_behind_a_warning():
    powers = amd.parse_metric(fixture("amd/metric-mi300x.json"), {})
    assert shown(powers) == {"0": 164, "1": 704}
    assert [power.joules for power in powers] == [218804512.482, 219950007.118]


def test_the_second_die_of_a_card_belongs_to_the_first():
    powers = amd.parse_metric(fixture("amd/metric-mi250x.json"), MI250X)
    assert shown(powers) == {"0+1": 96, "2+3": 431}
    assert [power.joules for power in powers] == [41200771.5, 44187003.25]


def test_a_gpu_without_power_is_refused_where_its_card_has_not_two_dies():
    for names in ({}, dict.fromkeys(range(4), "AMD Instinct MI300X")):
        with pytest.raises(PowerFormatError, match="shows no power of this GPU"):
            amd.parse_metric(fixture("amd/metric-mi250x.json"), names)


@pytest.mark.parametrize(
    ("absent", "numbers", "names"),
    [
        ((0, 1), (0, 1), MI250X),  # no die of the card shows power
        ((1, 2), (0, 1, 2), MI250X),  # nor does any of the second card
        ((1,), (0, 2), MI250X),  # the dies do not follow each other
        ((1,), (0, 1), MI250X | {0: "AMD Instinct MI250"}),  # nor are they of one card
    ],
)
def test_a_gpu_without_power_that_is_no_second_die_is_refused(absent, numbers, names):
    entries = [
        {
            "gpu": number,
            "power": {"socket_power": "N/A" if place in absent else {"value": 96, "unit": "W"}},
        }
        for place, number in enumerate(numbers)
    ]
    with pytest.raises(PowerFormatError, match="shows no power of this GPU"):
        amd.parse_metric(json.dumps(entries).encode(), names)


def test_a_card_without_a_counter_shows_zero_and_has_none():
    (power,) = amd.parse_metric(fixture("amd/metric-radeon.json"), {})
    assert (power.watts, power.joules) == (214, None)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"unit": "W"', '"unit": "mW"'),
        ('"unit": "J"', '"unit": "uJ"'),
        ('"unit": "W"', '"units": "W"'),
        ('"socket_power": {"value": 214, "unit": "W"}', '"socket_power": 214'),
        ('"socket_power"', '"package_power"'),
        ("total_energy_consumption", "energy_accumulator"),
        ('"value": 214', '"value": "214"'),
        ('"value": 214', '"value": -214'),
        ('"value": 214', '"value": 214000'),
        ('"value": 214', '"value": true'),
        ('"value": 214', '"value": NaN'),
        ('"gpu": 0', '"gpu": "0"'),
    ],
)
def test_another_unit_or_name_or_figure_is_refused(old, new):
    changed = text("amd/metric-radeon.json").replace(old, new)
    assert changed != text("amd/metric-radeon.json")
    with pytest.raises(PowerFormatError):
        amd.parse_metric(changed.encode(), {})


def test_the_reader_gives_power_and_energy_with_names_and_uuids():
    tool = FakeTool(
        {
            amd.METRIC: fixture("amd/metric-mi300x.json"),
            amd.STATIC: fixture("amd/static-mi300x.json"),
            amd.LIST: fixture("amd/list-mi300x.json"),
            VERSION: fixture("amd/version.json"),
        }
    )
    reader = amd.find(tool)
    assert reader.method == "amd-smi 25.3.0 socket power and energy"
    assert reader.devices()[1] == Device(
        "amd", "1", name="AMD Instinct MI300X", id="00000000-1111-2222-3333-000000000001"
    )
    assert [reading.energy_j for reading in reader.read()] == [218804512.482, 219950007.118]


def test_names_and_uuids_are_not_needed():
    reader = amd.find(FakeTool({amd.METRIC: fixture("amd/metric-mi300x.json")}))
    assert [device.key for device in reader.devices()] == ["/amd/0", "/amd/1"]


def test_without_the_tool_there_is_no_reader():
    assert amd.find(FakeTool({})) is None
