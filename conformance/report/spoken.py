"""The language to speak to whoever sits at this terminal."""

from __future__ import annotations

import locale
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.authoring import Lang


def spoken(locale_name: str | None = None) -> Lang:
    """Return the language to print in: the one named, else the locale's, else English."""
    if locale_name is not None:
        return "zh" if locale_name == "zh" else "en"
    names = [os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    name = next((name for name in names if name), None) or (locale.getlocale()[0] or "")
    return "zh" if name.lower().startswith(("zh", "chinese")) else "en"
