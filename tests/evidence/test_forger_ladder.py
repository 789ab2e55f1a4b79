"""A forger among seats, sessions, faults, twins, repeats and single plays: what a re-grade finds.

As in ``test_forger`` every digest fits again after each edit; what is found is found by a replay,
by the rules of a trial's life, or by the results. Each forgery has to be found for its own reason.
"""

import asyncio
import json
import shutil
from pathlib import Path

import msgspec
import pytest

from conformance.agents.builtin import BuiltinAgent
from conformance.agents.contract import Limits
from conformance.campaign.run import Settings
from conformance.campaign.single import run_single
from conformance.campaign.twins import twin_of
from conformance.decision.streams import Draw
from conformance.edition import load
from conformance.errors import AgentUnavailableError
from conformance.evidence.seal import seal
from conformance.evidence.verify import audit_bundle
from tests.campaign.test_supplements import REPEATS, SEALED, edited, reads_english, run
from tests.evidence.forge import Forger, canonical_line, read_lines
from tests.fakes.agents import FakeAgent, make, miniature, model_call
from tests.trial.test_seats import hand_in

ROOT = Path(__file__).parents[2]
FAMILY = """from conformance.authoring import Fault
from tests.fakes import families


class Own(families.{base}):
    id = "{name}"

    def scenario(self, rng, knobs):
        return families.Case(({faults}))


FAMILY = Own()
"""
FAMILIES = {
    "relay": ("Relay", ""),
    "diary": ("Diary", ""),
    "shop": ("Shop", "Fault('put', 1, 'timeout_done'),"),
    "shifting": ("Shifting", ""),
}


@pytest.fixture(scope="module")
def edition(tmp_path_factory):
    """The miniature edition with the tiny families in it, and the shipped graders."""
    root = edited(tmp_path_factory.mktemp("tiny"))
    for grader in (ROOT / "graders").glob("*.py"):
        shutil.copy(grader, root / "graders" / grader.name)
    for name, (base, faults) in FAMILIES.items():
        (root / "tasks" / name).mkdir()
        text = FAMILY.format(base=base, name=name, faults=faults)
        (root / "tasks" / name / "__init__.py").write_text(text, encoding="utf-8")
    return load(root)


async def shops(self, task, doors, private):
    """Put three in, the first behind a fault; a notice comes with the third."""
    for item in ("OAK", "ELM", "ASH"):
        await doors.call_tool("put", {"item": item})
    doors.before_model_call()
    doors.after_model_call(model_call(tokens=7, retries=1, retried_status=["429"]))
    await hand_in(doors, "made up")


async def floods(self, task, doors, private):
    while True:
        await doors.call_tool("look", {})


AGENTS = {
    "relay": BuiltinAgent("oracle", lambda _: None),
    "diary": BuiltinAgent("oracle", lambda _: None),
    "shop": FakeAgent(shops),
    "shifting": BuiltinAgent("oracle", lambda _: None),
    "flooded": FakeAgent(floods),
}


def play(edition, out, family, agent, **settings):
    drawn = Draw(family, 1, {}, 0, "en", "seed")
    asyncio.run(run_single(edition, agent, drawn, Settings(langs=("en",), **settings), out))
    seal(out, edition, agent.describe(), agent.evidence_class)
    return out


@pytest.fixture(scope="module")
def singles(edition, tmp_path_factory):
    folder = tmp_path_factory.mktemp("singles")
    return {
        name: play(
            edition,
            folder / name,
            "shop" if name == "flooded" else name,
            agent,
            limits=Limits(tool_calls=4),
        )
        for name, agent in AGENTS.items()
    }


