"""What a page is made with: templates, the package's own files, a policy that lets nothing in."""

from __future__ import annotations

import base64
import functools
import hashlib
from importlib import resources
from typing import Any

from conformance.report.inert import inert
from conformance.report.texts import say


def template(name: str) -> Any:
    """Return a template; all that is filled in is escaped."""
    return _environment().get_template(name)


def page_assets(head_script: str, *scripts: str) -> dict[str, Any]:
    """Return style, scripts and content security policy of a page, by their file names.

    ``head_script`` runs before anything is painted; the others, joined, at the end of the page.
    """
    from markupsafe import Markup

    style, first = _asset("report.css"), _asset(head_script)
    last = "\n".join(map(_asset, scripts))
    found = {"head_script": first, "script": last} if scripts else {"head_script": first}
    return {
        "style": Markup(style),  # noqa: S704 - the package's own file
        "policy": _policy(*found.values()),
        **{name: Markup(text) for name, text in found.items()},  # noqa: S704 - ours
    }


@functools.cache
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        finalize=_idle,
        loader=PackageLoader("conformance.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["say"] = say
    return environment


def _idle(value: Any) -> Any:
    """Make what a template fills in inert, whoever wrote it; markup is the package's own."""
    is_text = isinstance(value, str) and not hasattr(value, "__html__")
    return inert(value) if is_text else value


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
