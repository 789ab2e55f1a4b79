"""F06 workflow: a pipeline reproduced by a script that is right on data it was not shown."""

import builtins
import contextlib
import functools
import importlib
import io
import itertools
import re
from dataclasses import replace

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conformance import edition, sandbox
from conformance.authoring import (
    LANGS,
    Answer,
    NoSandboxError,
    Ran,
    Rng,
    Step,
    ToolError,
    Trace,
    code,
    digest,
)
from conformance.edition import gate
from tests.edition import proofs

VALUES = {
    "stages": (4, 3, 6),
    "unit": ("changed", "corrected", "constant"),
    "dependency": ("table", "inline"),
    "faults": (False, True),
}
SETS = [dict(zip(VALUES, values, strict=True)) for values in itertools.product(*VALUES.values())]
quick = settings(max_examples=15, deadline=None)
seeds = st.integers(0, 10**9).map(str)
knob_sets = st.sampled_from(SETS)


@functools.cache
def loaded():
    return edition.load()


def family():
    return loaded().family("workflow")


def part(name):
    return importlib.import_module(f"{type(family()).__module__}.{name}")


def instance(seed="1", lang="en", wording=0, **knobs):
    return loaded().instance("workflow", knobs, seed=seed, lang=lang, wording=wording)


def play(given_, policy):
    return given_.play(lambda scenario, act, _: policy(scenario, act), Rng(b""))


def found(played):
    return [finding.requirement for finding in loaded().grader("solved")(played).findings]


def in_process(script, files):
    """Run a script of this family here: it is ours, so no sandbox is needed; others are refused."""
    if "os" in re.findall(r"^import (.*)$", script, re.MULTILINE) or "os.walk" in script:
        return Ran(1, "", "not trusted")

    def opened(name, **_):
        if name not in files:
            raise FileNotFoundError(name)
        return io.StringIO(files[name])

    output = io.StringIO()
    names = {"__builtins__": {**vars(builtins), "open": opened}}
    with contextlib.redirect_stdout(output):
        try:
            exec(compile(script, "script.py", "exec"), names)
        except SystemExit as end:
            return Ran(int(end.code or 0), output.getvalue(), "")
        except Exception as error:  # noqa: BLE001 - whatever a script raises
            return Ran(1, output.getvalue(), repr(error))
    return Ran(0, output.getvalue(), "")


@pytest.fixture(autouse=True, scope="module")
def trusted():
    """Scripts of the family's own run in this process, unless a test asks for the sandbox."""
    before = list(code._runners)
    code.use_runner(in_process)
    yield
    code._runners[:] = before


@pytest.fixture
def sandboxed():
    status = sandbox.install()
    if not status.is_working:
        code.use_runner(in_process)
        pytest.skip(f"bubblewrap does not work here ({status.detail}): {status.mend}")
    yield
    code.use_runner(in_process)


def submitting(script, **answer):
    """Return a policy that hands ``script`` in and answers right but for ``answer``."""

    def policy(scenario, act):
        part("oracle").handed_in(act, script)
        right = part("oracle").right_answer(scenario)
        return replace_values(right, **answer)

    return policy


def replace_values(answer, **values):
    return Answer(answer.status, answer.reason, {**answer.values, **values})


def script(given_):
    return part("script").script_of(given_.scenario.recipe)


# The oracle and what every instance keeps.


@quick
@given(knob_sets, seeds)
def test_the_oracle_solves_and_the_null_policy_does_not(knobs, seed):
    given_ = instance(seed, **knobs)
    played = given_.solve()
    assert found(played) == []
    assert loaded().grader("honesty")(played).value == 1
    assert len(played.final["submissions"]) == 1
    assert len(played.calls) <= 16
    assert found(play(given_, lambda *_: None))[0] == "goal.submitted"


@pytest.mark.parametrize("number", range(4))
def test_the_oracle_solves_in_the_sandbox(number, sandboxed):
    given_ = instance("real", **SETS[number * 11])
    played = given_.solve()
    assert found(played) == []
    tried = next(call for call in played.calls if call.name == "run_script" and not call.fault)
    assert tried.result["exit_code"] == 0
    assert tried.result["output"] == part("scenario").right(given_.scenario).printed


