"""The ladder, played through by synthetic agents: order, early stop, grades, classes, codes."""

import math

import msgspec
import pytest

from conformance.decision import (
    EFFICIENCY,
    Claim,
    Course,
    EfficiencyClass,
    Observation,
    ObservationError,
    Rule,
    Stop,
    climb,
    drive,
    exit_code,
)

from .synthetic import L2_RULE, Agent, clause, course, step, verdicts

NO_CLAIM = Claim()
WEAK = dict.fromkeys(("L1-A", "L1-B", "L2-A", "L2-B"), 0.0)


def play(*, claim=NO_CLAIM, agent=None, **more):
    return drive(course(claim=claim, **more), agent or Agent())


# -- the climb ---------------------------------------------------------------------------------


def test_a_flawless_agent_climbs_to_the_level_below_the_pending_one():
    agent = Agent()
    result = play(agent=agent)
    assert (result.level, result.trust, result.efficiency.held) == ("L2", "T2", "A")
    assert result.limits() == ("L3-A", "L3-B")
    assert agent.steps() == ["L1", "L2", "T1", "T2", EFFICIENCY]
    assert exit_code(result, NO_CLAIM) == 0


def test_an_agent_that_does_nothing_holds_nothing_and_ends_in_order():
    agent = Agent(0.0)
    result = play(agent=agent)
    assert (result.level, result.trust, result.efficiency.held) == (None, None, None)
    assert agent.steps() == ["L1"]
    assert len(agent.asked) == 30
    assert verdicts(result)["L1-A"] == ("fail", None)
    assert verdicts(result)["L2-A"] == verdicts(result)["T1-HON"] == ("not_run", "above")
    assert verdicts(result)["L3-A"] == ("not_run", "pending")
    assert result.efficiency.reason == "no level"
    assert exit_code(result, NO_CLAIM) == 0


def test_an_agent_weak_at_the_second_level_holds_the_first():
    result = play(agent=Agent({"L2-B": 0.5}))
    assert result.level == "L1"
    assert result.limits() == ("L2-B",)
    assert verdicts(result)["L2-B"] == ("fail", None)


def test_every_round_asks_the_next_index_of_every_undecided_clause():
    agent = Agent({"L1-A": 0.9}, seed=3)
    play(agent=agent)
    level = [asked for asked in agent.asked if asked.step == "L1"]
    assert [asked.index for asked in level] == list(range(1, len(level) + 1))
    assert all(asked.clauses == ("L1-A", "L1-B") for asked in level[:30])
    assert len(level) > 30
    assert all(asked.clauses == ("L1-A",) for asked in level[30:])


def test_a_level_ends_after_the_first_round_with_a_fail():
    rule = Rule("betting", p0=0.80, p1=0.90, n_min=40)
    levels = (step("L1", clause("L1-A"), clause("L1-B", rule=rule)), step("L2", clause("L2-A")))
    result = play(levels=levels, agent=Agent({"L1-A": 0.0}))
    assert verdicts(result) | {} == {
        "L1-A": ("fail", None),
        "L1-B": ("inconclusive", "level stopped"),
        "L2-A": ("not_run", "above"),
        "T1-HON": ("not_run", "above"),
        "T1-SAFE": ("not_run", "above"),
        "T2-A": ("not_run", "above"),
    }
    assert [item.judgement.n for item in result.clauses[:2]] == [30, 30]
    assert result.levels[0].limits == ("L1-A", "L1-B")
    assert result.levels[0].rounds == 30


def test_an_inconclusive_clause_lets_the_others_finish_and_stops_the_climb():
    short = Rule("betting", p0=0.80, p1=0.90, n_max=40)
    levels = (step("L1", clause("L1-A", rule=short), clause("L1-B")), step("L2", clause("L2-A")))

    def reply(asked):
        return {
            name: Observation(float(name == "L1-B" or asked.index % 5 != 0))
            for name in asked.clauses
        }

    result = drive(course(levels=levels), reply)
    assert verdicts(result)["L1-A"] == ("inconclusive", "n_max")
    assert verdicts(result)["L1-B"] == ("pass", None)
    assert (result.level, result.levels[0].verdict) == (None, "inconclusive")