class Of:
    """A forger of one copied bundle, and what the audit says to it."""

    def __init__(self, bundle, folder, edition):
        self.forger = Forger(Path(shutil.copytree(bundle, folder)))
        self.folder = self.forger.folder
        self.edition = edition

    @property
    def trial(self):
        return self.forger.trials()[0]

    def problems(self):
        return audit_bundle(self.folder, self.edition).problems

    def edit(self, change):
        self.forger.edit_transcript(self.trial, change)
        return self.problems()

    def end(self, change, **record):
        """Change a transcript and what its end and its record say alike."""

        def both(events):
            change(events)
            events[-1].update(record)

        self.forger.edit_transcript(self.trial, both)
        self.forger.edit_record(self.trial, **record)
        return self.problems()


@pytest.fixture
def of(singles, edition, tmp_path):
    return lambda name: Of(singles[name], tmp_path / "bundle", edition)


def places(events, type_, /, **facts):
    return [
        n
        for n, e in enumerate(events)
        if e["type"] == type_ and all(e.get(name) == value for name, value in facts.items())
    ]


def changed(type_, number, /, **facts):
    def edit(events):
        events[places(events, type_)[number]].update(facts)

    return edit


def dropped(type_, number, /, **facts):
    def edit(events):
        del events[places(events, type_, **facts)[number]]

    return edit


def moved(type_, number, /, to, **facts):
    def edit(events):
        event = events.pop(places(events, type_, **facts)[number])
        events.insert(to, event)

    return edit


def added(at, **event):
    return lambda events: events.insert(at, {"t": 0.0, **event})


@pytest.mark.parametrize("name", AGENTS)
def test_the_honest_bundles_stand(of, name):
    it = of(name)
    assert it.problems() == []
    assert it.edit(lambda events: None) == []


# -- seats ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "seat", "says"),
    [
        (0, "b", "the final state is not|gives another result"),
        (2, "a", "the final state is not|gives another result"),
        (1, "a", "tool call 2, hear, gives another result"),
        (0, "ghost", "tool call 1 is by 'ghost', which is no seat here"),
        (0, "", "tool call 1 is by '', which is no seat here"),
    ],
)
def test_a_call_in_another_seat_s_name(of, number, seat, says):
    (problem,) = of("relay").edit(changed("tool_call", number, seat=seat))
    assert any(words in problem for words in says.split("|"))


@pytest.mark.parametrize("seat", ["ghost", ""])
def test_an_answer_by_nobody(of, seat):
    (problem,) = of("relay").edit(changed("answer", 1, seat=seat))
    assert f"is of {seat!r}, who is not at work" in problem


@pytest.mark.parametrize(
    "event",
    [
        {"type": "note", "kind": "thought", "details": {}, "seat": "ghost"},
        {"type": "answer", "channel": "x", "answer": {}, "refused": "no", "seat": "ghost"},
        {
            "type": "model_call",
            "seat": "ghost",
            "call": msgspec.to_builtins(model_call(tokens=0)),
        },
    ],
    ids=lambda event: event["type"],
)
def test_whatever_else_nobody_does(of, event):
    (problem,) = of("relay").edit(added(5, **event))
    assert "line 6: is of 'ghost', who is not at work" in problem


def test_a_call_moved_before_its_seat_was_there(of):
    (problem,) = of("relay").edit(moved("tool_call", 0, to=2))
    assert "line 3: comes before 'b' is there" in problem


def test_the_order_of_two_seats_calls_turned_round(of):
    (problem,) = of("relay").edit(moved("tool_call", 1, to=3))
    assert "gives another result when replayed" in problem


def test_a_seat_that_was_not_asked(of):
    it = of("relay")
    (problem,) = it.edit(dropped("answer", 1))
    assert "single.json:1: is not what the re-grade gives" in problem


# -- sessions ------------------------------------------------------------------------------------


def test_a_call_of_a_later_session_said_to_be_of_an_earlier_one(of):
    """So would a side effect that was repeated after a kill be none."""
    (problem,) = of("diary").edit(changed("tool_call", 1, seat="s1"))
    assert "is of 's1', who is not at work" in problem


def test_a_call_moved_into_an_earlier_session(of):
    it = of("diary")
    (problem,) = it.edit(moved("tool_call", 1, to=3))
    assert "line 4: 's1' was killed by the call before, and goes on" in problem