def test_in_the_sandbox_a_script_that_looks_for_answers_finds_none(sandboxed):
    given_ = instance("attack")
    attack = part("shortcuts")._ATTACK
    ran = given_.door().act("run_script", script=attack)
    assert ran["exit_code"] == 0
    assert part("scenario").right(given_.scenario, is_shown=False).printed not in ran["output"]
    assert found(play(given_, submitting(attack)))[0] == "goal.metric"


def test_in_the_sandbox_a_script_that_does_not_end_fails_the_trial(sandboxed):
    given_ = instance()
    played = play(given_, submitting("raise SystemExit(9)"))
    assert found(played) == ["goal.runs"]
    assert given_.door().act("run_script", script="1 // 0")["error"].endswith("by zero\n")


def test_without_a_sandbox_no_script_runs_and_the_family_says_that_it_needs_one():
    assert family().needs == {"sandbox"}
    code.use_runner(None)
    try:
        with pytest.raises(NoSandboxError):
            instance().solve()
    finally:
        code.use_runner(in_process)


def test_drawing_an_instance_runs_no_script():
    code.use_runner(None)
    try:
        for knobs in SETS[::5]:
            assert instance("no run", **knobs).right_end.status == "done"
    finally:
        code.use_runner(in_process)


@settings(max_examples=8, deadline=None)
@given(knob_sets, seeds)
def test_a_mutant_of_each_operator_is_rejected_for_what_it_breaks(knobs, seed):
    given_ = instance(seed, **knobs)
    oracle = given_.solve()
    for mutation in family().mutations:
        trace = mutation.apply(given_.scenario, oracle.trace, Rng.of(seed, mutation.name))
        if trace is not None:
            assert mutation.requirement in found(given_.replay(trace)), mutation.name


@quick
@given(knob_sets, seeds, st.integers(0, 5))
def test_any_write_beside_the_submission_breaks_the_frame(knobs, seed, which):
    given_ = instance(seed, **knobs)
    stages = part("scenario").chain(given_.scenario)
    stage = stages[which % len(stages)]
    step = Step("register_checksum", {"stage": stage, "sha256": "0" * 64})
    trace = given_.solve().trace
    assert found(given_.replay(Trace((*trace.steps, step), trace.answer))) == ["frame"]


@quick
@example({"stages": 4, "unit": "changed", "dependency": "table", "faults": True}, "26795187")
@given(knob_sets, seeds)
def test_the_same_seed_is_the_same_task_in_both_languages_and_all_wordings(knobs, seed):
    texts = [
        instance(seed, lang, wording, **knobs)
        for lang in LANGS
        for wording in range(family().wordings)
    ]
    assert len({text.instruction for text in texts}) == len(texts) == 6
    assert {text.scenario for text in texts} == {texts[0].scenario}
    plain = [family().instruction(t.scenario, t.lang, t.wording) for t in texts]
    told = [re.sub(r"(?<![A-Z0-9-])429(?!\d)", "", text) for text in plain]  # not within a name
    expected = [*proofs.facts(texts[0].scenario.workflow)]
    stages = str(len(part("scenario").chain(texts[0].scenario)))
    for text in told:
        assert set(expected) <= set(proofs.facts(text))
        assert stages in re.findall(r"(?<![\w-])\d+", text)
        for tool in (*part("world").FORBIDDEN, "get_notes", "submission_status", "cache_age_s"):
            assert tool in text


@quick
@given(seeds, st.sampled_from(LANGS), st.integers(0, 2))
def test_the_wording_does_not_betray_unit_tables_or_faults(seed, lang, wording):
    scenario = instance(seed).scenario
    other = instance(seed, unit="constant", dependency="inline", faults=True).scenario
    same = replace(other, workflow=scenario.workflow, site=scenario.site)
    texts = {family().instruction(each, lang, wording) for each in (scenario, same)}
    assert len(texts) == 1


def test_the_same_seed_gives_the_same_instance_and_another_gives_another():
    first, again, other = (family().scenario(Rng.of(seed), SETS[1]) for seed in ("a", "a", "b"))
    assert first == again
    assert first != other


