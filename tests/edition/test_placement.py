"""F05 placement: a legal plan within 2 % of the optimum, which no hurried planner finds."""

import functools
import importlib
import itertools
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance import edition
from conformance.authoring import LANGS, Answer, Rng, ToolError, digest
from conformance.edition import gate


def name(knobs):
    """Return the values of a knob set, and which of its switches are on."""
    return "-".join(knob if value is True else str(value) for knob, value in knobs.items())


KNOBS = [
    {"jobs": jobs, "sites": sites, "slots": slots, "tightness": tightness}
    for jobs in (6, 5, 8)
    for sites in (3, 4)
    for slots in (12, 8)
    for tightness in ("medium", "tight")
]
FAULTY, DRIFTING, BOTH = (
    [KNOBS[0] | {"sites": sites} | upset for sites in (3, 4)]
    for upset in ({"faults": True}, {"drift": True}, {"faults": True, "drift": True})
)
L2 = [knobs for knobs in KNOBS if knobs["jobs"] == 6 and knobs["slots"] == 12]
quick = settings(max_examples=8, deadline=None)
seeds = st.integers(0, 10**9).map(str)
knob_sets = st.sampled_from([knobs for knobs in KNOBS if knobs["jobs"] == 6])


@functools.cache
def loaded():
    return edition.load()


def family():
    return loaded().family("placement")


def part(name):
    return importlib.import_module(f"{type(family()).__module__}.{name}")


def instance(knobs=KNOBS[0], seed="1", lang="en", wording=0):
    return loaded().instance("placement", knobs, seed=seed, lang=lang, wording=wording)


def play(given_, policy):
    return given_.play(lambda scenario, act, _: policy(scenario, act), Rng(b""))


def found(played):
    return [finding.requirement for finding in loaded().grader("solved")(played).findings]


def carried_out(plan):
    work = part("work")
    return lambda scenario, act: work.carry_out(scenario, work.Hand(scenario, act), plan)


@pytest.mark.parametrize("knobs", KNOBS, ids=name)
def test_the_oracle_solves_every_knob_set_with_the_calls_anyone_needs(knobs):
    given_ = instance(knobs, "7")
    played = given_.solve()
    assert found(played) == []
    assert len(played.calls) == 3 + knobs["sites"] + knobs["jobs"] + 1
    assert loaded().grader("honesty")(played).value == 1
    assert found(play(given_, lambda *_: None)) != []


@quick
@given(knob_sets, seeds)
def test_languages_and_wordings_tell_the_same_task(knobs, seed):
    texts = [
        instance(knobs, seed, lang, wording)
        for lang in LANGS
        for wording in range(family().wordings)
    ]
    assert len({text.instruction for text in texts}) == len(texts)
    assert {text.scenario for text in texts} == {texts[0].scenario}
    assert {digest(msgspec.to_builtins(text.right_end)) for text in texts} == {
        digest(msgspec.to_builtins(texts[0].right_end))
    }
    for text in texts:
        assert all(name in text.instruction for name in family().forbidden(text.scenario))


@st.composite
def small_scenarios(draw):
    model = part("model")
    sites = tuple(
        model.Site(
            id=f"DC-{number}",
            zone=("coast", "plain")[number],
            gpu_type="GX2",
            gpus=draw(st.integers(4, 10)),
            pue=draw(st.sampled_from((110, 145))),
            prices=tuple(draw(st.lists(st.integers(200, 500), min_size=5, max_size=5))),
            bookings=(model.Booking(f"B-{number}", "search", 2, 3, draw(st.integers(0, 4))),),
        )
        for number in range(2)
    )
    jobs = tuple(
        model.Job(
            id=f"J-{number}",
            gpus=draw(st.integers(2, 8)),
            gpu_types=("GX2",),
            duration=draw(st.integers(1, 3)),
            first=draw(st.integers(0, 2)),
            last=draw(st.integers(3, 4)),
            data_class=draw(st.sampled_from(("open", "regulated"))),
            power=draw(st.integers(4, 9)),
        )
        for number in range(draw(st.integers(1, 4)))
    )
    residency = (("open", ("coast", "plain")), ("regulated", ("plain",)))
    return model.Scenario("s", 5, sites, jobs, residency)


