"""``conformance certify`` with a fake agent: ``--agent builtin:NAME`` is one of ``tests.fakes``.

Where ``HOLD`` is set, the agent begins no trial once the file it names has that many lines: the
campaign is sure to be still at work when it is stopped from outside.
"""

import asyncio
import os
from pathlib import Path

from conformance.agents import factory
from conformance.cli import main
from tests.fakes.agents import make


def is_held():
    lines, _, path = os.environ.get("HOLD", "").partition(" ")
    return bool(lines) and Path(path).read_bytes().count(b"\n") >= int(lines)


def agent_of(name):
    agent = make(name)
    policy = agent.policy

    async def holds(self, task, doors, private):
        if is_held():
            await asyncio.Event().wait()
        await policy(self, task, doors, private)

    agent.policy = holds
    return agent


if __name__ == "__main__":
    factory.make_agent = lambda spec, reach, places: agent_of(spec.partition(":")[2])
    main()
