"""The pages on ``agent.toml`` tell of each key, variable and placeholder, and of no other."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from conformance.agents.agentfile import AgentFile, Ics, ProcessLimits, Reach
from conformance.agents.environment import PLACEHOLDERS, VARIABLES
from conformance.agents.function_runner import TASK
from conformance.agents.sampling import Sampling
from conformance.sandbox.programs import MIB, ProgramLimits

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [DOCS / "agents" / "agent-toml.md", DOCS / "zh" / "agents" / "agent-toml.md"]
pytestmark = pytest.mark.parametrize("page", PAGES, ids=["en", "zh"])


def coded(text: str) -> set[str]:
    return set(re.findall(r"`([^`\n]+)`", text))


def section(page: Path, begin: str, end: str) -> str:
    return page.read_text(encoding="utf-8").partition(begin)[2].partition(end)[0]


def first_cells(text: str) -> set[str]:
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return coded("\n".join(rows))


def keys(table: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(table)}


def test_the_tables_have_the_keys_of_the_file(page):
    assert first_cells(section(page, "## `[reach]`", "\n## ")) == keys(Reach)
    assert first_cells(section(page, "`[ics]`", "\n## ")) == keys(Ics)
    assert keys(Sampling) <= coded(section(page, "`[sampling]`", "\n\n"))
    whole = page.read_text(encoding="utf-8")
    for field in msgspec.structs.fields(AgentFile):
        assert f"`[{field.name}]`" in whole
    for name in ("agent", "hardware", "cloud", "model", "application"):
        line = next(line for line in whole.splitlines() if line.startswith(f"| `[{name}]` |"))
        types = {field.name: field.type for field in msgspec.structs.fields(AgentFile)}
        assert coded(line) - {f"[{name}]"} == keys(types[name])


def test_the_limits_are_those_of_the_launchers(page):
    told = section(page, "`[limits]`", "\n\n")
    numbers = dict(re.findall(r"`(\w+)`[ （(]+(\d+)", told))
    limits = ProgramLimits()
    assert numbers == {
        "memory_mib": str(limits.memory_bytes // MIB),
        "processes": str(limits.processes),
        "folder_mib": str(limits.folder_bytes // MIB),
        "output_mib": str(limits.output_bytes // MIB),
    }
    assert set(numbers) == keys(ProcessLimits)


def test_the_environment_is_all_there_is(page):
    rows = section(page, "`TMPDIR`", "### ")
    assert first_cells(rows) == set(VARIABLES)
    given = rows.rpartition("\n| ")[2]
    assert {*TASK, "limits", "mcp_headers"} <= coded(given)


def test_the_placeholders_are_all_there_are(page):
    told = page.read_text(encoding="utf-8").rpartition("### ")[2]
    assert dict(re.findall(r"`\{(\w+)\}` \| `(\w+)`", told)) == PLACEHOLDERS


def test_the_example_can_be_read(page):
    text = section(page, "```toml\n", "```")
    assert msgspec.convert(tomllib.loads(text), AgentFile).reach.kind == "command"
