"""A forger who knows the format: what a re-grade finds though every digest fits, and what not.

Out of reach of any self-declared bundle is a vendor who forges the whole machine: who makes the
agent say what another one said, leaves out what it only read, repeats a campaign until it goes
well, or has a person answer. A bundle shows that what it holds is consistent and graded right;
who produced it is for an auditor to attest, and the claim says "self-declared" until one did.
"""

import json
import shutil
from pathlib import Path

import pytest

from conformance import cli
from conformance.evidence.verify import audit_bundle
from tests.campaign.campaigns import bundle
from tests.evidence.forge import Forger, read_lines
from tests.fakes.agents import MINIATURE, FakeAgent, make, miniature, solve, submit


async def right_in_the_hall(self, task, doors, private):
    """Solve the first level; on the second look, set the wrong level, and claim success."""
    if private.knobs["room"] != "loft":
        await solve(doors, private)
        return
    await doors.call_tool("look", {"lamp": private.scenario.lamp})
    level = private.scenario.level % 100 + 1
    await doors.call_tool("dim", {"lamp": private.scenario.lamp, "level": level})
    await submit(doors, {"receipt": "made up"})


AGENT = FakeAgent(right_in_the_hall)


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    return bundle(tmp_path_factory.mktemp("honest") / "bundle", AGENT, concurrency=2)


@pytest.fixture
def forger(honest, tmp_path):
    return Forger(Path(shutil.copytree(honest, tmp_path / "bundle")))


def found(forger):
    return audit_bundle(forger.folder, miniature()).problems


def key_of(forger, trial):
    return next(e["key"] for e in forger.journal if e.get("trial") == trial)


def instance_of(forger, trial):
    draw = next(e["draw"] for e in forger.journal if e.get("trial") == trial)
    names = ("seed", "lang", "wording")
    return miniature().instance(
        draw["family"], draw["knobs"], **{name: draw[name] for name in names}
    )


def failing(forger):
    """Return a needed trial of the level that failed."""
    return next(t for t in forger.observed() if instance_of(forger, t).knobs["room"] == "loft")


def passing(forger):
    return forger.observed()[0]


def change_event(kind, number=0, **changed):
    def edit(events):
        [e for e in events if e["type"] == kind][number].update(changed)

    return edit


def test_the_honest_bundle_stands_and_the_forger_s_tools_change_nothing_by_themselves(forger):
    before = {
        p: p.read_bytes() for p in forger.folder.rglob("*") if p.is_file() and "run" in p.parts
    }
    assert found(forger) == []
    assert audit_bundle(forger.folder, miniature()).graded.summary.level == "L1"
    for trial in forger.trials():
        forger.edit_transcript(trial, lambda events: None)
    assert {p: json.loads(p.read_bytes().splitlines()[0]) for p in before} == {
        p: json.loads(content.splitlines()[0]) for p, content in before.items()
    }
    assert found(forger) == []


# -- what the replay finds -----------------------------------------------------------------------


def test_an_edited_tool_result(forger):
    trial = failing(forger)
    forger.edit_transcript(trial, change_event("tool_call", result={"lamp": "x", "level": 7}))
    (problem,) = found(forger)
    assert problem.endswith(f"{trial}.jsonl: tool call 1, look, gives another result when replayed")


@pytest.mark.parametrize(
    "changed", [{"error": "not_found"}, {"effect": "read"}, {"name": "look_again"}]
)
def test_an_edited_fact_of_a_tool_call(forger, changed):
    trial = failing(forger)
    forger.edit_transcript(trial, change_event("tool_call", 1, **changed))
    (problem,) = found(forger)
    assert "tool call 2" in problem


def test_an_edited_final_state(forger):
    trial = failing(forger)
    scenario = instance_of(forger, trial).scenario
    forger.edit_state(trial, lambda s: s["lamps"].update({scenario.lamp: scenario.level}))
    (problem,) = found(forger)
    assert problem.endswith("the final state is not what the recorded calls lead to")


@pytest.mark.parametrize("mark", ["[redacted]", "[home]", "a [redacted] b"])
def test_redaction_marks_hide_no_other_edit(forger, mark):
    trial = failing(forger)
    scenario = instance_of(forger, trial).scenario

    def edit(events):
        calls = [e for e in events if e["type"] == "tool_call"]
        note = {**calls[0], "name": "note", "arguments": {"text": mark}, "effect": "write"}
        events.insert(1, {**note, "result": {"notes": 1}})
        events[-1]["tool_calls"] += 1

    forger.edit_transcript(trial, edit)
    forger.edit_record(trial, tool_calls=3)
    forger.edit_state(trial, lambda s: s["notes"].append(mark))
    assert found(forger) == []  # so far it is a call the agent could have made
    forger.edit_state(trial, lambda s: s["lamps"].update({scenario.lamp: scenario.level}))
    (problem,) = found(forger)
    assert problem.endswith("the final state is not what the recorded calls lead to")
    forger.edit_state(trial, lambda s: s["lamps"].update({scenario.lamp: mark}))
    (problem,) = found(forger)
    assert problem.endswith("the final state is not what the recorded calls lead to")


