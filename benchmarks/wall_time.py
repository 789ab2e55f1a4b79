"""Wall time of 640 model calls, 64 trials at once, against a 250 ms endpoint.

The bare client's loop over the same messages is the yardstick; ideal is calls / 64 × 0.25 s.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
from _endpoint import Endpoint
from _work import SHORT, bare_loop, load, make_instances, run_trials, scratch, script, tool_results

from conformance.agents.chat import ChatAgent
from conformance.agents.wording import wording

if TYPE_CHECKING:
    from conformance.authoring import Instance

CALLS, AT_ONCE, DELAY_S = 640, 64, 0.25
BAR = 1.1


async def main() -> None:
    edition = load()
    instances = make_instances(edition, CALLS // 2, SHORT)
    calls = sum(len(script(instance)) for instance in instances)
    scripts = {instance.instruction: script(instance) for instance in instances}
    results = {instance.instruction: tool_results(instance) for instance in instances}
    ideal = calls / AT_ONCE * DELAY_S
    with Endpoint(scripts, DELAY_S) as endpoint, scratch() as folder:
        client = openai.AsyncOpenAI(
            api_key="none", base_url=endpoint.base_url, max_retries=0, timeout=60
        )
        agent = ChatAgent("scripted", endpoint.base_url, style="native")
        await agent.open()
        system = wording("en").rules
        began = time.perf_counter()
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(instance: Instance[Any]) -> None:
            async with gate:
                await bare_loop(client, instance, results[instance.instruction], system)

        await asyncio.gather(*map(one, instances))
        bare = time.perf_counter() - began
        began = time.perf_counter()
        await run_trials(agent, instances, Path(folder), AT_ONCE)
        ours = time.perf_counter() - began
        await agent.close()
        await client.close()
    print(f"{calls} calls, {AT_ONCE} trials at once, {DELAY_S * 1000:.0f} ms endpoint")
    print(f"ideal {ideal:.2f} s, bare {bare:.2f} s, ours {ours:.2f} s")
    print(f"ratio to the bare client: {ours / bare:.2f} (bar {BAR})")


if __name__ == "__main__":
    asyncio.run(main())
