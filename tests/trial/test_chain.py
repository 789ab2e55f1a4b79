"""The chain: any byte that changes is found, with its line; a torn end is mended, nothing else."""

import errno
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conformance.errors import EvidenceInvalidError
from conformance.trial import chain
from conformance.trial.chain import GENESIS, ChainWriter, StorageError, read_chain, repair_tail


def written(path, events):
    writer = ChainWriter(path)
    for event in events:
        writer.write(event)
    writer.close()
    return writer.head


def small(folder):
    path = Path(folder) / "chain.jsonl"
    head = written(path, [{"type": "start", "word": "höher"}, {"n": 1, "list": [1, 2]}, {"n": 22}])
    return path, head


with tempfile.TemporaryDirectory() as _folder:
    CONTENT = small(_folder)[0].read_bytes()
LINES = [number for number, line in enumerate(CONTENT.splitlines(keepends=True), 1) for _ in line]


def line_of(error):
    return int(str(error).split(".jsonl:")[1].split(":")[0])


def test_what_is_written_is_read_back_in_order(tmp_path):
    path, head = small(tmp_path)
    events = list(read_chain(path, head=head))
    assert [event["seq"] for event in events] == [0, 1, 2]
    assert events[0]["prev"] == GENESIS
    assert events[0]["word"] == "höher"
    assert events[1]["list"] == [1, 2]


@given(place=st.integers(0, len(CONTENT) - 1), mask=st.integers(1, 255))
@example(place=len(CONTENT) - 1, mask=ord("\n") ^ ord(" "))
@example(place=len(CONTENT) - 1, mask=ord("\n") ^ ord("}"))
def test_any_byte_flipped_is_reported_with_its_line(tmp_path_factory, place, mask):
    path, head = small(tmp_path_factory.mktemp("chain"))
    content = bytearray(CONTENT)
    content[place] ^= mask
    path.write_bytes(content)
    with pytest.raises(EvidenceInvalidError) as caught:
        list(read_chain(path, head=head))
    assert line_of(caught.value) == LINES[place]
    assert caught.value.exit_code == 7


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_lines_cut_off_the_end_are_found_where_the_head_is_known(tmp_path, kept):
    path, head = small(tmp_path)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:kept]))
    assert len(list(read_chain(path))) == kept
    with pytest.raises(EvidenceInvalidError, match="cut off"):
        list(read_chain(path, head=head))


def test_a_line_taken_out_of_the_middle_is_found_without_the_head(tmp_path):
    path, _ = small(tmp_path)
    first, _, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + last)
    with pytest.raises(EvidenceInvalidError, match="is not event 1"):
        list(read_chain(path))


@given(cut=st.integers(1, len(CONTENT.splitlines(keepends=True)[-1]) - 1))
def test_a_torn_last_line_is_cut_off_and_the_chain_goes_on(tmp_path_factory, cut):
    path, _ = small(tmp_path_factory.mktemp("chain"))
    path.write_bytes(CONTENT[:-cut])
    head, count = repair_tail(path)
    assert path.read_bytes() == b"".join(CONTENT.splitlines(keepends=True)[:2])
    assert count == 2
    writer = ChainWriter(path, head=head, count=count)
    writer.write({"n": 3})
    writer.close()
    assert [event.get("n") for event in read_chain(path, head=writer.head)] == [None, 1, 3]


def test_a_whole_chain_is_left_as_it_is(tmp_path):
    path, head = small(tmp_path)
    assert repair_tail(path) == (head, 3)
    assert path.read_bytes() == CONTENT


def test_an_empty_chain_begins_at_its_beginning(tmp_path):
    path = tmp_path / "chain.jsonl"
    path.write_bytes(b"")
    assert repair_tail(path) == (GENESIS, 0)


def test_a_chain_broken_elsewhere_is_not_repaired_nor_cut(tmp_path):
    path, _ = small(tmp_path)
    damaged = CONTENT.replace(b"word", b"ward")[:-5]
    path.write_bytes(damaged)
    with pytest.raises(EvidenceInvalidError) as caught:
        repair_tail(path)
    assert line_of(caught.value) == 1
    assert path.read_bytes() == damaged


