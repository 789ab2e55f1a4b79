"""``report.html``: one self-contained file; a rendering of a bundle, never evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.evidence import bundle
from conformance.report.charts import interval_chart, ratio_chart
from conformance.report.page import page_assets, template
from conformance.report.profile_charts import draw_curves
from conformance.report.profile_page import section_content
from conformance.report.sources import read_evidence
from conformance.report.texts import load_texts
from conformance.report.transcripts import index_rows, read_transcripts, script_json
from conformance.report.view import build_view

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.evidence.documents import Words
    from conformance.profile.document import ProfileDocument
    from conformance.report.view import View


SCRIPTS = ("language.js", "words.js", "blocks.js", "transcript.js", "viewer.js")
SECTIONS = (
    "result", "back", "right", "clauses", "efficiency", "twins", "profile", "resources",
    "deviations", "evaluation", "evidence", "trials",
)  # fmt: skip
"""The sections of the page, by their anchors."""


def write_report(folder: Path) -> Path:
    """Write ``report.html`` into a bundle, whole or not at all; return its path.

    Raises:
        EvidenceInvalidError: the bundle is incomplete or broken.
        StorageError: the report cannot be written.
    """
    path = folder / bundle.REPORT
    bundle.write_whole(path, render_report(folder).encode("utf-8"))
    return path


def render_report(folder: Path) -> str:
    """Return the report of a bundle; the same bundle gives the same text.

    Raises:
        EvidenceInvalidError: the bundle is incomplete or broken.
    """
    from markupsafe import Markup

    evidence = read_evidence(folder)
    transcripts = read_transcripts(evidence)
    view = build_view(evidence, transcripts)
    content = {
        **page_assets(*SCRIPTS),
        "view": view,
        "nav": _sections(view),
        **_profile(evidence.profile),
        # Drawn from numbers and clause ids alone; vl-convert escapes the ids.
        "interval_chart": Markup(interval_chart(evidence.summary.clauses) or ""),  # noqa: S704
        "ratio_chart": Markup(  # noqa: S704
            ratio_chart(view.efficiency.ratios, view.efficiency.kappas) or ""
        ),
        # ``script_json`` leaves no character that HTML knows.
        "index": Markup(script_json(index_rows(evidence, transcripts))),  # noqa: S704
        "verdicts": Markup(script_json(view.verdicts)),  # noqa: S704
        "words": Markup(script_json(_viewer_words())),  # noqa: S704
        "blocks": transcripts.blocks,
    }
    return str(template("report.html.jinja").render(content))


def _sections(view: View) -> list[str]:
    """Return the sections there are, in the page's order."""
    absent = {
        "right": not view.successes,
        "twins": not view.gaps,
        "profile": view.profile is None,
        "evaluation": view.reviewed is None,
    }
    return [name for name in SECTIONS if not absent.get(name, False)]


def _profile(document: ProfileDocument | None) -> dict[str, Any]:
    return {} if document is None else section_content(document, draw_curves(document))


def _viewer_words() -> dict[str, list[str]]:
    """Return the texts that the viewer needs, by key."""
    texts = load_texts()
    wanted: dict[str, Words] = {
        f"{prefix}.{key}": words
        for prefix in ("viewer", "outcome", "cause", "note")
        for key, words in texts.under(prefix).items()
    }
    return {key: [words.zh, words.en] for key, words in wanted.items()}
