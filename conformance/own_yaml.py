"""Reading the YAML that comes with the package, which is small and trusted."""

from __future__ import annotations

from typing import Any


def read_own_yaml(text: str) -> Any:
    """Read YAML of the project's own: by libyaml, in a tenth of the time, where it is there."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text, Loader=loader)  # noqa: S506 - a safe one
