"""What a page is made with: templates, the package's own files, a policy that lets nothing in."""

from __future__ import annotations

import base64
import functools
import hashlib
from importlib import resources
from typing import Any

from conformance.report.texts import say


def template(name: str) -> Any:
    """Return a template; all that is filled in is escaped."""
    return _environment().get_template(name)


def page_assets(head_script: str, script: str | None = None) -> dict[str, Any]:
    """Return style, scripts and content security policy of a page, by their file names."""
    from markupsafe import Markup

    style, *scripts = (_asset(name) for name in ("report.css", head_script, script) if name)
    names = ("head_script", "script")
    return {
        "style": Markup(style),  # noqa: S704 - the package's own file
        "policy": _policy(*scripts),
        **{n: Markup(text) for n, text in zip(names, scripts, strict=False)},  # noqa: S704 - ours
    }


@functools.cache
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("conformance.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["say"] = say
    return environment


@functools.cache
def _asset(name: str) -> str:
    path = resources.files("conformance.report").joinpath("templates", name)
    return path.read_text(encoding="utf-8")


def _policy(*scripts: str) -> str:
    """Return a content security policy: nothing from the network, no script but these."""
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in scripts
    )
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {hashes}"
