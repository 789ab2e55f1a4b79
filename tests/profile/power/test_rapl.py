"""CPU packages, from a folder made like ``/sys/class/powercap``."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.profile.power import rapl
from conformance.profile.power.contract import PowerFormatError
from conformance.profile.power.energy import energy_of

S = 1_000_000_000
RANGE = 262_143_328_850


def zone(root, folder, name, energy=1_000_000, greatest=RANGE):
    at = root / folder
    at.mkdir(parents=True)
    (at / "name").write_text(f"{name}\n")
    (at / "energy_uj").write_text(f"{energy}\n")
    (at / "max_energy_range_uj").write_text(f"{greatest}\n")
    return at / "energy_uj"


def server(root):
    """Two sockets with memory; a laptop's psys and mmio zones as well."""
    zone(root, "intel-rapl:0", "package-0")
    zone(root, "intel-rapl:0:0", "dram")
    zone(root, "intel-rapl:0:1", "core")
    zone(root, "intel-rapl:1", "package-1")
    zone(root, "intel-rapl:1:0", "dram")
    zone(root, "intel-rapl:2", "psys")
    zone(root, "intel-rapl-mmio:0", "package-0")
    (root / "intel-rapl").mkdir()
    return root


def times(*moments):
    """A clock that shows each moment twice: before a look, and after it."""
    shown = iter([moment for moment in moments for _ in range(2)])
    return lambda: next(shown)


def reader_of(root, *moments):
    reader = rapl.find(root)
    reader._clock = times(*moments)
    return reader


def test_packages_are_read_and_their_parts_are_not_added_twice(tmp_path):
    reader = rapl.find(server(tmp_path))
    assert [device.name for device in reader.devices()] == ["package-0", "package-1"]
    assert [device.key for device in reader.devices()] == ["/cpu/0", "/cpu/1"]
    assert [reading.device for reading in reader.read()] == ["/cpu/0", "/cpu/1"]
    reader.close()


def test_dies_of_a_package_are_told_apart(tmp_path):
    zone(tmp_path, "intel-rapl:0", "package-0-die-0")
    zone(tmp_path, "intel-rapl:1", "package-0-die-1")
    assert [device.index for device in rapl.find(tmp_path).devices()] == ["0-die-0", "0-die-1"]


def test_microjoules_become_joules_since_the_first_look(tmp_path):
    counter = zone(tmp_path, "intel-rapl:0", "package-0", energy=5_000_000)
    reader = reader_of(tmp_path, 0, S)
    (first,) = reader.read()
    counter.write_text("35500000\n")
    (second,) = reader.read()
    assert (first.energy_j, second.energy_j) == (0, 30.5)
    assert (first.t_ns, second.t_ns) == (0, S)
    assert second.power_w is None


def test_a_counter_that_goes_round_goes_on(tmp_path):
    counter = zone(tmp_path, "intel-rapl:0", "package-0", energy=RANGE - 1_000_000)
    reader = reader_of(tmp_path, 0, S)
    reader.read()
    counter.write_text("2000000\n")
    assert reader.read()[0].energy_j == 3


def test_a_silence_in_which_it_may_have_gone_round_twice_is_a_reset(tmp_path):
    counter = zone(tmp_path, "intel-rapl:0", "package-0", energy=0, greatest=65_000_000_000)
    reader = reader_of(tmp_path, 0, 10 * S, 50 * S, 60 * S)
    looks = reader.read()
    for joules in (1000, 4000, 5000):
        counter.write_text(f"{joules * 1_000_000}\n")
        looks += reader.read()
    assert [look.energy_j for look in looks] == [0, 1000, 0, 1000]
    energy = energy_of(looks, reader.devices(), S, 59 * S)
    assert [reason.code for reason in energy.reasons] == ["power-counter-reset"]


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 90), min_size=1, max_size=30))
def test_whatever_it_draws_the_sum_is_right(tmp_path_factory, steps):
    root = tmp_path_factory.mktemp("powercap")
    counter = zone(root, "intel-rapl:0", "package-0", energy=50, greatest=100)
    reader = reader_of(root, *range(len(steps) + 1))
    reader.read()
    total = 0
    for step in steps:
        total += step
        counter.write_text(f"{(50 + total) % 100}\n")
        assert reader.read()[0].energy_j == pytest.approx(total / 1e6)


def test_no_rapl_is_no_reader(tmp_path):
    assert rapl.find(tmp_path / "none") is None
    zone(tmp_path, "intel-rapl:0", "psys")
    assert rapl.find(tmp_path) is None


@pytest.mark.parametrize("text", ["", "N/A", "-5", "1.5", "1e9", "\xff", "1" * 30])
def test_a_counter_that_is_no_number_is_refused(tmp_path, text):
    zone(tmp_path, "intel-rapl:0", "package-0").write_text(text, encoding="latin-1")
    with pytest.raises(PowerFormatError, match="no number of microjoules"):
        rapl.find(tmp_path)


def test_a_counter_above_its_range_is_refused(tmp_path):
    zone(tmp_path, "intel-rapl:0", "package-0", energy=101, greatest=100)
    with pytest.raises(PowerFormatError, match="above its greatest value 100"):
        rapl.find(tmp_path).read()


def test_a_counter_for_root_only_is_told_with_how_to_mend_it(tmp_path, monkeypatch):
    counter = zone(tmp_path, "intel-rapl:0", "package-0")
    real = type(counter).read_bytes

    def refuse(path):
        if path == counter:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(type(counter), "read_bytes", refuse)
    with pytest.raises(PowerFormatError, match="root only") as caught:
        rapl.find(tmp_path)
    assert f"sudo chmod a+r {counter}" in str(caught.value)


def test_a_counter_that_vanishes_fails_the_look(tmp_path):
    counter = zone(tmp_path, "intel-rapl:0", "package-0")
    reader = rapl.find(tmp_path)
    counter.unlink()
    with pytest.raises(PowerFormatError, match="cannot be read"):
        reader.read()
