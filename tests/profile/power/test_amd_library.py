"""AMD by its library: played by a fake with its dictionaries, names by version, and errors."""

import sys

import pytest

from conformance.profile.power import amd_library
from conformance.profile.power.amd_library import AmdReader
from conformance.profile.power.contract import PowerFormatError

S = 1_000_000_000


class Clock:
    """Stands still but for sleeping."""

    now = 0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += round(seconds * S)


class FakeAmd:
    """As ``amdsmi``; its counter rises as its clock does, by what its card draws times a factor."""

    class AmdSmiException(Exception):  # noqa: N818 - the library's name
        pass

    def __init__(self, *cards, clock=None, factor=1.0, counter="energy_accumulator"):
        self.cards, self.clock, self.factor, self.counter = cards, clock, factor, counter
        self.opened = 0

    def amdsmi_init(self):
        self.opened += 1

    def amdsmi_shut_down(self):
        self.opened -= 1

    def amdsmi_get_processor_handles(self):
        return list(self.cards)

    def amdsmi_get_lib_version(self):
        return {"major": 26, "minor": 0, "release": 2, "build": "x"}

    def amdsmi_get_gpu_asic_info(self, card):
        return {"market_name": card.get("name", "AMD Instinct MI300X")}

    def amdsmi_get_gpu_device_bdf(self, card):
        return card["bus"]

    def amdsmi_get_power_info(self, card):
        told = {
            "socket_power": 0xFFFFFFFF,
            "current_socket_power": card.get("watts", "N/A"),
            "average_socket_power": "N/A",
            "power_limit": 750,
        }
        return told | card.get("told", {})

    def amdsmi_get_energy_count(self, card):
        if self.counter is None:
            raise self.AmdSmiException("AMDSMI_STATUS_NOT_SUPPORTED")
        joules = 1e6 + card["watts"] * self.factor * self.clock.now / S
        return {
            self.counter: round(joules * 1e6 / 15.3),
            "counter_resolution": 15.3,
            "timestamp": self.clock.now,
        }


def reader_of(*cards, **other):
    clock = Clock()
    return AmdReader(FakeAmd(*cards, clock=clock, **other), cards, clock, clock.sleep)


def test_the_counter_is_in_microjoules_by_its_resolution():
    reader = reader_of({"bus": "0000:0c:00.0", "watts": 400})
    (first,) = reader.read()
    reader._clock.sleep(2)
    (second,) = reader.read()
    assert second.energy_j - first.energy_j == pytest.approx(800, abs=0.01)
    assert second.power_w == 400
    assert second.device == "/amd/0000:0c:00.0"
    assert reader.method == "amdsmi 26.0.2: energy counter, current_socket_power beside it"


@pytest.mark.parametrize("factor", [0.5, 2, 15.3, 1000, 0])
def test_a_counter_that_is_off_by_a_factor_is_left_alone(factor):
    reader = reader_of({"bus": "a", "watts": 400}, factor=factor)
    assert reader.read()[0].energy_j is None
    assert reader.method == "amdsmi 26.0.2: current_socket_power"


def test_the_counter_had_another_name_before():
    reader = reader_of({"bus": "a", "watts": 400}, counter="power")
    assert reader.read()[0].energy_j == pytest.approx(1e6 + 200, abs=1)


@pytest.mark.parametrize("counter", [None, "energy"])
def test_a_counter_that_is_not_known_is_not_used(counter):
    assert reader_of({"bus": "a", "watts": 400}, counter=counter).read()[0].energy_j is None


def test_power_has_another_name_on_older_cards():
    old = {"bus": "a", "watts": 90, "told": {"current_socket_power": "N/A"}}
    old["told"]["average_socket_power"] = 90
    reader = reader_of(old)
    assert reader.read()[0].power_w == 90
    assert reader.method.endswith("average_socket_power beside it")


def test_the_second_die_of_a_card_counts_with_the_first():
    one = {"bus": "a", "watts": 300, "name": "AMD Instinct MI250X"}
    two = one | {"bus": "b", "watts": 0}
    reader = reader_of(one, two, one | {"bus": "c"}, two | {"bus": "d"})
    assert [device.index for device in reader.devices()] == ["0+1", "2+3"]
    assert [reading.power_w for reading in reader.read()] == [300, 300]


@pytest.mark.parametrize(
    "cards",
    [
        [{"bus": "a", "watts": 0}],
        [{"bus": "a", "watts": 300}, {"bus": "b", "watts": 0}],
        [
            {"bus": "a", "watts": 300, "name": "AMD Instinct MI250X"},
            {"bus": "b", "watts": 0, "name": "AMD Instinct MI250X"},
            {"bus": "c", "watts": 0, "name": "AMD Instinct MI250X"},
        ],
        [{"bus": "a", "watts": "N/A"}],
        [{"bus": "a", "watts": 0xFFFFFFFF}],
    ],
)
def test_a_device_that_tells_no_power_is_refused(cards):
    """On MI325X some tools tell 0 W; that is no second die."""
    with pytest.raises(PowerFormatError, match="tells no power"):
        reader_of(*cards)


def test_microwatts_of_a_virtualization_host_are_refused():
    with pytest.raises(PowerFormatError, match="no device draws"):
        reader_of({"bus": "a", "watts": 400_000_000})


def test_power_that_goes_away_fails_the_look():
    card = {"bus": "a", "watts": 400}
    reader = reader_of(card)
    card["told"] = {"current_socket_power": "N/A", "average_socket_power": 380}
    with pytest.raises(PowerFormatError, match="no longer tells current_socket_power"):
        reader.read()


def test_the_library_is_looked_for_and_let_go_of(monkeypatch):
    clock = Clock()
    fake = FakeAmd({"bus": "a", "watts": 400}, clock=clock)
    monkeypatch.setitem(sys.modules, "amdsmi", fake)
    reader = amd_library.find()
    assert reader.devices()[0].id == "a"
    reader.close()
    assert fake.opened == 0
    monkeypatch.setitem(sys.modules, "amdsmi", None)
    assert amd_library.find() is None


def test_a_binding_without_its_library_is_none_and_prints_nothing(tmp_path, monkeypatch, capsys):
    (tmp_path / "amdsmi.py").write_text("print('Unable to find libamd_smi.so')\n{}['x']\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "amdsmi", raising=False)
    assert amd_library.find() is None
    assert capsys.readouterr().out == ""


def test_a_library_without_devices_is_let_go_of():
    fake = FakeAmd()
    assert amd_library.find(fake) is None
    assert fake.opened == 0


def test_a_library_that_refuses_is_let_go_of():
    fake = FakeAmd({"bus": "a", "watts": 0})
    with pytest.raises(PowerFormatError, match="tells no power"):
        amd_library.find(fake)
    assert fake.opened == 0