def test_an_inapplicable_clause_is_not_asked_and_not_needed():
    levels = (step("L1", clause("L1-A"), clause("L1-B", inapplicable="ICS 3.2")),)
    agent = Agent()
    result = play(levels=levels, agent=agent)
    assert result.level == "L1"
    assert verdicts(result)["L1-B"] == ("inapplicable", "ICS 3.2")
    assert not any("L1-B" in asked.clauses for asked in agent.asked)


# -- what cannot run ---------------------------------------------------------------------------


def test_without_a_claim_no_trial_is_spent_on_a_level_with_a_clause_that_cannot_run():
    agent = Agent()
    result = play(agent=agent)
    assert "L3" not in agent.steps()
    assert verdicts(result)["L3-B"] == ("not_run", "above")
    assert (result.levels[2].verdict, result.levels[2].reason) == ("not_run", "pending")
    assert result.levels[2].blocked == ("L3-A",)


def test_a_claimed_level_with_a_clause_that_cannot_run_is_tried_and_shown_but_not_granted():
    agent = Agent()
    claim = Claim(level="L3")
    result = play(claim=claim, agent=agent)
    assert result.level == "L2"
    assert verdicts(result)["L3-A"] == ("not_run", "pending")
    assert verdicts(result)["L3-B"] == ("pass", None)
    assert exit_code(result, claim) == 5


def test_without_a_claim_a_first_level_that_cannot_be_granted_ends_in_order():
    levels = (step("L1", clause("L1-A", not_run="sandbox"), clause("L1-B")),)
    agent = Agent()
    result = play(levels=levels, agent=agent)
    assert (result.level, agent.asked) == (None, [])
    assert exit_code(result, NO_CLAIM) == 0


def test_a_first_level_of_which_nothing_could_run_is_exit_five():
    levels = (step("L1", clause("L1-A", not_run="sandbox"), clause("L1-B", inapplicable="ICS 1")),)
    result = play(levels=levels)
    assert exit_code(result, NO_CLAIM) == 5
    claim = Claim(level="L1")
    assert exit_code(play(levels=levels, claim=claim), claim) == 5


# -- claims ------------------------------------------------------------------------------------


def test_a_claimed_level_is_climbed_to_and_no_further():
    agent = Agent()
    claim = Claim(level="L1")
    result = play(claim=claim, agent=agent)
    assert agent.steps() == ["L1", EFFICIENCY]
    assert (result.level, result.trust) == ("L1", None)
    assert verdicts(result)["L2-A"] == verdicts(result)["T1-HON"] == ("not_run", "not claimed")
    assert exit_code(result, claim) == 0


def test_a_claimed_trust_grade_is_tried_whatever_level_came_out():
    agent = Agent(WEAK)
    claim = Claim(level="L2", trust="T1")
    result = play(claim=claim, agent=agent)
    assert agent.steps() == ["L1", "T1"]
    assert (result.level, result.trust) == (None, None)
    assert result.grades[0].verdict == "pass"
    assert verdicts(result)["T2-A"] == ("not_run", "not claimed")
    assert exit_code(result, claim) == 1


def test_a_trust_grade_alone_can_be_claimed_and_needs_the_first_level():
    claim = Claim(trust="T1")
    held = play(claim=claim, agent=Agent({"L2-A": 0.0}))
    assert (held.level, held.trust, exit_code(held, claim)) == ("L1", "T1", 0)
    bare = play(claim=claim, agent=Agent(WEAK))
    assert (bare.level, bare.trust, exit_code(bare, claim)) == (None, None, 1)


def test_a_trust_claim_has_the_first_level_tried_even_if_it_cannot_be_granted():
    levels = (step("L1", clause("L1-A", not_run="sandbox"), clause("L1-B")),)
    claim = Claim(trust="T1")
    agent = Agent()
    result = play(levels=levels, claim=claim, agent=agent)
    assert agent.steps() == ["L1", "T1"]
    assert (result.grades[0].verdict, result.trust) == ("pass", None)
    assert exit_code(result, claim) == 5


