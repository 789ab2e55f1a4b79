"""NVIDIA: NVML played by a fake with its functions, units and errors; nvidia-smi by its text."""

# ruff: noqa: N802 - the fake has the names of the library

import sys
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.profile.power import nvidia
from conformance.profile.power.contract import PowerFormatError
from conformance.profile.power.tool import ToolMissingError

NOT_SUPPORTED, NO_PERMISSION, NO_DRIVER, NO_LIBRARY, NO_FUNCTION, LOST = 3, 4, 9, 12, 13, 15


class NVMLError(Exception):
    def __init__(self, value):
        super().__init__(value)
        self.value = value

    def __str__(self):
        return {NOT_SUPPORTED: "Not Supported", LOST: "GPU is lost"}.get(self.value, "an error")


class FakeNvml:
    """As ``pynvml``: milliwatts, millijoules, unions, and an error a question."""

    NVMLError = NVMLError

    def __init__(self, *cards, init=0, driver="580.65.06"):
        self.cards, self.init, self.driver, self.opened = cards, init, driver, 0

    def nvmlInit(self):
        if self.init:
            raise NVMLError(self.init)
        self.opened += 1

    def nvmlShutdown(self):
        self.opened -= 1

    def nvmlDeviceGetCount(self):
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index):
        return self.cards[index]

    def nvmlSystemGetDriverVersion(self):
        return self.driver

    def nvmlDeviceGetName(self, card):
        return card["name"]

    def nvmlDeviceGetUUID(self, card):
        return card["uuid"]

    def nvmlDeviceGetMigMode(self, card):
        return self._of(card, "mig")

    def nvmlDeviceGetEnforcedPowerLimit(self, card):
        return self._of(card, "limit")

    def nvmlDeviceGetTotalEnergyConsumption(self, card):
        return self._of(card, "energy")

    def nvmlDeviceGetPowerUsage(self, card):
        return self._of(card, "usage")

    def nvmlDeviceGetFieldValues(self, card, fields):
        ((field, scope),) = fields
        assert (field, scope) == (186, 0)
        found = card.get("instant", NVMLError(NOT_SUPPORTED))
        if isinstance(found, NVMLError):
            return [SimpleNamespace(nvmlReturn=found.value, valueType=1, value=None)]
        kind, member, value = found
        value = SimpleNamespace(**{member: value})
        return [SimpleNamespace(nvmlReturn=0, valueType=kind, value=value)]

    @staticmethod
    def _of(card, what):
        found = card.get(what, NVMLError(NOT_SUPPORTED))
        if isinstance(found, NVMLError):
            raise found
        return found


def card(number=0, **other):
    usual = {
        "name": "NVIDIA H100 80GB HBM3",
        "uuid": f"GPU-{number}",
        "mig": [0, 0],
        "limit": 700_000,
        "energy": 5_000_000_250,
        "usage": 300_000,
        "instant": (1, "uiVal", 412_345),
    }
    return {key: value for key, value in (usual | other).items() if value is not None}


def found(*cards, **other):
    return nvidia.find(run=missing, nvml=FakeNvml(*cards, **other))


def missing(argv):
    raise ToolMissingError(f"{argv[0]} is not on this machine")


def test_millijoules_and_milliwatts_become_joules_and_watts():
    reader = found(card(), card(1))
    assert [device.id for device in reader.devices()] == ["GPU-0", "GPU-1"]
    assert reader.devices()[0].limit_w == 700
    assert reader.devices()[0].name == "NVIDIA H100 80GB HBM3"
    first, second = reader.read()
    assert (first.device, second.device) == ("/nvidia/GPU-0", "/nvidia/GPU-1")
    assert (first.power_w, first.energy_j) == (412.345, 5_000_000.25)
    assert second.t_ns >= first.t_ns > 0
    assert reader.method == (
        "NVML, driver 580.65.06: total energy counter, instant power beside it"
    )


@pytest.mark.parametrize(
    ("kind", "member"),
    [(1, "uiVal"), (2, "ulVal"), (3, "ullVal"), (4, "sllVal"), (5, "siVal"), (6, "usVal")],
)
def test_the_type_of_a_field_varies_by_driver(kind, member):
    assert found(card(instant=(kind, member, 55_000))).read()[0].power_w == 55


