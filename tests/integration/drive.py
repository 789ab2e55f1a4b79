"""One recipe's agent on one instance, through the gateway, with a scripted model behind it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from conformance.agents.contract import Limits
from conformance.agents.factory import Reach, make_agent
from conformance.agents.places import places
from conformance.campaign.run import Settings
from conformance.campaign.single import run_single
from conformance.decision.streams import Draw
from conformance.edition.gate import knob_sets
from conformance.errors import ConformanceError
from conformance.evidence.seal import seal
from conformance.mock import Fail, MockModel, script_of
from conformance.trial.events import AnswerGiven, Note
from conformance.trial.run import transcript_path
from conformance.trial.sealed import read_events

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from conformance.edition import Edition
    from conformance.mock import MockCall
    from tests.integration.environments import Environment
    from tests.integration.recipes import Page

WALL_S = 120.0
"""A whole trial; the slowest agent needs a fifth of it on two busy cores."""
SERVER_S = 60.0
"""How long a server may take until it listens."""
HOST = "127.0.0.1"


class Case(NamedTuple):
    """What an agent is tried on."""

    family: str
    lang: str


CASES = (Case("telemetry", "en"), Case("records", "zh"))


class Seen(msgspec.Struct, frozen=True):
    """What came of one trial."""

    outcome: str
    detail: str | None
    is_solved: bool
    findings: list[str]
    answers: list[str]
    """The channels by which an answer was taken."""
    metered: tuple[int, int]
    """Tokens in and out, as the gateway has them."""
    counted: tuple[int, int]
    """The same, as the scripted model has them."""
    retries: int
    """Failed model calls that a later one mended, as the gateway has them."""
    refused: int
    """429s that the scripted model gave."""
    lost: int
    """Calls in which the script could not go on: its next tool was not offered."""
    side_calls: int
    dialects: list[str]
    model_calls: int
    tool_calls: int
    wall_s: float
    evidence: str
    said: str
    """The end of what the agent printed."""


def complaints(seen: Seen, dialects: list[str]) -> list[str]:
    """Return what of a trial is not as it must be; nothing where all is."""
    found = []
    if seen.outcome != "completed":
        found.append(f"ended with {seen.outcome}: {seen.detail}")
    if not seen.is_solved:
        found.append(f"not solved: {'; '.join(seen.findings) or 'the graders say so'}")
    if len(seen.answers) != 1:
        found.append(f"{len(seen.answers)} answers taken")
    if seen.metered != seen.counted or not all(seen.counted):
        found.append(f"metered tokens {seen.metered}, the model counted {seen.counted}")
    if (seen.refused, seen.retries) != (1, 1):
        found.append(f"{seen.refused} refused with 429, {seen.retries} recovered")
    if seen.lost:
        found.append(f"{seen.lost} times a tool was not offered to the model")
    if strange := set(seen.dialects) - set(dialects):
        found.append(f"spoke {', '.join(sorted(strange))}")
    return found


async def drive(
    page: Page, environment: Environment, edition: Edition, case: Case, folder: Path
) -> Seen:
    """Run one trial in ``folder``, which does not exist yet, and say what came of it.

    Raises:
        ConformanceError: the agent cannot be reached, or the trial does not count.
    """
    knobs = knob_sets(edition, case.family)[0]
    instance = edition.instance(case.family, knobs, seed="1", lang=case.lang, wording=0)
    drawn = Draw(case.family, edition.family(case.family).version, knobs, 0, case.lang, "1")
    out = folder / "bundle"
    async with contextlib.AsyncExitStack() as stack:
        mock = await stack.enter_async_context(MockModel(script_of(instance), fail=Fail(429)))
        port = _free_port()
        file = page.write(folder / "agent", port)
        if page.recipe.server is not None:
            await stack.enter_async_context(_served(page, environment, folder / "agent", port))
        stack.enter_context(_found_first(environment.programs))
        is_python = page.agent["reach"]["kind"] == "python"
        reach = Reach(
            base_url=mock.base_url,
            model=mock.model,
            python=str(environment.python) if is_python else None,
        )
        agent = make_agent(str(file), reach, places(edition))
        await agent.open()
        try:
            settings = Settings(plan="certify", langs=(case.lang,), limits=Limits(wall_s=WALL_S))
            record = await run_single(edition, agent, drawn, settings, out)
        finally:
            await agent.close()
        described, evidence = agent.describe(), agent.evidence_class
    single = seal(out, edition, described, evidence).single
    assert single is not None, "a trial of its own is always graded"
    path = transcript_path(out / "run", record.trial)
    told = read_events(path, record.transcript_head).events
    return Seen(
        outcome=record.outcome,
        detail=record.detail,
        is_solved=single.solved,
        findings=[f"{finding.requirement}: {finding.message}" for finding in single.findings],
        answers=[e.channel for e in told if isinstance(e, AnswerGiven) and e.refused is None],
        metered=(record.input_tokens, record.output_tokens),
        retries=record.retries,
        model_calls=record.model_calls,
        tool_calls=record.tool_calls,
        wall_s=record.wall_s,
        evidence=evidence,
        said="".join(
            e.details["text"] for e in told if isinstance(e, Note) and e.kind == "agent_output"
        ),
        **_counts(mock.calls),
    )


def _counts(calls: list[MockCall]) -> dict[str, Any]:
    """Return what the scripted model has to say."""
    return {
        "counted": (sum(c.input_tokens for c in calls), sum(c.output_tokens for c in calls)),
        "refused": sum(c.status == 429 for c in calls),
        "lost": sum(c.kind == "lost" for c in calls),
        "side_calls": sum(c.kind == "side" for c in calls),
        "dialects": sorted({c.dialect for c in calls}),
    }


@contextlib.contextmanager
def _found_first(programs: Path) -> Iterator[None]:
    """Put a recipe's programs before all others, as a user who installed them would have it."""
    before = os.environ["PATH"]
    os.environ["PATH"] = f"{programs}{os.pathsep}{before}"
    try:
        yield
    finally:
        os.environ["PATH"] = before


@contextlib.asynccontextmanager
async def _served(
    page: Page, environment: Environment, folder: Path, port: int
) -> AsyncIterator[None]:
    """Run a recipe's server until the block ends.

    Raises:
        ConformanceError: it does not listen in time.
    """
    server = page.recipe.server
    assert server is not None
    program, *words = server.start
    with (folder / "server.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            environment.programs / program,
            *words,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "PORT": str(port)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        if not await _listens(process, port):
            said = await asyncio.to_thread((folder / "server.log").read_text)
            raise ConformanceError(f"the server does not listen: {said[-500:]}", where=program)
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _listens(process: asyncio.subprocess.Process, port: int) -> bool:
    """Wait until a server can be connected to; False where it ended, or took too long."""
    until = time.monotonic() + SERVER_S
    while time.monotonic() < until and process.returncode is None:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(HOST, port)
            writer.close()
            return True
        await asyncio.sleep(0.1)
    return False


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        port: int = taken.getsockname()[1]
        return port