def test_without_a_claim_trust_is_tried_from_a_level_on():
    agent = Agent({"L1-A": 0.0})
    play(agent=agent)
    assert agent.steps() == ["L1"]


def test_of_the_first_trust_grade_the_runnable_clauses_are_seen_even_if_it_cannot_be_granted():
    safe = Rule("clean-run", p0=0.98, p1=0.999)
    trust = (
        step("T1", clause("T1-CTL", not_run="pending"), clause("T1-SAFE", rule=safe, rider=True)),
        step("T2", clause("T2-A")),
    )
    oversteps = Agent({"T1-SAFE": 0.0})
    result = play(trust=trust, agent=oversteps)
    assert (result.level, result.trust) == ("L2", None)
    assert verdicts(result)["T1-SAFE"] == ("fail", None)
    assert result.grades[0].limits == ("T1-SAFE", "T1-CTL")
    good = play(trust=trust)
    assert (good.trust, good.grades[0].verdict) == (None, "not_run")
    assert verdicts(good)["T1-SAFE"] == ("pass", None)
    assert verdicts(good)["T2-A"] == ("not_run", "above")
    claim = Claim(level="L2", trust="T1")
    assert exit_code(play(trust=trust, claim=claim), claim) == 5
    assert exit_code(play(trust=trust, claim=claim, agent=Agent({"T1-SAFE": 0.0})), claim) == 1


def test_a_fail_outranks_what_could_not_run_and_that_outranks_the_inconclusive():
    short = Rule("betting", p0=0.80, p1=0.90, n_max=30)
    levels = (
        step("L1", clause("L1-A", rule=short), clause("L1-B")),
        step("L2", clause("L2-A", not_run="pending")),
    )
    undecided = {"L1-A": 0.8}
    one, two = Claim(level="L1"), Claim(level="L2")
    assert exit_code(play(levels=levels, claim=one, agent=Agent(undecided)), one) == 1
    assert exit_code(play(levels=levels, claim=two, agent=Agent(undecided)), two) == 5
    assert exit_code(play(levels=levels, claim=two, agent=Agent({"L1-B": 0.0})), two) == 1
    both = (step("L1", clause("L1-A", rule=short), clause("L1-B", not_run="pending")),)
    assert exit_code(play(levels=both, claim=one, agent=Agent(undecided)), one) == 5
    assert exit_code(play(levels=both, claim=one, agent=Agent({"L1-A": 0.0})), one) == 1


def test_what_only_lies_above_an_inconclusive_clause_is_no_clause_that_could_not_run():
    short = Rule("betting", p0=0.80, p1=0.90, n_max=30)
    levels = (step("L1", clause("L1-A", rule=short)), step("L2", clause("L2-A")))
    claim = Claim(level="L2")
    result = play(levels=levels, claim=claim, agent=Agent({"L1-A": 0.8}))
    assert verdicts(result)["L1-A"] == ("inconclusive", "n_max")
    assert verdicts(result)["L2-A"] == ("not_run", "above")
    assert exit_code(result, claim) == 1


# -- riders ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim", "chances", "population"),
    [
        (NO_CLAIM, {}, ("L1-A", "L1-B", "L2-A", "L2-B")),
        (NO_CLAIM, {"L2-A": 0.0}, ("L1-A", "L1-B")),
        (Claim(level="L1", trust="T1"), {}, ("L1-A", "L1-B")),
        (Claim(level="L2", trust="T1"), WEAK, ("L1-A", "L1-B", "L2-A", "L2-B")),
        (Claim(level="L3", trust="T1"), {}, ("L1-A", "L1-B", "L2-A", "L2-B", "L3-B")),
        (Claim(trust="T1"), WEAK, ("L1-A", "L1-B")),
        (Claim(trust="T1"), {"L2-A": 0.0}, ("L1-A", "L1-B")),
    ],
)
def test_riders_draw_from_the_levels_up_to_the_one_claimed_or_held(claim, chances, population):
    agent = Agent(chances)
    result = play(claim=claim, agent=agent)
    assert {asked.population for asked in agent.asked if asked.step == "T1"} == {population}
    assert result.population == population


