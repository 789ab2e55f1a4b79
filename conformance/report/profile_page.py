"""A profile as a self-contained page, for ``conformance profile`` alone; it is no evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.evidence import bundle
from conformance.report.page import page_assets, template
from conformance.report.profile_view import ProfileView, build_profile
from conformance.report.texts import flowing, say

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.profile.document import ProfileDocument
    from conformance.report.profile_charts import Curves


def write_profile_page(document: ProfileDocument, curves: Curves, path: Path) -> None:
    """Write the page, with the curves that were drawn of the profile; whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    bundle.write_whole(path, render_profile_page(document, curves).encode("utf-8"))


def render_profile_page(document: ProfileDocument, curves: Curves) -> str:
    """Return the page; the same profile gives the same text."""
    content = {**page_assets("language.js"), **section_content(document, curves)}
    content["anchors"] = _anchors(content["profile"])
    return str(template("profile_page.html.jinja").render(content))


def section_content(document: ProfileDocument, curves: Curves) -> dict[str, Any]:
    """Return what the section's template needs: the view, and the curves in both languages."""
    from markupsafe import Markup

    view = build_profile(document)
    shown = []
    for name, drawn in curves.items():
        # Drawn from numbers and codes; vl-convert escapes the codes.
        svg = {lang: Markup(text) for lang, text in drawn.items()}  # noqa: S704
        caption = [say(f"profile.chart_{name}")]
        if not all(row.valid for row in view.points):
            caption.append(say("profile.chart_hollow"))
        shown.append((name, svg, flowing(caption)))
    return {"profile": view, "curves": shown}


def _anchors(view: ProfileView) -> set[str]:
    """Return which parts of the section there are to go to."""
    parts = {
        "points": view.points,
        "replay": view.agents,
        "solved": view.solved,
        "devices": view.devices.nodes,
        "calibration": True,
    }
    return {name for name, there in parts.items() if there}
