"""What several benchmarks run: instances, their scripts, a bare client's loop, and trials."""

from __future__ import annotations

import asyncio
import itertools
import resource
import tempfile
from typing import TYPE_CHECKING, Any

import msgspec
from _endpoint import call

from conformance.agents.contract import Limits
from conformance.authoring import SUBMIT_TOOL, Instance
from conformance.edition import Edition, load
from conformance.edition.instances import offered_tools
from conformance.trial.redaction import redactor
from conformance.trial.run import TrialRecord, new_trial_id, run_trial

if TYPE_CHECKING:
    from pathlib import Path

LONG = ("reimbursement", {"claims": 3})
"""Trials of many calls, with eight tools or more."""
SHORT = ("records", {"ending": "change", "decoys": 10})
"""Trials of two calls."""


def make_instances(
    edition: Edition, count: int, kind: tuple[str, dict[str, Any]] = LONG
) -> list[Instance[Any]]:
    """Return instances that differ in their instruction, by which the endpoint knows them."""
    made: dict[str, Instance[Any]] = {}
    for number in itertools.count():
        instance = edition.instance(kind[0], kind[1], seed=f"bench-{number}", lang="en")
        made.setdefault(instance.instruction, instance)
        if len(made) == count:
            return list(made.values())
    raise AssertionError


def script(instance: Instance[Any]) -> list[dict[str, Any]]:
    """Return the assistant messages that solve an instance."""
    trace = instance.solve().trace
    messages = [call(s.name, dict(s.arguments), n) for n, s in enumerate(trace.steps)]
    answer = msgspec.to_builtins(trace.answer)
    return [*messages, call(SUBMIT_TOOL, answer, len(messages))]


def cpu_s() -> float:
    """Return the CPU seconds this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def bare_loop(client: Any, instance: Instance[Any], results: list[str], system: str) -> int:
    """Talk to the endpoint as a bare program would: same messages, results known beforehand."""
    tools = [
        {
            "type": "function",
            "function": {
                "name": spec.name,
                "description": spec.description,
                "parameters": spec.parameters,
            },
        }
        for spec in offered_tools(instance)
    ]
    messages: list[Any] = [
        {"role": "system", "content": system},
        {"role": "user", "content": instance.instruction},
    ]
    calls = 0
    for result in results:
        reply = await client.chat.completions.create(
            model="scripted", messages=messages, tools=tools
        )
        calls += 1
        message = reply.choices[0].message
        messages.append(message.model_dump(exclude_none=True))
        messages.append(
            {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": result}
        )
    return calls


def tool_results(instance: Instance[Any]) -> list[str]:
    """Return what the tools return to the oracle, as JSON, and the end."""
    calls = [msgspec.json.encode(c.result).decode() for c in instance.solve().calls]
    return [*calls, '{"accepted":true}']


async def run_trials(
    agent: Any, instances: list[Instance[Any]], run: Path, at_once: int
) -> list[TrialRecord]:
    """Run each instance as a trial, so many at once."""
    for folder in ("transcripts", "states"):
        (run / folder).mkdir(parents=True, exist_ok=True)
    gate, redact = asyncio.Semaphore(at_once), redactor(("bench-secret-key",))

    async def one(instance: Instance[Any]) -> TrialRecord:
        async with gate:
            return await run_trial(
                instance,
                agent,
                trial=new_trial_id(),
                run=run,
                limits=Limits(),
                redact=redact,
            )

    return list(await asyncio.gather(*(one(instance) for instance in instances)))


def scratch() -> tempfile.TemporaryDirectory[str]:
    """Return a temporary folder."""
    return tempfile.TemporaryDirectory(prefix="conformance-bench-")


__all__ = [
    "SHORT",
    "bare_loop",
    "cpu_s",
    "load",
    "make_instances",
    "run_trials",
    "scratch",
    "script",
    "tool_results",
]
