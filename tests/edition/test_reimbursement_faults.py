"""F04 with faults: the clerk recovers, and nothing is posted twice."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.authoring import AGE, LANGS, Answer, Rng, Step, ToolError, Trace
from tests.edition.test_reimbursement import (
    ALLOW_LIST,
    EDITION,
    FAMILY,
    FAULTY,
    HONESTY,
    broken,
    first,
    instance,
    part,
)

faults, oracle, recovery, state = map(part, ("faults", "oracle", "recovery", "state"))
SETTLING = [knobs for knobs in FAULTY if knobs["ending"] == "settle"]
SLIPS = {s.name: s.play for s in FAMILY.shortcuts[-5:]}
quickly = settings(max_examples=20, deadline=None, derandomize=True, database=None)
some_settling = st.sampled_from(SETTLING)
some_seed = st.integers(0, 10**9).map(str)


def faulty(seed="1", **knobs):
    return instance(seed, faults=True, **knobs)


def timed_out(case):
    return faults.of_kind(case, "timeout_done").nth


def nth(steps, name, number):
    return [i for i, step in enumerate(steps) if step.name == name][number - 1]


def play(made, policy):
    return made.play(lambda case, act, _: policy(case, act), Rng(b""))


@quickly
@given(some_settling, some_seed)
def test_five_faults_are_drawn_and_the_work_meets_each_of_them(knobs, seed):
    made = instance(seed, **knobs)
    kinds = [fault.kind for fault in made.scenario.faults]
    assert kinds[:4] == ["timeout_done", "stale", "timeout_lost", "rate_limited"]
    assert kinds[4] in ("malformed", "duplicate")
    played = made.solve()
    met = [call.fault for call in played.calls if call.fault]
    assert sorted(met) == sorted(kinds)
    assert not broken(played)
    assert HONESTY(played).value == ALLOW_LIST(played).value == 1
    assert EDITION.grader("resilience")(played).findings == ()


@quickly
@given(st.sampled_from(FAULTY), some_seed)
def test_the_oracle_recovers_from_what_it_is_told_and_not_from_the_schedule(knobs, seed):
    made = instance(seed, **knobs)
    unaware = replace(made.scenario, faults=())
    assert not broken(play(made, lambda _, act: oracle.solve(unaware, act)))


@quickly
@given(some_seed)
def test_a_locked_month_is_refused_after_three_faults(seed):
    played = faulty(seed, ending="locked").solve()
    assert [call.fault for call in played.calls if call.name == "get_period"] == [
        "timeout_lost",
        "rate_limited",
        "malformed",
        None,
    ]
    assert not broken(played)


@quickly
@given(some_settling, some_seed)
def test_a_posting_repeated_blindly_stands_twice(knobs, seed):
    made = instance(seed, **knobs)
    trace = made.solve().trace
    at = nth(trace.steps, "post_voucher", timed_out(made.scenario))
    again = (*trace.steps[: at + 1], trace.steps[at], *trace.steps[at + 1 :])
    played = made.replay(Trace(again, trace.answer))
    posted = trace.steps[at].arguments
    assert played.final["vouchers"][posted["claim_id"]] == [*posted["lines"]] * 2
    assert broken(played) == {"goal.posting"}


@quickly
@given(some_settling, some_seed)
def test_the_first_look_shows_the_ledger_as_it_was_and_says_so(knobs, seed):
    played = instance(seed, **knobs).solve()
    old, new = (call.result for call in played.calls if call.name == "list_postings")
    claim_id = played.calls[
        nth(played.trace.steps, "post_voucher", timed_out(played.instance.scenario))
    ].arguments["claim_id"]
    lines = [
        next(row["lines"] for row in look["claims"] if row["claim_id"] == claim_id)
        for look in (old, new)
    ]
    assert lines[0] == []
    assert lines[1]
    assert old[AGE] >= 1
    assert AGE not in new


@pytest.mark.parametrize("repeated", ["decide_claim", "request_approval", "close_month"])
def test_every_other_write_may_be_made_twice_without_harm(repeated):
    made = faulty()
    trace = made.solve().trace
    steps = [s for step in trace.steps for s in (step, *[step] * (step.name == repeated))]
    assert not broken(made.replay(Trace(tuple(steps), trace.answer)))


def test_who_looks_at_the_ledger_beforehand_uses_the_stale_look_up():
    made = faulty()

    def looks_first(case, act):
        act("list_postings", **state.here(case))
        return oracle.solve(case, act)

    assert not broken(play(made, looks_first))


@pytest.mark.parametrize(
    ("slip", "requirements"),
    [
        ("blind_retry", {"goal.posting", "answer.values.settlement_id"}),
        ("believes_stale", {"goal.posting", "answer.values.settlement_id"}),
        ("assumes_done", {"goal.approval", "goal.posting", "conduct.approval_first"}),
        ("hammers", {"goal.closed", "answer.missing"}),
        ("gives_up", {"goal.closed", "answer.missing"}),
    ],
)
def test_each_slip_fails_in_its_way(slip, requirements):
    for seed in range(12):
        made = faulty(str(seed))
        found = broken(made.play(SLIPS[slip], Rng(b"")))
        assert found & requirements, seed
        if "answer.missing" not in requirements:
            assert "answer.missing" not in found or slip == "assumes_done"


def test_a_slip_needs_faults_to_slip_on():
    for made in (instance(), faulty(ending="locked")):
        for play_ in SLIPS.values():
            assert not made.play(play_, Rng(b"")).calls
        for lapse in FAMILY.lapses.values():
            assert not broken(made.play(lapse, Rng(b"")))
    for lapse in FAMILY.lapses.values():
        assert broken(faulty().play(lapse, Rng(b"")))


def test_payment_before_approval_is_found_though_its_reply_was_lost():
    made = next(
        made for made in (faulty(str(seed)) for seed in range(40)) if timed_out(made.scenario) == 1
    )
    trace = made.solve().trace
    steps = list(trace.steps)
    at = nth(steps, "post_voucher", 1)
    claim_id = steps[at].arguments["claim_id"]
    asked = first(steps, "request_approval", claim_id=claim_id)
    steps.insert(asked, steps.pop(at))
    played = made.replay(Trace(tuple(steps), trace.answer))
    assert played.calls[asked].fault == "timeout_done"
    assert "conduct.approval_first" in broken(played)


def test_a_posting_is_never_withdrawn():
    act = faulty().door().act
    claim_id = faulty().scenario.batch[0].id
    with pytest.raises(ToolError) as error:
        act("post_voucher", claim_id=claim_id, lines=[])
    assert error.value.code == "invalid_arguments"
    act("close_month", **state.here(faulty().scenario))


def test_a_posting_elsewhere_breaks_the_frame():
    made = faulty()
    case, trace = made.scenario, made.solve().trace
    other = next(c for c in case.claims if c.outcome == "open" and not case.holds(c))
    at = nth(trace.steps, "post_voucher", 2)
    lines = trace.steps[at].arguments["lines"]
    stray = Step("post_voucher", {"claim_id": other.id, "lines": lines})
    played = made.replay(Trace((*trace.steps, stray), trace.answer))
    assert broken(played) == {"frame", "conduct.approval_first"}


def test_the_ledger_can_be_looked_up_only_where_there_are_faults():
    assert "list_postings" not in {spec.name for spec in instance().tools}
    names = {spec.name for spec in faulty().tools}
    assert {"list_postings", "wait"} <= names


@pytest.mark.parametrize("wording", range(FAMILY.wordings))
@pytest.mark.parametrize("lang", LANGS)
def test_every_wording_says_what_a_careful_reader_must_know(lang, wording):
    text = instance("1", lang, wording, faults=True).instruction
    for word in ("list_postings", "wait", "429", "cache_age_s", "redelivery_of"):
        assert word in text
        assert word == "wait" or word not in instance("1", lang, wording).instruction
    twice = {"zh": r"不得重复|别办两遍", "en": r"be done twice"}
    assert re.search(twice[lang], text)


@pytest.mark.parametrize("name", ["posts_again", "acts_on_stale", "leaves_lost", "leaves_refused"])
def test_a_recovery_left_out_is_found(name):
    mutation = next(m for m in FAMILY.mutations if m.name == name)
    made = 0
    for seed in range(12):
        origin = faulty(str(seed), claims=(3, 4)[seed % 2])
        trace = mutation.apply(origin.scenario, origin.solve().trace, Rng.of(seed))
        if trace is not None:
            made += 1
            assert mutation.requirement in broken(origin.replay(trace))
    assert made >= 4
    sound = instance()
    assert mutation.apply(sound.scenario, sound.solve().trace, Rng(b"")) is None


def test_doing_nothing_never_solves():
    assert broken(faulty().replay(Trace((), Answer("done"))))
