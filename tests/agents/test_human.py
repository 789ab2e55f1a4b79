"""A person at the terminal: plays through the doors, in turn where several seats are at work."""

from __future__ import annotations

import json

from conformance.agents.contract import Limits
from conformance.agents.human import HumanAgent
from conformance.trial.run import run_trial
from conformance.trial.sealed import read_played, replay_difference
from tests.fakes.families import Diary, Relay, Shifting, Shop, instance, token


def person(lines):
    """Return an agent that types these lines, and all that it is shown."""
    told, left = [], list(lines)

    def ask(prompt):
        told.append(prompt)
        if not left:
            raise EOFError
        return left.pop(0)

    return HumanAgent("tester", ask, told.append), told


async def played(tmp_path, family, lines):
    for name in ("transcripts", "states"):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    given = instance(family)
    agent, told = person(lines)
    record = await run_trial(
        given, agent, trial="t1", run=tmp_path, limits=Limits(), redact=lambda line: line
    )
    seen = read_played(given, tmp_path, "t1", record.transcript_head)
    assert replay_difference(seen) is None
    return record, seen, "\n".join(told)


def submit(given):
    return "submit_answer " + json.dumps({"status": "done", "values": {"token": given}})


async def test_a_person_sees_the_task_and_the_results_and_answers(tmp_path):
    lines = ["help", "put {bad", 'put {"item": "OAK"}', submit(token())]
    record, seen, told = await played(tmp_path, Shop(), lines)
    assert record.cause == "returned"
    assert seen.answer.values == {"token": token()}
    assert "Do it." in told
    assert "put {item}" in told
    assert "not JSON" in told
    assert token() in told


async def test_one_who_stops_typing_has_not_answered(tmp_path):
    for lines in ([], ["quit"]):
        record, seen, _ = await played(tmp_path / str(len(lines)), Shop(), lines)
        assert (record.cause, seen.answer) == ("silent", None)


async def test_several_seats_are_played_in_turn_and_a_waiting_one_is_passed_over(tmp_path):
    lines = [
        'tell {"text": "now"}',  # a
        "hear {}",  # b
        "hear {}",  # a waits
        'finish {"word": "now"}',  # b
        'tell {"text": "' + token() + '"}',  # b
        submit(token()),
        submit(token()),
    ]
    record, seen, told = await played(tmp_path, Relay(), lines)
    assert record.cause == "returned"
    assert seen.answer.values == {"token": token()}
    assert "a> " in told
    assert "b> " in told


async def test_notes_are_all_that_is_left_in_the_next_session(tmp_path):
    lines = ["notes the item is OAK", 'book {"item": "OAK"}', "booked {}", submit(token())]
    _, seen, told = await played(tmp_path, Diary(), lines)
    assert seen.final["done"] == ["OAK"]
    assert "your notes from earlier sessions: –" in told
    assert "your notes from earlier sessions: the item is OAK" in told


async def test_new_tools_are_listed(tmp_path):
    lines = ['reserve {"slot": "A"}', 'reserve {"number": 2}', submit(token())]
    _, seen, told = await played(tmp_path, Shifting(), lines)
    assert seen.answer.values == {"token": token()}
    assert "reserve {number}" in told
