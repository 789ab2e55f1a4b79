"""The sample vendor repository: its tasks, graders, schemas and conftest, under two workers."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.plugin.conftest import MINIATURE

VENDOR = Path(__file__).parent / "vendor"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vendor") / "repository"
    shutil.copytree(VENDOR, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def grade(repository, agent):
    """Grade an agent of the repository as its own CI does, and return what came of it."""
    command = [sys.executable, "-m", "pytest", "-p", "conformance.pytest_plugin", "-p", "xdist"]
    command += [
        "-n",
        "2",
        f"--agent={agent}",
        f"--grade-edition={MINIATURE}",
        "-p",
        "no:cacheprovider",
    ]
    return subprocess.run(
        [*command, f"--grade-out={agent}.out", "--grade-no-report", "-rfE"],
        cwd=repository,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "LC_ALL": "C.UTF-8",
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_good_agent_passes(repository):
    done = grade(repository, "agent.toml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 passed, 1 xfailed" in done.stdout
    assert "agent: command:lamp clerk (observed)" in done.stdout
    assert "Agency level L1" in done.stdout
    assert re.search(r"ACME-1 +2 passed", done.stdout)
    assert re.search(r"ACME-2 +1 failed as expected", done.stdout)
    assert (repository / "agent.toml.out/manifest.json").is_file()


def test_a_bad_agent_fails_and_the_clauses_are_named(repository):
    done = grade(repository, "lazy.toml")
    assert done.returncode == 1, done.stdout + done.stderr
    failed = set(re.findall(r"^FAILED (\S+)", done.stdout, re.MULTILINE))
    assert {"grade[L1-SET-1]", "grade[L1-TWO-1]"} <= failed
    assert "tests/test_grade.py::test_it_counts_the_lamps_of_a_crate[zh]" in failed
    assert "L1-SET-1 fail: The lamp is set as asked." in done.stdout
    assert "Agency level L0" in done.stdout


def test_its_ci_is_three_lines_that_call_the_reusable_workflow():
    text = (VENDOR / ".github/workflows/grade.yml").read_text()
    assert len(text.splitlines()) == 3
    job = yaml.safe_load(text)["jobs"]["grade"]
    place = job["uses"].partition("@")[0].split("/", 2)[2]
    called = yaml.safe_load((ROOT / place).read_text())
    inputs = called[True]["workflow_call"]["inputs"]  # YAML 1.1 reads the key "on" as true
    assert set(job["with"]) <= set(inputs)
