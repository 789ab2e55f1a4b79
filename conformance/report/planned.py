"""A campaign before it is run: what each clause would need and what it would cost, in lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.report.numbers import seconds
from conformance.report.sentences import reason_words
from conformance.report.texts import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from conformance.campaign.estimate import ClauseCost, Estimate

_CASES = ("p0", "p1", "worst")


def plan_lines(found: Estimate, lang: str) -> Iterator[str]:
    """Yield the trials of each clause, then what all of it costs, case by case."""
    heads = ("", "", *(say(f"estimate.case_{case}").in_lang(lang) for case in _CASES))
    yield from aligned([heads, *(_row(item, lang) for item in found.clauses)], numbers=len(_CASES))
    for cost in found.costs:
        words = say(
            "estimate.cost",
            case=say(f"estimate.case_{cost.case}"),
            trials=cost.trials,
            calls=cost.calls,
            tokens=round(cost.tokens / 1000),
            time=seconds(cost.seconds),
            seconds=f"{found.seconds_a_call:g}",
            concurrency=found.concurrency,
        )
        yield words.in_lang(lang)


def aligned(rows: Sequence[tuple[str, ...]], *, numbers: int = 0) -> Iterator[str]:
    """Yield rows as lines whose columns stand below each other in a terminal.

    Args:
        rows: The cells of each.
        numbers: How many of the last columns are set to the right.
    """
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        gaps = [" " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
        left = len(row) - numbers
        cells = [cell + gap for cell, gap in zip(row[:left], gaps[:left], strict=True)]
        cells += [gap + cell for cell, gap in zip(row[left:], gaps[left:], strict=True)]
        yield "  ".join(cells).rstrip()


def _row(item: ClauseCost, lang: str) -> tuple[str, ...]:
    words = say("estimate.runs") if item.state == "runs" else reason_words(item.state)
    state = "" if words is None else words.in_lang(lang)
    numbers = (item.p0, item.p1, item.worst)
    return item.clause, state, *("–" if n is None else f"{n:.0f}" for n in numbers)