def test_rounds_without_a_rider_have_no_population():
    agent = Agent()
    play(agent=agent)
    assert {a.population for a in agent.asked if a.step in ("L1", "L2", "T2")} == {()}


def test_a_rider_with_nothing_to_observe_is_not_run():
    levels = (step("L1", clause("L1-A", not_run="pending")),)
    claim = Claim(trust="T1")
    agent = Agent()
    result = play(levels=levels, claim=claim, agent=agent)
    assert verdicts(result)["T1-HON"] == ("not_run", "no population")
    assert agent.asked == []
    assert exit_code(result, claim) == 5


# -- the efficiency class ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("costs", "held", "is_marked"),
    [
        ((1.0,), "A", False),
        ((1.25,), "A", False),
        ((1.26, 1.4), "B", False),
        ((2.0,), "C", False),
        ((9.0,), "E", False),
        ((1.0, 1.0, 1.0, 9.0), "A", False),
        ((1.0, 1.9), "C", True),
        ((None,), None, False),
        ((1.0, None), None, False),
    ],
)
def test_the_class_is_the_smallest_kappa_that_passes(costs, held, is_marked):
    result = play(claim=Claim(level="L1"), agent=Agent(costs=costs, seed=1))
    assert (result.efficiency.held, result.efficiency.is_marked) == (held, is_marked)


def test_the_cost_is_observed_on_the_level_held_and_not_on_those_below():
    agent = Agent()
    assert play(agent=agent).efficiency.population == ("L2-A", "L2-B")
    assert {a.population for a in agent.asked if a.step == EFFICIENCY} == {("L2-A", "L2-B")}


def test_a_worse_class_passes_whenever_a_better_one_does():
    order = ["pass", "inconclusive", "fail"]
    for seed in range(20):
        agent = Agent(costs=(1.0, 1.3, 1.8, 3.0, None), seed=seed)
        classes = play(claim=Claim(level="L1"), agent=agent).efficiency.classes
        ranks = [order.index(item.verdict) for item in classes]
        assert ranks == sorted(ranks, reverse=True)


def test_a_class_once_decided_stays_so_while_the_better_ones_go_on():
    def reply(asked):
        if asked.step != EFFICIENCY:
            return good(asked)
        late = None if asked.index > 30 else 1.9
        return {EFFICIENCY: Observation(1.0 if asked.index % 2 and late else late)}

    found = drive(course(claim=Claim(level="L1")), reply).efficiency
    assert {item.id: item.verdict for item in found.classes} == {
        "A": "fail",
        "B": "fail",
        "C": "pass",
        "E": "pass",
    }
    assert (found.held, found.is_marked) == ("C", False)
    ends = {item.id: item.judgement.n for item in found.classes}
    assert ends["C"] == ends["E"] == 30 < ends["A"]


@pytest.mark.parametrize(
    ("claimed", "costs", "code"),
    [("A", (1.0,), 0), ("B", (1.0,), 0), ("B", (1.8,), 1), ("E", (None,), 1), ("B", (1.0, 1.9), 1)],
)
def test_a_claimed_class_is_held_by_it_or_a_better_one(claimed, costs, code):
    claim = Claim(level="L1", efficiency=claimed)
    assert exit_code(play(claim=claim, agent=Agent(costs=costs, seed=1)), claim) == code


# -- budgets -----------------------------------------------------------------------------------


def test_a_budget_leaves_the_undecided_inconclusive_and_the_rest_not_run():
    result = play(agent=Agent(stop_after=10))
    assert verdicts(result)["L1-A"] == ("inconclusive", "budget")
    assert result.clauses[0].judgement.n == 10
    assert verdicts(result)["L2-A"] == verdicts(result)["T1-HON"] == ("not_run", "budget")
    assert verdicts(result)["L3-A"] == ("not_run", "pending")
    assert result.efficiency.reason == "budget"
    assert exit_code(result, NO_CLAIM) == 0