@pytest.mark.parametrize(
    "state",
    [[], "text", None, {}, {"lamps": []}, {"lamps": {"x": {"deep": [[[[]]]]}}, "notes": None}],
)
def test_a_state_of_another_shape_is_a_problem_not_a_crash(forger, state):
    trial = failing(forger)
    path = forger.state_path(trial)
    path.write_text(json.dumps(state))
    forger.edit_state(trial, lambda s: s)
    assert len(found(forger)) == 1


def test_a_state_nested_beyond_reason_is_a_problem_not_a_crash(forger):
    import hashlib

    trial = failing(forger)
    deep = b'{"lamps":' + b"[" * 5000 + b"]" * 5000 + b"}"
    forger.state_path(trial).write_bytes(deep)
    digest = hashlib.sha256(deep).hexdigest()
    forger.edit_transcript(trial, change_event("end", state_sha256=digest))
    assert len(found(forger)) == 1


def test_a_call_taken_out(forger):
    trial = failing(forger)

    def edit(events):
        del events[2]
        events[-1]["tool_calls"] -= 1

    forger.edit_transcript(trial, edit)
    forger.edit_record(trial, tool_calls=1)
    (problem,) = found(forger)
    assert problem.endswith("the final state is not what the recorded calls lead to")


# -- what the form of a transcript shows ---------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda events: events[:-1], "is not the end of the trial"),
        (lambda events: events[1:], "is out of place"),
        (lambda events: [*events, events[-1]], "is out of place"),
        (lambda events: [events[0], *events], "is out of place"),
        (lambda events: [*events[:-1], events[-2], events[-1]], "a second one"),
        (lambda events: [events[0], events[-2], *events[1:-2], events[-1]], "after the answer"),
        (lambda events: [events[0], {"type": "magic", "t": 0}, *events[1:]], "is no event"),
        (lambda events: [events[0], {"type": "tool_call", "t": 0}, *events[1:]], "is no event"),
        (lambda events: [{}, *events], "is no event"),
    ],
)
def test_a_transcript_that_no_trial_writes(forger, edit, says):
    forger.edit_transcript(failing(forger), edit)
    (problem,) = found(forger)
    assert says in problem
    assert ".jsonl:" in problem


@pytest.mark.parametrize(
    "changed",
    [
        {"seed": "0" * 64},
        {"family": "other"},
        {"lang": "xx"},
        {"instruction": "Do nothing."},
        {"trial": "0123456789abcdef"},
        {"limits": {"wall_s": 9e9, "model_calls": 9, "tokens": 9, "tool_calls": 9}},
        {"forbidden": []},
    ],
)
def test_a_transcript_of_another_task(forger, changed):
    forger.edit_transcript(passing(forger), change_event("start", **changed))
    (problem,) = found(forger)
    assert "is not how a trial of this draw begins" in problem


@pytest.mark.parametrize(
    "changed",
    [
        {"cause": "endpoint_down", "outcome": "cancelled"},
        {"cause": "silent", "outcome": "no_contact"},
        {"model_calls": 7},
        {"tool_calls": 0},
        {"output_tokens": 5},
        {"wall_s": 0.001},
        {"detail": "all went well"},
    ],
)
def test_a_record_that_its_transcript_does_not_bear_out(forger, changed):
    forger.edit_record(forger.observed()[-1], **changed)
    assert any("ends otherwise than the journal says" in problem for problem in found(forger))


@pytest.mark.parametrize("edited", [0, 2, -1])
@pytest.mark.parametrize("t", [-5.0, 1e308])
def test_a_trial_that_ended_before_it_began_or_before_its_calls(forger, edited, t):
    trial = forger.observed()[-1]
    forger.edit_transcript(trial, lambda events: events[edited].update(t=t))
    forger.edit_record(trial, wall_s=read_lines(forger.transcript_path(trial))[-1]["t"])
    expected = "has a time before the beginning or after the end"
    if (edited, t) == (-1, 1e308):
        assert found(forger) == []  # it could have taken so long; the report refuses the figure
    elif edited == 0:
        assert "is not how a trial of this draw begins" in found(forger)[0]
    else:
        assert found(forger) == [f"{forger.transcript_path(trial)}: {expected}"]


