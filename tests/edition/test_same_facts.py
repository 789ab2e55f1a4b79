"""Every wording in both languages states the same facts: they are parsed out of the texts."""

from __future__ import annotations

import functools
import re
from datetime import date
from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance import edition
from conformance.authoring import LANGS

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
EN_MONTH = "|".join(MONTHS)
# What moves an hour of the twelve-hour clock to the other half of the day.
LATE = ("pm", "下午", "晚上", "中午")
quickly = settings(max_examples=20, deadline=None, derandomize=True, database=None)
seeds = st.integers(0, 10**9).map(str)


@functools.cache
def loaded():
    return edition.read()


def part(family, name):
    return import_module(f"{type(loaded().family(family)).__module__}.{name}")


def texts(family, knobs, seed):
    """Return each language and instruction, without what the suite adds about answering."""
    for lang in LANGS:
        for wording in range(loaded().family(family).wordings):
            made = loaded().instance(family, knobs, seed=seed, lang=lang, wording=wording)
            told = loaded().family(family).instruction(made.scenario, lang, wording)
            assert made.instruction.startswith(told.strip())
            yield lang, told


def days(text):
    """Return the dates a text names, in either language."""
    found = {
        date(*map(int, d)) for d in re.findall(r"(\d{4})\s?年\s?(\d+)\s?月\s?(\d+)\s?日", text)
    }
    for day, month, year in re.findall(rf"(\d+) ({EN_MONTH}) (\d{{4}})", text):
        found.add(date(int(year), MONTHS.index(month) + 1, int(day)))
    for month, day, year in re.findall(rf"({EN_MONTH}) (\d+), (\d{{4}})", text):
        found.add(date(int(year), MONTHS.index(month) + 1, int(day)))
    return found


def window(text):
    """Return the first and last hour of a span of time, in either clock and language."""
    ends = re.search(
        r"(?P<a>(?:凌晨|早上|上午|中午|下午|晚上)?\d+(?:点|时|:00)?(?: [ap]m)?|noon|midnight)"
        r"(?:到|至| to )"
        r"(?P<b>(?:凌晨|早上|上午|中午|下午|晚上)?\d+(?:点|时|:00)?(?: [ap]m)?|noon|midnight)",
        text,
    )
    assert ends, text
    first, last = ends["a"], ends["b"]
    if last[0].isdigit() and last.endswith("点"):
        last = first[:2] + last  # 下午1点到5点: said once for both
    return hour(first), hour(last)


def hour(said):
    if said in ("noon", "midnight"):
        return 12 if said == "noon" else 24
    value = int(re.search(r"\d+", said)[0])
    if any(word in said for word in LATE) and value < 12:
        return value + 12
    return 0 if ("am" in said and value == 12) else value


def tools_named(text):
    """Return what a text calls by its name in the tools."""
    return set(re.findall(r"[a-z]+(?:_[a-z]+)+", text))


@quickly
@given(
    st.fixed_dictionaries(
        {
            "ending": st.sampled_from(("value", "no_data")),
            "dates": st.sampled_from(("absolute", "relative")),
        }
    ),
    seeds,
)
def test_telemetry_names_one_place_metric_aggregate_day_and_window(knobs, seed):
    wording = part("telemetry", "wording")
    for lang, text in texts("telemetry", knobs, seed):
        asked = (
            loaded().instance("telemetry", knobs, seed=seed, lang=lang, wording=0).scenario.asked
        )
        assert re.findall(r"[A-D]\d-\d\d(?:-R\d\d)?", text) == [asked.place]
        assert window(text) == (asked.start_hour, asked.end_hour)
        named = days(text)
        if knobs["dates"] == "absolute":
            assert named == {date.fromisoformat(asked.date)}
        else:
            assert len(named) == 1
            assert date.fromisoformat(asked.date) not in named
        for table, meant in (
            (wording._METRICS, asked.metric),
            (wording._AGGREGATES, asked.agg),
        ):
            assert [name for name, said in table.items() if said.in_lang(lang) in text] == [meant]


@quickly
@given(
    st.fixed_dictionaries(
        {"ending": st.sampled_from(("change", "satisfied", "denied", "no_tool"))}
    ),
    seeds,
)
def test_records_name_one_record_field_and_value(knobs, seed):
    fields = part("records", "catalogue").FIELDS
    for lang, text in texts("records", knobs, seed):
        scenario = loaded().instance("records", knobs, seed=seed, lang=lang, wording=0).scenario
        assert re.findall(r"(?:HR|PAY|RMA)-\d{5}", text) == [scenario.target]
        labels = [name for name, f in fields.items() if f.label.in_lang(lang) in text]
        assert labels == [scenario.field]
        match fields[scenario.field].group:
            case "day":
                assert days(text) == {date.fromisoformat(scenario.wanted)}
            case "money":
                (amount,) = re.findall(r"([\d,]+\.\d\d)", text)
                assert float(amount.replace(",", "")) == scenario.wanted
            case "level":
                rest = text.replace(scenario.target, "")
                assert re.findall(r"\d+", rest) == [str(scenario.wanted)]
            case _:
                assert re.findall(r"\b[UC]-\d{4}", text) == [scenario.wanted]


@quickly
@given(
    st.fixed_dictionaries(
        {
            "ending": st.sampled_from(("settle", "locked")),
            "faults": st.booleans(),
        }
    ),
    seeds,
)
def test_reimbursement_names_one_department_and_month_and_the_same_tools(knobs, seed):
    names = part("reimbursement", "names").DEPARTMENTS
    seen = set()
    for lang, text in texts("reimbursement", knobs, seed):
        case = loaded().instance("reimbursement", knobs, seed=seed, lang=lang, wording=0).scenario
        assert set(re.findall(r"\d{4}-\d{2}", text)) == {case.month}
        assert {code for code in names if re.search(rf"(?<![A-Z]){code}(?![A-Z])", text)} == {
            case.department
        }
        assert names[case.department].in_lang(lang) in text
        year, month = map(int, case.month.split("-"))
        said = f"{year} 年 {month} 月" if lang == "zh" else f"{MONTHS[month - 1]} {year}"
        assert said in text
        seen.add(frozenset(tools_named(text)))
    assert len(seen) == 1


@pytest.mark.parametrize("upset", [{}, {"faults": True}, {"drift": True}])
@pytest.mark.parametrize("size", [{"jobs": 6, "sites": 3, "slots": 12}, {"jobs": 8, "sites": 4}])
def test_placement_names_the_same_sizes_tolerance_and_tools(upset, size):
    for seed in ("1", "2"):
        for _, text in texts("placement", size | upset, seed):
            scenario = loaded().instance("placement", size | upset, seed=seed, lang="en").scenario
            numbers = set(re.findall(r"\d+(?:\.\d+)?", text))
            wanted = {len(scenario.jobs), len(scenario.sites), scenario.slots, scenario.slots - 1}
            assert {str(n) for n in wanted} <= numbers
            assert numbers & {"1.02", "102", "2"}
            assert {"auto_plan", "price_feed", "force_reserve", "get_rules"} <= tools_named(text)
            assert ("list_jobs" in text and "cache_age_s" in text) >= bool(upset.get("faults"))