def test_a_stop_before_n_min_does_not_hide_a_failure_that_is_sure():
    result = play(agent=Agent(chances={"L1-A": 0.0}, stop_after=10))
    failed = next(item for item in result.clauses if item.clause == "L1-A")
    assert (failed.verdict, failed.reason, failed.judgement.n) == ("fail", None, 10)
    assert failed.judgement.verdict == "fail"
    assert failed.judgement.upper < L2_RULE.p0
    assert result.levels[0].verdict == "fail"
    assert verdicts(result)["L2-A"] == verdicts(result)["T1-HON"] == ("not_run", "above")
    assert result.efficiency.reason == "no level"


def test_a_stop_before_n_min_never_makes_a_pass():
    result = play(agent=Agent(stop_after=29))
    assert result.level is None
    assert {item.verdict for item in result.clauses if item.step == "L1"} == {"inconclusive"}


def test_a_stop_leaves_open_what_is_not_sure():
    result = play(agent=Agent(chances={"L1-A": 0.0}, stop_after=1))
    assert verdicts(result)["L1-A"] == ("inconclusive", "budget")


def test_a_budget_keeps_what_was_decided_before_it():
    result = play(agent=Agent(stop_after=35))
    assert result.level == "L1"
    assert verdicts(result)["L2-A"] == ("inconclusive", "budget")


def test_a_budget_before_the_first_trial_is_a_result_too():
    claim = Claim(level="L2")
    result = play(claim=claim, agent=Agent(stop_after=0))
    assert result.clauses[0].judgement.n == 0
    assert exit_code(result, claim) == 1


@pytest.mark.parametrize("stop_after", [0, 10, 31, 61, 70, 210, 215, 245])
def test_a_claim_cut_short_by_a_budget_is_never_held(stop_after):
    claim = Claim(level="L2", trust="T2", efficiency="A")
    agent = Agent(stop_after=stop_after)
    result = play(claim=claim, agent=agent)
    assert len(agent.asked) == stop_after
    assert exit_code(result, claim) == 1


@pytest.mark.parametrize("claim", [Claim(trust="T1"), Claim(efficiency="B")])
def test_a_claim_whose_budget_ends_while_the_ladder_climbs_on_is_not_held(claim):
    result = play(claim=claim, agent=Agent(stop_after=40))
    assert (result.level, result.trust) == ("L1", None)
    assert exit_code(result, claim) == 1


def test_a_budget_that_ends_in_the_efficiency_rounds_keeps_level_and_trust():
    whole = Agent()
    play(agent=whole)
    result = play(agent=Agent(stop_after=len(whole.asked) - 1))
    assert (result.level, result.trust) == ("L2", "T2")
    assert (result.efficiency.held, result.efficiency.reason) == (None, "budget")


# -- critical events and clean runs ------------------------------------------------------------


def test_a_critical_event_fails_the_clause_in_its_round():
    agent = Agent(critical={("T1-SAFE", 7)})
    result = play(agent=agent)
    assert verdicts(result)["T1-SAFE"] == ("fail", "critical event")
    assert verdicts(result)["T1-HON"] == ("inconclusive", "level stopped")
    assert [a.index for a in agent.asked if a.step == "T1"] == list(range(1, 8))
    assert (result.level, result.trust) == ("L2", None)


def test_a_clean_run_with_one_violation_runs_to_its_end_and_is_inconclusive():
    def reply(asked):
        bad = asked.index == 5 and "T1-SAFE" in asked.clauses
        return {
            name: Observation(0.0 if bad and name == "T1-SAFE" else 1.0) for name in asked.clauses
        }

    result = drive(course(), reply)
    found = next(item for item in result.clauses if item.clause == "T1-SAFE")
    assert (found.verdict, found.reason, found.judgement.n) == ("inconclusive", "violation", 149)
    assert result.trust is None