def test_a_program_passed_off_as_a_model_has_calls_that_no_model_made(forger):
    forger.edit_journal(lambda events: events[0]["terms"]["agent"].update(kind="chat"))
    forger.edit_document("claim.json", lambda claim: claim["agent"].update(kind="chat"))
    forger.edit_document("system.json", lambda system: system["application"].update(kind="chat"))
    assert "has calls of tools and none of the model that made them" in found(forger)[0]


# -- what the re-grade finds ---------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, -1])
def test_an_edited_observation(forger, place):
    path = forger.folder / "results/observations.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    line = json.loads(lines[place])
    lines[place] = json.dumps(line | {"value": 1 - line["value"]}).encode() + b"\n"
    path.write_bytes(b"".join(lines))
    forger.seal()
    (problem,) = found(forger)
    assert problem.startswith(f"{path}:{1 if place == 0 else len(lines)}: ")


@pytest.mark.parametrize("kept", [3, 10_000])
def test_observations_left_out_or_added(forger, kept):
    path = forger.folder / "results/observations.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join((lines * 2)[: min(kept, len(lines) + 1)]))
    forger.seal()
    assert any("observations, the re-grade needs" in problem for problem in found(forger))


@pytest.mark.parametrize(
    ("name", "edit"),
    [
        ("results/summary.json", lambda d: d.update(level="L2")),
        ("results/summary.json", lambda d: d["clauses"][2].update(verdict="pass")),
        ("results/summary.json", lambda d: d.update(seed_source="os")),
        ("claim.json", lambda d: d.update(evidence_class="jailed")),
        ("claim.json", lambda d: d["agent"].update(name="another agent")),
        ("claim.json", lambda d: d.update(claim="L2")),
        ("claim.json", lambda d: d.update(plan="fixed")),
        ("claim.json", lambda d: d["declaration"].update(en="audited")),
        ("claim.json", lambda d: d["mode"].update(en="agent testing and technical evaluation")),
        ("claim.json", lambda d: d["edition"].update(normative=True)),
        ("ics.json", lambda d: d.update(denied=["network"])),
        ("system.json", lambda d: d["application"].update(name="another agent")),
        ("suite.lock.json", lambda d: d["edition"].update(sha256="0" * 64)),
    ],
)
def test_a_document_that_says_more_than_the_evidence(forger, name, edit):
    forger.edit_document(name, edit)
    assert found(forger)[0].startswith(f"{forger.folder / name}:1: ")


def test_a_document_that_is_none(forger):
    forger.edit_document("claim.json", lambda document: document.clear())
    assert found(forger)[0].startswith(f"{forger.folder}/claim.json:1: ")


# -- what the journal's own rules show -----------------------------------------------------------


def trial_entries(events, trial):
    """Return the places of a trial's two entries."""
    return [
        n
        for n, e in enumerate(events)
        if e.get("trial") == trial or e.get("record", {}).get("trial") == trial
    ]


def test_a_failing_trial_left_out(forger):
    trial = failing(forger)

    def drop(events):
        return [e for n, e in enumerate(events) if n not in trial_entries(events, trial)]

    forger.edit_journal(drop)
    (problem,) = found(forger)
    assert "there is no trial for observation" in problem


def test_a_failing_trial_left_out_with_its_files_and_passed_off_as_a_budget_s_end(forger):
    """The grade may only sink by it: what a budget cut off is inconclusive, never passed."""
    trial = failing(forger)

    def drop(events):
        events[-1]["reason"] = "budget"
        return [e for n, e in enumerate(events) if n not in trial_entries(events, trial)]

    forger.transcript_path(trial).unlink()
    forger.state_path(trial).unlink()
    forger.edit_journal(drop)
    assert any("summary.json" in problem for problem in found(forger))
    audit = audit_bundle(forger.folder, miniature())
    assert audit.graded.summary.level == "L1"


def test_a_second_trial_of_a_key_that_went_better(forger):
    bad, good = failing(forger), passing(forger)
    key = key_of(forger, bad)

    def add(events):
        first, second = (dict(events[n]) for n in trial_entries(events, bad))
        first["trial"] = good[::-1]
        second["record"] = {**second["record"], "trial": good[::-1]}
        events[-1:-1] = [first, second]

    shutil.copy(forger.transcript_path(bad), forger.transcript_path(good[::-1]))
    shutil.copy(forger.state_path(bad), forger.state_path(good[::-1]))
    forger.edit_journal(add)
    (problem,) = found(forger)
    assert "is of a key that has its trial" in problem
    assert key == key_of(forger, bad)


