"""``profile sampler`` and ``profile capture`` as commands."""

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from conformance.cli import run
from conformance.profile.power.remote import RemoteReader
from conformance.profile.power.stream import parse_address
from tests.profile.power.readers import wait_until

TOKEN = "a-token-of-some-length"
HEADING = (
    "index, uuid, name, power.limit [W], driver_version, mig.mode.current, power.draw [W],"
    " power.draw.instant [W]"
)
CARD = "0, GPU-5e, NVIDIA L4, 72.00 W, 550.54.15, [N/A], 31.20 W, 33.40 W"


@pytest.fixture
def card(tmp_path, monkeypatch):
    """A machine whose ``nvidia-smi`` shows one card."""
    folder = tmp_path / "bin"
    folder.mkdir()
    tool = folder / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\nprintf '%s\\n' '{HEADING}' '{CARD}'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    # A binding of NVML that is installed here would find no driver, or this machine's own.
    (folder / "pynvml.py").write_text("raise ImportError\n")
    monkeypatch.setenv("PYTHONPATH", str(folder))


@contextmanager
def sampling(*words):
    """Run the command, and end it as Ctrl-C does."""
    line = [sys.executable, "-m", "conformance", "profile", "sampler", "--listen", "127.0.0.1:0"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*line, *words], **pipes) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
    assert process.returncode == 0


def test_a_sampler_says_what_it_reads_and_streams_it(card):
    with sampling("--node", "rack-1", "--json") as process:
        text = ""
        while not text.endswith("\n}\n"):
            text += process.stdout.readline() or pytest.fail(process.stderr.read())
        told = json.loads(text)
        assert told["node"] == "rack-1"
        assert told["devices"][0]["id"] == "GPU-5e"
        assert told["methods"][0] == "nvidia-smi, driver 550.54.15: power.draw.instant"
        reader = RemoteReader(parse_address(told["address"]))
        readings = []
        wait_until(lambda: readings.extend(reader.read()) or readings)
        reader.close()
    of_card = [reading for reading in readings if reading.device == "rack-1/nvidia/GPU-5e"]
    assert of_card[0].power_w == 33.4


def test_a_sampler_tells_people_its_devices(card):
    with sampling("--node", "rack-1", "--hz", "5") as process:
        assert process.stdout.readline().startswith("rack-1 at 127.0.0.1:")
        assert process.stdout.readline() == "  rack-1/nvidia/GPU-5e  NVIDIA L4\n"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--listen", "0.0.0.0:0"], "--listen: 0.0.0.0:0 can be reached from other machines"),
        (["--listen", "nowhere:x"], "--listen: 'nowhere:x' is no HOST:PORT"),
        (["--token-env", "NOT_SET"], "--token-env: the environment variable NOT_SET is not set"),
        (["--token-env", "SHORT"], "--token-env SHORT: holds a token of 5 characters"),
        (["--node", "a\nb"], "--node: is no name"),
        (["--hz", "0"], "--hz"),
    ],
)
def test_what_cannot_be_sampled_so_is_told_in_one_line(card, capsys, monkeypatch, words, complaint):
    monkeypatch.setenv("SHORT", "short")
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert run(["profile", "sampler", *words]) == 4
    told = capsys.readouterr().err
    assert complaint in told
    assert told.count("\n") == 1


def test_a_machine_without_devices_has_nothing_to_sample(capsys, monkeypatch):
    monkeypatch.setattr("conformance.profile.power.find.find_readers", lambda: ([], ["no card"]))
    assert run(["profile", "sampler"]) == 4
    told = capsys.readouterr().err
    assert "no device whose power can be read: no card" in told
    assert "profile capture" in told


def test_what_a_tool_prints_is_saved(card, tmp_path, capsys):
    out = tmp_path / "capture"
    assert run(["profile", "capture", "--vendor", "nvidia", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert f"saved in {out}: 3 commands of nvidia" in printed
    assert "UUIDs are masked" in printed
    document = json.loads((out / "capture.json").read_bytes())
    assert {done["vendor"] for done in document["captured"]} == {"nvidia"}
    saved = (out / document["captured"][0]["stdout"]["path"]).read_text()
    assert saved.startswith(HEADING)


def test_raw_output_is_saved_as_it_is_and_told_as_json(card, tmp_path, capsys):
    out = tmp_path / "capture"
    words = ["profile", "capture", "--vendor", "nvidia", "--raw", "--out", str(out), "--json"]
    assert run(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["folder"] == str(out)
    assert told["is_masked"] is False
    assert told["missing"] == []
    assert "GPU-5e" in (out / told["captured"][0]["stdout"]["path"]).read_text()


def test_a_machine_without_tools_says_so_plainly(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    out = tmp_path / "capture"
    assert run(["profile", "capture", "--vendor", "biren", "--out", str(out)]) == 0
    assert "none of these tools is on this machine: brsmi" in capsys.readouterr().out
    assert json.loads((out / "capture.json").read_bytes())["missing"] == ["brsmi"]


def test_a_vendor_that_is_not_known_is_refused(tmp_path, capsys):
    words = ["profile", "capture", "--vendor", "nobody", "--out", str(tmp_path / "capture")]
    assert run(words) == 4
    assert "nobody is no vendor" in capsys.readouterr().err
