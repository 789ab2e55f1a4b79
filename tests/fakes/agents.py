"""Tiny agents, each named by the one thing it does: the vocabulary of the engine's tests.

``make("hangs")`` returns an agent; ``FakeAgent`` runs any policy. None of them looks at the
instance but those whose names say so: ``solve`` is the oracle's part.
"""

from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from conformance.agents.contract import (
    Doors,
    ModelCall,
    ModelFaultError,
    TaskView,
    TrialEndedError,
)
from conformance.authoring import SUBMIT_TOOL, Instance, ToolSpec
from conformance.edition import Edition, load

MINIATURE = Path(__file__).parents[1] / "miniatures" / "edition"
Policy = Callable[["FakeAgent", TaskView, Doors, Instance], Awaitable[None]]


@functools.cache
def miniature() -> Edition:
    """Return the smallest edition that has a whole ladder."""
    return load(MINIATURE)


class FakeAgent:
    """An agent that is one function. ``kept`` is where a policy keeps what it should not."""

    def __init__(
        self,
        policy: Policy,
        *,
        name: str = "",
        evidence_class: str = "observed",
        is_up: bool = True,
        unit: str = "fake",
    ) -> None:
        self.policy = policy
        self.name = name or policy.__name__
        self.evidence_class: Any = evidence_class
        self.is_up = is_up
        self.unit = unit
        self.trials: list[str] = []
        self.kept: list[Any] = []
        self.canaries = 0

    async def open(self) -> None:
        """Nothing to get ready."""

    async def run(self, task: TaskView, doors: Doors, private: Instance) -> None:
        self.trials.append(task.trial_id)
        await self.policy(self, task, doors, private)

    async def canary(self) -> bool:
        self.canaries += 1
        return self.is_up

    async def close(self) -> None:
        """Nothing to let go of."""

    def describe(self) -> dict[str, Any]:
        model = {} if self.unit == "builtin" else {"model": "fake"}
        return {"kind": self.unit, "name": self.name, **model}


def make(name: str, **more: Any) -> FakeAgent:
    """Return a new agent of that name."""
    if name == "endpoint_down":
        return FakeAgent(endpoint_fails, name=name, is_up=False)
    return FakeAgent(POLICIES[name], name=name, **more)


def model_call(content: str = "…", tokens: int = 10, **more: Any) -> ModelCall:
    """Return a metered model call."""
    return ModelCall(
        requested_model="fake",
        served_model=None,
        sent=[{"role": "user", "content": "?"}],
        received={"role": "assistant", "content": content},
        finish_reason="stop",
        input_tokens=tokens,
        output_tokens=0,
        usage_source="reported",
        latency_s=0.0,
        **more,
    )


async def solve(doors: Doors, private: Instance) -> None:
    """Make the oracle's calls and hand in its answer."""
    trace = private.solve().trace
    for step in trace.steps:
        await doors.call_tool(step.name, dict(step.arguments))
    await submit(doors, trace.answer.values)


async def submit(doors: Doors, values: dict[str, Any], status: str = "done") -> Any:
    return await doors.call_tool(SUBMIT_TOOL, {"status": status, "values": values})


async def answers_right(self, task, doors, private):
    await solve(doors, private)


async def thinks_and_answers_right(self, task, doors, private):
    """One model call a trial, then the oracle's part."""
    doors.before_model_call()
    await asyncio.sleep(0)
    doors.after_model_call(model_call())
    await solve(doors, private)


async def answers_after_a_random_while(self, task, doors, private):
    """Right three times in four; each trial takes as long as its id has it."""
    luck = random.Random(private.seed + private.lang)
    await asyncio.sleep(random.Random(task.trial_id).random() / 100)
    if luck.random() < 0.75:
        await solve(doors, private)
    else:
        await submit(doors, {"receipt": "made up"})


async def answers_slowly(self, task, doors, private):
    """Right, with two model calls of some milliseconds."""
    for _ in range(2):
        doors.before_model_call()
        await asyncio.sleep(0.01)
        doors.after_model_call(model_call())
    await solve(doors, private)


async def answers_wrong(self, task, doors, private):
    await submit(doors, {"receipt": "made up"})


async def silent(self, task, doors, private):
    return


async def hangs(self, task, doors, private):
    await asyncio.Event().wait()


async def hangs_after_the_answer(self, task, doors, private):
    await solve(doors, private)
    await asyncio.Event().wait()