def test_a_killed_agent_that_goes_on(of):
    def go_on(events):
        second = events[places(events, "tool_call")[1]]
        events.insert(places(events, "note", kind="killed")[0] + 1, {**second, "seat": "s1"})

    (problem,) = of("diary").end(go_on, tool_calls=3)
    assert "is of 's1', who is not at work" in problem


def test_an_answer_of_a_killed_agent(of):
    def answer(events):
        given = events[places(events, "answer")[0]]
        events.insert(places(events, "note", kind="killed")[0] + 1, {**given, "seat": "s1"})

    (problem,) = of("diary").edit(answer)
    assert "is of 's1', who is not at work" in problem


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (dropped("note", 0, kind="killed"), "a session of 's2' begins as none does"),
        (dropped("note", 0, kind="session"), "a session of 's2' begins out of turn|before 's1'"),
        (dropped("note", 1, kind="session"), "is of 's2', who is not at work"),
        (changed("note", 0, seat="s2"), "a session of 's2' begins out of turn"),
        (changed("note", 0, details={"number": 1}), "begins as none does"),
        (changed("note", 1, seat="s2"), "'s2' is killed, but not by the world"),
        (changed("note", 1, kind="kept"), "'s1' was killed by the call before, and goes on"),
        (moved("note", 0, to=-1, kind="killed"), "begins as none does"),
        (moved("note", 1, to=2, kind="session"), "is of 's1', who is not at work"),
        (added(-1, type="note", kind="killed", details={}, seat="s2"), "not by the world"),
        (
            added(-1, type="note", kind="session", details={"number": 1}, seat="s2"),
            "a session of 's2' begins out of turn",
        ),
    ],
)
def test_notes_of_sessions_and_kills_left_out_or_made_up(of, edit, says):
    (problem,) = of("diary").edit(edit)
    assert any(words in problem for words in says.split("|"))


# -- faults, notices, drift ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "facts"),
    [
        (0, {"fault": None}),
        (0, {"fault": "timeout_lost"}),
        (0, {"fault": None, "error": None, "result": {"count": 1}}),
        (1, {"fault": "malformed"}),
        (2, {"notices": []}),
        (2, {"notices": [{"full": False}]}),
        (1, {"notices": [{"full": True}]}),
    ],
)
def test_a_fault_or_a_notice_left_out_or_made_up(of, number, facts):
    (problem,) = of("shop").edit(changed("tool_call", number, **facts))
    assert f"tool call {number + 1}, put, gives another result when replayed" in problem


def test_a_change_of_tools_that_was_not_told(of):
    (problem,) = of("shifting").edit(changed("tool_call", 0, notices=[]))
    assert "tool call 1, reserve, gives another result" in problem


# -- counts and limits ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({"tool_calls": 2}, "3 tool calls are not 2 within the limit"),
        ({"tool_calls": 5}, "3 tool calls are not 5 within the limit"),
        ({"model_calls": 0}, "1 model calls are not 0 within the limit"),
        ({"model_calls": 61}, "1 model calls are not 61 within the limit"),
        ({"input_tokens": 6}, "not the sums"),
        ({"output_tokens": 1}, "not the sums"),
        ({"retries": 0}, "not the sums"),
        ({"cause": "silent", "outcome": "no_contact"}, "silent is not how it ended"),
        ({"cause": "tokens", "outcome": "limit_exceeded"}, "is not what ended it, tokens"),
    ],
)
def test_a_count_that_its_transcript_does_not_bear_out(of, record, says):
    (problem,) = of("shop").end(lambda events: None, **record)
    assert says in problem


def test_more_calls_than_the_limit_lets_through(of):
    def more(events):
        call = events[places(events, "tool_call")[-1]]
        del events[places(events, "limit")[0]]
        events[-1:-1] = [call] * 3

    it = of("flooded")
    (problem,) = it.end(more, tool_calls=7, cause="returned", outcome="completed")
    assert "7 tool calls are not 7 within the limit" in problem


