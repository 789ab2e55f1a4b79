"""Many trials at once leave nothing behind: no handle, task, process, descriptor or folder.

``nox -s soak`` runs two hundred at once (``CONFORMANCE_SOAK=200``); here they are few.
"""

from __future__ import annotations

import asyncio
import gc
import os
import tempfile
import threading
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from conformance.agents.contract import Limits
from conformance.agents.factory import Reach, make_agent
from conformance.edition import load
from conformance.mock import MockModel, script_of
from conformance.trial.run import new_trial_id, run_trial
from tests.fakes import loop_agent
from tests.fakes.a2a_server import serving
from tests.fakes.handles import a2a_loop, http_loop
from tests.fakes.http_agent import HttpAgent

AT_ONCE = int(os.environ.get("CONFORMANCE_SOAK", "4"))
ROUNDS = 3 if AT_ONCE > 4 else 2
LIMITS = Limits(wall_s=300.0)
WATCHER = "_shutdown_watcher"
"""sse_starlette's, from the first stream of the A2A server that runs here for as long as the loop
does: that server's, and not the suite's."""
FAMILIES = ("telemetry", "records", "ledger_memory")


class Held(NamedTuple):
    """What this process holds."""

    tasks: tuple[str, ...]
    """By what they run: where a test fails, that is the question."""
    threads: tuple[str, ...]
    children: tuple[int, ...]
    descriptors: int
    folders: frozenset[str]

    def no_more_than(self, other: Held) -> bool:
        return (
            len(self.tasks) <= len(other.tasks)
            and len(self.threads) <= len(other.threads)
            and self.descriptors <= other.descriptors
            and set(self.children) <= set(other.children)
            and self.folders <= other.folders
        )


@pytest.fixture(autouse=True)
def _own_folder(tmp_path_factory, monkeypatch):
    """Look at temporary folders of this test alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("t")))


@pytest.fixture(scope="module")
def instances():
    edition = load()
    return [
        edition.instance(FAMILIES[n % len(FAMILIES)], {}, seed=str(n), lang=("zh", "en")[n % 2])
        for n in range(AT_ONCE)
    ]


@pytest.fixture(scope="module")
def scripts(instances):
    return [script for instance in instances for script in script_of(instance)]


@pytest.mark.parametrize("sandbox", ["none", "bubblewrap"])
async def test_programs(instances, scripts, sandbox, tmp_path):
    async with MockModel(scripts) as model:
        reach = Reach(base_url=model.base_url, model="scripted-1", sandbox=sandbox)
        await _soaked(f"command:python3 {loop_agent.__file__}", reach, instances, tmp_path)


async def test_http_servers(instances, scripts, tmp_path):
    async with MockModel(scripts) as model, HttpAgent(http_loop) as server:
        reach = Reach(base_url=model.base_url, model="scripted-1")
        await _soaked(f"http:{server.url}", reach, instances, tmp_path)


async def test_a2a_servers(instances, scripts, tmp_path):
    async with MockModel(scripts) as model, serving(a2a_loop) as (url, _):
        reach = Reach(base_url=model.base_url, model="scripted-1")
        await _soaked(f"a2a:{url}", reach, instances, tmp_path)


async def _soaked(spec, reach, instances, run):
    for name in ("transcripts", "states"):
        (run / name).mkdir()
    agent = make_agent(spec, reach, lambda _: None)
    before = await _held()
    await agent.open()
    try:
        after_one = None
        for _ in range(ROUNDS):
            outcomes = await _round(agent, instances, run)
            assert outcomes == Counter({"completed": len(instances)})
            assert len(agent.gateway.handles) == 0
            # Idle connections may stay; more of them after each round would be a leak.
            held = await _settled(after_one)
            after_one = after_one or held
            assert held.no_more_than(after_one)
            assert held.children == before.children
    finally:
        await agent.close()
    assert (await _settled(before)).no_more_than(before)


async def _round(agent, instances, run):
    async def one(instance):
        record = await run_trial(
            instance, agent, trial=new_trial_id(), run=run, limits=LIMITS, redact=lambda b: b
        )
        return record.outcome

    return Counter(await asyncio.gather(*map(one, instances)))


async def _settled(wanted):
    """Return what is held once it is no more than ``wanted``, or after a minute.

    With None, once it no longer changes.
    """
    held = None
    for _ in range(600):
        last, held = held, await _held()
        if held == last if wanted is None else held.no_more_than(wanted):
            break
        await asyncio.sleep(0.1)
    return held


async def _held():
    gc.collect()
    await asyncio.sleep(0)
    work = [task.get_coro() for task in asyncio.all_tasks()]
    names = [getattr(one, "__qualname__", repr(one)) for one in work]
    return await asyncio.to_thread(_counted, tuple(sorted(n for n in names if n != WATCHER)))


def _counted(tasks):
    own = Path("/proc/self")
    # The threads of the event loop's pool stay, up to their limit.
    threads = [t.name for t in threading.enumerate() if not t.name.startswith("asyncio_")]
    return Held(
        tasks=tasks,
        threads=tuple(threads),
        children=tuple(
            int(pid)
            for task in (own / "task").iterdir()
            for pid in (task / "children").read_text().split()
        ),
        descriptors=len(list((own / "fd").iterdir())),
        folders=frozenset(path.name for path in Path(tempfile.gettempdir()).iterdir()),
    )
