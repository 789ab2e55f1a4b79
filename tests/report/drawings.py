"""The curves of made-up profiles, each drawn once in a run of tests: it is what takes time."""

import functools

from conformance.report.profile_charts import draw_curves


@functools.cache
def curves_of(make):
    """Draw the curves of the profile that a function of ``tests.profile.documents`` makes."""
    return draw_curves(make())
