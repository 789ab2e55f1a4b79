"""How fast a report opens from disk: one of a thousand trials beside one of fifty.

    python benchmarks/report_opening.py [BUNDLE]

Without a bundle a campaign of the builtin oracle is run first, as far as 1,000 trials (minutes).
Prints JSON: size; seconds to the load event, to the painted list (held to the bar), of the page's
own processor until then, and from the first click to a transcript. Each is the median of five
visits, each with a fresh profile. Exit code 1: the bar was not kept, or the trials were too few.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance import sandbox
from conformance.agents.builtin import BuiltinAgent
from conformance.agents.places import places
from conformance.campaign.claim import parse_claim
from conformance.campaign.run import Settings, run_campaign
from conformance.edition import load
from conformance.evidence.seal import seal
from conformance.report.html import write_report
from conformance.report.sources import read_evidence

if TYPE_CHECKING:
    from playwright.sync_api import Browser

BAR_S = 2.0
TRIALS = 1000
FEW_CALLS = 150
"""Enough calls for some fifty trials of the first level."""
VISITS = 5


def main() -> None:
    """Measure, print, and say by the exit code whether the bar was kept."""
    with tempfile.TemporaryDirectory(prefix="report-opening-") as scratch:
        small = _campaign(Path(scratch) / "small", "L1", max_calls=FEW_CALLS)
        large = Path(sys.argv[1]) if sys.argv[1:] else _campaign(Path(scratch) / "large", "")
        found = {"bar_s": BAR_S, "few": _measure(small), "many": _measure(large)}
    print(json.dumps(found, indent=2))
    many = found["many"]
    sys.exit(many["opened_s"] > BAR_S or many["trials"] < TRIALS)


def _campaign(folder: Path, claim: str, max_calls: int | None = None) -> Path:
    edition = load()
    sandbox.install()  # one family runs the agent's code
    agent = BuiltinAgent("oracle", places(edition))
    settings = Settings(
        claim=parse_claim(claim or None, edition), seed="opening", max_calls=max_calls
    )
    asyncio.run(run_campaign(edition, agent, settings, folder))
    seal(folder, edition, agent.describe(), agent.evidence_class)
    return folder


def _measure(folder: Path) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    path = write_report(folder)
    evidence = read_evidence(folder)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
        visits = [_visit(browser, path) for _ in range(VISITS)]
        browser.close()
    columns = zip(*visits, strict=True)
    loaded, listed, cpu, opened = (statistics.median(times) for times in columns)
    return {
        "trials": len(evidence.trials),
        "bytes": path.stat().st_size,
        "load_event_s": round(loaded, 3),
        "opened_s": round(listed, 3),
        "opened_cpu_s": round(cpu, 3),
        "first_transcript_s": round(opened, 3),
    }


def _visit(browser: Browser, path: Path) -> tuple[float, float, float, float]:
    """Return seconds: to the load event, to the painted list, of the page's process until then,
    and from a click to a transcript.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Performance.enable")
    began = time.perf_counter()
    page.goto(path.resolve().as_uri(), wait_until="load")
    page.locator("#list a").first.wait_for()
    # Two frames later what the scripts drew is on the screen.
    page.evaluate("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")
    listed = time.perf_counter() - began
    cpu = {
        item["name"]: item["value"] for item in devtools.send("Performance.getMetrics")["metrics"]
    }
    loaded = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd / 1000")
    began = time.perf_counter()
    page.locator("#list a").first.click()
    page.locator("#reading .event.start").wait_for()
    opened = time.perf_counter() - began
    context.close()
    return loaded, listed, cpu["ProcessTime"], opened


def _chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


if __name__ == "__main__":
    main()
