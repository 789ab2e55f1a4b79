"""What the suite can see of the machine it runs on."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

LOCKED = (
    "jsonschema",
    "msgspec",
    "numpy",
    "openai",
    "rfc8785",
    "scipy",
)
"""Packages whose version can bear on a grade or on how an agent was called."""


def collect_hardware() -> dict[str, Any]:
    """Return the host's hardware as the operating system reports it."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_bytes": _memory(),
        "machine": platform.machine(),
        "system": f"{platform.system()} {platform.release()}",
    }


def package_versions() -> dict[str, str]:
    """Return the versions of the packages in ``LOCKED``."""
    return {name: metadata.version(name) for name in LOCKED}


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
