"""``report.pdf``: the result pages as a document, set by typst; the same bundle, the same bytes.

The date in it is the bundle's, and nothing in it knows of time, folder or machine but the fonts:
Latin text is set in a font that typst brings, Chinese in the first known font of the machine.
"""

from __future__ import annotations

import functools
import importlib.util
import json
from datetime import UTC, datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

from conformance.errors import ConformanceError
from conformance.report.pdf_content import clean, pdf_content
from conformance.report.texts import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.report.reading import Reading

LATIN = "Libertinus Serif"
"""Comes with typst."""
CHINESE = (
    "Noto Serif CJK SC",
    "Noto Serif SC",
    "Source Han Serif SC",
    "Source Han Serif CN",
    "Songti SC",
    "SimSun",
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "PingFang SC",
    "Microsoft YaHei",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Droid Sans Fallback",
)
"""Families with simplified Chinese, the most fitting first."""
PACKAGES = (
    "fonts-noto-cjk (Debian, Ubuntu), google-noto-serif-cjk-fonts (Fedora, RHEL, openEuler), "
    "noto-fonts-cjk (Arch), font-noto-cjk (Alpine)"
)
"""Packages that bring one of them."""


class PdfUnavailableError(ConformanceError):
    """This machine lacks what a PDF is made with."""


def render_pdf(reading: Reading, langs: Sequence[str]) -> bytes:
    """Return the result pages as a PDF, one part a language.

    Args:
        reading: The bundle.
        langs: ``zh``, ``en``, or both, in the order wanted.

    Raises:
        PdfUnavailableError: the extra is not installed, or no font here has Chinese.
    """
    if importlib.util.find_spec("typst") is None:
        raise PdfUnavailableError(
            "needs typst, which is not installed",
            where="--format pdf",
            mend="pip install 'agent-grading[pdf]'",
        )
    import typst

    families = _families()
    chinese = next((name for name in CHINESE if name in families), None)
    if chinese is None and "zh" in langs:
        raise PdfUnavailableError(
            "no font on this machine has Chinese",
            where="--format pdf",
            mend=f"install {PACKAGES}, or use --lang en",
        )
    source = resources.files("conformance.report").joinpath("templates", "certificate.typ")
    found: bytes = typst.compile(
        source.read_bytes(), sys_inputs={"content": _document(reading, langs, chinese)}
    )
    return found


def _document(reading: Reading, langs: Sequence[str], chinese: str | None) -> str:
    evidence, view = reading.evidence, reading.view
    ended = datetime.fromtimestamp(int(evidence.ended_at), UTC)
    title = say("title.document", agent=view.agent)
    unsealed = say("result.unsealed")
    content: dict[str, Any] = {
        "title": " · ".join(getattr(title, lang) for lang in langs),
        "date": [ended.year, ended.month, ended.day, ended.hour, ended.minute, ended.second],
        "bundle": evidence.bundle_id or " ".join(getattr(unsealed, lang) for lang in langs),
        "bundle_label": " ".join(getattr(say("result.bundle"), lang) for lang in langs),
        "latin": LATIN,
        "chinese": chinese,
        "parts": [pdf_content(reading, lang) for lang in langs],
    }
    # ASCII alone: what reaches typst is JSON, whatever it says.
    return json.dumps(clean(content), ensure_ascii=True, allow_nan=False)


@functools.cache
def _families() -> frozenset[str]:
    """Return the font families of this machine, as typst finds them."""
    import typst

    return frozenset(typst.Fonts().families())