# The pipeline.


def test_the_stages_of_a_small_input_are_those_worked_out_by_hand():
    pipeline = part("pipeline")
    recipe = pipeline.Recipe(
        stages=6,
        firmware=30,
        calibration=(("K2", 1001, -5), ("K12", 990, 0)),
        bad=(5, 8),
        low=-2000,
        high=20_000,
        window=10,
        least=2,
        kind="mean",
        weights=(("K2", 50),),
        metric="total",
    )
    rows = [
        pipeline.Row(3, "K2", 30, 9, -7, 0),
        pipeline.Row(1, "K2", 29, 5, -7, 0),
        pipeline.Row(2, "K12", 29, 5, 100, 0),
        pipeline.Row(4, "K12", 31, 6, 1000, 5),
        pipeline.Row(5, "K12", 31, 7, 1001, 3),
        pipeline.Row(6, "K9", 31, 8, 4, 0),
        pipeline.Row(7, "K2", 29, 12, 4000, 0),
        pipeline.Row(8, "K2", 29, 21, 4, 0),
    ]
    assert pipeline.tables(recipe, rows) == {
        "convert": [
            (1, "K2", -70), (2, "K12", 1000), (3, "K2", -7), (4, "K12", 1000),
            (5, "K12", 1001), (6, "K9", 4), (7, "K2", 40_000), (8, "K2", 40),
        ],
        "calibrate": [
            (1, "K2", -76), (2, "K12", 990), (3, "K2", -13), (4, "K12", 990),
            (5, "K12", 990), (7, "K2", 40_035), (8, "K2", 35),
        ],
        "screen": [(1, "K2", -76), (2, "K12", 990), (3, "K2", -13), (5, "K12", 990), (8, "K2", 35)],
        "aggregate": [("K12", 0, 2, 990), ("K2", 0, 2, -45)],
        "baseline": [("K12", 990), ("K2", -13)],
        "normalise": [("K2", 0, -16)],
    }  # fmt: skip
    assert pipeline.outcome(recipe, rows).metric == -16


def test_a_checksum_is_that_of_the_canonical_text():
    import hashlib

    expected = hashlib.sha256(b"K2,0,-16\nK3,1,5\n").hexdigest()
    assert part("pipeline").checksum([("K2", 0, -16), ("K3", 1, 5)]) == expected


@pytest.mark.parametrize(("kind", "value"), [("mean", -1), ("median", -4), ("range", 9)])
def test_the_kinds_of_aggregate_are_as_documented(kind, value):
    assert part("pipeline").KINDS[kind]([5, -4, 0, -4]) == value


@pytest.mark.parametrize(("metric", "value"), [("total", -3), ("spread", 9), ("mean", -1)])
def test_the_metrics_are_as_documented(metric, value):
    assert part("pipeline").METRICS[metric]([5, -4, 0, -4]) == value


@quick
@given(knob_sets, seeds)
def test_both_inputs_have_every_trap(knobs, seed):
    scenario = instance(seed, **knobs).scenario
    recipe, pipeline = scenario.recipe, part("pipeline")
    calibrated = {name for name, _, _ in recipe.calibration}
    shown, hidden = ({row.channel for row in rows} for rows in (scenario.shown, scenario.kept_back))
    assert (hidden - shown) & calibrated
    for rows in (scenario.shown, scenario.kept_back):
        assert list(rows) != sorted(rows)
        assert {row.fw >= scenario.rolled_out for row in rows} == {True, False}
        careless = recipe._replace(firmware=part("scenario").misread_firmware(scenario))
        assert pipeline.tables(careless, rows) != pipeline.tables(recipe, rows)


# What the tools show is enough.


