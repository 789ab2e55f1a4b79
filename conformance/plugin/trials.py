"""What a vendor's own tests are given: the agent, one trial of it, the doors of a task."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.agents.external import ExternalAgent, Said
from conformance.agents.factory import gateway_of
from conformance.agents.turns import first_turn
from conformance.authoring import Family, Instance, Score
from conformance.edition.instances import build_instance
from conformance.errors import AgentUnavailableError, EditionError, UsageError
from conformance.trial.outcome import TABLE
from conformance.trial.redaction import redactor
from conformance.trial.run import new_trial_id, run_trial, transcript_path
from conformance.trial.sealed import read_played

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from conformance.agents.contract import Agent, EvidenceClass, TaskView
    from conformance.authoring import Answer, Call, Finding, Lang, Played
    from conformance.gateway import Addresses, Gateway, Handle
    from conformance.plugin.loop import Loop
    from conformance.plugin.plan import Plan
    from conformance.trial.run import TrialRecord

    Grade = str | Callable[[Played[Any]], Score | float | bool]


class HarnessFaultError(AgentUnavailableError):
    """A trial that does not count: the suite or the endpoint failed, not the agent."""


class Tried(NamedTuple):
    """One trial, graded."""

    solved: bool
    """The grader gave 1."""
    score: float
    """What the grader gave, in [0, 1]."""
    findings: tuple[Finding, ...]
    """The requirements it found broken."""
    outcome: str
    """``completed``, ``timeout``, ``limit_exceeded``, ``agent_crash``, ``no_contact``, …"""
    answer: Answer | None
    calls: tuple[Call, ...]
    """The tool calls, in order."""
    tokens: int
    """Metered at the model door, in and out; 0 where the suite knows no model."""
    seconds: float
    transcript: Path


class UnderTest(NamedTuple):
    """The agent under test, opened."""

    spec: str
    agent: Agent

    @property
    def evidence_class(self) -> EvidenceClass:
        """What the evidence of its trials is worth."""
        return self.agent.evidence_class

    def describe(self) -> dict[str, Any]:
        """Return who it is."""
        return self.agent.describe()


class OpenDoors:
    """The two doors of one instance, and what came of it once they are shut."""

    def __init__(self, instruction: str, lang: str, at: Addresses) -> None:
        self.instruction = instruction
        self.lang = lang
        self.mcp_url = at.mcp_url
        self.mcp_headers = at.mcp_headers
        self.openai_base_url = at.openai_base_url
        self.anthropic_base_url = at.anthropic_base_url
        self.api_key = at.api_key
        self.model = at.model
        """Empty where no model is behind the door."""
        self._result: Tried | None = None

    @property
    def result(self) -> Tried:
        """What came of it.

        Raises:
            RuntimeError: the doors are open still.
        """
        if self._result is None:
            raise RuntimeError("there is no result before the end of the with block")
        return self._result

    def shut(self, result: Tried) -> None:
        """Keep what came of it."""
        self._result = result


class Trials:
    """Runs single trials beside the campaign; none of them is part of the grade.

    Args:
        plan: What the run grades.
        loop: Where trials run.
        agent: Returns the agent under test, opened.
    """

    def __init__(self, plan: Plan, loop: Loop, agent: Callable[[], Awaitable[Agent]]) -> None:
        self._plan = plan
        self._loop = loop
        self._agent = agent

    def under_test(self) -> UnderTest:
        """Return the agent under test."""
        return UnderTest(self._plan.ready.spec, self._loop.run(_awaited(self._agent())))

    def run(
        self,
        task: str | Family[Any] | Instance[Any],
        *,
        seed: str | None = None,
        lang: Lang | None = None,
        knobs: dict[str, Any] | None = None,
        wording: int | None = None,
        grader: Grade = "solved",
    ) -> Tried:
        """Run the agent under test once, and grade it; see the fixture ``trial``.

        Raises:
            HarnessFaultError: the suite or the endpoint failed.
            UsageError: there is no such family.
            EditionError: there is no such knob or grader.
        """
        instance = self._instance(task, seed, lang, knobs, wording)
        agent = self.under_test().agent
        record = self._loop.run(self._tried(instance, agent))
        return self._graded(instance, record, grader)

    @contextlib.contextmanager
    def open_doors(
        self,
        task: str | Family[Any] | Instance[Any],
        *,
        seed: str | None = None,
        lang: Lang | None = None,
        knobs: dict[str, Any] | None = None,
        wording: int | None = None,
        grader: Grade = "solved",
    ) -> Iterator[OpenDoors]:
        """Open both doors of a task, shut them and grade it; see the fixture ``gateway``.

        Raises:
            HarnessFaultError: the suite or the endpoint failed.
            UsageError: the task is for several seats.
        """
        instance = self._instance(task, seed, lang, knobs, wording)
        if len(instance.seats) > 1:
            raise UsageError(
                "has several seats, and a test drives one",
                where=f"gateway({instance.family.id!r})",
                mend="use the fixture trial, or conformance serve task",
            )
        held = HeldTransport()
        work = self._loop.start(self._held(instance, held))
        either: list[Future[Any]] = [held.shown, work]
        wait(either, return_when=FIRST_COMPLETED)
        if not held.shown.done():
            work.result()  # raises what kept the doors shut
        doors = OpenDoors(held.shown.result().text, instance.lang, held.shown.result().at)
        try:
            yield doors
        finally:
            self._loop.call(held.end.set)
            record = work.result()
        doors.shut(self._graded(instance, record, grader))

    def _instance(
        self,
        task: str | Family[Any] | Instance[Any],
        seed: str | None,
        lang: Lang | None,
        knobs: dict[str, Any] | None,
        wording: int | None,
    ) -> Instance[Any]:
        if isinstance(task, Instance):
            if (seed, lang, knobs, wording) != (None, None, None, None):
                raise UsageError(
                    "has its seed, language, knobs and wording already",
                    where="an Instance",
                    mend="give the Family, or leave them out",
                )
            return task
        edition = self._plan.edition
        which = (seed or "1", lang or "en", wording or 0)
        if isinstance(task, Family):
            return build_instance(edition, task, knobs or {}, *which)
        try:
            edition.family(task)
        except EditionError:
            known = edition.family_ids()
            if task in known:
                raise
            mend = f"families: {', '.join(known)}"
            raise UsageError(f"there is no family {task!r}", where="trial", mend=mend) from None
        return edition.instance(task, knobs or {}, seed=which[0], lang=which[1], wording=which[2])

    async def _held(self, instance: Instance[Any], held: HeldTransport) -> TrialRecord:
        agent = ExternalAgent(held, gateway_of(self._model_reach()))
        await agent.open()
        try:
            return await self._tried(instance, agent)
        finally:
            await agent.close()

    def _model_reach(self) -> Any:
        """Return the reach of the model door: of ``chat:MODEL`` the model is what is graded."""
        import msgspec

        kind, _, value = self._plan.ready.spec.partition(":")
        reach = self._plan.ready.reach
        if kind != "chat":
            return reach
        return msgspec.structs.replace(reach, model=value if reach.base_url else None)

    async def _tried(self, instance: Instance[Any], agent: Agent) -> TrialRecord:
        run = self._plan.own_folder
        for folder in ("transcripts", "states"):
            (run / folder).mkdir(parents=True, exist_ok=True)
        settings = self._plan.ready.settings
        return await run_trial(
            instance,
            agent,
            trial=new_trial_id(),
            run=run,
            limits=settings.limits,
            redact=redactor(settings.secrets),
        )

    def _graded(self, instance: Instance[Any], record: TrialRecord, grader: Grade) -> Tried:
        run = self._plan.own_folder
        transcript = transcript_path(run, record.trial)
        treatment = TABLE[record.cause]
        if not treatment.counts:
            raise HarnessFaultError(
                f"{treatment.why} ({record.detail or record.cause})", where=str(transcript)
            )
        played = read_played(instance, run, record.trial, record.transcript_head)
        grade = self._plan.edition.grader(grader) if isinstance(grader, str) else grader
        given = grade(played)
        score = given if isinstance(given, Score) else Score(float(given))
        return Tried(
            solved=score.value == 1,
            score=score.value,
            findings=score.findings,
            outcome=record.outcome,
            answer=played.answer,
            calls=played.calls,
            tokens=record.input_tokens + record.output_tokens,
            seconds=record.wall_s,
            transcript=transcript,
        )


class _Shown(NamedTuple):
    text: str
    at: Addresses


class HeldTransport:
    """Implements ``agents.external.Transport``: shows the doors, waits for the test to be done."""

    evidence_class: EvidenceClass = "observed"

    def __init__(self) -> None:
        self.shown: Future[_Shown] = Future()
        self.end = asyncio.Event()
        self._gateway: Gateway | None = None

    async def open(self, gateway: Gateway) -> None:
        """Nothing to start."""
        self._gateway = gateway

    async def start(self, task: TaskView, handle: Handle) -> _Held:
        """Show the doors."""
        assert self._gateway is not None, "open() comes first"  # noqa: S101
        self.shown.set_result(_Shown(first_turn(task), self._gateway.addresses(handle)))
        return _Held(self.end)

    async def canary(self) -> bool:
        """There is nothing to be down."""
        return True

    async def close(self) -> None:
        """Nothing to end."""

    def describe(self) -> dict[str, Any]:
        """Return the kind."""
        return {"kind": "held"}


class _Held:
    def __init__(self, end: asyncio.Event) -> None:
        self._end = end

    async def send(self, text: str) -> Said:
        del text
        await self._end.wait()
        return Said("final")

    async def cancel(self) -> None:
        """The test sees the doors shut."""

    async def close(self, *, at_once: bool) -> None:
        """Nothing of ours runs there."""


async def _awaited(work: Awaitable[Agent]) -> Agent:
    return await work
