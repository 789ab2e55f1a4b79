import hashlib
import json

import pytest

from conformance.errors import UsageError
from conformance.profile.power import cambricon
from conformance.profile.power.capture import capture
from conformance.profile.power.tool import Result, ToolMissingError
from conformance.profile.power.vendors import COMMANDS

UUID = b"399282a8-ba01-1475-893c-2eeca9e302f5"


def machine(*tools, stdout=b"ok\n", stderr=b"", code=0):
    def run(argv, folder):
        if argv[0] not in tools:
            raise ToolMissingError("is missing", where=argv[0])
        if tuple(argv) == ("cnmon", "info", "-j"):
            (folder / "cnmon_info.json").write_bytes(b'{"UUID": "' + UUID + b'", "Power": 1}')
        return Result(stdout, stderr, code, 0.25)

    return run


def test_every_command_of_a_tool_that_is_here_is_run_and_saved(tmp_path):
    captured = capture(None, tmp_path / "out", run=machine("mx-smi", stdout=b"29W\xff / 225W\n"))
    assert [tuple(one.command) for one in captured] == list(COMMANDS["metax"])
    for one in captured:
        saved = (tmp_path / "out" / one.stdout.path).read_bytes()
        assert saved == b"29W\xff / 225W\n"
        assert one.stdout.sha256 == hashlib.sha256(saved).hexdigest()
        assert (one.vendor, one.exit_code, one.duration_s) == ("metax", 0, 0.25)


def test_the_document_says_what_was_looked_for_and_what_was_missing(tmp_path):
    capture(["metax", "ascend"], tmp_path, run=machine("mx-smi"))
    document = json.loads((tmp_path / "capture.json").read_bytes())
    assert document["format"] == "capture/1"
    assert document["looked_for"] == ["mx-smi", "npu-smi"]
    assert document["missing"] == ["npu-smi"]
    assert document["is_masked"] is True
    assert document["captured"][0]["command"] == ["mx-smi"]


def test_errors_and_tools_that_do_not_end_are_saved_too(tmp_path):
    run = machine("brsmi", stdout=b"", stderr=b"unknown option\n", code=2)
    captured = capture(["biren"], tmp_path / "a", run=run)
    assert {one.exit_code for one in captured} == {2}
    assert (tmp_path / "a" / captured[0].stderr.path).read_bytes() == b"unknown option\n"
    captured = capture(["biren"], tmp_path / "b", run=machine("brsmi", code=None))
    assert captured[0].exit_code is None


def test_what_a_command_writes_into_its_folder_is_saved_masked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    captured = capture(["cambricon"], tmp_path / "out", run=machine("cnmon"))
    (one,) = [one for one in captured if tuple(one.command) == ("cnmon", "info", "-j")]
    (written,) = one.written
    assert written.path.endswith("cnmon_info.json")
    assert json.loads((tmp_path / "out" / written.path).read_bytes()) == {
        "UUID": "00000000-0000-0000-0000-000000000001",
        "Power": 1,
    }
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_raw_leaves_serial_numbers_as_they_are(tmp_path):
    captured = capture(["cambricon"], tmp_path, raw=True, run=machine("cnmon", stdout=UUID))
    assert (tmp_path / captured[0].stdout.path).read_bytes() == UUID
    assert json.loads((tmp_path / "capture.json").read_bytes())["is_masked"] is False


def test_a_machine_without_tools_gives_a_document_that_says_so(tmp_path):
    assert capture(None, tmp_path / "out", run=machine()) == []
    document = json.loads((tmp_path / "out" / "capture.json").read_bytes())
    assert document["captured"] == []
    assert document["missing"] == document["looked_for"]


def test_a_vendor_that_is_not_known_is_a_mistake(tmp_path):
    with pytest.raises(UsageError, match="matrox is no vendor"):
        capture(["metax", "matrox"], tmp_path, run=machine())


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("x")
    with pytest.raises(UsageError, match="not an empty folder"):
        capture(None, tmp_path, run=machine("mx-smi"))
    with pytest.raises(UsageError, match="not an empty folder"):
        capture(None, tmp_path / "mine", run=machine("mx-smi"))
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_folder_that_cannot_be_made_is_a_mistake_before_anything_is_run(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="cannot be made"):
        capture(None, tmp_path / "file" / "out", run=None)


def test_the_real_tools_of_a_machine_are_run_in_a_folder_of_their_own(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "cnmon"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\npwd\necho "$@" > asked.txt\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/bin:/usr/bin")
    captured = capture(["cambricon"], tmp_path / "out")
    assert len(captured) == len(cambricon.COMMANDS)
    folders = {(tmp_path / "out" / one.stdout.path).read_text() for one in captured}
    assert len(folders) == len(captured)
    assert [(tmp_path / "out" / one.written[0].path).read_text() for one in captured[:2]] == [
        "\n",
        "info\n",
    ]