@pytest.mark.parametrize("line", [b"[" * 100_000, b"\xff\xfe", b"[]", b'"text"', b"", b"{}"])
def test_a_line_that_is_no_event_is_one_error_with_its_line(tmp_path, line):
    path, _ = small(tmp_path)
    path.write_bytes(CONTENT + line + b"\n")
    with pytest.raises(EvidenceInvalidError) as caught:
        list(read_chain(path))
    assert line_of(caught.value) == 4


def test_text_that_no_file_can_hold_is_written_as_near_as_can_be(tmp_path):
    path = tmp_path / "chain.jsonl"
    head = written(path, [{"text": "half \ud83d", "thing": {object}, "deep": []}])
    (event,) = read_chain(path, head=head)
    assert event["text"] == "half ?"


def test_a_full_disk_is_one_clear_error(tmp_path, monkeypatch):
    writer = ChainWriter(tmp_path / "chain.jsonl")
    writer.write({"n": 0})

    def full(file, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(chain.os, "write", full)
    with pytest.raises(StorageError) as caught:
        writer.write({"n": 1})
    assert caught.value.exit_code == 3
    assert "No space left on device" in str(caught.value)
    assert "chain.jsonl" in str(caught.value)
    assert "--resume" in str(caught.value)


def test_after_a_torn_line_nothing_more_is_written_though_there_be_space_again(
    tmp_path, monkeypatch
):
    path = tmp_path / "chain.jsonl"
    writer = ChainWriter(path)
    writer.write({"n": 0})
    sound = path.read_bytes()
    real, calls = os.write, []

    def nearly_full(file, data):
        calls.append(data)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(file, bytes(data[:10]))

    monkeypatch.setattr(chain.os, "write", nearly_full)
    with pytest.raises(StorageError):
        writer.write({"n": 1})
    monkeypatch.undo()
    torn = path.read_bytes()
    assert torn == sound + torn[-10:]
    with pytest.raises(StorageError):
        writer.write({"n": 1})
    assert path.read_bytes() == torn
    repair_tail(path)
    assert path.read_bytes() == sound


def test_a_closed_chain_writes_into_no_other_file(tmp_path):
    first = ChainWriter(tmp_path / "first.jsonl")
    number = first._file
    first.close()
    second = ChainWriter(tmp_path / "second.jsonl")
    assert second._file == number
    with pytest.raises(StorageError):
        first.write({"n": 0})
    assert (tmp_path / "second.jsonl").read_bytes() == b""
    second.close()


def test_a_folder_that_is_not_there_is_one_clear_error(tmp_path):
    with pytest.raises(StorageError, match="No such file or directory"):
        ChainWriter(tmp_path / "none" / "chain.jsonl")


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="no limit on file sizes here")
def test_a_real_limit_on_a_file_leaves_a_chain_that_can_be_repaired(tmp_path):
    path = tmp_path / "chain.jsonl"
    script = (
        "import resource, sys, pathlib\n"
        "from conformance.trial.chain import ChainWriter, StorageError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "writer = ChainWriter(pathlib.Path(sys.argv[1]))\n"
        "try:\n"
        "    while True: writer.write({'word': 'x' * 30})\n"
        "except StorageError as error: sys.exit(f'{error.exit_code} {error}')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("3 ")
    assert done.stderr.count("\n") == 1
    _, count = repair_tail(path)
    assert count == len(list(read_chain(path)))
    assert count > 3


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none()))
def test_any_event_comes_back_as_it_was_given(tmp_path_factory, event):
    event = {name: value for name, value in event.items() if name not in ("seq", "prev")}
    path = tmp_path_factory.mktemp("chain") / "chain.jsonl"
    head = written(path, [{"type": "x", **event}])
    (again,) = read_chain(path, head=head)
    del again["seq"], again["prev"]
    assert again == msgspec.json.decode(msgspec.json.encode({"type": "x", **event}))
