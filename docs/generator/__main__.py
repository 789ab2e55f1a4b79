"""``python -m docs.generator``: write every generated page, in both languages."""

from __future__ import annotations

import sys

from docs.generator.pages import DOCS, every_page


def main() -> None:
    """Write the pages; print the path of each that changed."""
    for name, text in every_page().items():
        path = DOCS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
