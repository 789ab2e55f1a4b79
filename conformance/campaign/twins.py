"""Language twins: the same instance in the other language, tried beside, never fed to a clause.

On the first 30 instances of a level the twin is run when the ladder is done: equivalent tasks, so
what differs is the language. The gap is paired; McNemar's test is exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from conformance.authoring import LANGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.campaign.observe import Draws, Observed
    from conformance.decision.spec import Course
    from conformance.decision.streams import Draw

PAIRS = 30
"""Twins a level."""


class Pair(NamedTuple):
    """An instance that a level observed, and its twin."""

    step: str
    first: Draw
    twin: Draw

    @property
    def zh_and_en(self) -> tuple[Draw, Draw]:
        """The two in the order of their languages."""
        pair = (self.first, self.twin)
        return pair if self.first.lang == LANGS[0] else pair[::-1]


def twin_of(drawn: Draw) -> Draw:
    """Return the draw that differs in its language alone."""
    other = next(lang for lang in LANGS if lang != drawn.lang)
    return msgspec.structs.replace(drawn, lang=other)


def pairs(course: Course, draws: Draws, used: Iterable[Observed]) -> list[Pair]:
    """Return the pairs of each level, in the order in which its instances were observed."""
    levels = {c.id: step.id for step in course.levels for c in step.clauses if not c.rider}
    found: dict[str, dict[str, Pair]] = {step.id: {} for step in course.levels}
    for item in used:
        step = levels.get(item.clause)
        if step is None or len(found[step]) == PAIRS:
            continue
        drawn = draws.of(item.clause, item.index, ())
        found[step].setdefault(drawn.key, Pair(step, drawn, twin_of(drawn)))
    return [pair for of_step in found.values() for pair in of_step.values()]


class Gap(msgspec.Struct, frozen=True):
    """How the two languages compare on the twins of a level."""

    step: str
    pairs: int
    zh_solved: int
    en_solved: int
    zh_only: int
    """Pairs solved in Chinese alone."""
    en_only: int
    gap: float
    """Share solved in Chinese less share solved in English."""
    lower: float
    upper: float
    """Ends of the 95 % interval, exact, given the number of pairs that differ (Clopper and
    Pearson on the share of them that Chinese solved)."""
    p_value: float
    """McNemar's exact test of no difference, two-sided."""


def gap(step: str, outcomes: Sequence[tuple[bool, bool]]) -> Gap:
    """Return the gap of a level from (solved in zh, solved in en) of each of its pairs."""
    n = len(outcomes)
    zh_only = sum(zh and not en for zh, en in outcomes)
    en_only = sum(en and not zh for zh, en in outcomes)
    differing = zh_only + en_only
    lower = upper = 0.0
    p_value = 1.0
    if differing:
        from scipy.stats import binomtest

        test = binomtest(zh_only, differing, 0.5)
        ends = test.proportion_ci(0.95, method="exact")
        lower, upper = ((2 * end - 1) * differing / n for end in (ends.low, ends.high))
        p_value = float(test.pvalue)
    return Gap(
        step=step,
        pairs=n,
        zh_solved=sum(zh for zh, _ in outcomes),
        en_solved=sum(en for _, en in outcomes),
        zh_only=zh_only,
        en_only=en_only,
        gap=(zh_only - en_only) / n,
        lower=lower,
        upper=upper,
        p_value=p_value,
    )
