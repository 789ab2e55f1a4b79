"""The table of outcomes: total, and what it says of each cause."""

from typing import get_args

import pytest

from conformance.agents.contract import FaultKind
from conformance.trial.outcome import FAULT_CAUSES, TABLE, Cause, Outcome, fault_limit


def test_every_cause_has_a_row_and_every_row_a_cause():
    assert set(TABLE) == set(get_args(Cause))


def test_every_outcome_of_the_design_is_reached_and_no_other():
    assert {row.outcome for row in TABLE.values()} == set(get_args(Outcome))


def test_only_what_was_not_the_agent_s_doing_is_run_again():
    uncounted = {cause for cause, row in TABLE.items() if not row.counts}
    assert uncounted == {"endpoint_down", "interrupted", "suite_error"}


def test_a_harness_fault_has_one_cause():
    assert [c for c, row in TABLE.items() if row.outcome == "harness_fault"] == ["suite_error"]


def test_overflow_and_refusals_are_settled_without_a_canary_and_outages_are_not():
    assert set(FAULT_CAUSES) == {"context_overflow", "refused_request", "bad_reply"}
    assert set(FAULT_CAUSES) < set(get_args(FaultKind))
    assert all(TABLE[cause].counts for cause in FAULT_CAUSES.values())


@pytest.mark.parametrize(("trials", "limit"), [(0, 3), (149, 3), (150, 3), (200, 4), (1000, 20)])
def test_a_campaign_survives_three_faults_or_two_in_a_hundred(trials, limit):
    assert fault_limit(trials) == limit
