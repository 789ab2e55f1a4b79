"""The vendor's own tests: of its tasks, of its code, of its shop."""

import json
from pathlib import Path

import jsonschema
import pytest
from agent import work

from graders import solved
from tasks import FAMILY

SCHEMA = json.loads((Path(__file__).parents[1] / "schemas/answer.schema.json").read_text())


@pytest.mark.grade(clause="ACME-1", level="L1")
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_it_counts_the_lamps_of_a_crate(trial, lang):
    tried = trial(FAMILY, lang=lang, grader=solved.grade)
    assert tried.solved, tried.findings
    jsonschema.validate(tried.answer.values, SCHEMA)


@pytest.mark.grade(clause="ACME-2")
def test_it_counts_large_crates_too(trial):
    tried = trial(FAMILY, knobs={"most": 99}, seed="4", grader=solved.grade)
    assert len(tried.calls) > 1


@pytest.mark.grade(clause="ACME-3", level="L2")
def test_what_is_above_the_claim_is_not_run():
    raise AssertionError


def test_the_family_of_this_name_in_the_edition_is_another(trial):
    assert [call.name for call in trial("lamps").calls] == ["dim"]


def test_its_code_can_be_driven_directly(gateway):
    with gateway(FAMILY, grader=solved.grade) as doors:
        work(doors.instruction, doors.mcp_url, doors.api_key)
    assert doors.result.solved
    assert doors.result.outcome == "completed"


def test_its_own_option_is_its_own(shop, agent):
    assert shop == "http://shop.example"
    assert agent.describe()["name"].endswith("clerk")
    assert agent.evidence_class == "observed"
