"""Growth of resident memory per trial over a long campaign of a calibrator."""

from __future__ import annotations

import asyncio
import statistics
from pathlib import Path

from _work import load, scratch

from conformance import sandbox
from conformance.agents.builtin import BuiltinAgent
from conformance.agents.places import places
from conformance.campaign.progress import Silent
from conformance.campaign.run import Settings, run_campaign
from conformance.decision.spec import Claim

BAR_KB = 5.0


class Weigh(Silent):
    """Notes the resident memory after each trial."""

    def __init__(self) -> None:
        self.kilobytes: list[int] = []

    def trial(self, draw: object, record: object) -> None:  # noqa: ARG002
        status = Path("/proc/self/statm").read_text().split()
        self.kilobytes.append(int(status[1]) * 4)


def main() -> None:
    sandbox.install()  # one family runs the agent's code
    edition = load()
    agent = BuiltinAgent("oracle", places(edition))
    weigh = Weigh()
    with scratch() as folder:
        settings = Settings(claim=Claim(level="L2", trust="T1"), plan="fixed", seed="memory")
        asyncio.run(run_campaign(edition, agent, settings, Path(folder) / "bundle", progress=weigh))
    # By the second half every family and the solver behind one of them are loaded.
    steady = weigh.kilobytes[len(weigh.kilobytes) // 2 :]
    growth = statistics.linear_regression(range(len(steady)), steady).slope
    print(f"{len(weigh.kilobytes)} trials, {weigh.kilobytes[-1] / 1024:.0f} MB at the end")
    print(f"growth over the last {len(steady)} trials: {growth:.2f} kB a trial (bar {BAR_KB})")


if __name__ == "__main__":
    main()