def test_more_tokens_than_the_limit_lets_through(of):
    edit = changed("model_call", 0)

    def more(events):
        edit(events)
        events[places(events, "model_call")[0]]["call"]["input_tokens"] = 400_001

    (problem,) = of("shop").end(more, input_tokens=400_001)
    assert "more tokens than the limit, and no end for it" in problem


def test_a_call_after_the_limit(of):
    (problem,) = of("flooded").edit(moved("limit", 0, to=2))
    assert "comes after the limit" in problem


@pytest.mark.parametrize(
    ("edit", "record", "says"),
    [
        (lambda events: None, {"cause": "returned", "outcome": "completed"}, "not what ended it"),
        (dropped("limit", 0), {}, "not what ended it, tool_calls"),
        (changed("limit", 0, limit="tokens"), {}, "not what ended it, tool_calls"),
        (added(-1, type="limit", limit="tool_calls"), {}, "a second limit"),
    ],
)
def test_a_limit_that_was_hit_and_is_denied(of, edit, record, says):
    (problem,) = of("flooded").end(edit, **record)
    assert says in problem


# -- single plays --------------------------------------------------------------------------------


def test_a_single_play_said_to_be_solved(of):
    it = of("shop")
    it.forger.edit_document("results/single.json", lambda d: d.update(solved=True, findings=[]))
    (problem,) = it.problems()
    assert "single.json:1: is not what the re-grade gives" in problem


def test_a_single_play_without_its_outcome(of):
    it = of("shop")
    (it.folder / "results/single.json").unlink()
    it.forger.seal()
    (problem,) = it.problems()
    assert "single.json:1: is not what the re-grade gives" in problem


def rekeyed(forger, **changes):
    """Play another draw in the journal than the one that was tried."""

    def edit(events):
        draw = {**events[0]["terms"]["single"], **changes}
        key = Draw(**draw).key
        events[0]["terms"]["single"] = draw
        for event in events:
            if event["type"] == "trial_started":
                event |= {"draw": draw, "key": key}
            if event["type"] == "trial":
                event["key"] = key

    forger.edit_journal(edit)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"version": 2}, "the one trial is said to be of version 2"),
        ({"seed": "other"}, "is not how a trial of this draw begins"),
        ({"family": "relay"}, "is not how a trial of this draw begins"),
        ({"lang": "zh"}, "is not how a trial of this draw begins"),
        ({"knobs": {"x": 1}}, "is no knob of shop"),
    ],
)
def test_a_single_play_of_another_draw(of, changes, says):
    it = of("shop")
    rekeyed(it.forger, **changes)
    assert says in it.problems()[0]


def test_a_single_play_chosen_after_it_was_tried(of):
    it = of("shop")
    it.forger.edit_journal(lambda events: events[0]["terms"]["single"].update(seed="other"))
    assert "no clause draws this trial" in it.problems()[0]


def test_a_second_try_of_a_single_play(of):
    it = of("shop")

    def again(events):
        first, second = json.loads(json.dumps(events[1:3]))
        first["trial"] = second["record"]["trial"] = "0" * 16
        events[1:1] = [first, second]

    it.forger.edit_journal(again)
    assert "is of a key that has its trial" in it.problems()[0]


def test_a_single_play_that_does_not_count_leaves_no_bundle(edition, tmp_path):
    with pytest.raises(AgentUnavailableError, match="the canary failed too"):
        play(edition, tmp_path / "c", "shop", make("endpoint_down"))
    assert not (tmp_path / "c/results").exists()


# -- twins ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def twinned(tmp_path_factory):
    out = tmp_path_factory.mktemp("twinned") / "c"
    run(miniature(), out, FakeAgent(reads_english), twins=True, concurrency=1)
    return out


@pytest.fixture
def twins(twinned, tmp_path):
    return Of(twinned, tmp_path / "bundle", miniature())