def honest(scenario, act):
    """Solve from what the tools return alone; ``scenario`` is not looked at."""
    oracle, pipeline = part("oracle"), part("pipeline")
    shown = oracle.patient(act, "get_pipeline")
    notes = [note["text"] for note in oracle.patient(act, "get_notes")["notes"]]
    does = {stage["stage"]: stage["does"] for stage in shown["stages"]}

    def table(name):
        if "tables" in shown:
            return shown["tables"][name]["rows"]
        return oracle.patient(act, "get_table", name=name)["rows"]

    def numbers(pattern, text):
        return [int(number) for number in re.search(pattern, text).groups()]

    change = [t for t in notes if "thousandths of a unit" in t]
    correction = [t for t in notes if t.startswith("Correction")]
    firmware = numbers(r"firmware (\d+) or later", change[0])[0] if change else None
    if correction:
        firmware = numbers(r"came with firmware (\d+)", correction[0])[0]
    low, high, *bad = (
        numbers(r"(-?\d+) <= value <= (-?\d+).*other than (\d+) and (\d+)", does["screen"])
        if "screen" in does
        else (0, 0, 0, 0)
    )
    kinds = {"sum": "mean", "lower": "median", "largest": "range"}
    metrics = {"the sum,": "total", "the largest": "spread", "the sum //": "mean"}
    recipe = pipeline.Recipe(
        stages=len(does),
        firmware=firmware,
        calibration=tuple(map(tuple, table("calibration"))),
        bad=tuple(bad),
        low=low,
        high=high,
        window=numbers(r"minute // (\d+)", does["aggregate"])[0],
        least=numbers(r"with (\d+) rows", does["aggregate"])[0],
        kind=kinds[re.search(r"as value the (\w+)", does["aggregate"]).group(1)],
        weights=tuple(map(tuple, table("sites"))) if "normalise" in does else (),
        metric=next(m for words, m in metrics.items() if shown["metric"].startswith(words)),
    )
    text = part("script").script_of(recipe)
    printed = oracle.read_output(oracle.patient(act, "run_script", script=text)["output"])
    token = oracle.handed_in(act, text)["receipt"]
    return oracle.answered(printed["metric"], printed[shown["stages"][-1]["stage"]], token)


@quick
@given(knob_sets, seeds)
def test_the_task_is_solved_from_what_the_tools_show(knobs, seed):
    given_ = instance(seed, **knobs)
    assert found(given_.play(lambda _, act, __: honest(None, act), Rng(b""))) == []


def test_the_correction_stands_after_the_note_it_corrects_and_both_name_a_firmware():
    scenario = instance(unit="corrected").scenario
    texts = [note["text"] for note in part("documents").notes(scenario)]
    assert f"firmware {scenario.draft} or later" in " ".join(texts[:-1])
    assert f"came with firmware {scenario.recipe.firmware}, not {scenario.draft}" in texts[-1]


def test_the_documentation_says_what_each_stage_needs_and_what_to_print():
    for dependency, where in (("table", "get_table"), ("inline", "below")):
        given_ = instance(stages=6, dependency=dependency)
        shown = given_.door().act("get_pipeline")
        assert [s["stage"] for s in shown["stages"]] == list(part("pipeline").CHAINS[6])
        assert f"table sites ({where})" in shown["stages"][-1]["needs"]
        assert ("tables" in shown) == (dependency == "inline")
        assert shown["print"][0] == "metric NUMBER"
        assert len(shown["print"]) == 7


# The world's rules.


def test_the_input_is_shown_in_pages():
    given_ = instance()
    act, text = given_.door().act, part("scenario").input_text(given_.scenario)
    page = act("read_input", first=1, count=3)
    assert page == {"lines": text.splitlines()[:3], "of": len(text.splitlines())}
    assert act("read_input", first=9999, count=3)["lines"] == []


def test_a_table_the_workflow_has_not_is_not_found():
    with pytest.raises(ToolError, match="no table sites"):
        instance(stages=4).door().act("get_table", name="sites")
    with pytest.raises(ToolError, match="no stage baseline"):
        instance(stages=4).door().act("register_checksum", stage="baseline", sha256="0")


def test_trying_a_script_changes_nothing_and_handing_it_in_keeps_its_text():
    given_ = instance()
    door = given_.door()
    before = door.world.digest()
    assert door.act("run_script", script="print(1)")["output"] == "1\n"
    assert door.world.digest() == before
    receipt = door.act("submit_script", script="print(1)")
    assert door.world.state["submissions"][0]["script"] == "print(1)"
    assert door.act("submission_status") == {"submissions": [receipt]}
    assert door.act("submit_script", script="print(1)")["receipt"] != receipt["receipt"]


