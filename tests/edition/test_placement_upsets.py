"""F05 with faults and with drift: nothing is reserved twice, and the new tool is found and used."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.authoring import AGE, LANGS, Rng, ToolError, Trace
from tests.edition import test_placement as base
from tests.edition.test_placement import BOTH, DRIFTING, FAULTY, family, found, instance, part, play

UPSET = [*FAULTY, *DRIFTING, *BOTH]
SLIPS = {s.name: s.play for s in family().shortcuts[-6:]}
quick = settings(max_examples=12, deadline=None, derandomize=True, database=None)
seeds = st.integers(0, 10**9).map(str)
METHODS = ("allocate", "reserve_until", "book_window")


def drifting(method, seed=0):
    """Return an instance in which ``reserve`` is replaced by ``method``."""
    while (made := instance(DRIFTING[0], str(seed))).scenario.drift.method != method:
        seed += 1
    return made


def placed(scenario):
    return list(zip(scenario.jobs, part("optimum").optimum(scenario), strict=True))


def booking(scenario, job, place):
    return part("work").arguments(scenario, job, place)


def nth(steps, name, number):
    return [i for i, step in enumerate(steps) if step.name == name][number - 1]


@quick
@given(st.sampled_from(UPSET), seeds)
def test_the_oracle_recovers_from_what_it_is_told_and_not_from_the_schedule(knobs, seed):
    given_ = instance(knobs, seed)
    plan = part("optimum").optimum(given_.scenario)
    unaware = replace(given_.scenario, faults=(), drift=None)

    def policy(_, act):
        hand = part("work").Hand(unaware, act)
        return part("work").work(unaware, hand, plan)

    played = play(given_, policy)
    assert found(played) == []
    assert [call.result for call in played.calls] == [c.result for c in given_.solve().calls]
    assert len(played.calls) <= 24


@quick
@given(st.sampled_from([*FAULTY, *BOTH]), seeds)
def test_five_faults_are_drawn_and_the_work_meets_each_of_them(knobs, seed):
    given_ = instance(knobs, seed)
    kinds = [fault.kind for fault in given_.scenario.faults]
    assert kinds[:4] == ["timeout_done", "stale", "timeout_lost", "rate_limited"]
    assert kinds[4] in ("malformed", "duplicate")
    played = given_.solve()
    assert base.loaded().grader("resilience")(played).findings == ()
    calls = played.calls
    assert sorted(call.fault for call in calls if call.fault) == sorted(kinds)
    old = next(call.result for call in calls if call.fault == "stale")
    assert old[AGE] >= 1


@quick
@given(st.sampled_from(FAULTY), seeds)
def test_a_reservation_repeated_blindly_is_there_twice_and_mended_by_a_release(knobs, seed):
    given_ = instance(knobs, seed)
    trace = given_.solve().trace
    done = part("upsets").of_kind(given_.scenario, "timeout_done")
    at = nth(trace.steps, "reserve", done.nth)
    end = nth(trace.steps, "commit", 1)
    twice = [*trace.steps[:end], trace.steps[at], *trace.steps[end:]]
    played = given_.replay(Trace(tuple(twice), trace.answer))
    assert found(played) == ["goal.once"]
    job = trace.steps[at].arguments["job"]
    assert [name for name in played.final["bookings"] if name.startswith(job)] == [
        f"{job}.1",
        f"{job}.2",
    ]
    commit = end + 1
    gone = type(twice[0])("release", {"booking": f"{job}.1"})
    mended = given_.replay(Trace((*twice[:commit], gone, *twice[commit:]), trace.answer))
    assert found(mended) == []


def test_without_faults_a_repeated_reservation_is_refused():
    given_ = instance()
    act = given_.door().act
    job, place = placed(given_.scenario)[0]
    act("reserve", **booking(given_.scenario, job, place))
    with pytest.raises(ToolError, match=r"Release J-\d+ first|free GPUs"):
        act("reserve", **booking(given_.scenario, job, place))


def test_a_busy_desk_counts_other_jobs_against_a_reservation_and_not_the_jobs_own():
    given_ = instance(FAULTY[0])
    scenario = given_.scenario
    world = part("desks").BusyDesk(scenario)
    job, place = max(placed(scenario), key=lambda pair: pair[0].gpus)
    for _ in range(3):
        world.reserve(**booking(scenario, job, place))
    listed = next(row for row in world.list_jobs()["jobs"] if row["job"] == job.id)
    assert [row["booking"] for row in listed["reserved"]] == [f"{job.id}.{n}" for n in (1, 2, 3)]
    rival = next(
        other
        for other, its in placed(scenario)
        if other is not job and its.site == place.site and other.gpu_types == job.gpu_types
    )
    start = min(place.start, scenario.slots - rival.duration)
    with pytest.raises(ToolError) as error:
        world.reserve(rival.id, scenario.sites[place.site].id, start)
    assert error.value.code == "no_capacity"


@quick
@given(st.sampled_from([*DRIFTING, *BOTH]), seeds)
def test_reserve_is_gone_after_some_reservations_and_a_notice_describes_what_replaced_it(
    knobs, seed
):
    given_ = instance(knobs, seed)
    drift, calls = given_.scenario.drift, given_.solve().calls
    told = [(i, n["tools_changed"]) for i, call in enumerate(calls) for n in call.notices]
    ((at, change),) = told
    writes = [call for call in calls[: at + 1] if call.name == "reserve"]
    made = [call for call in writes if call.fault != "timeout_lost"]
    assert len(made) == drift.after
    assert change["removed"] == ["reserve"]
    (added,) = change["added"]
    assert added["name"] == {"reserve_until": "reserve"}.get(drift.method, drift.method)
    assert {"job", "site"} < set(added["parameters"]["properties"])
    later = [call for call in calls[at + 1 :] if "job" in call.arguments]
    assert len(later) == len(given_.scenario.jobs) - drift.after >= 2
    assert {call.name for call in later} == {added["name"]}


@pytest.mark.parametrize("method", METHODS)
def test_each_new_tool_reserves_what_reserve_would_have(method):
    given_ = drifting(method)
    played = given_.solve()
    for job, place in placed(given_.scenario):
        held = played.final["bookings"][job.id]
        assert (held["site"], held["first_slot"], held["last_slot"]) == (
            given_.scenario.sites[place.site].id,
            place.start,
            place.start + job.duration - 1,
        )
    assert found(played) == []


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("allocate", "unknown_tool"),
        ("reserve_until", "invalid_arguments"),
        ("book_window", "unknown_tool"),
    ],
)
def test_the_old_way_is_an_error_from_then_on_even_after_a_release(method, code):
    given_ = drifting(method)
    scenario, act = given_.scenario, given_.door().act
    pairs = placed(scenario)
    for job, place in pairs[: scenario.drift.after]:
        act("reserve", **booking(scenario, job, place))
    act("release", booking=pairs[0][0].id)
    with pytest.raises(ToolError) as error:
        act("reserve", **booking(scenario, *pairs[0]))
    assert error.value.code == code


@pytest.mark.parametrize(
    ("method", "wrong", "code"),
    [
        ("reserve_until", {"last_slot": 0}, "outside_horizon"),
        ("reserve_until", {"last_slot": 12}, "outside_horizon"),
        ("reserve_until", {"last_slot": 10**40}, "outside_horizon"),
        ("reserve_until", {"job": "J-1"}, "not_found"),
        ("book_window", {"last_slot": 0, "first_slot": 0}, "wrong_length"),
        ("book_window", {"last_slot": 13, "first_slot": 12}, "outside_horizon"),
        ("book_window", {"site": "DC-1"}, "not_found"),
        ("allocate", {"start": 11}, "outside_horizon"),
        ("allocate", {"job": "J-1"}, "not_found"),
    ],
)
def test_mistakes_with_a_new_tool_are_tool_errors(method, wrong, code):
    scenario = instance(DRIFTING[0]).scenario
    desk = part("desks").DriftingDesk(scenario)
    job, place = next((j, p) for j, p in placed(scenario) if j.duration == 2)
    names = {
        "allocate": ("job", "site", "start"),
        "reserve_until": ("job", "site", "last_slot"),
        "book_window": ("job", "site", "first_slot", "last_slot"),
    }
    given_ = part("work").arguments(scenario, job, place, names[method]) | wrong
    with pytest.raises(ToolError) as error:
        getattr(desk, method)(**given_)
    assert error.value.code == code


@pytest.mark.parametrize(
    ("slip", "requirement"),
    [
        ("blind_retry", "goal.once"),
        ("believes_stale", "goal.once"),
        ("assumes_done", "goal.placed"),
        ("hammers", "answer.missing"),
        ("gives_up", "answer.missing"),
        ("first_tools_only", "goal.placed"),
    ],
)
def test_each_slip_fails_in_its_way(slip, requirement):
    for seed in range(10):
        given_ = instance((DRIFTING if slip == "first_tools_only" else FAULTY)[0], str(seed))
        assert requirement in found(given_.play(SLIPS[slip], Rng(b"")))


def test_a_slip_needs_something_to_slip_on():
    for play_ in SLIPS.values():
        assert not instance().play(play_, Rng(b"")).calls
    for name, lapse in family().lapses.items():
        assert found(instance().play(lapse, Rng(b""))) == []
        upset = DRIFTING[0] if name == "plan_once" else FAULTY[0]
        assert found(instance(upset).play(lapse, Rng(b"")))


@pytest.mark.parametrize(
    "name", ["books_again", "acts_on_stale", "leaves_lost", "leaves_refused", "old_tool"]
)
def test_a_recovery_left_out_is_found(name):
    mutation = next(m for m in family().mutations if m.name == name)
    made = 0
    for seed in range(10):
        origin = instance((DRIFTING if name == "old_tool" else FAULTY)[seed % 2], str(seed))
        trace = mutation.apply(origin.scenario, origin.solve().trace, Rng.of(seed))
        if trace is not None:
            made += 1
            assert mutation.requirement in found(origin.replay(trace))
    assert made >= 4
    sound = instance()
    assert mutation.apply(sound.scenario, sound.solve().trace, Rng(b"")) is None


@pytest.mark.parametrize("knobs", BOTH)
def test_every_mutant_is_rejected_where_faults_and_drift_meet(knobs):
    origin = instance(knobs)
    for mutation in family().mutations:
        trace = mutation.apply(origin.scenario, origin.solve().trace, Rng.of(mutation.name))
        if trace is not None:
            assert mutation.requirement in found(origin.replay(trace)), mutation.name


@pytest.mark.parametrize("lang", LANGS)
def test_every_wording_says_what_a_careful_reader_must_know(lang):
    for wording in range(family().wordings):
        text = instance(FAULTY[0], "1", lang, wording).instruction
        plain = base.instance(base.KNOBS[0], "1", lang, wording).instruction
        for word in ("list_jobs", "429", "wait", "cache_age_s", "redelivery_of"):
            assert word in text
        assert "cache_age_s" not in plain


def read_from_the_tools(hand):
    """Return the scenario as a planner pieces it together from the replies alone."""
    model = part("model")
    sites, jobs, rules = (hand(name) for name in ("list_sites", "list_jobs", "get_rules"))
    return model.Scenario(
        secret="",
        slots=int(rules["slots"].split()[2].strip(",")) + 1,
        sites=tuple(
            model.Site(
                id=row["site"],
                zone=row["zone"],
                gpu_type=row["gpu_type"],
                gpus=row["gpus"],
                pue=round(row["pue"] * 100),
                prices=tuple(hand("get_prices", site=row["site"])["cny_per_mwh_by_slot"]),
                bookings=tuple(
                    model.Booking(
                        b["booking"], b["team"], b["first_slot"], b["last_slot"], b["gpus"]
                    )
                    for b in row["other_bookings"]
                ),
            )
            for row in sites["sites"]
        ),
        jobs=tuple(
            model.Job(
                id=row["job"],
                gpus=row["gpus"],
                gpu_types=tuple(row["gpu_types"]),
                duration=row["duration_slots"],
                first=row["first_slot"],
                last=row["last_slot"],
                data_class=row["data_class"],
                power=round(row["kw_per_gpu"] * 10),
            )
            for row in jobs["jobs"]
        ),
        residency=tuple((name, tuple(zones)) for name, zones in rules["residency"].items()),
    )


@quick
@given(st.sampled_from(UPSET), seeds)
def test_who_knows_only_what_the_tools_show_solves_it(knobs, seed):
    given_ = instance(knobs, seed)

    def planner(_, act):
        work = part("work")
        known = read_from_the_tools(work.Hand(given_.scenario, act))
        return work.carry_out(known, work.Hand(known, act), part("optimum").optimum(known))

    assert found(play(given_, planner)) == []
