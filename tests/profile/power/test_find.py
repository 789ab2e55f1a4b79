"""Which readers work on a machine, and what it says of those that do not."""

import sys

import pytest

from conformance.profile.power import amd_library, find, vendors
from conformance.profile.power.contract import PowerFormatError
from conformance.profile.power.find import find_readers
from conformance.profile.power.tool import ToolMissingError
from tests.profile.power.readers import PlayedReader


@pytest.fixture(autouse=True)
def no_libraries(monkeypatch):
    """A machine without NVML and without amdsmi."""
    monkeypatch.setitem(sys.modules, "pynvml", None)
    monkeypatch.setitem(sys.modules, "amdsmi", None)


def missing(argv):
    raise ToolMissingError(f"{argv[0]} is not on this machine", where=argv[0])


def package(root):
    at = root / "intel-rapl:0"
    at.mkdir()
    (at / "name").write_text("package-0\n")
    (at / "energy_uj").write_text("5\n")
    (at / "max_energy_range_uj").write_text("262143328850\n")
    return root


def test_a_machine_without_accelerators_says_so(tmp_path):
    readers, notes = find_readers(missing, tmp_path)
    assert readers == []
    assert notes[0].startswith("no accelerator found: looked for NVML, amdsmi, amd-smi, ")
    assert "npu-smi" in notes[0]
    assert notes[1] == f"no CPU package found: {tmp_path} shows none"


def test_cpu_packages_are_found_without_any_accelerator(tmp_path):
    readers, notes = find_readers(missing, package(tmp_path))
    assert [reader.vendor for reader in readers] == ["cpu"]
    assert [note.split(":")[0] for note in notes] == ["no accelerator found"]


def test_a_vendor_that_is_refused_is_told_and_the_others_are_read(tmp_path):
    def run(argv):
        if argv[0] == "nvidia-smi":
            raise PowerFormatError("ended with exit code 9", where="nvidia-smi")
        return missing(argv)

    readers, notes = find_readers(run, package(tmp_path))
    assert [reader.vendor for reader in readers] == ["cpu"]
    assert notes == ["nvidia is not read: nvidia-smi: ended with exit code 9"]


def test_a_reader_whose_first_look_fails_is_let_go_of(tmp_path, monkeypatch):
    reader = PlayedReader({"0": 70.0}, failing=[1])
    monkeypatch.setattr(find.nvidia, "find", lambda _: reader)
    readers, notes = find_readers(missing, tmp_path)
    assert readers == []
    assert reader.is_closed
    assert notes[0] == "nvidia is not read: played: printed nothing"


@pytest.mark.parametrize("is_there", [True, False])
def test_amds_tool_is_asked_where_its_library_is_not_there(tmp_path, monkeypatch, is_there):
    library, tool = PlayedReader({"0": 70.0}), PlayedReader({"0": 71.0})
    monkeypatch.setattr(amd_library, "find", lambda: library if is_there else None)
    monkeypatch.setitem(vendors.FINDERS, "amd", lambda _: tool)
    readers, _ = find_readers(missing, tmp_path)
    assert readers == [library if is_there else tool]