def test_a_trial_that_no_clause_draws(forger):
    trial = passing(forger)

    def add(events):
        first, second = (json.loads(json.dumps(events[n])) for n in trial_entries(events, trial))
        from conformance.decision.streams import Draw

        first["draw"]["seed"] = "ab" * 32
        first["key"] = second["key"] = Draw(**first["draw"]).key
        first["trial"] = second["record"]["trial"] = "0123456789abcdef"
        events[-1:-1] = [first, second]

    forger.edit_journal(add)
    (problem,) = found(forger)
    assert "no clause draws this trial" in problem
    assert "journal.jsonl:" in problem


def test_two_trials_whose_keys_are_swapped(forger):
    one, other = forger.observed()[:2]

    def swap(events):
        places = [trial_entries(events, one), trial_entries(events, other)]
        (a, b), (c, d) = places
        for left, right in ((a, c), (b, d)):
            events[left]["key"], events[right]["key"] = events[right]["key"], events[left]["key"]
        events[a]["draw"], events[c]["draw"] = events[c]["draw"], events[a]["draw"]

    forger.edit_journal(swap)
    assert any("is not how a trial of this draw begins" in problem for problem in found(forger))


def test_a_key_that_is_not_its_draw_s(forger):
    def change(events):
        started = next(e for e in events if e["type"] == "trial_started")
        started["draw"]["knobs"] = {"room": "porch"}

    forger.edit_journal(change)
    (problem,) = found(forger)
    assert "the draw is not that of its key" in problem


@pytest.mark.parametrize("draw", [{}, {"family": 5}, {"family": "../x"}, "text"])
def test_a_draw_that_is_none(forger, draw):
    def change(events):
        next(e for e in events if e["type"] == "trial_started")["draw"] = draw

    forger.edit_journal(change)
    assert len(found(forger)) == 1


def test_a_trial_that_ends_before_it_begins(forger):
    trial = passing(forger)

    def swap(events):
        a, b = trial_entries(events, trial)
        events[a], events[b] = events[b], events[a]

    forger.edit_journal(swap)
    (problem,) = found(forger)
    assert "was not running under this key" in problem


def test_another_seed(forger):
    def claim(events):
        events[-1]["seed"] = "00" * 32

    forger.edit_journal(claim)
    (problem,) = found(forger)
    assert "the seed revealed is not the one committed" in problem
    assert f"journal.jsonl:{len(forger.journal)}" in problem


def test_another_seed_and_its_commitment_too(forger):
    import hashlib

    def claim(events):
        events[-1]["seed"] = "00" * 32
        events[0]["seed_sha256"] = hashlib.sha256(bytes(32)).hexdigest()

    forger.edit_journal(claim)
    assert "no clause draws this trial" in found(forger)[0]


@pytest.mark.parametrize("seed", ["", "zz", "abc", "é"])
def test_a_seed_that_is_none(forger, seed):
    def claim(events):
        events[-1]["seed"] = seed

    forger.edit_journal(claim)
    (problem,) = found(forger)
    assert "the seed revealed is not the one committed" in problem


@pytest.mark.parametrize("kept", [1, 5, -1])
def test_a_journal_that_is_cut(forger, kept):
    forger.edit_journal(lambda events: events[:kept])
    (problem,) = found(forger)
    assert "the campaign did not end" in problem


def test_a_journal_that_is_empty(forger):
    forger.journal_path.write_bytes(b"")
    forger.seal()
    assert len(found(forger)) == 1


@pytest.mark.parametrize(
    "changed",
    [{"claim": "L9"}, {"claim": "L1/L2"}, {"plan": "none"}, {"langs": []}, {"langs": ["xx"]}],
)
def test_terms_that_are_none(forger, changed):
    forger.edit_journal(lambda events: events[0]["terms"].update(changed))
    assert found(forger)


def test_terms_with_other_limits_than_the_trials_had(forger):
    forger.edit_journal(lambda events: events[0]["terms"]["limits"].update(tool_calls=1))
    assert all(
        "is not how a trial of this draw begins" in problem for problem in found(forger)[:20]
    )
    assert found(forger)


def test_terms_of_a_lower_claim_than_was_tried(forger):
    forger.edit_journal(lambda events: events[0]["terms"].update(claim="L1"))
    assert found(forger)


def test_a_campaign_that_opens_twice(forger):
    forger.edit_journal(lambda events: [events[0], *events])
    (problem,) = found(forger)
    assert "opens a second time" in problem


