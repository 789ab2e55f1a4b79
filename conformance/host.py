"""The machine the suite runs on: what its system says of it, and what it lets a process do."""

from __future__ import annotations

import contextlib
import os
import platform
import subprocess
from pathlib import Path
from typing import Any


def host_hardware() -> dict[str, Any]:
    """Return processor, cores, memory in bytes, architecture and system."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_bytes": _memory(),
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
    }


def allow_open_files(most: int = 65_536) -> None:
    """Let this process open as many files and connections as its system lets it, up to ``most``."""
    try:
        import resource
    except ImportError:  # not on Windows, where connections are not counted so
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def end_child(process: subprocess.Popen[bytes], patience_s: float = 5.0) -> None:
    """Let a child that ends with its standard input end, and kill it where it does not."""
    with process, contextlib.suppress(OSError):  # the block closes its pipes and waits for it
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()


def _cpu() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or None
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or None)


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError, AttributeError):
        return None