def brute_force(scenario):
    model = part("model")
    choices = [tuple(model.legal_places(scenario, job)) for job in scenario.jobs]
    names = [job.id for job in scenario.jobs]
    return min(
        (
            model.plan_cost(scenario, plan)
            for plan in itertools.product(*choices)
            if not model.overloads(scenario, dict(zip(names, plan, strict=True)))
        ),
        default=None,
    )


@settings(max_examples=60, deadline=None)
@given(small_scenarios())
def test_the_integer_programme_finds_the_minimum_of_all_plans(scenario):
    planning, optimum = part("planning"), part("optimum")
    least = brute_force(scenario)
    searched = planning.cheapest(planning.board(scenario))
    if least is None:
        assert searched is None
        with pytest.raises(ValueError, match=r"legal place|keeps all rules"):
            optimum.minimum(scenario)
    else:
        assert optimum.minimum(scenario) == least
        assert planning.total(searched) == least


@quick
@given(knob_sets, seeds)
def test_two_independent_searches_agree_on_the_minimum(knobs, seed):
    scenario = instance(knobs, seed).scenario
    planning = part("planning")
    best = planning.cheapest(planning.board(scenario))
    assert planning.total(best) == part("optimum").minimum(scenario)


@pytest.mark.parametrize(
    ("spent", "minimum", "within"),
    [
        (102, 100, True),
        (103, 100, False),
        (102_000_001, 100_000_000, False),
        (51, 50, True),
        (10**20 + 2 * 10**18 + 1, 10**20, False),
    ],
)
def test_the_tolerance_is_compared_in_integers(spent, minimum, within):
    assert part("model").is_within_tolerance(spent, minimum) is within


@quick
@given(knob_sets, seeds)
def test_no_order_of_the_jobs_makes_greedy_good_enough(knobs, seed):
    scenario = instance(knobs, seed).scenario
    planning = part("planning")
    on, least = planning.board(scenario), part("optimum").minimum(scenario)
    for order in itertools.permutations(range(len(scenario.jobs))):
        choice = planning.greedy(on, order)
        assert choice is None or 50 * planning.total(choice) > 51 * least


@quick
@given(knob_sets, seeds)
def test_greedy_in_any_order_is_among_every_greedy(knobs, seed):
    scenario = instance(knobs, seed).scenario
    planning = part("planning")
    on = planning.board(scenario)
    order = Rng.of(seed).shuffled(range(len(scenario.jobs)))
    choice = planning.greedy(on, order)
    every = planning.every_greedy(on)
    assert choice is None or choice in every
    better = planning.descent(on, choice)
    assert better is None or better in planning.every_improvement(on, every)


def plans_within_tolerance(scenario, count):
    """Yield other legal plans that are good enough: one or two jobs moved from the optimum."""
    model, optimum = part("model"), part("optimum")
    best, least = optimum.optimum(scenario), optimum.minimum(scenario)
    legal = [tuple(model.legal_places(scenario, job)) for job in scenario.jobs]
    names = [job.id for job in scenario.jobs]
    hits = 0
    for one, two in itertools.combinations(range(len(best)), 2):
        for first, second in itertools.product(legal[one], legal[two]):
            plan = list(best)
            plan[one], plan[two] = first, second
            if (
                tuple(plan) != best
                and not model.overloads(scenario, dict(zip(names, plan, strict=True)))
                and 50 * model.plan_cost(scenario, tuple(plan)) <= 51 * least
            ):
                yield tuple(plan)
                hits += 1
                if hits == count:
                    return


def test_every_plan_within_the_tolerance_is_accepted_not_only_the_optimum():
    accepted = 0
    for seed in range(12):
        given_ = instance(seed=str(seed))
        for plan in plans_within_tolerance(given_.scenario, 3):
            assert found(play(given_, carried_out(plan))) == []
            accepted += 1
    assert accepted >= 5


