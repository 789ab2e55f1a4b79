"""Nothing happens until an agent is named."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from conformance.plugin.options import OPTIONS
from tests.plugin.conftest import MINIATURE

ROOT = Path(__file__).parents[2]
LIGHT = {
    "conformance",
    "conformance.durations",
    "conformance.plugin",
    "conformance.plugin.options",
    "conformance.pytest_plugin",
}
LOOKS = """
import json, sys
def test_it(request):
    heavy = ("conformance", "numpy", "jinja2", "msgspec", "yaml")
    print(json.dumps([name for name in sys.modules if name.split(".")[0] in heavy]))
"""


def test_pytest_loads_it_by_its_entry_point():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"conformance": "conformance.pytest_plugin"}


def test_a_run_without_an_agent_imports_nothing_of_the_engine_and_leaves_nothing(tmp_path):
    (tmp_path / "test_looks.py").write_text(LOOKS)
    command = [sys.executable, "-m", "pytest", "-p", "conformance.pytest_plugin"]
    done = subprocess.run(
        [*command, "-q", "-s", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[0].rstrip("."))
    assert set(found) <= LIGHT
    assert [path.name for path in tmp_path.iterdir()] == ["test_looks.py"]
    assert "grade" not in done.stdout


def test_the_help_lists_every_option_and_its_ini_name(grade):
    text = grade.plain("--help").text
    for option in OPTIONS:
        assert f"  {option.flag}" in text, option.flag
        assert f"  {option.ini} (" in text, option.ini
    assert "  --agent=" in text
    assert "  --base-url=" in text


def test_tests_for_an_agent_are_skipped_where_none_is_named(grade, pytester):
    pytester.makepyfile("""
        import pytest
        @pytest.mark.grade(clause="ACME-1")
        def test_one(agent): ...
        def test_two(trial): ...
        def test_three(gateway): ...
    """)
    run = grade.plain("--strict-markers", "-rs")
    assert run.counts == {"skipped": 3}
    assert run.has("no agent is named: pytest --agent agent.toml")


def test_options_of_others_with_the_same_short_names_stay_theirs(grade, pytester):
    pytester.makeconftest("""
        def pytest_addoption(parser):
            for name in ("--agent", "--claim", "--base-url"):
                parser.addoption(name, default="mine")
    """)
    pytester.makepyfile("""
        def test_it(request):
            assert request.config.getoption("--agent") == "theirs"
            assert request.config.getoption("--claim") == "mine"
    """)
    assert grade.plain("--agent", "theirs").counts == {"passed": 1}


def test_the_value_of_a_short_name_is_not_taken_for_a_place_of_tests(grade, pytester):
    folder = pytester.mkdir("tests")
    (folder / "conftest.py").write_text(
        "def pytest_addoption(parser): parser.addoption('--mine', default='seen')\n"
    )
    (folder / "test_it.py").write_text("def test_it(): ...\n")
    pytester.makeini("[pytest]\ntestpaths = tests\n")
    (pytester.path / "agent.toml").write_text('[agent]\nname = "n"\nversion = "1"\n')
    given = ("--mine=given", f"--grade-edition={MINIATURE}", "--grade-plan=certify")
    run = grade.plain("--agent", "agent.toml", *given)
    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert "agent.toml: reach: 'reach' is missing" in run.error


@pytest.mark.parametrize("given", ["--claim=L1", "--grade-collect", "--grade-plan=certify"])
def test_an_option_without_an_agent_is_a_mistake(grade, given):
    run = grade.plain(given)
    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert "no agent is named to grade — name one: --grade-agent agent.toml" in run.error
