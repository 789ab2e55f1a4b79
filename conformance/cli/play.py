"""A person solves an instance in the terminal, through the same doors as an agent."""

from __future__ import annotations

import asyncio
import getpass
import sys
from typing import TYPE_CHECKING

from conformance.cli.alone import tell_outcome, tried_alone

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.decision.streams import Draw
    from conformance.edition import Edition


def play_instance(edition: Edition, drawn: Draw, out: Path, *, as_json: bool) -> int:
    """Let a person play a draw; write the bundle; return 0 where it was solved, 1 where not."""
    from conformance.agents.contract import Limits
    from conformance.agents.human import PATIENCE_S, HumanAgent, at_terminal

    agent = HumanAgent(_person(), *at_terminal(sys.stderr if as_json else sys.stdout))
    limits = Limits(wall_s=PATIENCE_S, tool_calls=1000)
    single = asyncio.run(tried_alone(edition, agent, drawn, limits, out))
    return tell_outcome(single, drawn.family, out, as_json=as_json)


def _person() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"