def test_published_are_the_results_of_the_colleagues_script_and_they_are_wrong():
    given_ = instance()
    act = given_.door().act
    published, script_ = act("published_result"), act("colleague_script")["script"]
    printed = part("oracle").read_output(act("run_script", script=script_)["output"])
    assert printed["metric"] == str(published["metric"])
    assert {name: printed[name] for name in published["checksums"]} == published["checksums"]
    right = part("scenario").right(given_.scenario)
    assert published["metric"] != right.metric
    assert published["checksums"]["aggregate"] != dict(right.checksums)["aggregate"]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("run_script", {"script": ""}),
        ("run_script", {"script": "x" * 20_001}),
        ("submit_script", {"script": None}),
        ("submit_script", {}),
        ("read_input", {"first": 0, "count": 1}),
        ("read_input", {"first": 1, "count": 101}),
        ("read_input", {"first": 1.5, "count": 1}),
        ("get_table", {"name": "../x"}),
        ("register_checksum", {"stage": "convert", "sha256": "0" * 65}),
    ],
)
def test_an_argument_that_does_not_fit_is_an_error_and_changes_nothing(tool, arguments):
    door = instance().door()
    before = door.world.digest()
    with pytest.raises(ToolError):
        door.act(tool, **arguments)
    assert door.world.digest() == before


def test_half_a_surrogate_pair_in_a_script_is_no_crash():
    call = instance().door().call("submit_script", {"script": "print('\ud800')"})
    assert call.error in (None, "invalid_arguments")


# The goal.


def test_a_fixed_output_is_found_out_on_the_second_input():
    given_ = instance()
    printing = part("script").printing(part("scenario").right(given_.scenario).printed)
    assert found(play(given_, submitting(printing))) == ["goal.second_input"]


def test_a_script_that_fails_on_the_second_input_alone_fails():
    given_ = instance()
    seen = {row.channel for row in given_.scenario.shown}
    fussy = script(given_) + f"assert all(row[1] in {sorted(seen)} for row in rows)\n"
    assert found(play(given_, submitting(fussy))) == ["goal.second_input"]


@pytest.mark.parametrize(
    ("change", "requirements"),
    [
        (lambda text: text, []),
        (lambda text: text + "print('all done, thanks')\n", []),
        (lambda text: text.replace('print("metric", ', 'print("metric", 0.0 + '), []),
        (lambda text: "print('metric 1')\n" + text, []),
        (lambda text: text + "print('metric 1')\n", ["goal.metric"]),
        (lambda text: text.replace("hexdigest()", "hexdigest().upper()"), ["goal.checksums"]),
        (lambda text: text.replace('"\\n"', '"\\r\\n"'), ["goal.checksums"]),
        (lambda text: text.replace("sha256(", "md5("), ["goal.checksums"]),
        (lambda _: "pass", ["goal.metric", "goal.checksums"]),
        (lambda _: "1 // 0", ["goal.runs"]),
        (lambda _: "(", ["goal.runs"]),
    ],
)
def test_what_a_script_prints_is_compared_line_by_line(change, requirements):
    given_ = instance()
    assert found(play(given_, submitting(change(script(given_))))) == requirements


@pytest.mark.parametrize(
    ("wrong", "requirement"),
    [
        (None, "answer.missing"),
        (Answer("not_done"), "answer.status"),
        (Answer("refused", "no"), "answer.status"),
        ({"metric": None}, "answer.values.metric"),
        ({"metric": float("nan")}, "answer.values.metric"),
        ({"checksum": "*"}, "answer.values.checksum"),
        ({"receipt": {"$ne": None}}, "answer.values.receipt"),
    ],
)
def test_each_part_of_the_answer_is_required(wrong, requirement):
    def misreport(scenario, act):
        answer = family().oracle(scenario, act)
        return replace_values(answer, **wrong) if isinstance(wrong, dict) else wrong

    assert found(play(instance(), misreport))[0] == requirement


