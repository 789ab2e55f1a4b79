"""``report.html``: one self-contained file; a rendering of a bundle, never evidence."""

from __future__ import annotations

import base64
import functools
import hashlib
from importlib import resources
from typing import TYPE_CHECKING, Any

from conformance.evidence import bundle
from conformance.report.charts import interval_chart, ratio_chart
from conformance.report.sources import read_evidence
from conformance.report.texts import load_texts, say
from conformance.report.transcripts import index_rows, read_transcripts, script_json
from conformance.report.view import build_view

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.evidence.documents import Words


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
    style, head_script, script = (_asset(n) for n in ("report.css", "language.js", "viewer.js"))
    content = {
        "view": view,
        "style": Markup(style),  # noqa: S704 - the package's own file
        "head_script": Markup(head_script),  # noqa: S704 - the package's own file
        "script": Markup(script),  # noqa: S704 - the package's own file
        "policy": _policy(head_script, script),
        # Drawn from numbers and clause ids alone; vl-convert escapes the ids.
        "interval_chart": Markup(interval_chart(evidence.summary.clauses) or ""),  # noqa: S704
        "ratio_chart": Markup(  # noqa: S704
            ratio_chart(view.efficiency.ratios, view.efficiency.kappas) or ""
        ),
        # ``script_json`` leaves no character that HTML knows.
        "index": Markup(script_json(index_rows(evidence, transcripts))),  # noqa: S704
        "words": Markup(script_json(_viewer_words())),  # noqa: S704
        "blocks": transcripts.blocks,
    }
    return str(_environment().get_template("report.html.jinja").render(content))


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


def _viewer_words() -> dict[str, list[str]]:
    """Return the texts that the viewer needs, by key."""
    texts = load_texts()
    wanted: dict[str, Words] = {
        f"{prefix}.{key}": words
        for prefix in ("viewer", "outcome", "cause", "note")
        for key, words in texts.under(prefix).items()
    }
    return {key: [words.zh, words.en] for key, words in wanted.items()}
