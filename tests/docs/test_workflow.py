"""The reusable workflow, the three lines that call it, and the container recipe."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.docs.blocks import ROOT, blocks

WORKFLOW = ROOT / ".github" / "workflows" / "grade.yml"
TEXT = WORKFLOW.read_text(encoding="utf-8")
DOCUMENT = yaml.safe_load(TEXT)
CALLED = DOCUMENT[True]["workflow_call"]  # YAML 1.1 reads the key `on` as true
STEPS = DOCUMENT["jobs"]["grade"]["steps"]
SCRIPTS = {step["name"]: step for step in STEPS if "run" in step}
VENDOR = ROOT / "tests" / "plugin" / "vendor"
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]


def test_every_input_is_used_and_every_input_used_is_there():
    assert set(re.findall(r"inputs\.([\w-]+)", TEXT)) == set(CALLED["inputs"])
    assert set(re.findall(r"secrets\.(\w+)", TEXT)) == set(CALLED["secrets"])


def test_every_input_says_what_it_is():
    assert all(item["description"] for item in CALLED["inputs"].values())


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_good_bash_and_takes_words_from_outside_by_the_environment(name):
    script = SCRIPTS[name]["run"]
    assert "${{" not in script
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_the_suite_is_installed_with_extras_that_there_are():
    named = re.search(r"\[([\w,]+)\] @ ", CALLED["inputs"]["suite"]["default"])[1]
    assert set(named.split(",")) <= set(EXTRAS)


@pytest.mark.parametrize("page", ["docs/ci.md", "docs/zh/ci.md"])
def test_what_the_docs_show_calls_it_in_three_lines(page):
    (block,) = [b for b in blocks(ROOT / page) if b.file == ".github/workflows/agent.yml"]
    job = yaml.safe_load(block.text)["jobs"]["grade"]
    assert job["uses"] == "OWNER/agent-grading/.github/workflows/grade.yml@main"
    assert set(job["with"]) <= set(CALLED["inputs"])
    assert len(block.text.partition("  grade:\n")[2].splitlines()) == 3


@pytest.mark.parametrize("page", ["docs/ci.md", "docs/zh/ci.md"])
def test_every_input_stands_in_the_docs(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert [
        name for name in (*CALLED["inputs"], *CALLED["secrets"]) if f"`{name}`" not in text
    ] == []


@pytest.mark.parametrize("page", ["docs/ci.md", "docs/zh/ci.md"])
def test_the_baseline_of_the_docs_can_be_read(page, tmp_path):
    from conformance.plugin.baseline import read_baseline

    (block,) = [b for b in blocks(ROOT / page) if b.file == "baseline.yaml"]
    path = tmp_path / "baseline.yaml"
    path.write_text(block.text, encoding="utf-8")
    (entry,) = read_baseline(path).entries
    assert entry.name == "L2-PLN-1"


def scripts_in(folder, **given):
    """Run the steps *Grade* and *Summary* as a runner does; return what they printed."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "BUNDLE": str(folder / "runs" / "grade"),
        "JUNIT": str(folder / "runs" / "junit.xml"),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        **dict.fromkeys(SCRIPTS["Grade"]["env"], ""),
        **given,
    }
    for name in ("Grade", "Summary"):
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", SCRIPTS[name]["run"]],
            cwd=folder / "vendor",
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_its_scripts_grade_in_the_sample_vendor(tmp_path):
    """With an oracle and the small edition; tests/plugin runs the vendor's own agent and tests."""
    shutil.copytree(VENDOR, tmp_path / "vendor")
    scripts_in(
        tmp_path,
        AGENT="builtin:oracle",
        CLAIM="L1",
        PLAN="certify",
        EDITION=str(ROOT / "tests" / "miniatures" / "edition"),
        PYTEST_ARGS="-p conformance.pytest_plugin -p no:cacheprovider -o grade_baseline= "
        "--deselect tests/test_grade.py --grade-no-report --grade-seed 'a seed of words'",
    )
    junit = (tmp_path / "runs" / "junit.xml").read_text(encoding="utf-8")
    assert "grade[L1-" in junit
    assert 'failures="0"' in junit
    assert "L1" in (tmp_path / "summary.md").read_text(encoding="utf-8")


def test_the_sample_vendor_calls_it_in_three_lines():
    text = (VENDOR / ".github" / "workflows" / "grade.yml").read_text(encoding="utf-8")
    job = yaml.safe_load(text)["jobs"]["grade"]
    assert job["uses"].endswith("/.github/workflows/grade.yml@main")
    assert set(job["with"]) <= set(CALLED["inputs"])
    assert len(text.splitlines()) == 3


def test_the_container_copies_what_there_is_and_installs_extras_that_there_are():
    recipe = (ROOT / "containers" / "Containerfile").read_text(encoding="utf-8")
    copied = [line.split()[1:-1] for line in recipe.splitlines() if line.startswith("COPY ")]
    assert all((ROOT / name).exists() for names in copied for name in names)
    built = {"pyproject.toml", "README.md", "LICENSE", "conformance", "tasks", "graders", "schemas"}
    assert {name for names in copied for name in names} == built
    assert set(re.search(r"/src\[([\w,]+)\]", recipe)[1].split(",")) <= set(EXTRAS)
