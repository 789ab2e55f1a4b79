"""CPU per model call: a chat trial with transcript and grading, against a bare client's loop.

Both send the same messages to the same scripted endpoint. Generation of the instances is shown
apart. Prints each round and the ratio of the medians.
"""

from __future__ import annotations

import asyncio
import statistics
from pathlib import Path

import openai
from _endpoint import Endpoint
from _work import (
    bare_loop,
    cpu_s,
    load,
    make_instances,
    run_trials,
    scratch,
    script,
    tool_results,
)

from conformance.agents.chat import ChatAgent
from conformance.agents.wording import wording
from conformance.trial.sealed import read_played

TRIALS, ROUNDS, AT_ONCE = 60, 5, 8
BAR = 1.4


async def main() -> None:
    edition = load()
    before = cpu_s()
    instances = make_instances(edition, TRIALS)
    assert all(len(i.tools) >= 8 and len(i.solve().calls) >= 5 for i in instances)
    print(f"generation: {(cpu_s() - before) / TRIALS * 1000:.2f} ms CPU an instance")
    scripts = {instance.instruction: script(instance) for instance in instances}
    results = {instance.instruction: tool_results(instance) for instance in instances}
    calls = sum(map(len, scripts.values()))
    solved = edition.grader("solved")
    system = wording("en").rules
    ours_all, bare_all = [], []
    with Endpoint(scripts) as endpoint, scratch() as folder:
        client = openai.AsyncOpenAI(api_key="none", base_url=endpoint.base_url, max_retries=0)
        agent = ChatAgent("scripted", endpoint.base_url, style="native")
        await agent.open()
        for number in range(ROUNDS + 1):
            before = cpu_s()
            gate = asyncio.Semaphore(AT_ONCE)

            async def one(instance: object) -> int:
                async with gate:  # noqa: B023
                    return await bare_loop(client, instance, results[instance.instruction], system)  # type: ignore[attr-defined,arg-type]

            made = sum(await asyncio.gather(*map(one, instances)))
            bare = (cpu_s() - before) / made
            run = Path(folder) / str(number)
            before = cpu_s()
            records = await run_trials(agent, instances, run, AT_ONCE)
            for instance, record in zip(instances, records, strict=True):
                played = read_played(instance, run, record.trial, record.transcript_head)
                assert solved(played).value == 1
            ours = (cpu_s() - before) / sum(record.model_calls for record in records)
            if number:  # the first round warms both up
                ours_all.append(ours)
                bare_all.append(bare)
                print(f"round {number}: ours {ours * 1e3:.3f} ms, bare {bare * 1e3:.3f} ms a call")
        await agent.close()
        await client.close()
    ratio = statistics.median(ours_all) / statistics.median(bare_all)
    print(f"{calls} calls a round, {TRIALS} trials, {AT_ONCE} at once")
    print(f"ratio of the medians: {ratio:.2f} (bar {BAR})")


if __name__ == "__main__":
    asyncio.run(main())