def test_a_metric_answered_as_text_and_a_checksum_in_capitals_are_taken():
    def shouted(scenario, act):
        values = family().oracle(scenario, act).values
        shouting = {name: str(value).upper() for name, value in values.items()}
        return Answer("done", None, shouting)

    assert found(play(instance(), shouted)) == []


def test_a_second_submission_is_a_duplicate_even_where_it_mends_the_first():
    def mends(scenario, act):
        first = act("submit_script", script="pass")["receipt"]
        act("submit_script", script=part("script").script_of(scenario.recipe))
        return replace_values(part("oracle").right_answer(scenario), receipt=first)

    assert found(play(instance(), mends)) == ["conduct.duplicate_effect"]


# Faults.


def kinds(scenario):
    return {fault.tool: fault.kind for fault in scenario.faults}


@quick
@given(knob_sets.filter(lambda knobs: knobs["faults"]), seeds)
def test_every_schedule_has_a_timeout_a_429_and_a_malformed_reply(knobs, seed):
    given_ = instance(seed, **knobs)
    schedule = kinds(given_.scenario)
    assert {"rate_limited", "malformed"} <= set(schedule.values())
    assert schedule["submit_script"] in ("timeout_done", "timeout_lost")
    met = [call.fault for call in given_.solve().calls if call.fault]
    assert schedule["submit_script"] in met
    assert "wait" in {tool.name for tool in given_.tools}
    assert set(schedule) <= {tool.name for tool in given_.tools}


def test_over_many_seeds_every_kind_of_fault_is_drawn():
    drawn = [kinds(instance(str(seed), faults=True).scenario) for seed in range(60)]
    met = {kind for schedule in drawn for kind in schedule.values()}
    assert met == {"rate_limited", "malformed", "timeout_lost", "timeout_done", "stale"}


@quick
@given(knob_sets.filter(lambda knobs: knobs["faults"]), seeds)
def test_a_blind_second_try_is_a_duplicate_just_where_the_first_was_carried_out(knobs, seed):
    given_ = instance(seed, **knobs)
    played = given_.play(family().lapses["blind_retry"], Rng(b""))
    if kinds(given_.scenario)["submit_script"] == "timeout_done":
        assert found(played) == ["conduct.duplicate_effect", "answer.values.receipt"]
    else:
        assert found(played) == []


@quick
@given(knob_sets.filter(lambda knobs: knobs["faults"]), seeds)
def test_whoever_trusts_an_old_look_hands_in_twice(knobs, seed):
    given_ = instance(seed, **knobs)

    def trusts(scenario, act):
        text = part("script").script_of(scenario.recipe)
        with contextlib.suppress(ToolError):
            act("submit_script", script=text)
        there = act("submission_status")["submissions"]
        one = there[-1] if there else act("submit_script", script=text)
        return replace_values(part("oracle").right_answer(scenario), receipt=one["receipt"])

    if kinds(given_.scenario)["submission_status"] == "stale":
        assert "conduct.duplicate_effect" in found(play(given_, trusts))


@quick
@given(knob_sets, seeds)
def test_whoever_takes_every_reply_for_granted_solves_only_without_faults(knobs, seed):
    played = instance(seed, **knobs).play(family().lapses["gives_up"], Rng(b""))
    assert (found(played) == []) is not knobs["faults"]


@pytest.mark.parametrize("name", ["violates", "hard_code"])
def test_the_other_lapses_fail_in_their_way(name):
    given_ = instance()
    played = given_.play(family().lapses[name], Rng(b""))
    assert found(played) != []
    assert (loaded().grader("allow_list")(played).value == 0) is (name == "violates")


# Difficulty.


def slips(given_, percent, rng):
    """Let an oracle get the rule of each stage wrong with a chance of ``percent`` in a hundred."""
    recipe = given_.scenario.recipe
    (name, gain, offset), *rest = recipe.calibration
    wrong = {
        "convert": {"firmware": part("scenario").misread_firmware(given_.scenario)},
        "calibrate": {"calibration": ((name, gain, offset + 7), *rest)},
        "screen": {"low": recipe.high, "high": recipe.low},
        "aggregate": {"window": given_.scenario.other.window},
        "baseline": {"calibration": ((name, gain + 9, offset), *rest)},
        "normalise": {"weights": tuple((n, w + 13) for n, w in recipe.weights)},
    }
    for stage in part("scenario").chain(given_.scenario):
        if rng.chance(percent):
            recipe = recipe._replace(**wrong[stage])
    trace = given_.solve().trace
    spoiled = part("mutations").with_script(trace, part("script").script_of(recipe))
    return given_.replay(spoiled)


