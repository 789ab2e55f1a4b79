"""One campaign in one process or several, in whatever order; and how it is interrupted."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future

import pytest

from conformance.cli import run as command
from conformance.evidence.seal import grade_folder
from conformance.plugin.loop import Loop
from tests.fakes.agents import miniature
from tests.plugin.conftest import LADDER, MINIATURE

SHUFFLE = """
import random
def pytest_collection_modifyitems(items):
    random.Random(SEED).shuffle(items)
"""
KILLS = """
import os, pathlib, signal
from conformance.agents.builtin import BuiltinAgent

whole = BuiltinAgent.run

async def run(self, task, doors, private):
    try:
        mark = pathlib.Path("killed").open("x")  # by whichever worker runs a trial first
    except FileExistsError:
        return await whole(self, task, doors, private)
    with mark:
        mark.write(task.trial_id)
    os.kill(os.getpid(), signal.SIGKILL)

BuiltinAgent.run = run
"""


def test_plugin_command_and_offline_grade_come_to_the_same(grade, by_command):
    run = grade()
    assert run.summary_bytes == by_command
    again = grade_folder(run.out, miniature()).summary
    assert (again.level, again.trust, again.efficiency.held) == ("L2", "T1", "A")
    assert command(["grade", str(run.out), "--edition", str(MINIATURE)]) == 0


def test_the_order_of_the_items_changes_nothing(grade, by_command):
    grade.pytester.makeconftest(SHUFFLE.replace("SEED", "1"))
    run = grade("-v")
    order = re.findall(r"^grade\[(\S+)\] PASSED", run.text, re.MULTILINE)
    assert len(order) == 6
    assert order != LADDER
    assert run.summary_bytes == by_command


def test_a_worker_killed_in_a_trial_is_replaced_and_the_summary_is_the_same(grade, by_command):
    grade.pytester.makeconftest(SHUFFLE.replace("SEED", "3") + KILLS)
    arguments = [sys.executable, "-m", "pytest", "-p", "conformance.pytest_plugin", "-p", "xdist"]
    arguments += ["-n", "2", "-p", "no:cacheprovider", "--agent=builtin:oracle"]
    arguments += [f"--grade-edition={MINIATURE}", "--grade-plan=certify", "--grade-seed=a seed"]
    done = subprocess.run(
        [*arguments, "--grade-out=shared", "--grade-no-report"],
        cwd=grade.pytester.path,
        capture_output=True,
        text=True,
        check=False,
    )
    killed = (grade.pytester.path / "killed").read_text()
    assert re.search(r"worker 'gw[01]' crashed while running 'grade\[", done.stdout), done.stdout
    assert "1 failed, 5 passed" in done.stdout
    assert "agent: builtin:oracle (model-only)" in done.stdout
    shared = grade.pytester.path / "shared"
    assert (shared / "results/summary.json").read_bytes() == by_command
    journal = (shared / "run/journal.jsonl").read_text().splitlines()
    assert sum(killed in line for line in journal) == 1  # it began, and nobody saw its end
    assert command(["grade", str(shared), "--edition", str(MINIATURE)]) == 0


def test_an_interrupted_run_says_so_in_its_journal_and_can_be_gone_on_with(grade):
    grade.pytester.makepyfile("def test_stop(): raise KeyboardInterrupt")
    grade.pytester.makeconftest("""
def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.name != "grade[L1-SET-1]")
""")
    run = grade()
    assert run.code == pytest.ExitCode.INTERRUPTED
    assert (run.journal[-1]["type"], run.journal[-1]["reason"]) == ("stopped", "interrupted")
    assert not (run.out / "manifest.json").exists()
    assert run.has("no grade: ", "to go on: --grade-resume")
    again = grade("--grade-resume", "-k", "grade")
    assert again.summary["level"] == "L2"


def test_a_wait_is_cancelled_by_ctrl_c(monkeypatch):
    cancelled, waits = threading.Event(), threading.Event()
    loop = Loop()
    result = Future.result

    def told(self, timeout=None):
        waits.set()
        return result(self, timeout)

    monkeypatch.setattr(Future, "result", told)

    async def long():
        # Once the main thread waits; what comes before that is ended with the session.
        await asyncio.to_thread(waits.wait)
        os.kill(os.getpid(), signal.SIGINT)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(KeyboardInterrupt):
        loop.run(long())
    assert cancelled.wait(120)
    loop.close()
    loop.close()


def test_what_runs_goes_on_while_nobody_waits():
    loop = Loop()

    async def soon():
        await asyncio.sleep(0)
        return 7

    future = loop.start(soon())
    assert future.result(timeout=120) == 7
    loop.close()
