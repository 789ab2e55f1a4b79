"""Offline re-grade: trials a second on one core, for each family.

A trial is generated again from its seed, read back from its transcript, and graded; nothing is
kept from one trial to the next.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from _work import cpu_s, load, run_trials, scratch

from conformance import sandbox
from conformance.agents.builtin import BuiltinAgent
from conformance.agents.places import places
from conformance.edition.gate import knob_sets
from conformance.trial.sealed import read_played

TRIALS = 60
RECOMPUTED = 50
BARS = dict.fromkeys(
    ("placement", "cooling", "stockroom", "hidden_rule", "constellation", "negotiation"), RECOMPUTED
)
"""Families whose generation or grading recomputes an optimum or searches a version space."""
USUAL_BAR = 200


def main() -> None:
    sandbox.install()  # one family runs the agent's code again
    first = load()
    agent = BuiltinAgent("oracle", places(first))
    families = sys.argv[1:] or first.family_ids()
    for family in families:
        sets = knob_sets(first, family)
        wanted = [(sets[n % len(sets)], f"regrade-{n}") for n in range(TRIALS)]
        with scratch() as folder:
            run = Path(folder)
            instances = [first.instance(family, k, seed=s, lang="en") for k, s in wanted]
            records = asyncio.run(run_trials(agent, instances, run, 1))
            fresh = load()  # no instance in its memory
            solved = fresh.grader("solved")
            _forget(family)
            before = cpu_s()
            for (knobs, seed), record in zip(wanted, records, strict=True):
                instance = fresh.instance(family, knobs, seed=seed, lang="en")
                played = read_played(instance, run, record.trial, record.transcript_head)
                assert solved(played).value == 1
            rate = TRIALS / (cpu_s() - before)
        print(f"{family}: {rate:.0f} trials a second (bar {BARS.get(family, USUAL_BAR)})")


def _forget(family: str) -> None:
    """Empty the caches that content keeps for a process, such as an optimum's."""
    for name, module in list(sys.modules.items()):
        if f".tasks.{family}" in name:
            for value in vars(module).values():
                if hasattr(value, "cache_clear"):
                    value.cache_clear()


if __name__ == "__main__":
    main()