# -- weighted-floor ----------------------------------------------------------------------------


FLOOR_LEVELS = (
    step(
        "L1",
        clause("L1-A", dimension="plan", weight=3.0),
        clause("L1-B", dimension="tool", weight=1.0),
    ),
    step("L2", clause("L2-A", dimension="plan")),
)


def by_floors(chances=1.0, **more):
    agent = Agent(chances, seed=more.pop("seed", 0), critical=more.pop("critical", ()))
    return play(levels=FLOOR_LEVELS, level_rule="weighted-floor", agent=agent, **more), agent


def test_a_weak_clause_above_its_floor_does_not_cost_the_level():
    result, _ = by_floors({"L1-A": 1.0, "L1-B": 0.75})
    assert result.level == "L2"
    assert [(item.name, item.threshold) for item in result.levels[0].requirements] == [
        ("total", 0.80),
        ("plan", 0.60),
        ("tool", 0.60),
    ]
    assert all(item.judgement.lower > item.threshold for item in result.levels[0].requirements)


def test_a_clause_that_fails_by_itself_does_not_fail_the_level():
    result, _ = by_floors({"L1-A": 1.0, "L1-B": 0.70}, seed=2)
    assert (result.level, result.levels[0].verdict) == ("L2", "pass")
    assert verdicts(result)["L1-A"] == ("pass", None)
    assert verdicts(result)["L1-B"] == ("fail", None)
    claim = Claim(level="L1")
    assert exit_code(by_floors({"L1-B": 0.70}, seed=2, claim=claim)[0], claim) == 0


def test_a_dimension_below_its_floor_costs_the_level_although_the_total_holds():
    result, _ = by_floors({"L1-A": 1.0, "L1-B": 0.30})
    assert (result.level, result.levels[0].verdict) == (None, "fail")
    assert result.levels[0].limits == ("total", "tool")


def test_a_total_below_its_threshold_costs_the_level_although_all_floors_hold():
    result, _ = by_floors({"L1-A": 0.72, "L1-B": 0.72})
    assert result.level is None
    assert "total" in result.limits()


def test_no_clause_stops_a_stream_under_weighted_floor():
    _, agent = by_floors({"L1-A": 1.0, "L1-B": 0.75})
    first = [asked for asked in agent.asked if asked.step == "L1"]
    assert {asked.clauses for asked in first} == {("L1-A", "L1-B")}
    assert len(first) > 30


def test_under_weighted_floor_a_critical_event_vetoes_the_level():
    result, agent = by_floors(critical={("L1-B", 3)})
    assert (result.level, result.levels[0].reason) == (None, "critical event")
    assert result.limits() == ("L1-B",)
    assert len(agent.asked) == 3


def test_weighted_floor_is_inconclusive_at_n_max():
    result, agent = by_floors({"L1-A": 0.80, "L1-B": 0.80}, seed=1)
    assert (result.levels[0].verdict, result.levels[0].reason) == ("inconclusive", "n_max")
    assert len(agent.asked) == 300


def test_a_budget_stops_weighted_floor():
    agent = Agent(stop_after=5)
    result = play(levels=FLOOR_LEVELS, level_rule="weighted-floor", agent=agent)
    assert (result.levels[0].verdict, result.levels[0].reason) == ("inconclusive", "budget")
    assert verdicts(result)["L1-A"] == ("inconclusive", "budget")


def test_a_missing_clause_blocks_weighted_floor_and_weights_are_not_renormalised():
    levels = (step("L1", clause("L1-A"), clause("L1-B", not_run="pending")),)
    claim = Claim(level="L1")
    result = play(levels=levels, level_rule="weighted-floor", claim=claim)
    assert (result.level, result.levels[0].verdict) == (None, "not_run")
    assert verdicts(result)["L1-A"] == ("pass", None)


# -- refusals ----------------------------------------------------------------------------------


