"""Runs of pytest with the plugin, in this process: what is imported once need not be again."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path

import pytest

for name in (
    "conformance.agents.builtin",
    "conformance.agents.chat",
    "conformance.agents.modelclient",
    "conformance.campaign.estimate",
    "conformance.evidence.seal",
    "conformance.gateway.asgi",
    "conformance.gateway.listener",
    "conformance.plugin.session",
    "conformance.report.html",
    "rfc8785",
    "rich.console",
    "rich.table",
    "rich.text",
    "scipy.optimize",
    "scipy.stats",
    "uvicorn",
    "vl_convert",
    "yaml",
):
    importlib.import_module(name)  # what a run imports is taken out of sys.modules after it

collect_ignore = ["vendor"]

MINIATURE = Path(__file__).parents[1] / "miniatures/edition"
LADDER = ["L1-SET-1", "L1-TWO-1", "L2-SET-1", "T1-HON-1", "T1-CTL-1", "efficiency"]
LOADED = (
    "-p",
    "conformance.pytest_plugin",
    "-p",
    "no:cacheprovider",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",  # it is imported already, here alone
)


class Run:
    """A run that ended, and what it left."""

    def __init__(self, result, out):
        self.code = result.ret
        self.out = out
        self.text = result.stdout.str()
        self.error = result.stderr.str()
        self._result = result

    @property
    def counts(self):
        return self._result.parseoutcomes()

    @property
    def summary(self):
        return json.loads((self.out / "results/summary.json").read_bytes())

    @property
    def summary_bytes(self):
        return (self.out / "results/summary.json").read_bytes()

    @property
    def journal(self):
        lines = (self.out / "run/journal.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def has(self, *texts):
        missing = [text for text in texts if text not in self.text]
        assert not missing, f"{missing} not in:\n{self.text}\n{self.error}"
        return True


class Runner:
    def __init__(self, pytester):
        self.pytester = pytester

    def plain(self, *arguments):
        """Run pytest with the plugin loaded and nothing asked."""
        result = self.pytester.runpytest_inprocess(*LOADED, *arguments)
        return Run(result, self.pytester.path / "out")

    def __call__(
        self, *arguments, agent="builtin:oracle", edition=MINIATURE, out="out", draws=False
    ):
        """Grade an agent on a small edition; nothing is left to chance, and no report is drawn."""
        return Run(
            self.pytester.runpytest_inprocess(
                *LOADED,
                f"--agent={agent}",
                f"--grade-edition={edition}",
                "--grade-plan=certify",
                "--grade-seed=a seed",
                f"--grade-out={out}",
                *([] if draws else ["--grade-no-report"]),
                *arguments,
                no_reraise_ctrlc=True,
            ),
            self.pytester.path / out,
        )


@pytest.fixture
def grade(pytester, monkeypatch):
    for name in [name for name in os.environ if name.startswith("CONFORMANCE_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    return Runner(pytester)


@pytest.fixture(scope="session")
def by_command(tmp_path_factory):
    """The summary that the command writes of the oracle, from the seed of these runs."""
    from conformance.cli import run

    out = tmp_path_factory.mktemp("command") / "out"
    given = ["--agent", "builtin:oracle", "--edition", str(MINIATURE), "--seed", "a seed"]
    assert run(["certify", *given, "--no-report", "--no-twins", "--out", str(out)]) == 0
    return (out / "results/summary.json").read_bytes()


MORE = """\
  - id: L1-{id}-1
    axis: agency
    step: L1
    dimension: TOL
    text: {{zh: 又一项。, en: One more.}}
    {what}
    observation: {{grader: solved}}
    rule: {{name: betting, p0: 0.60, p1: 0.90}}
    source: proposal
"""
DRAWS = "draws: [{family: lamps, knobs: {room: spare}}]"
KINDS = {
    "DEN": f"ics: night\n    {DRAWS}",
    "OPT": f"ics: night\n    optional: true\n    {DRAWS}",
    "PEN": "pending: moths",
    "SEA": "sealed: true",
}
SCREEN = """\
  screen:
    title: {zh: 筛查, en: screening}
    statement: {zh: 不是定级。, en: No grade.}
    alpha: 0.2
    beta: 0.1
    n_min: 3
    n_max: 40
    grades: false
    clean_run: false

clauses:
"""


@pytest.fixture
def larger(tmp_path_factory):
    """The miniature edition with a clause of each kind that is never run, and a screening."""
    import shutil

    root = tmp_path_factory.mktemp("larger") / "edition"
    shutil.copytree(MINIATURE, root, ignore=shutil.ignore_patterns("__pycache__"))
    path = root / "tasks/edition.yaml"
    text = path.read_text().replace("\nclauses:\n", "\n" + SCREEN)
    text += "".join(MORE.format(id=name, what=what) for name, what in KINDS.items())
    path.write_text(text)
    return root
