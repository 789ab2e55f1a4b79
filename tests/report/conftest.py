"""Small real bundles: campaigns of builtin agents, and of one that says whatever hurts a page."""

import asyncio
import atexit
import functools
import itertools
import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
import yaml

from conformance.agents.builtin import BuiltinAgent
from conformance.agents.contract import ModelCall
from conformance.authoring import Answer
from conformance.campaign.claim import parse_claim
from conformance.campaign.run import Settings, run_campaign
from conformance.edition import read
from conformance.edition.files import shipped_root
from conformance.evidence import bundle
from conformance.evidence.documents import (
    ClaimDocument,
    EvaluationDocument,
    EvaluationEntry,
    EvaluationVerdict,
    IcsDocument,
    SummaryDocument,
    SystemDocument,
    Words,
)
from conformance.evidence.seal import seal
from conformance.report.html import write_report

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
NO_CHROMIUM = "NO CHROMIUM ON PATH: no page was opened"
IN_A_BROWSER = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM),
]
EVERY_VIEW = tuple(itertools.product(("zh-CN", "en-US"), (1280, 390), ("light", "dark")))
"""Each language, width and colour scheme with each other."""


def views(*some):
    """Return the views that are looked at: all in ``nox -s pages``, else some."""
    return EVERY_VIEW if os.environ.get("CONFORMANCE_PAGES") == "whole" else some


HOSTILE = (
    "</script><script>window.pwned = 1</script><img src=x onerror='window.pwned = 2'>"
    "\x1b[31mred\x1b[0m \x00 \u202egnirts\u202c \u200b\ufeff \u2028 \x85 {{ 7 * 7 }} ${1} ' \" `"
)
"""Script tags, ANSI, NUL, a turned text, nothing-to-see characters, template marks."""
LONG = "9" * 1_000_000
NAME = "evil<script>window.pwned=3</script>\u202e"


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


class Hostile:
    """An agent that works on nothing and says terrible things at every door."""

    evidence_class = "model-only"

    def __init__(self):
        self.trials = 0

    async def open(self):
        pass

    async def close(self):
        pass

    async def canary(self):
        return True

    def describe(self):
        return {"kind": "chat", "model": NAME, "style": "native", "served_models": [HOSTILE]}

    async def run(self, task, doors, private):
        self.trials += 1
        doors.before_model_call()
        doors.after_model_call(
            ModelCall(
                requested_model=NAME,
                served_model=HOSTILE,
                sent=[
                    {"role": "system", "content": "rules"},
                    {"role": HOSTILE, "content": HOSTILE},
                ],
                received={
                    "role": "assistant",
                    "content": LONG + "the-very-end" if self.trials == 1 else HOSTILE,
                    "tool_calls": [{"function": {"name": HOSTILE, "arguments": HOSTILE}}],
                },
                finish_reason="stop",
                input_tokens=None if self.trials == 1 else 100,
                output_tokens=None if self.trials == 1 else 10,
                usage_source="none" if self.trials == 1 else "reported",
                latency_s=0.25,
                retries=1,
                retried_status=["429"],
            )
        )
        await doors.call_tool(HOSTILE, {HOSTILE: HOSTILE})
        doors.note("refusal", text=HOSTILE)
        doors.note(HOSTILE, text="an unknown kind")
        doors.submit(Answer("done", HOSTILE, {HOSTILE: HOSTILE}, None), HOSTILE)


FAMILIES = ("telemetry", "jobspec")


