"""``conformance report``: write the report of a bundle again, in the formats asked for."""

from __future__ import annotations

import sys
from pathlib import Path

import rich_click as click

from conformance.cli.options import existing_bundle, json_option, print_json
from conformance.errors import UsageError
from conformance.report.formats import LANGS, PLACES

_STDOUT = "-"
_BINARY = ("pdf",)


@click.command("report", short_help="Write the report of a bundle again.")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "formats",
    type=click.Choice(list(PLACES)),
    multiple=True,
    default=("html",),
    show_default=True,
    help="What to write; can be given several times.",
)
@click.option(
    "--lang",
    type=click.Choice(list(LANGS)),
    default="both",
    show_default=True,
    help="Of pdf, markdown and junit; html and json have both.",
)
@click.option(
    "--out", metavar="FILE|-", help="Where to write one format, or - to print it; else BUNDLE."
)
@json_option
def command(
    bundle: Path,
    formats: tuple[str, ...],
    lang: str,
    out: str | None,
    as_json: bool,  # noqa: FBT001
) -> int:
    """Write the report of BUNDLE again: report.html, report.pdf, report.md, junit.xml, report.json.

    A report is a rendering, never evidence: it lies in the bundle outside its manifest, and the
    same bundle gives the same bytes. pdf needs the extra agent-grading[pdf], and a font with
    Chinese unless --lang en is given.

    \b
    Examples:
      conformance report runs/2026-11-23-120000
      conformance report runs/2026-11-23-120000 --format pdf --format junit
      conformance report runs/2026-11-23-120000 --format markdown --lang en --out -
    """  # noqa: D301 - click's mark for lines to be kept
    from conformance.evidence.bundle import write_whole
    from conformance.report.formats import render

    wanted = tuple(dict.fromkeys(formats))
    existing_bundle(bundle)
    paths = _paths(bundle, wanted, out, as_json=as_json)
    # What lies beside report.md once this has run is what it can link to.
    is_beside = paths.get("markdown") == bundle / PLACES["markdown"]
    links = {
        name: place
        for name, place in PLACES.items()
        if name in ("html", "pdf") and (name in wanted or (bundle / place).is_file())
    }
    made = render(bundle, wanted, LANGS[lang], links if is_beside else None)
    if out == _STDOUT:
        sys.stdout.buffer.write(made[wanted[0]])
        sys.stdout.buffer.flush()
        return 0
    for name, path in paths.items():
        write_whole(path, made[name])
    if as_json:
        written = {name: str(path) for name, path in paths.items()}
        print_json({"report": next(iter(written.values())), "reports": written})
    else:
        sys.stdout.write("".join(f"{path}\n" for path in paths.values()))
    return 0


def _paths(
    bundle: Path, formats: tuple[str, ...], out: str | None, *, as_json: bool
) -> dict[str, Path]:
    """Return where each format goes; nothing where it is printed.

    Raises:
        UsageError: the options contradict each other, or a file of the evidence would be replaced.
    """
    if out is None:
        return {name: bundle / PLACES[name] for name in formats}
    if len(formats) > 1:
        raise UsageError(
            f"is one place for {len(formats)} formats",
            where="--out",
            mend="give one --format, or leave --out away",
        )
    if out == _STDOUT:
        _check_stdout(formats[0], as_json=as_json)
        return {}
    path = Path(out)
    if path.is_dir():
        raise UsageError("is a folder", where=f"--out {out}", mend="name a file")
    inside = _inside(bundle, path)
    if inside is not None and inside not in PLACES.values():
        raise UsageError(
            "lies in the bundle, where everything else is evidence",
            where=f"--out {out}",
            mend=f"name a file outside it, or {PLACES[formats[0]]}",
        )
    return {formats[0]: path}


def _check_stdout(name: str, *, as_json: bool) -> None:
    if as_json:
        raise UsageError(
            "prints the report where --json prints its document",
            where="--out -",
            mend="give one of the two",
        )
    if name in _BINARY and sys.stdout.isatty():
        raise UsageError(
            f"would print a {name} on a terminal", where="--out -", mend="name a file or a pipe"
        )


def _inside(bundle: Path, path: Path) -> str | None:
    """Return the path within the bundle; None where it lies outside."""
    try:
        return path.resolve().relative_to(bundle.resolve()).as_posix()
    except ValueError:
        return None
