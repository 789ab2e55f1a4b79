"""What a long run says on stderr: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Self

from conformance.cli.options import console, is_quiet
from conformance.report.texts import say

if TYPE_CHECKING:
    from conformance.authoring import Lang

PLAIN_EVERY_S = 10.0


class StatusLine:
    """The line, for as long as the ``with``."""

    def __init__(self, lang: Lang) -> None:
        self.lang = lang
        self._said = time.monotonic()
        self._status: Any = None

    def __enter__(self) -> Self:
        """Begin."""
        if not is_quiet(stderr=True):
            self._status = console(stderr=True).status(self.words("starting"), spinner="dots")
            self._status.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        """End."""
        if self._status is not None:
            self._status.__exit__(*details)

    def words(self, key: str, **values: Any) -> str:
        """Return one of the texts of progress."""
        return say(f"progress.{key}", **values).in_lang(self.lang)

    def tell(self, key: str, **values: Any) -> None:
        """Say one of the texts of progress now."""
        self.line(self.words(key, **values))

    def brief(self, text: str) -> None:
        """Say how it is just now: on a terminal at once, else now and then."""
        if self._status is not None:
            from rich.text import Text

            # One line, however narrow the terminal is.
            self._status.update(Text(text, no_wrap=True, overflow="ellipsis"))
        elif time.monotonic() - self._said >= PLAIN_EVERY_S:
            self.line(text)

    def line(self, text: str) -> None:
        """Say one thing now, in a line that stays."""
        self._said = time.monotonic()
        if self._status is not None:
            self._status.console.print(text, markup=False)
        else:
            sys.stderr.write(text + "\n")
            sys.stderr.flush()