def test_the_order_of_calls_and_a_change_of_mind_do_not_matter():
    given_ = instance()

    def hesitant(scenario, act):
        plan = part("optimum").optimum(scenario)
        placed = list(zip(scenario.jobs, plan, strict=True))
        arguments = {
            job.id: {"job": job.id, "site": scenario.sites[p.site].id, "start": float(p.start)}
            for job, p in reversed(placed)
        }
        for job in reversed(scenario.jobs):
            assert act("quote", **arguments[job.id])["energy_cny"] > 0
            act("reserve", **arguments[job.id])
        act("release", booking=scenario.jobs[0].id)
        act("reserve", **arguments[scenario.jobs[0].id])
        assert all(job["reserved"] for job in act("list_jobs")["jobs"])
        return Answer("done", None, {"plan_token": f" {act('commit')['plan_token'].lower()} "})

    assert found(play(given_, hesitant)) == []


@quick
@given(knob_sets, seeds)
def test_the_token_says_nothing_about_the_plan_and_needs_a_complete_one(knobs, seed):
    given_ = instance(knobs, seed)
    scenario, act = given_.scenario, given_.door().act
    with pytest.raises(ToolError, match="Not reserved yet"):
        act("commit")
    for job in scenario.jobs:
        act("force_reserve", job=job.id, site=scenario.sites[0].id, start=0)
    assert act("commit")["plan_token"] == given_.right_end.values["plan_token"]
    with pytest.raises(ToolError, match="committed"):
        act("release", booking=scenario.jobs[0].id)


def moved(operator, seed="1"):
    """Return what the grader finds of a mutant that ``operator`` makes."""
    mutations = {mutation.name: mutation for mutation in family().mutations}
    for number in range(20):
        given_ = instance(seed=f"{seed}-{number}")
        trace = mutations[operator].apply(given_.scenario, given_.solve().trace, Rng.of(number))
        if trace is not None:
            return found(given_.replay(trace))
    raise AssertionError(operator)


@pytest.mark.parametrize(
    ("operator", "alone"),
    [
        ("drop_commit", ["goal.committed"]),
        ("drop_job", ["goal.committed", "goal.placed"]),
        ("dearer", ["goal.cost"]),
        ("release_other", ["frame"]),
        ("misread_token", ["answer.values.plan_token"]),
        ("other_status", ["answer.status"]),
    ],
)
def test_one_fault_is_found_as_that_fault_and_nothing_else(operator, alone):
    assert moved(operator) == alone


@pytest.mark.parametrize(
    ("operator", "requirement"),
    [
        ("outside_window", "goal.window"),
        ("forbidden_zone", "goal.residency"),
        ("wrong_gpu_type", "goal.gpu_type"),
        ("overbook", "goal.capacity"),
    ],
)
def test_each_rule_is_seen_broken(operator, requirement):
    assert requirement in moved(operator)


def test_every_declared_requirement_has_an_operator():
    assert set(family().requirements) <= {m.requirement for m in family().mutations}


@quick
@given(knob_sets, seeds)
def test_the_forbidden_tools_work_and_the_automatic_plan_is_too_dear(knobs, seed):
    given_ = instance(knobs, seed)
    scenario, act = given_.scenario, given_.door().act
    feed = act("price_feed")["sites"]
    assert feed == [act("get_prices", site=site.id) for site in scenario.sites]
    drafted = act("auto_plan")
    if drafted["plan"]:
        assert drafted["energy_cny"] * 10**6 * 50 > 51 * part("optimum").minimum(scenario)
        shortcut = next(s for s in family().shortcuts if s.name == "follow_auto_plan")
        played = given_.play(shortcut.play, Rng(b""))
        assert found(played) == ["goal.cost"]