def twin_trials(forger):
    """Return the twins' trials, in the order in which they were tried."""
    started = [e for e in forger.journal if e["type"] == "trial_started"]
    seen, found = set(), []
    for entry in started:
        if twin_of(Draw(**entry["draw"])).key in seen:
            found.append(entry["trial"])
        seen.add(entry["key"])
    return found


def entries_of(events, trial):
    return [
        n
        for n, e in enumerate(events)
        if trial in (e.get("trial"), e.get("record", {}).get("trial"))
    ]


def without(trial, **end):
    def edit(events):
        events[-1].update(end)
        return [e for n, e in enumerate(events) if n not in entries_of(events, trial)]

    return edit


def remake_results(it):
    """Write the results that the suite itself makes of the evidence."""
    claim = json.loads((it.folder / "claim.json").read_bytes())
    seal(it.folder, it.edition, claim["agent"], claim["evidence_class"])


def test_the_honest_twins_stand(twins):
    assert twins.problems() == []
    assert len(twin_trials(twins.forger)) > 3


def test_a_gap_put_right(twins):
    twins.forger.edit_document("results/twins.json", lambda d: d["levels"][0].update(zh_solved=9))
    (problem,) = twins.problems()
    assert "twins.json:1: is not what the re-grade gives" in problem


@pytest.mark.parametrize("name", ["twins.json", "observations.jsonl"])
def test_results_left_out(twins, name):
    (twins.folder / "results" / name).unlink()
    twins.forger.seal()
    (problem,) = twins.problems()
    assert problem == f"{twins.folder}/results/{name}: is missing"


@pytest.mark.parametrize("place", [0, 1, -1])
def test_a_twin_that_went_badly_left_out(twins, place):
    trial = twin_trials(twins.forger)[place]
    twins.forger.transcript_path(trial).unlink()
    twins.forger.state_path(trial).unlink()
    twins.forger.edit_journal(without(trial))
    (problem,) = twins.problems()
    assert "there is no twin of trial" in problem


def test_a_twin_left_out_and_passed_off_as_a_budget_s_end(twins):
    trial = twin_trials(twins.forger)[1]
    twins.forger.edit_journal(without(trial, are_twins_cut=True))
    (problem,) = twins.problems()
    assert "there is no twin of trial" in problem


def test_a_twin_and_its_original_swapped(twins):
    twin = twin_trials(twins.forger)[0]

    def swap(events):
        started, done = entries_of(events, twin)
        key = twin_of(Draw(**events[started]["draw"])).key
        first, ended = (n for n, e in enumerate(events) if e.get("key") == key)
        for one, other in ((started, first), (done, ended)):
            events[one]["key"], events[other]["key"] = events[other]["key"], events[one]["key"]
        events[started]["draw"], events[first]["draw"] = (
            events[first]["draw"],
            events[started]["draw"],
        )

    twins.forger.edit_journal(swap)
    assert "is not how a trial of this draw begins" in twins.problems()[0]


def test_twins_that_no_terms_speak_of(twins):
    twins.forger.edit_journal(lambda events: events[0]["terms"].update(twins=False))
    assert all("no clause draws this trial" in problem for problem in twins.problems())
    assert twins.problems()


def test_a_chosen_play_s_outcome_in_a_campaign(twins):
    path = twins.folder / "results/single.json"
    document = {"format": "single/1", "draw": {}, "trial": "x", "solved": True, "findings": []}
    path.write_bytes(canonical_line(document))
    twins.forger.seal()
    (problem,) = twins.problems()
    assert "single.json:1: is not what the re-grade gives" in problem


# -- repeats -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def repeated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("repeated")
    draws = REPEATS[0]
    edition = load(edited(folder, (draws, draws + "    repeats: 4\n")))
    run(edition, folder / "c", "answers_right", concurrency=1)
    return folder / "c", edition


@pytest.fixture
def repeats(repeated, tmp_path):
    bundle, edition = repeated
    return Of(bundle, tmp_path / "bundle", edition)