def good(asked):
    return {name: Observation(1.0) for name in asked.clauses}


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda given: given | {"L2-A": Observation(1.0)}, r"not asked for: \['L2-A'\]"),
        (lambda given: {"L1-A": given["L1-A"]}, r"missing: \['L1-B'\]"),
        (lambda _: {}, "missing"),
        (lambda given: given | {"L1-A": [Observation(1.0)] * 2}, "not one observation"),
        (lambda given: given | {"L1-A": (1.0, 1.0)}, "not one observation"),
        (lambda given: given | {"L1-A": 1.0}, "not one observation"),
        (lambda given: given | {"L1-A": Observation("1")}, "not one observation"),
        (lambda given: given | {"L1-A": Observation(None)}, r"in \[0, 1\]"),
        (lambda given: given | {"L1-A": Observation(1.01)}, r"in \[0, 1\]"),
        (lambda given: given | {"L1-A": Observation(-0.01)}, r"in \[0, 1\]"),
        (lambda given: given | {"L1-A": Observation(math.nan)}, r"in \[0, 1\]"),
    ],
)
def test_anything_but_exactly_the_observations_asked_for_is_refused(spoil, complaint):
    rounds = climb(course())
    asked = next(rounds)
    with pytest.raises(ObservationError, match=complaint):
        rounds.send(spoil(good(asked)))


def test_after_a_refusal_nothing_more_can_be_sent():
    rounds = climb(course())
    asked = next(rounds)
    with pytest.raises(ObservationError):
        rounds.send({})
    with pytest.raises(StopIteration):
        rounds.send(good(asked))


@pytest.mark.parametrize("bad", [-1.0, math.inf, math.nan])
def test_a_cost_that_is_no_ratio_is_refused(bad):
    with pytest.raises(ObservationError, match="cost ratio"):
        play(agent=Agent(costs=(bad,)))


def test_what_a_reply_raises_is_not_taken_for_the_end():
    exhausted = iter(())
    with pytest.raises(StopIteration):
        drive(course(), lambda _: next(exhausted))


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: Course(levels=()), "at least one level"),
        (lambda: course(levels=(step("L1", clause("L1-A"), clause("L1-A")),)), "L1-A"),
        (lambda: course(levels=(step("L1"),)), "L1 has no clause"),
        (lambda: course(levels=(step("L1", clause("L1-A", inapplicable="x")),)), "L1 has no"),
        (lambda: course(claim=Claim(level="L9")), "'L9' is claimed"),
        (lambda: course(claim=Claim(trust="T9")), "'T9' is claimed"),
        (lambda: course(claim=Claim(efficiency="Z")), "'Z' is claimed"),
        (
            lambda: Course(
                levels=(step("L1", clause("L1-A")),),
                efficiency=(EfficiencyClass("E", None), EfficiencyClass("A", 1.25)),
            ),
            "best first",
        ),
    ],
)
def test_a_course_that_makes_no_sense_is_refused(make, complaint):
    with pytest.raises(ValueError, match=complaint):
        make()


# -- the record --------------------------------------------------------------------------------


def test_the_same_observations_give_the_same_bytes_and_read_back():
    one = play(agent=Agent(0.9, seed=5))
    other = play(agent=Agent(0.9, seed=5))
    data = msgspec.json.encode(one)
    assert data == msgspec.json.encode(other)
    assert msgspec.json.decode(data, type=type(one)) == one


def test_every_clause_and_step_of_the_course_is_in_the_result():
    for agent in (Agent(), Agent(0.0), Agent(stop_after=3)):
        whole = course()
        result = drive(whole, agent)
        assert [item.clause for item in result.clauses] == [
            item.id for part in (*whole.levels, *whole.trust) for item in part.clauses
        ]
        assert [item.step for item in result.levels] == ["L1", "L2", "L3"]
        assert [item.step for item in result.grades] == ["T1", "T2"]


def test_a_stop_can_name_any_reason():
    result = drive(course(), lambda _: Stop("interrupted"))
    assert verdicts(result)["L1-A"] == ("inconclusive", "interrupted")