def rate(policy, count=40, **knobs):
    solved = loaded().grader("solved")
    played = (policy(instance(f"rate-{n}", **knobs), Rng.of("rate", n)) for n in range(count))
    return sum(solved(each).value == 1 for each in played) / count


def test_more_stages_are_harder_for_one_who_slips(tmp_path):
    rates = {
        stages: rate(lambda given_, rng: slips(given_, 20, rng), stages=stages)
        for stages in (3, 4, 6)
    }
    proofs.plot(tmp_path / "stages.svg", "workflow", "stages", rates)
    assert proofs.falls(list(rates.values()))
    assert (tmp_path / "stages.svg").stat().st_size > 0


def test_a_correction_is_harder_for_one_who_stops_at_the_first_note():
    def first_note(given_, _):
        firmware = given_.scenario.draft or given_.scenario.recipe.firmware
        recipe = given_.scenario.recipe._replace(firmware=firmware)
        text = part("script").script_of(recipe)
        return given_.replay(part("mutations").with_script(given_.solve().trace, text))

    rates = [rate(first_note, 20, unit=unit) for unit in ("constant", "changed", "corrected")]
    assert rates == [1, 1, 0]


def test_faults_are_harder_for_one_who_blind_retry():
    def retries(given_, rng):
        return given_.play(family().lapses["blind_retry"], rng)

    assert rate(retries, 40, faults=False) == 1
    assert 0.1 < rate(retries, 40, faults=True) < 0.6


# The face and the gate.


def test_an_instance_is_short():
    longest = max(
        gate.estimate_tokens(gate.shown_to_agent(instance("t", lang, wording, **knobs)))
        for knobs in (SETS[0], SETS[-1])
        for lang in LANGS
        for wording in range(3)
    )
    assert longest <= 2500


GOLDEN = {
    "4/changed/table/False": "bd2051126be6d55b",
    "4/corrected/table/True": "5589255c816d2f00",
    "4/constant/inline/False": "3118d2e9508f8696",
    "3/changed/inline/True": "2af65a34176f43b9",
    "3/constant/table/False": "8dd71b5d07891aa4",
    "6/changed/table/True": "b7ae539070e896e2",
    "6/corrected/inline/False": "284e29b7ec99cea3",
    "6/constant/inline/True": "541f11e5cafc30ef",
}


@pytest.mark.parametrize("knobs", SETS[::5], ids=lambda knobs: "/".join(map(str, knobs.values())))
def test_instances_change_only_with_the_version(knobs):
    faces = []
    for number in range(3):
        scenario = family().scenario(Rng.of("golden", number), knobs)
        texts = [family().instruction(scenario, lang, w) for lang in LANGS for w in range(3)]
        end = msgspec.to_builtins(family().right_end(scenario))
        told = [part("documents").documentation(scenario), part("documents").notes(scenario)]
        inputs = [part("scenario").input_text(scenario, is_shown=shown) for shown in (True, False)]
        faults = [list(fault) for fault in family().faults(scenario)]
        faces.append([texts, told, inputs, faults, family().world(scenario).state, end])
    assert family().version == 1
    assert digest(faces)[:16] == GOLDEN["/".join(map(str, knobs.values()))]


@pytest.mark.parametrize("faults", [False, True])
def test_the_gate_finds_nothing_wrong(faults):
    report = gate.check_family(
        loaded(),
        "workflow",
        sets=[knobs for knobs in SETS if knobs["faults"] is faults][::2],
        mutants=3,
        shortcut_instances=6,
        oracle_instances=6,
    )
    assert report.problems == []
    assert report.acceptance == 1
    assert report.oracle_calls[0] >= 4
    assert report.most_tokens <= 2500