def test_a_field_of_another_type_is_not_guessed_at():
    reader = found(card(instant=(0, "dVal", 55.0)))
    assert reader.read()[0].power_w == 300
    assert "mean of 1 s" in reader.method


def test_without_instant_power_the_usual_figure_is_taken_and_named():
    reader = found(card(instant=None))
    assert reader.read()[0].power_w == 300
    assert reader.method.endswith(
        "total energy counter, power (a mean of 1 s from Ampere on) beside it"
    )


def test_an_old_card_has_no_counter():
    reader = found(card(energy=None))
    assert reader.read()[0].energy_j is None
    assert reader.method == "NVML, driver 580.65.06: instant power"


def test_a_counter_at_zero_does_not_count():
    assert found(card(energy=0)).read()[0].energy_j is None


def test_an_old_driver_has_not_the_function():
    assert found(card(energy=NVMLError(NO_FUNCTION))).read()[0].energy_j is None


def test_cards_that_are_read_differently_are_named():
    reader = found(card(), card(1, energy=None), card(2))
    assert "total energy counter, instant power beside it (0, 2)" in reader.method
    assert "instant power (1)" in reader.method


def test_an_old_binding_gives_bytes():
    reader = found(card(name=b"Tesla V100", uuid=b"GPU-v"), driver=b"418.67")
    assert reader.devices()[0].name == "Tesla V100"
    assert reader.devices()[0].id == "GPU-v"
    assert "driver 418.67" in reader.method


def test_a_card_split_by_mig_is_refused():
    with pytest.raises(PowerFormatError, match="split by MIG") as caught:
        found(card(), card(1, mig=[1, 1]))
    assert "NVIDIA GPU 1" in str(caught.value)


def test_a_card_without_mig_is_fine():
    assert found(card(mig=None)).read()[0].power_w == 412.345


def test_a_card_that_tells_no_power_is_refused():
    with pytest.raises(PowerFormatError, match="tells no power"):
        found(card(instant=None, usage=None))


def test_a_question_that_is_forbidden_is_not_taken_for_unsupported():
    with pytest.raises(PowerFormatError, match="NVML says"):
        found(card(energy=NVMLError(NO_PERMISSION)))


def test_a_lost_card_fails_the_look():
    reader = found(card(), card(1))
    reader._nvml.cards[1]["energy"] = NVMLError(LOST)
    with pytest.raises(PowerFormatError, match="GPU is lost"):
        reader.read()


@pytest.mark.parametrize("milliwatts", [0, -1, 9_000_000])
def test_power_that_no_card_draws_fails_the_look(milliwatts):
    with pytest.raises(PowerFormatError, match="no device draws"):
        found(card(instant=(5, "siVal", milliwatts))).read()


def test_instant_power_that_goes_away_fails_the_look():
    """Another figure in its place would be a mean over a second."""
    reader = found(card())
    del reader._nvml.cards[0]["instant"]
    with pytest.raises(PowerFormatError, match="no longer tells"):
        reader.read()


def test_nvml_is_let_go_of():
    fake = FakeNvml(card())
    nvidia.find(missing, fake).close()
    assert fake.opened == 0
    assert nvidia.find(missing, FakeNvml()) is None
    refused = FakeNvml(card(mig=[1, 1]))
    with pytest.raises(PowerFormatError):
        nvidia.find(missing, refused)
    assert refused.opened == 0


@pytest.mark.parametrize("error", [NO_DRIVER, NO_LIBRARY])
def test_without_driver_or_tool_there_is_nothing(error):
    assert found(card(), init=error) is None


def test_a_broken_nvml_is_told():
    with pytest.raises(PowerFormatError, match="NVML says"):
        found(card(), init=18)


