"""The formats of a report: what each is called, where it lies in a bundle, and what makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from conformance.report.reading import Reading

PLACES = {
    "html": "report.html",
    "pdf": "report.pdf",
    "markdown": "report.md",
    "junit": "junit.xml",
    "json": "report.json",
}
"""Where each lies in a bundle, outside its manifest; the rest of the bundle is evidence."""

LANGS = {"zh": ("zh",), "en": ("en",), "both": ("zh", "en")}
"""The languages of each choice; HTML and JSON have both, whatever is chosen."""


def render(
    folder: Path,
    formats: Sequence[str],
    langs: Sequence[str],
    links: Mapping[str, str] | None = None,
) -> dict[str, bytes]:
    """Return a bundle's report in each format, none of it written yet.

    Args:
        folder: The bundle.
        formats: Keys of ``PLACES``.
        langs: ``zh``, ``en``, or both, in the order wanted.
        links: For Markdown: the renderings that lie beside it, format to relative path.

    Raises:
        EvidenceInvalidError: the bundle is incomplete or broken.
        PdfUnavailableError: this machine lacks what a PDF is made with.
    """
    from conformance.report.reading import read_bundle

    makers: dict[str, Callable[[Reading], bytes]] = {
        "pdf": lambda reading: _pdf(reading, langs),
        "markdown": lambda reading: _markdown(reading, langs, links),
        "junit": lambda reading: _junit(reading, langs),
        "json": _json,
    }
    made: dict[str, bytes] = {}
    if "html" in formats:
        from conformance.report.html import render_report

        made["html"] = render_report(folder).encode("utf-8")
    if any(name in makers for name in formats):
        reading = read_bundle(folder)
        made |= {name: makers[name](reading) for name in formats if name in makers}
    return {name: made[name] for name in formats}


def _pdf(reading: Reading, langs: Sequence[str]) -> bytes:
    from conformance.report.pdf import render_pdf

    return render_pdf(reading, langs)


def _markdown(reading: Reading, langs: Sequence[str], links: Mapping[str, str] | None) -> bytes:
    from conformance.report.markdown import render_markdown

    return render_markdown(reading, langs, links).encode("utf-8")


def _junit(reading: Reading, langs: Sequence[str]) -> bytes:
    from conformance.report.junit import render_junit

    return render_junit(reading, langs)


def _json(reading: Reading) -> bytes:
    from conformance.report.json_export import render_json

    return render_json(reading, PLACES)