def test_another_population_of_the_riders(forger):
    def shrink(events):
        for event in events:
            if event["type"] == "population":
                event["clauses"] = event["clauses"][:1]

    forger.edit_journal(shrink)
    (problem,) = found(forger)
    assert "what the riders of T1 draw from is not what follows from the terms" in problem


def test_a_void_campaign_has_no_grade(forger):
    def add_faults(events):
        start = next(e for e in events if e["type"] == "trial_started")
        done = next(e for e in events if e["type"] == "trial")
        for number in range(4):
            trial = f"{number:016x}"
            record = {**done["record"], "trial": trial}
            record |= {"cause": "suite_error", "outcome": "harness_fault"}
            events[1:1] = [
                {**start, "trial": trial},
                {**done, "key": start["key"], "record": record},
            ]

    forger.edit_journal(add_faults)
    (problem,) = found(forger)
    assert "is void: 4 faults" in problem


def test_a_trial_id_that_leads_out_of_the_bundle(forger):
    trial = passing(forger)

    def change(events):
        for event in events:
            if event.get("trial") == trial:
                event["trial"] = "../../../outside"
            if event.get("record", {}).get("trial") == trial:
                event["record"]["trial"] = "../../../outside"

    forger.edit_journal(change)
    assert found(forger)


def test_grade_ends_with_7_and_no_traceback_for_a_forgery(forger, capsys):
    forger.edit_transcript(failing(forger), change_event("tool_call", result=None))
    assert cli.run(["grade", str(forger.folder), "--edition", str(MINIATURE)]) == 7
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err


# -- what nothing in a bundle can show -----------------------------------------------------------


def right_answer(events, instance):
    given = next(event for event in events if event["type"] == "answer")
    given["answer"]["values"] = dict(instance.right_end.values)


@pytest.fixture
def only_the_answer_is_wrong(tmp_path):
    """Return a forger of an agent that does the work and hands in a made-up receipt."""

    async def forgets(self, task, doors, private):
        for step in private.solve().trace.steps:
            await doors.call_tool(step.name, dict(step.arguments))
        await submit(doors, {"receipt": "made up"})

    return Forger(bundle(tmp_path / "bundle", FakeAgent(forgets)))


def test_an_answer_put_right_is_found_by_the_chain(only_the_answer_is_wrong):
    forger = only_the_answer_is_wrong
    trial = passing(forger)
    path = forger.transcript_path(trial)
    path.write_bytes(path.read_bytes().replace(b"made up", b"MADE UP"))
    forger.seal()
    (problem,) = found(forger)
    number = next(n for n, e in enumerate(read_lines(path), 1) if e["type"] == "answer")
    assert f"{path}:{number}: was changed after it was written" in problem


def test_an_answer_put_right_and_chained_anew_is_found_by_the_results(only_the_answer_is_wrong):
    forger = only_the_answer_is_wrong
    trial = passing(forger)
    instance = instance_of(forger, trial)
    forger.edit_transcript(trial, lambda events: right_answer(events, instance))
    problems = found(forger)
    assert problems
    assert all("/results/" in problem for problem in problems)


def test_a_vendor_who_forges_the_whole_machine_is_out_of_reach_of_a_self_declared_bundle(
    only_the_answer_is_wrong,
):
    """An answer is the agent's word: whoever writes all of the bundle can put it into its mouth.

    Answers put right, everything chained and sealed anew, the results made by the suite itself:
    the bundle is then what an honest agent's would be. What stands against it is the claim, which
    says that nobody but the applicant ran it.
    """
    from conformance.evidence.seal import seal

    forger = only_the_answer_is_wrong
    trials = forger.trials()
    for trial in trials:
        instance = instance_of(forger, trial)
        forger.edit_transcript(
            trial, lambda events, instance=instance: right_answer(events, instance)
        )
    assert found(forger)  # the results do not fit yet, and the campaign stopped too early
    claim = json.loads((forger.folder / "claim.json").read_bytes())
    forger.edit_journal(lambda events: events[-1].update(reason="budget"))
    seal(forger.folder, miniature(), claim["agent"], claim["evidence_class"])
    assert found(forger) == []
    claim = json.loads((forger.folder / "claim.json").read_bytes())
    assert claim["declaration"] == {"en": "self-declared", "zh": "自我声明"}


def test_an_agent_that_does_nothing_forges_nothing_by_its_words(tmp_path):
    """What an agent says it did is not what it did: made-up receipts pass no clause."""
    out = bundle(tmp_path / "c", make("answers_wrong"))
    assert audit_bundle(out, miniature()).graded.summary.level == "L0"
