"""The miniature edition with two items of technical evaluation, and bundles graded with it."""

from __future__ import annotations

import asyncio
import functools
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from conformance.campaign.run import Settings, run_campaign
from conformance.edition import load
from conformance.evidence.seal import seal
from tests.fakes.agents import MINIATURE, make

if TYPE_CHECKING:
    from conformance.edition import Edition

ITEMS = """
evaluation:
  - id: EV-ONE
    text: {zh: 权限, en: Permissions}
    evidence: {zh: 授权文件, en: The document of permissions}
  - id: EV-TWO
    text: {zh: 数据, en: Data}
    evidence: {zh: 数据流图, en: The diagram of data}
"""


@functools.cache
def _root() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()


@functools.cache
def edition_root() -> Path:
    root = Path(shutil.copytree(MINIATURE, Path(_root().name) / "edition"))
    with (root / "tasks/edition.yaml").open("a", encoding="utf-8") as file:
        file.write(ITEMS)
    return root


@functools.cache
def edition() -> Edition:
    return load(edition_root())


def evaluated_bundle(out: Path, *, resume: bool = False) -> Path:
    """Run a campaign of the miniature with items, and seal it."""
    agent = make("answers_right")
    settings = Settings(seed="a seed")
    asyncio.run(run_campaign(edition(), agent, settings, out, resume=resume))
    seal(out, edition(), agent.describe(), agent.evidence_class)
    return out
