"""The efficiency class: how many tool calls the agent needs for one of the oracle's.

The classes share one stream of costs. What is within one kappa is within every greater one, so
E⁺ falls and E⁻ rises from a class to the next better one: a class can pass only if all worse ones
do, at the same trial or before, and no correction for their number is due.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from conformance.decision.result import EfficiencyResult, EfficiencyVerdict
from conformance.decision.rules import Judgement, decide, judge

if TYPE_CHECKING:
    from conformance.decision.spec import EfficiencyClass, Rule

UNSOLVED = math.inf
"""The cost ratio of a task that was not solved."""


class CostStream:
    """The costs observed so far, and what they decided of each class."""

    def __init__(
        self, classes: tuple[EfficiencyClass, ...], rule: Rule, population: tuple[str, ...]
    ) -> None:
        self._classes = classes
        self._rule = rule
        self._population = population
        self._costs: list[float] = []
        self._decided: dict[str, Judgement] = {}

    @property
    def n(self) -> int:
        """The number of costs observed."""
        return len(self._costs)

    @property
    def is_decided(self) -> bool:
        """Say whether every class is decided."""
        return len(self._decided) == len(self._classes)

    def observe(self, cost: float) -> None:
        """Take the next ratio of tool calls to the oracle's, or ``UNSOLVED``."""
        self._costs.append(cost)
        for item in self._classes:
            ys = self._ys(item)
            if item.id not in self._decided and decide(self._rule, ys) is not None:
                self._decided[item.id] = judge(self._rule, ys)

    def result(self, reason: str | None) -> EfficiencyResult:
        """Return the best class that passed, marked where a better one is undecided.

        Args:
            reason: Why the stream ended early, or None.
        """
        verdicts = []
        for item in self._classes:
            judgement = self._decided.get(item.id) or judge(self._rule, self._ys(item))
            verdicts.append(
                EfficiencyVerdict(item.id, judgement.verdict or "inconclusive", judgement)
            )
        held = next((item.id for item in verdicts if item.verdict == "pass"), None)
        return EfficiencyResult(
            held=held,
            is_marked=held is not None and any(i.verdict == "inconclusive" for i in verdicts),
            reason=reason,
            population=self._population,
            classes=tuple(verdicts),
        )

    def _ys(self, item: EfficiencyClass) -> list[float]:
        if item.kappa is None:
            return [float(cost != UNSOLVED) for cost in self._costs]
        return [float(cost <= item.kappa) for cost in self._costs]
