"""The transport that the page on agent kinds shows works, and fails as it says."""

import asyncio
import json

import pytest

from conformance.agents.contract import AgentFailedError
from conformance.errors import AgentUnavailableError
from tests.docs.blocks import ROOT, blocks
from tests.fakes.doors import FakeDoors, task
from tests.fakes.outside import reached

PAGES = ["docs/write-an-agent-kind.md", "docs/zh/write-an-agent-kind.md"]


def shown(page):
    (block,) = [b for b in blocks(ROOT / page) if b.file == "spool.py"]
    return block.text


@pytest.fixture
def spool():
    module = {"__name__": "spool"}
    exec(compile(shown(PAGES[0]), "spool.py", "exec"), module)
    return module["SpoolTransport"]


async def serve(folder, said):
    """Be the agent: wait for one task, and leave an answer."""
    while not (found := list(folder.glob("*/task.json"))):  # noqa: ASYNC110 - it is a folder
        await asyncio.sleep(0.01)
    (found[0].parent / "answer.json").write_text(said, encoding="utf-8")
    return json.loads(found[0].read_text(encoding="utf-8"))


async def graded(spool, folder, said):
    doors = FakeDoors()
    async with reached(spool(folder)) as agent:
        given, _ = await asyncio.gather(serve(folder, said), agent.run(task(), doors, None))
    return given, doors


async def test_the_agent_gets_its_task_and_both_doors_and_its_answer_is_taken(spool, tmp_path):
    given, doors = await graded(spool, tmp_path, '{"status": "done", "values": {"load": 25}}')
    assert given["instruction"].startswith("What is the load of rack R1?")
    assert given["mcp_url"].startswith("http://127.0.0.1:")
    assert doors.answer.values == {"load": 25}


async def test_what_is_no_json_is_the_agents_failure(spool, tmp_path):
    with pytest.raises(AgentFailedError, match=r"answer\.json is no JSON") as caught:
        await graded(spool, tmp_path, "25 percent")
    assert caught.value.cause == "protocol"


async def test_a_folder_that_is_not_there_ends_the_campaign_before_it_begins(spool, tmp_path):
    with pytest.raises(AgentUnavailableError, match="no such folder"):
        async with reached(spool(tmp_path / "gone")):
            pass


def test_both_pages_show_the_same():
    assert shown(PAGES[0]) == shown(PAGES[1])