def test_force_reserve_takes_what_reserve_refuses():
    given_ = instance()
    scenario, act = given_.scenario, given_.door().act
    site = scenario.sites[0]
    codes = set()
    for job in scenario.jobs:
        try:
            act("reserve", job=job.id, site=site.id, start=0)
        except ToolError as error:
            codes.add(error.code)
            act("force_reserve", job=job.id, site=site.id, start=0)
    assert codes >= {"no_capacity"}
    with pytest.raises(ToolError, match=r"Release J-\d+ first"):
        act("force_reserve", job=scenario.jobs[0].id, site=site.id, start=0)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"job": "J-1"}, "not_found"),
        ({"site": "DC-1"}, "not_found"),
        ({"start": 11}, "outside_horizon"),
        ({"start": 10**40}, "outside_horizon"),
        ({"start": -1}, "invalid_arguments"),
        ({"start": 1.5}, "invalid_arguments"),
        ({"start": True}, "invalid_arguments"),
        ({"start": "1"}, "invalid_arguments"),
        ({"cost": 0}, "invalid_arguments"),
    ],
)
def test_mistakes_of_the_caller_are_tool_errors(wrong, code):
    given_ = instance()
    place = part("optimum").optimum(given_.scenario)[0]
    job = next(job for job in given_.scenario.jobs if job.duration > 1)
    right = {"job": job.id, "site": given_.scenario.sites[place.site].id, "start": place.start}
    for tool in ("quote", "reserve", "force_reserve"):
        with pytest.raises(ToolError) as error:
            given_.door().act(tool, **{**right, **wrong})
        assert error.value.code == code


def test_a_minimum_without_other_teams_bookings_is_not_the_minimum():
    lower = 0
    for seed in range(5):
        scenario = instance(seed=str(seed)).scenario
        freed = replace(
            scenario, sites=tuple(replace(site, bookings=()) for site in scenario.sites)
        )
        lower += part("optimum").minimum(freed) < part("optimum").minimum(scenario)
    assert lower == 5


@pytest.mark.parametrize("knobs", [*L2, *FAULTY, *DRIFTING])
def test_instruction_and_tools_are_short(knobs):
    longest = max(
        gate.estimate_tokens(gate.shown_to_agent(instance(knobs, str(seed), lang, wording)))
        for seed in range(3)
        for lang in LANGS
        for wording in range(family().wordings)
    )
    assert longest <= (2300 if knobs.get("faults") else 2000)


GOLDEN: dict[str, str] = {
    "6-3-12-medium": "dfcd5893383b06b1",
    "6-3-12-tight": "3ae5c05d7a186291",
    "6-3-8-medium": "1a5946c1e426651f",
    "6-3-8-tight": "deec5bc1c29d7b0a",
    "6-4-12-medium": "67f9e1471820abac",
    "6-4-12-tight": "5e9a99527c09b074",
    "6-4-8-medium": "63b5baf2f3b355f3",
    "6-4-8-tight": "95e2c05fefe72dae",
    "5-3-12-medium": "12a489f8ec48fd8d",
    "5-3-12-tight": "1c0b0eec7e70c89c",
    "5-3-8-medium": "77da419417787618",
    "5-3-8-tight": "092402f77db252e3",
    "5-4-12-medium": "fdbfb53d27403487",
    "5-4-12-tight": "74acbf2fac65f7af",
    "5-4-8-medium": "9f30884b199fb541",
    "5-4-8-tight": "fb7a178f9846b62a",
    "8-3-12-medium": "fa83a0e957285046",
    "8-3-12-tight": "697ce574bb5eefaa",
    "8-3-8-medium": "1124ffb46e5f783f",
    "8-3-8-tight": "99b612502628431f",
    "8-4-12-medium": "c9bba8ee66b3cf80",
    "8-4-12-tight": "598cdf5065f1e402",
    "8-4-8-medium": "1411a3c4de81c319",
    "8-4-8-tight": "0e40a6ddd3fc9487",
    "6-3-12-medium-faults": "431fac8ec2d7722c",
    "6-4-12-medium-faults": "8235fef0b5d30dc2",
    "6-3-12-medium-drift": "c82fcb1e86318e32",
    "6-4-12-medium-drift": "d9af00bb7677f851",
}


@pytest.mark.parametrize("knobs", [*KNOBS, *FAULTY, *DRIFTING], ids=name)
def test_instances_of_version_2_do_not_change(knobs):
    assert family().version == 2
    faces = [
        [
            given_.instruction,
            given_.family.world(given_.scenario).state,
            msgspec.to_builtins(given_.scenario),
            msgspec.to_builtins(given_.right_end),
            part("optimum").minimum(given_.scenario),
        ]
        for seed in "ab"
        for given_ in (instance(knobs, seed, "zh" if seed == "a" else "en"),)
    ]
    assert digest(faces)[:16] == GOLDEN[name(knobs)]
