"""The packages that a grade rests on."""

from __future__ import annotations

from importlib import metadata

LOCKED = (
    "jsonschema",
    "msgspec",
    "numpy",
    "openai",
    "rfc8785",
    "scipy",
)
"""Packages whose version can bear on a grade or on how an agent was called."""


def package_versions() -> dict[str, str]:
    """Return the versions of the packages in ``LOCKED``."""
    return {name: metadata.version(name) for name in LOCKED}