@functools.cache
def small_edition():
    """The shipped edition with two families; clauses of the others are pending."""
    root = Path(tempfile.mkdtemp(prefix="edition-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    skip = shutil.ignore_patterns("__pycache__")
    for name in ("graders", "schemas"):
        shutil.copytree(shipped_root() / name, root / name, ignore=skip)
    for name in FAMILIES:
        shutil.copytree(shipped_root() / "tasks" / name, root / "tasks" / name, ignore=skip)
    document = yaml.safe_load((shipped_root() / "tasks" / "edition.yaml").read_text())
    for clause in document["clauses"]:
        drawn = clause.pop("draws", [])
        kept = [draw for draw in drawn if draw["family"] in FAMILIES]
        if kept:
            clause["draws"] = kept
        elif drawn:
            clause["pending"] = " ".join(draw["family"] for draw in drawn)
    (root / "tasks" / "edition.yaml").write_text(yaml.safe_dump(document, allow_unicode=True))
    return read(root)


def certify(folder, agent, claim=None, **settings):
    edition = small_edition()
    settings = {"seed": "a fixed seed", **settings}
    chosen = Settings(claim=parse_claim(claim, edition), **settings)
    # In a thread of its own: a browser test may be holding this one's event loop.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(run_campaign(edition, agent, chosen, folder))).result()
    seal(folder, edition, agent.describe(), agent.evidence_class)
    return folder


def builtin(name):
    return BuiltinAgent(name, lambda _: None)


@pytest.fixture(scope="session")
def liar(tmp_path_factory):
    """A claim of L1/T1 that comes to L0: every clause of L1 failed."""
    return certify(tmp_path_factory.mktemp("liar") / "b", builtin("liar"), "L1/T1")


@pytest.fixture(scope="session")
def oracle(tmp_path_factory):
    """L1 held, with an efficiency class and a trust axis that is not complete."""
    return certify(tmp_path_factory.mktemp("oracle") / "b", builtin("oracle"), "L1/T1/A")


@pytest.fixture(scope="session")
def oversteps(tmp_path_factory):
    """L1 held, the allow-list broken."""
    return certify(tmp_path_factory.mktemp("oversteps") / "b", builtin("oversteps"), "L1/T1")


@pytest.fixture(scope="session")
def hostile(tmp_path_factory):
    """A campaign that ends on its budget after a dozen trials of hostile text."""
    return certify(
        tmp_path_factory.mktemp("hostile") / "b", Hostile(), "L1", max_calls=12, concurrency=1
    )


@functools.cache
def report_of(made):
    """Return the report of a bundle, in a copy of it; it is made once in a run of tests."""
    folder = made.parent / "reported"
    shutil.copytree(made, folder)
    return write_report(folder)


def hostile_documents(folder):
    """Put hostile text wherever a vendor, a reviewer or an endpoint may write in the documents."""
    said = {HOSTILE: HOSTILE, "list": [HOSTILE, {"deep": HOSTILE}]}
    both = Words(HOSTILE, HOSTILE)
    long = "x" * 10_000_000
    claim = bundle.read_document(folder, bundle.CLAIM, ClaimDocument)
    agent = {"kind": "chat", "model": NAME + long, "endpoint": HOSTILE, **said}
    changed = msgspec.structs.replace(claim, agent=agent, mode=both, declaration=both)
    bundle.write_document(folder, bundle.CLAIM, changed)
    ics = bundle.read_document(folder, bundle.ICS, IcsDocument)
    denied = msgspec.structs.replace(ics, denied=[HOSTILE, long])
    bundle.write_document(folder, bundle.ICS, denied)
    system = SystemDocument("system/1", said, said, {"name": long}, said)
    bundle.write_document(folder, bundle.SYSTEM, system)
    judged = EvaluationVerdict(
        "fail", HOSTILE, HOSTILE, HOSTILE, "javascript:window.pwned=4", "0" * 64, 1, long + HOSTILE
    )
    items = [
        EvaluationEntry(NAME, both, both, judged),
        EvaluationEntry("EV-2", both, both, msgspec.structs.replace(judged, file="//evil.test/x")),
        EvaluationEntry("EV-3", both, both, None),
    ]
    document = EvaluationDocument("evaluation/1", items, [])
    bundle.write_document(folder, bundle.EVALUATION, document)
    summary = bundle.read_document(folder, bundle.SUMMARY, SummaryDocument)
    clauses = [msgspec.structs.replace(c, text=both, source=HOSTILE) for c in summary.clauses]
    levels = [msgspec.structs.replace(level, title=both) for level in summary.levels]
    told = msgspec.structs.replace(
        summary, clauses=clauses, levels=levels, statement=both, plan_title=both
    )
    bundle.write_document(folder, bundle.SUMMARY, told)
    return folder


@pytest.fixture(scope="session")
def worse(hostile, tmp_path_factory):
    """The same trials, and hostile text in every document of the bundle."""
    folder = tmp_path_factory.mktemp("worse") / "b"
    return hostile_documents(shutil.copytree(hostile, folder))


@pytest.fixture
def copy_of(tmp_path):
    """Copy a bundle to where a test may change it."""

    def copy(bundle):
        return shutil.copytree(bundle, tmp_path / "copy")

    return copy