async def will_not_be_stopped(self, task, doors, private):
    """Take the first cancellation for nothing, and go on with the work."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await solve(doors, private)


async def crashes(self, task, doors, private):
    await doors.call_tool("look", {"lamp": "hall/amber"})
    raise RuntimeError("it broke")


async def exits_the_interpreter(self, task, doors, private):
    raise SystemExit(0)


async def raises_a_cancellation(self, task, doors, private):
    raise asyncio.CancelledError


async def says_the_trial_ended(self, task, doors, private):
    raise TrialEndedError


async def calls_after_the_end(self, task, doors, private):
    await solve(doors, private)
    await doors.call_tool("all_off", {})


async def submits_twice(self, task, doors, private):
    self.kept.append(await submit(doors, {"receipt": "first"}))
    self.kept.append(await submit(doors, {"receipt": "second"}))


async def submits_no_answer(self, task, doors, private):
    self.kept.append(await doors.call_tool(SUBMIT_TOOL, {"status": "maybe"}))


async def floods_tool_calls(self, task, doors, private):
    while True:
        await doors.call_tool("look", {"lamp": "hall/amber"})


async def floods_tool_calls_and_ignores_the_end(self, task, doors, private):
    for _ in range(1000):
        try:
            await doors.call_tool("note", {"text": "more"})
        except TrialEndedError:
            continue


async def floods_answers(self, task, doors, private):
    while True:
        await doors.call_tool(SUBMIT_TOOL, {"status": "maybe"})


async def floods_model_calls(self, task, doors, private):
    while True:
        doors.before_model_call()
        doors.after_model_call(model_call(tokens=1))


async def speaks_endlessly(self, task, doors, private):
    while True:
        doors.before_model_call()
        doors.after_model_call(model_call(tokens=300))


async def unknown_tool(self, task, doors, private):
    self.kept.append(await doors.call_tool("format_disk", {}))
    await solve(doors, private)


async def bad_arguments(self, task, doors, private):
    self.kept.append(await doors.call_tool("dim", {"lamp": "hall/amber", "level": "bright"}))
    self.kept.append(await doors.call_tool("dim", ["hall/amber", 3]))
    self.kept.append(await doors.call_tool("look", "hall/amber"))
    await solve(doors, private)


async def endpoint_fails(self, task, doors, private):
    doors.before_model_call()
    raise ModelFaultError("server_error", "HTTP 503: overloaded", status=503, retries=5)


async def context_overflow(self, task, doors, private):
    doors.before_model_call()
    raise ModelFaultError("context_overflow", "HTTP 400: too long", status=400, retries=0)


async def refused_request(self, task, doors, private):
    raise ModelFaultError("refused_request", "HTTP 422", status=422, retries=0)


async def bad_reply(self, task, doors, private):
    raise ModelFaultError("bad_reply", "not a chat completion", status=200, retries=2)


async def late_writer(self, task, doors, private):
    """Keep the doors, and leave a task behind that goes on after the trial."""
    self.kept.append(doors)
    await solve(doors, private)


async def leaves_a_worker_behind(self, task, doors, private):
    async def work():
        while True:
            await asyncio.sleep(0)
            await doors.call_tool("note", {"text": "still here"})

    self.kept.append(asyncio.create_task(work()))
    await asyncio.sleep(0)


async def rewrites_the_task(self, task, doors, private):
    """Change everything in reach of the task that can be changed."""
    spec: ToolSpec
    for spec in task.tools:
        spec.parameters.clear()
        spec.parameters["type"] = "string"
    self.kept.append(await doors.call_tool("look", {"lamp": "hall/amber"}))
    await solve(doors, private)


async def calls_tools_at_once(self, task, doors, private):
    await asyncio.gather(*(doors.call_tool("note", {"text": str(n)}) for n in range(20)))
    await solve(doors, private)


POLICIES: dict[str, Policy] = {
    function.__name__: function
    for function in (
        answers_after_a_random_while,
        answers_right,
        answers_slowly,
        answers_wrong,
        bad_arguments,
        bad_reply,
        calls_after_the_end,
        calls_tools_at_once,
        context_overflow,
        crashes,
        endpoint_fails,
        exits_the_interpreter,
        floods_answers,
        floods_model_calls,
        floods_tool_calls,
        floods_tool_calls_and_ignores_the_end,
        hangs,
        hangs_after_the_answer,
        late_writer,
        leaves_a_worker_behind,
        raises_a_cancellation,
        refused_request,
        rewrites_the_task,
        says_the_trial_ended,
        silent,
        speaks_endlessly,
        submits_no_answer,
        submits_twice,
        thinks_and_answers_right,
        unknown_tool,
        will_not_be_stopped,
    )
}


def endpoint_fails_canary_ok() -> FakeAgent:
    return make("endpoint_fails")


def endpoint_down() -> FakeAgent:
    return make("endpoint_down")
