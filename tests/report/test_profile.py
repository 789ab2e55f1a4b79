"""A profile on a terminal."""

import io
import re

import pytest
from rich.console import Console

from conformance.report.profile import print_profile
from tests.profile import documents


def printed(document, lang="en", width=200):
    stream = io.StringIO()
    print_profile(Console(file=stream, width=width), document, lang)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


def test_the_headline_comes_first_then_the_verdict():
    lines = printed(documents.profile_of())
    assert lines[0].startswith("Throughput profile: 3,282 output tokens/s at 256 concurrent")
    assert lines[1] == "✓ Valid: all 5 load points passed every gate."


def test_there_is_a_row_for_each_load():
    rows = [line.split() for line in printed(documents.client_bound()) if "valid" in line]
    found = {row[0]: row[1:] for row in rows if row[0].isdigit()}
    assert list(found) == ["1", "4", "16", "64", "256"]
    assert " ".join(found["16"]) == "693 43.3 3.36 92 212 23.1 46.2 0.722 ✓ valid"
    assert found["256"][-3:] == ["✕", "invalid", "client-cpu"]


def test_an_invalid_profile_begins_with_its_reason_and_tells_how_to_mend_it():
    lines = printed(documents.invalid())
    assert lines[0].startswith("Throughput profile invalid: the busiest client process nearly")
    assert lines[1].startswith("✕ Invalid: none of the 5 load points holds")
    assert any(line.startswith("✕ client-cpu ") for line in lines)
    assert any(line.startswith("  To mend: use more client processes") for line in lines)


def test_what_is_not_known_is_said_once_for_each_reason():
    lines = printed(documents.without_accelerators())
    assert (
        "Chip: Output tokens/s/accelerator unknown: no accelerator was read"
        " · Energy an output token unknown: no device's power was read" in lines
    )
    task = next(line for line in lines if line.startswith("Solved task:"))
    assert task.count("no device's power was read") == 1
    assert "Energy a solved task, Carbon a solved task unknown" in task


@pytest.mark.parametrize(
    "make", [documents.profile_of, documents.invalid, documents.without_accelerators]
)
def test_chinese_is_complete(make):
    text = "\n".join(printed(make(), "zh"))
    for known in ("TTFT", "TPOT", "SLO", "MLPerf", "NVIDIA", "token", "CNY", "CPU", "client-cpu"):
        text = text.replace(known, "")
    assert not re.findall(r"[A-Za-z]{4,}", text)


def test_hostile_text_cannot_act_on_a_terminal():
    for lang in ("zh", "en"):
        text = "\n".join(printed(documents.hostile(), lang))
        assert not set(text) & set("\x00\x07\x1b\x85\u202e\u200b\ufeff\u2028")
        assert "⟨ESC⟩" in text


def test_markup_of_the_terminal_in_a_name_is_only_text():
    document = documents.client_bound()
    document.points[-1].reasons[:] = [type(documents.BUSY)("[red]odd[/red]")]
    assert any("[red]odd[/red]" in line for line in printed(document))


def test_solved_tasks_and_agents_have_their_tables():
    lines = printed(documents.profile_of())
    at = next(n for n, line in enumerate(lines) if "solved / trials" in line)
    assert lines[at].count("Verdict") == 1
    assert " ".join(lines[at + 1].split()) == (
        "12 340 / 500 68% [63.7%, 72.1%] 340 / 488 340 2.1 kJ 0.0125 CNY 0.42 ✓ valid"
    )
    at = next(n for n, line in enumerate(lines) if "Share within the objective" in line)
    assert " ".join(lines[at + 4].split()) == "16 71% no ✓ valid"