def test_without_the_binding_the_tool_is_asked(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert nvidia.find(smi(SMI)).read()[0].power_w == 71.23
    assert nvidia.find(missing) is None


def test_an_installed_binding_is_used(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(card()))
    assert nvidia.find(missing).read()[0].power_w == 412.345


HEADING = (
    "index, uuid, name, power.limit [W], driver_version, mig.mode.current, power.draw [W],"
    " power.draw.instant [W]\n"
)
SMI = HEADING + (
    "0, GPU-1c, NVIDIA A100-SXM4-80GB, 400.00 W, 550.54.15, Disabled, 65.10 W, 71.23 W\n"
    "1, GPU-2d, NVIDIA A100-SXM4-80GB, 400.00 W, 550.54.15, Disabled, 61.00 W, 60.04 W\n"
)
OLD_HEADING = "index, uuid, name, power.limit [W], driver_version, mig.mode.current, power.draw [W]"
OLD = (
    OLD_HEADING + "\n"
    "0, GPU-1c, Tesla V100, 300.00 W, 450.80.02, [N/A], 43.50 W\n"
)  # fmt: skip


def smi(*outputs):
    """Answer the queries in turn, the last one for ever; None: it does not know a field."""
    left = list(outputs)

    def run(argv):
        assert argv[0] == "nvidia-smi"
        output = left[0] if len(left) == 1 else left.pop(0)
        if output is None:
            raise PowerFormatError('Field "power.draw.instant" is not a valid field to query.')
        return output.encode()

    return run


def by_tool(*outputs):
    return nvidia.find(smi(*outputs), FakeNvml(init=NO_LIBRARY))


def test_the_tool_gives_instant_power_in_watts():
    reader = by_tool(SMI)
    assert [reading.power_w for reading in reader.read()] == [71.23, 60.04]
    assert [device.id for device in reader.devices()] == ["GPU-1c", "GPU-2d"]
    assert reader.devices()[1].limit_w == 400
    assert reader.method == "nvidia-smi, driver 550.54.15: power.draw.instant"


def test_an_old_tool_does_not_know_the_field():
    reader = by_tool(None, OLD)
    assert reader.read()[0].power_w == 43.5
    assert reader.method == "nvidia-smi, driver 450.80.02: power.draw"


@pytest.mark.parametrize("absent", ["[N/A]", "N/A", "[Not Supported]"])
def test_instant_power_that_one_card_does_not_tell_is_taken_of_none(absent):
    reader = by_tool(SMI.replace("60.04 W", absent))
    assert [reading.power_w for reading in reader.read()] == [65.1, 61]
    assert reader.method.endswith(": power.draw")


def test_power_that_changes_its_meaning_fails_the_look():
    reader = by_tool(SMI, SMI, SMI.replace("60.04 W", "[N/A]"))
    with pytest.raises(PowerFormatError, match=r"now tells .*power\.draw"):
        reader.read()


@pytest.mark.parametrize(
    "output",
    [
        SMI.replace("60.04 W", "[N/A]").replace("61.00 W", "[N/A]"),
        SMI.replace("60.04 W", "[Unknown Error]"),
        SMI.replace("power.draw.instant [W]", "power.draw.instant [mW]"),
        SMI.replace("60.04 W", "60040 mW"),
        SMI.replace("60.04 W", "60.04").replace("instant [W]", "instant"),
        SMI.replace("uuid", "serial"),
        SMI.replace("power.draw.instant", "power.draw.now"),
        SMI.replace("1, GPU-2d", "0, GPU-2d"),
        SMI.replace("GPU-2d", "MIG-2d"),
        SMI.replace("1, GPU-2d", "one, GPU-2d"),
        SMI.replace("60.04 W", "9000.00 W"),
        SMI.replace("60.04 W", "-3.00 W"),
        SMI[:-4],
        HEADING,
        "",
        "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n",
    ],
)
def test_what_is_not_known_for_sure_is_refused(output):
    with pytest.raises(PowerFormatError):
        by_tool(output)


def test_the_tool_shows_a_split_card():
    with pytest.raises(PowerFormatError, match="split by MIG"):
        by_tool(SMI.replace("Disabled, 61", "Enabled, 61"))


def test_a_card_that_goes_away_fails_the_look():
    reader = by_tool(SMI, SMI, SMI.rpartition("1, GPU")[0])
    with pytest.raises(PowerFormatError, match="other devices"):
        reader.read()


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text("01GPU-, .W[]ADNm\n", max_size=200).map(str.encode))
def test_no_output_ends_in_another_error(output):
    for fields in nvidia.QUERIES:
        for head in (b"", HEADING.encode(), OLD_HEADING.encode() + b"\n"):
            try:
                _, powers = nvidia.parse_smi(head + output, fields)
            except PowerFormatError:
                continue
            assert all(0 < power.watts <= 5000 for power in powers)
