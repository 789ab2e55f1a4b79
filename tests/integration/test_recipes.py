"""The recipes are sound as data, and the checks of ``nox -s agents`` can fail. No registry."""

from __future__ import annotations

import ast
import asyncio
import json
import sys
from pathlib import Path

import msgspec
import pytest
from packaging.specifiers import SpecifierSet

from conformance.agents.agentfile import read_agent_file
from conformance.edition import load
from tests.integration import agents, environments
from tests.integration.agents import Row
from tests.integration.drive import CASES, Seen, complaints, drive
from tests.integration.environments import Environment, SkippedError, build
from tests.integration.recipes import FOLDER, Recipe, pages, read

PAGES = pages()
ASKED_FOR = {
    *("openai-agents", "pydantic-ai", "langgraph", "agentscope", "qwen-agent", "smolagents"),
    *("codex", "opencode", "qwen-code", "claude-code", "a2a-server", "plain-http"),
}
GOOD = Seen(
    outcome="completed",
    detail=None,
    is_solved=True,
    findings=[],
    answers=["submit_answer"],
    metered=(90, 9),
    counted=(90, 9),
    retries=1,
    refused=1,
    lost=0,
    side_calls=0,
    dialects=["chat"],
    model_calls=3,
    tool_calls=1,
    wall_s=1.0,
    evidence="jailed",
    said="",
)


def test_every_kind_of_agent_has_its_recipe():
    assert set(PAGES) >= ASKED_FOR


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_sound(name, tmp_path):
    page = PAGES[name]
    recipe = page.recipe
    assert (FOLDER / f"{name}.md").is_file()
    assert f"\n# {recipe.title}\n\n**摘要。** " in page.text
    assert set(recipe.seen) == set(recipe.packages)
    for package, version in recipe.seen.items():
        assert version in SpecifierSet(recipe.packages[package]), package
    shown = "".join(page.files.values())
    assert [setting for setting in recipe.stops if setting not in shown] == []
    known = read_agent_file(page.write(tmp_path, 1234))
    assert (":1234" in known.value) == (recipe.server is not None)
    for file, text in page.files.items():
        if file.endswith(".py"):
            defined = {node.name for node in ast.parse(text).body if hasattr(node, "name")}
            function = known.value.partition(":")[2]
            assert known.file.reach.kind != "python" or function in defined, file
        if file.endswith(".json"):
            json.loads(text)


@pytest.mark.parametrize("index", ["docs/agents/README.md", "docs/zh/agents/README.md"])
def test_both_indexes_name_every_recipe(index):
    text = (FOLDER.parents[1] / index).read_text(encoding="utf-8")
    way = "" if "zh" not in index else "../../agents/"
    assert [name for name in PAGES if f"]({way}{name}.md)" not in text] == []


def test_front_matter_with_an_unknown_key_is_refused(tmp_path):
    page = tmp_path / "x.md"
    page.write_text("---\nname: x\ncolour: red\n---\n")
    with pytest.raises(msgspec.ValidationError, match="colour"):
        read(page)
    page.write_text("# no recipe\n")
    assert read(page) is None


@pytest.mark.parametrize("case", CASES)
def test_the_agent_of_plain_http_is_driven(case, tmp_path):
    own = Environment(Path(sys.prefix), "python")
    seen = asyncio.run(drive(PAGES["plain-http"], own, load(), case, tmp_path / "t"))
    assert complaints(seen, ["chat"]) == []
    assert (seen.model_calls, seen.evidence) == (3, "observed")


def test_what_is_as_it_must_be_has_no_complaint():
    assert complaints(GOOD, ["chat"]) == []


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"outcome": "agent_crash", "detail": "exit 1"}, "ended with agent_crash: exit 1"),
        ({"is_solved": False, "findings": ["goal: no"]}, "not solved: goal: no"),
        ({"answers": []}, "0 answers taken"),
        ({"metered": (91, 9)}, "metered tokens (91, 9), the model counted (90, 9)"),
        ({"metered": (0, 0), "counted": (0, 0)}, "metered tokens (0, 0), the model counted (0, 0)"),
        ({"retries": 0}, "1 refused with 429, 0 recovered"),
        ({"refused": 2}, "2 refused with 429, 1 recovered"),
        ({"lost": 1}, "1 times a tool was not offered to the model"),
        ({"dialects": ["messages"]}, "spoke messages"),
    ],
)
def test_each_thing_that_is_wrong_is_found(wrong, complaint):
    assert complaints(msgspec.structs.replace(GOOD, **wrong), ["chat"]) == [complaint]


def run(monkeypatch, tmp_path, rows, *words):
    monkeypatch.setattr(sys, "argv", ["agents", str(tmp_path), *words])
    monkeypatch.setattr(agents, "_rows", lambda page, *_: rows[page.recipe.name])
    return agents.main()


def test_the_exit_code_tells_a_failure_from_a_skip(monkeypatch, tmp_path, capsys):
    rows = {
        "codex": [Row("codex", CASES[0], GOOD, [])],
        "opencode": [Row("opencode", None, None, ["npm: no registry"])],
        "qwen-code": [Row("qwen-code", CASES[1], GOOD, ["not solved"])],
    }
    assert run(monkeypatch, tmp_path, rows, "codex", "opencode") == 0
    table = capsys.readouterr().out.splitlines()
    assert table[1].split()[::9] == ["codex", "ok"]
    assert table[2].split() == ["opencode", "skipped"]
    assert run(monkeypatch, tmp_path, rows, "codex", "opencode", "--require", "2") == 1
    assert run(monkeypatch, tmp_path, rows, "codex", "qwen-code") == 1
    assert "FAILED" in capsys.readouterr().out


def test_a_trial_that_fails_in_any_way_is_a_row(monkeypatch):
    async def broken(*_):
        raise OSError("no such thing")

    monkeypatch.setattr(agents, "drive", broken)
    row = agents.tried(PAGES["codex"], None, None, CASES[0])
    assert row.is_failure
    assert row.found == ["OSError: no such thing"]


def test_what_cannot_be_installed_is_skipped_with_its_reason(monkeypatch, tmp_path):
    def recipe(runtime, needs="<1"):
        return Recipe("x", "X", runtime, needs, ["chat"], {}, {}, {})

    with pytest.raises(SkippedError, match="needs Python <1, this is 3"):
        build(recipe("python"), tmp_path)
    with monkeypatch.context() as patched:
        patched.setenv("PATH", str(tmp_path))
        with pytest.raises(SkippedError, match="needs Node <1, there is none"):
            build(recipe("node"), tmp_path)
    failing = [sys.executable, "-c", "import sys; sys.exit('one\\nERROR: no registry\\nnotice')"]
    with pytest.raises(SkippedError, match="ERROR: no registry"):
        environments._run(failing, tmp_path)