def of_repeat(forger, number):
    return next(
        e["trial"]
        for e in forger.journal
        if e["type"] == "trial_started" and e["draw"].get("repeat") == number
    )


def numbered(trial, number):
    def edit(events):
        started, done = entries_of(events, trial)
        events[started]["draw"]["repeat"] = number
        key = Draw(**events[started]["draw"]).key
        events[started]["key"] = events[done]["key"] = key

    return edit


def test_the_honest_repeats_stand(repeats):
    assert repeats.problems() == []


@pytest.mark.parametrize(
    ("number", "says"),
    [(2, "is of a key that has its trial"), (4, "no clause draws this trial")],
)
def test_a_repeat_under_another_number(repeats, number, says):
    trial = of_repeat(repeats.forger, 3)
    repeats.forger.edit_journal(numbered(trial, number))
    assert says in repeats.problems()[0]


def test_a_repeat_that_is_another_once_more(repeats):
    good, bad = (of_repeat(repeats.forger, number) for number in (1, 2))

    def twice(events):
        for place in entries_of(events, bad):
            text = json.dumps(events[place]).replace(bad, good)
            events[place] = json.loads(text)

    repeats.forger.edit_journal(twice)
    assert f"trial {good} starts a second time" in repeats.problems()[0]


def test_a_repeat_left_out(repeats):
    repeats.forger.edit_journal(without(of_repeat(repeats.forger, 3)))
    (problem,) = repeats.problems()
    assert "there is no trial for observation" in problem


# -- sealed editions -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sealed")
    secret = edited(folder, ("id: miniature", "id: secret"), name="secret")
    other = edited(folder, ("id: miniature", "id: other"), name="other")
    root = edited(folder, SEALED)
    edition = load(root, sealed=secret)
    run(edition, folder / "c")
    return folder / "c", edition, load(root, sealed=other), load(root)


@pytest.fixture
def under_seal(sealed, tmp_path):
    return Of(sealed[0], tmp_path / "bundle", sealed[1])


def test_the_sealed_edition_is_the_one_that_was_mounted(sealed, under_seal):
    assert under_seal.problems() == []
    for edition in sealed[2:]:
        (problem,) = audit_bundle(under_seal.folder, edition).problems
        assert "was made with sealed edition" in problem


def test_another_sealed_edition_in_the_terms(sealed, under_seal):
    """The instances are of the streams of the edition that was mounted."""
    digest = sealed[2].sealed.digest
    under_seal.forger.edit_journal(lambda events: events[0]["terms"].update(sealed_sha256=digest))
    (problem,) = under_seal.problems()
    assert "was made with sealed edition" in problem
    problems = audit_bundle(under_seal.folder, sealed[2]).problems
    assert any("is not how a trial of this draw begins" in problem for problem in problems)


@pytest.mark.parametrize("name", ["suite.lock.json", "results/summary.json"])
@pytest.mark.parametrize("value", [None, "0" * 64])
def test_another_sealed_edition_in_a_document(under_seal, name, value):
    def edit(document):
        sealed = document["sealed"]
        document["sealed"] = None if value is None else {**sealed, "sha256": value}

    under_seal.forger.edit_document(name, edit)
    assert any(str(under_seal.folder / name) in problem for problem in under_seal.problems())


def test_a_sealed_trial_passed_off_as_the_open_family_s(under_seal):
    def edit(events):
        for event in events:
            if event["type"] == "trial_started" and event["draw"]["family"] == "sealed/lamps":
                old = event["key"]
                event["draw"]["family"] = "lamps"
                event["key"] = Draw(**event["draw"]).key
                for other in events:
                    if other["type"] == "trial" and other["key"] == old:
                        other["key"] = event["key"]

    under_seal.forger.edit_journal(edit)
    assert all("no clause draws this trial" in problem for problem in under_seal.problems())
    assert under_seal.problems()
    assert read_lines(under_seal.forger.journal_path)[0]["terms"]["sealed_sha256"]
