"""The tool calls over the oracle's."""

from conformance.authoring import Played

from . import solved


def cost_ratio(played: Played) -> float | None:
    if solved.grade(played).value < 1:
        return None
    return len(played.calls) / len(played.instance.solve().calls)
