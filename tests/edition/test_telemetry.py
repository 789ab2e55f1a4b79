"""F01 telemetry: one exact query, or an honest report that there is no data."""

import functools
import importlib
from dataclasses import replace
from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance import edition
from conformance.authoring import LANGS, Answer, Rng, ToolError, digest, same_value
from conformance.edition import gate

KNOBS = [
    {"ending": ending, "dates": dates, "decoys": decoys}
    for ending in ("value", "no_data")
    for dates in ("absolute", "relative")
    for decoys in (2, 5)
]
L1 = [knobs for knobs in KNOBS if knobs["decoys"] == 2]
quick = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 10**9).map(str)
knob_sets = st.sampled_from(KNOBS)


@functools.cache
def loaded():
    return edition.load()


def family():
    return loaded().family("telemetry")


def part(name):
    return importlib.import_module(f"{type(family()).__module__}.{name}")


def instance(knobs=KNOBS[0], seed="1", lang="en", wording=0):
    return loaded().instance("telemetry", knobs, seed=seed, lang=lang, wording=wording)


def play(given, policy):
    return given.play(lambda scenario, act, _: policy(scenario, act), Rng(b""))


def found(played):
    return [finding.requirement for finding in loaded().grader("solved")(played).findings]


@quick
@given(knob_sets, seeds)
def test_the_oracle_solves_with_one_call_and_the_null_policy_does_not(knobs, seed):
    given_ = instance(knobs, seed)
    played = given_.solve()
    assert found(played) == []
    assert [call.name for call in played.calls] == ["query"]
    assert loaded().grader("single_call")(played).value == 1
    assert loaded().grader("honesty")(played).value == 1
    assert found(play(given_, lambda *_: None)) != []


@quick
@given(knob_sets, seeds)
def test_languages_and_wordings_tell_the_same_task_in_six_texts(knobs, seed):
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


@quick
@given(seeds, st.sampled_from(LANGS), st.integers(0, 2))
def test_the_wording_does_not_betray_whether_there_is_data(seed, lang, wording):
    silent = instance({"ending": "no_data"}, seed).scenario
    heard = replace(silent, gaps=())
    assert family().right_end(silent).status == "not_done"
    assert family().right_end(heard).status == "done"
    assert family().instruction(silent, lang, wording) == family().instruction(heard, lang, wording)


@quick
@given(seeds)
def test_a_relative_date_is_the_day_it_names(seed):
    scenario = instance({"dates": "relative"}, seed).scenario
    today, asked = date.fromisoformat(scenario.today), date.fromisoformat(scenario.asked.date)
    kind, number = scenario.day
    if kind == "ago":
        assert today - asked == timedelta(days=number)
    else:
        assert asked.weekday() == number
        assert asked.isocalendar()[:2] == (today - timedelta(days=7)).isocalendar()[:2]
        assert 6 not in (today.weekday(), asked.weekday())


@pytest.mark.parametrize(
    ("start", "end", "zh", "en"),
    [
        (1, 5, "凌晨1点到5点", "from 1 am to 5 am"),
        (10, 15, "上午10点到下午3点", "from 10 am to 3 pm"),
        (9, 12, "上午9点到中午12点", "from 9 am to noon"),
        (12, 14, "中午12点到下午2点", "from noon to 2 pm"),
        (18, 22, "下午6点到晚上10点", "from 6 pm to 10 pm"),
    ],
)
def test_the_chat_line_uses_the_twelve_hour_clock(start, end, zh, en):
    scenario = instance().scenario
    scenario = replace(scenario, asked=replace(scenario.asked, start_hour=start, end_hour=end))
    assert zh in family().instruction(scenario, "zh", 1)
    assert en in family().instruction(scenario, "en", 1)


@pytest.mark.parametrize(("agg", "expected"), [("mean", 26), ("min", 10), ("max", 45), ("p95", 45)])
def test_aggregates_round_half_up_and_take_the_nearest_rank(agg, expected):
    assert part("world").aggregate([10, 45, 30, 17], agg) == expected


@quick
@given(seeds)
def test_one_temperature_reads_the_same_in_both_units(seed):
    scenario = instance(seed=seed).scenario
    query = replace(scenario.asked, metric="inlet_temp_c", agg="max")
    world = part("world")
    celsius = world.query_result(scenario, query)["value"]
    fahrenheit = world.query_result(scenario, replace(query, metric="inlet_temp_f"))["value"]
    assert round(fahrenheit * 100) * 5 == round(celsius * 100) * 9 + 16000


@quick
@given(seeds)
def test_every_argument_changes_the_query_id(seed):
    scenario = instance(seed=seed).scenario
    asked, result = scenario.asked, part("world").query_result
    others = [
        replace(asked, metric=part("scenario").SIBLINGS[asked.metric]),
        replace(asked, place=scenario.neighbour),
        replace(asked, date=scenario.today),
        replace(asked, start_hour=asked.start_hour - 1),
        replace(asked, end_hour=asked.end_hour + 1),
        *(replace(asked, agg=agg) for agg in ("mean", "min", "max", "p95") if agg != asked.agg),
    ]
    ids = {result(scenario, query)["query_id"] for query in (asked, *others)}
    assert len(ids) == 1 + len(others)


