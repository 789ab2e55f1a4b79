"""The user's page on profiles: nothing of the code is left out of it, in either language."""

import re
from pathlib import Path
from typing import get_args

import pytest
import rich_click as click

from conformance.cli import profile
from conformance.link.model import PRESETS
from conformance.profile.gate_table import GATES
from conformance.profile.power.contract import Vendor
from conformance.profile.power.energy import Rules
from conformance.profile.solved_gates import SOLVED_GATES
from conformance.report.texts import say

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {"en": DOCS / "profile.md", "zh": DOCS / "zh" / "profile.md"}
EVERY_GATE = {**GATES, **SOLVED_GATES}
UNITS = {"share": "%", "count": "", "": ""}
EVERYWHERE = {"help", "out", "locale_name", "as_json", "gguf", "slots", "request_timeout"}
"""Options that say all of themselves."""


def page(lang):
    return PAGES[lang].read_text(encoding="utf-8")


def rows(lang):
    """Return the rows of the page's tables by what stands first in them, in back quotes."""
    found = re.findall(r"^\| `([^`]+)` \| (.*) \|$", page(lang), flags=re.MULTILINE)
    return {first: rest.split(" | ") for first, rest in found}


def shown(gate):
    if gate.limit is None:
        return "–"
    scale = 100 if gate.unit == "share" else 1
    unit = UNITS.get(gate.unit, f" {gate.unit}")
    return f"{'≥' if gate.is_least else '≤'} {gate.limit * scale:g}{unit}"


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("code", sorted(EVERY_GATE))
def test_every_gate_stands_in_the_page_with_its_limit_and_meaning(lang, code):
    gate = EVERY_GATE[code]
    assert rows(lang)[code] == [shown(gate), gate.meaning[lang], gate.mend[lang]]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_no_gate_stands_there_that_is_none(lang):
    codes = {first for first, rest in rows(lang).items() if re.match(r"[≤≥–]", rest[0])}
    assert codes == set(EVERY_GATE)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("vendor", get_args(Vendor))
def test_every_vendor_stands_in_the_page_by_its_name(lang, vendor):
    name = getattr(say(f"profile.vendor_{vendor}"), lang)
    assert f"| {name} | `{vendor}` |" in page(lang)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_rules_of_energy_are_those_of_the_code(lang):
    rules, text = Rules(), page(lang)
    assert f"{rules.least_rate_hz:g}" in text
    assert f"{rules.gap_s:g} s" in text
    assert f"{rules.long_window_s:g} s" in text
    assert f"{rules.long_gap_s:g} s" in text
    assert f"{rules.counter_differs * 100:g}%" in text.replace(" %", "%")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_option_of_the_command_is_named(lang):
    text = page(lang)
    options = [item for item in profile.command.params if isinstance(item, click.Option)]
    missing = [
        item.opts[0] for item in options if item.name not in EVERYWHERE and item.opts[0] not in text
    ]
    assert missing == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_verb_and_every_link_is_named(lang):
    text = page(lang)
    assert all(f"conformance profile {verb}" in text for verb in profile.command.elsewhere)
    assert f"--link {'|'.join(PRESETS)}" in text