def test_numbers_may_be_written_as_strings_but_not_rounded():
    right = instance().right_end.values["value"]
    assert same_value(f"{right:.3f}", right)
    assert not same_value(round(right + 0.01, 2), right)


BREAKS = {
    "answer.status": lambda a: Answer("not_done", None, a.values),
    "answer.values.value": lambda a: Answer("done", None, {**a.values, "value": -1}),
    "answer.values.unit": lambda a: Answer("done", None, {**a.values, "unit": "K"}),
    "answer.values.query_id": lambda a: Answer("done", None, {**a.values, "query_id": "A"}),
    "answer.missing": lambda _: None,
}


@pytest.mark.parametrize("requirement", BREAKS)
def test_each_part_of_a_reported_value_is_required(requirement):
    played = play(
        instance(), lambda scenario, act: BREAKS[requirement](family().oracle(scenario, act))
    )
    assert requirement in found(played)


def test_no_data_needs_the_code_of_the_very_query():
    given_ = instance({"ending": "no_data"})

    def next_door(scenario, act):
        other = replace(scenario.asked, place=scenario.neighbour)
        return Answer("not_done", act("query", **other.arguments())["no_data_code"])

    assert found(play(given_, next_door)) == ["answer.reason"]
    assert found(play(given_, lambda *_: Answer("not_done"))) == ["answer.reason"]


def test_a_changed_alarm_breaks_the_frame():
    def meddle(scenario, act):
        act("set_alarm", place=scenario.asked.place, limit=99)
        return family().oracle(scenario, act)

    assert found(play(instance(), meddle)) == ["frame"]


def test_the_forbidden_short_cut_really_works():
    given_ = instance()
    scenario, act = given_.scenario, given_.door().act
    arguments = scenario.asked.arguments()
    alone = act("query", **arguments)
    metric = arguments.pop("metric")
    assert act("query_all", **arguments)[metric] == alone
    day = act("export_raw", metric=metric, place=scenario.asked.place, date=scenario.asked.date)
    assert len(day["readings"]) == 24


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"place": "Z9-99"}, "not_found"),
        ({"place": "Z9"}, "invalid_arguments"),
        ({"date": "2031-02-30"}, "bad_date"),
        ({"date": "2031-02-03\n"}, "bad_date"),
        ({"date": "1999-01-01"}, "out_of_range"),
        ({"start_hour": 9, "end_hour": 9}, "bad_window"),
        ({"start_hour": True}, "invalid_arguments"),
        ({"metric": "temperature"}, "invalid_arguments"),
    ],
)
def test_mistakes_of_the_caller_are_tool_errors(wrong, code):
    given_ = instance()
    with pytest.raises(ToolError) as error:
        given_.door().act("query", **{**given_.scenario.asked.arguments(), **wrong})
    assert error.value.code == code


def test_integral_floats_ask_the_same_query():
    given_ = instance()
    asked = given_.scenario.asked
    floats = {"start_hour": float(asked.start_hour), "end_hour": float(asked.end_hour)}
    result = given_.door().act("query", **{**asked.arguments(), **floats})
    assert result["query_id"] == given_.right_end.values["query_id"]


def test_every_tool_answers_the_newest_reading_included():
    given_ = instance({"decoys": 5})
    door, place = given_.door(), given_.scenario.places[0]
    newest = door.act("latest", metric="power_kw", place=place)
    ahead = door.act("forecast", metric="power_kw", place=place, hours=6)
    assert newest["unit"] == ahead["unit"] == "kW"
    assert door.act("list_places")["places"] == list(given_.scenario.places)
    assert place in door.act("list_alarms")["limits"]
    with pytest.raises(ToolError, match="Metrics: inlet_temp_c"):
        door.act("latest", metric="power", place=place)


@pytest.mark.parametrize("knobs", L1)
def test_an_l1_instance_is_short(knobs):
    longest = max(
        gate.estimate_tokens(gate.shown_to_agent(instance(knobs, str(seed), lang, wording)))
        for seed in range(5)
        for lang in LANGS
        for wording in range(3)
    )
    assert longest <= 1600


GOLDEN = {
    "value/absolute/2": "bdc23308da3519b0",
    "value/absolute/5": "d0e70734740242ca",
    "value/relative/2": "d781b1d6f293e804",
    "value/relative/5": "55937f11b83f83f8",
    "no_data/absolute/2": "b2974d8806e536ed",
    "no_data/absolute/5": "138917d06888be8e",
    "no_data/relative/2": "df93abaf15b1d843",
    "no_data/relative/5": "eed4cc6cf1464783",
}


@pytest.mark.parametrize("knobs", KNOBS, ids=str)
def test_instances_change_only_with_the_version(knobs):
    faces = []
    for number in range(3):
        scenario = family().scenario(Rng.of("golden", number), knobs)
        texts = [family().instruction(scenario, lang, w) for lang in LANGS for w in range(3)]
        end = msgspec.to_builtins(family().right_end(scenario))
        faces.append([texts, scenario.tools, family().world(scenario).state, end])
    assert family().version == 1
    assert digest(faces)[:16] == GOLDEN["/".join(map(str, knobs.values()))]


def test_the_gate_finds_nothing_wrong():
    report = gate.check_family(
        loaded(), "telemetry", mutants=13, shortcut_instances=16, oracle_instances=16
    )
    assert report.problems == []
    assert report.acceptance == 1
    assert report.oracle_calls == (1, 1)
