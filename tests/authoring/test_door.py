"""The door: faults, notices, drifting tools, several seats and sessions, and all of it replayed."""

from __future__ import annotations

import pytest

from conformance.authoring import AGE, DELIVERY, Answer, Fault, Step, ToolError
from tests.fakes.families import Diary, Relay, Shifting, Shop, instance, token


def door(family, *faults):
    return instance(family, *faults).door()


def replayed(family, calls, *faults):
    again = door(family, *faults)
    return [again.replay_call(call) for call in calls], again.finish()


class TestFaults:
    def test_a_lost_call_is_not_carried_out_a_late_one_is_and_both_look_alike(self):
        lost, late = door(Shop(), fault("timeout_lost")), door(Shop(), fault("timeout_done"))
        calls = [it.call("put", {"item": "OAK"}) for it in (lost, late)]
        assert [(c.error, c.result) for c in calls] == [(calls[0].error, calls[0].result)] * 2
        assert [c.fault for c in calls] == ["timeout_lost", "timeout_done"]
        assert (lost.world.state["done"], late.world.state["done"]) == ([], ["OAK"])

    def test_a_tool_that_asks_for_time_refuses_until_it_has_passed(self):
        it = door(Shop(), fault("rate_limited", seconds=5))
        first = it.call("put", {"item": "OAK"})
        assert (first.error, "Retry-After: 5" in first.result) == ("rate_limited", True)
        assert it.call("put", {"item": "OAK"}).error == "rate_limited"
        assert it.call("look", {}).error is None
        it.call("wait", {"seconds": 3})
        assert it.call("put", {"item": "OAK"}).error is None
        assert it.world.state["done"] == ["OAK"]

    def test_a_malformed_reply_is_cut_off_but_the_call_was_carried_out(self):
        it = door(Shop(), fault("malformed"))
        call = it.call("put", {"item": "OAK"})
        assert call.error is None
        assert call.result == '{"count": 1, "token"'[: len(call.result)]
        assert it.world.state["done"] == ["OAK"]

    def test_a_stale_read_shows_the_state_before_the_last_write_and_says_how_old_it_is(self):
        it = door(Shop(), Fault("look", 1, "stale"))
        it.act("put", item="OAK")
        it.act("put", item="ELM")
        assert it.act("look") == {"items": ["OAK"], AGE: 1}
        assert it.act("look") == {"items": ["OAK", "ELM"]}
        assert it.world.state["done"] == ["OAK", "ELM"]

    def test_a_duplicate_delivers_the_reply_before_again(self):
        it = door(Shop(), fault("duplicate", nth=2))
        first = it.act("put", item="OAK")
        assert it.act("put", item="ELM") == {**first, DELIVERY: "put"}
        assert it.world.state["done"] == ["OAK", "ELM"]

    def test_a_call_that_does_not_fit_is_not_counted(self):
        it = door(Shop(), fault("timeout_lost"))
        assert it.call("put", {"thing": "OAK"}).fault is None
        assert it.call("put", {"item": "OAK"}).fault == "timeout_lost"

    def test_wait_is_offered_where_there_are_faults_and_nowhere_else(self):
        assert "wait" in door(Shop(), fault("malformed")).offered[""]
        assert "wait" not in door(Shop()).offered[""]

    @pytest.mark.parametrize(
        "kind", ["timeout_lost", "timeout_done", "rate_limited", "malformed", "stale", "duplicate"]
    )
    def test_every_fault_replays(self, kind):
        faults = (fault(kind, nth=2, seconds=2), Fault("look", 1, "stale"))
        it = door(Shop(), *faults)
        for name, given in (
            ("put", {"item": "OAK"}),
            ("put", {"item": "ELM"}),
            ("look", {}),
            ("wait", {"seconds": 9}),
            ("put", {"item": "ELM"}),
        ):
            it.call(name, given)
        calls, final = replayed(Shop(), it.calls, *faults)
        assert (calls, final) == (it.calls, it.finish())


def fault(kind, *, nth=1, seconds=0):
    return Fault("put", nth, kind, seconds)


def test_a_notice_comes_beside_the_result_and_no_read_changes_the_state():
    it = door(Shop())
    for item in ("OAK", "ELM", "FIR"):
        it.act("put", item=item)
    assert [call.notices for call in it.calls] == [[], [], [{"full": True}]]
    assert it.act.notices() == [{"full": True}]


class TestDrift:
    def test_a_re_shaped_tool_keeps_its_name_and_its_old_arguments_fail(self):
        it = door(Shifting())
        it.act("reserve", slot="A")
        with pytest.raises(ToolError, match="number"):
            it.act("reserve", slot="B")
        assert it.act("reserve", number=2) == {"token": token()}
        assert it.world.state["done"] == ["A", "2"]

    def test_the_change_is_told_once_with_what_the_new_tools_are(self):
        it = door(Shifting())
        assert "price" not in it.offered[""]
        it.act("reserve", slot="A")
        ((changed,),) = [call.notices for call in it.calls]
        assert changed["tools_changed"]["removed"] == ["reserve"]
        added = {spec["name"]: spec for spec in changed["tools_changed"]["added"]}
        assert set(added) == {"reserve", "price"}
        assert added["reserve"]["description"] == "Reserve a slot by its number."
        assert added["reserve"]["parameters"]["required"] == ["number"]
        it.act("price")
        assert it.calls[-1].notices == []

    def test_it_replays(self):
        it = door(Shifting())
        it.act("reserve", slot="A")
        it.act("reserve", number=2)
        assert replayed(Shifting(), it.calls)[0] == it.calls


class TestSeats:
    def test_each_call_is_by_a_seat(self):
        played = instance(Relay()).solve()
        assert [(c.name, c.seat) for c in played.calls] == [
            ("tell", "a"),
            ("hear", "b"),
            ("finish", "b"),
            ("tell", "b"),
            ("hear", "a"),
        ]
        assert played.final["done"] == ["b"]
        assert instance(Relay()).replay(played.trace).calls == played.calls

    def test_one_that_would_wait_goes_on_with_nothing_where_nobody_else_plays(self):
        assert door(Relay()).act.of("b")("hear") == {"heard": None}

    def test_the_answer_is_what_all_seats_hand_in_alike(self):
        it = door(Relay())
        it.submit(Answer("done", None, {"token": "X"}), "a")
        assert it.answer is None
        it.submit(Answer("done", None, {"token": "x "}, 0.5), "b")
        assert it.answer == Answer("done", None, {"token": "X"})
        with pytest.raises(ToolError):
            it.submit(Answer("done"), "a")

    def test_two_answers_are_none(self):
        it = door(Relay())
        it.submit(Answer("done", None, {"token": "X"}), "a")
        it.submit(Answer("not_done"), "b")
        assert it.answer is None


class TestSessions:
    def test_a_session_begins_before_its_first_call_and_all_have_begun_at_the_end(self):
        it = door(Diary())
        assert it.world.state["session"] == -1
        it.call("book", {"item": "OAK"}, "s1")
        assert it.world.state["session"] == 0
        assert it.finish()["session"] == 1

    def test_the_answer_is_that_of_the_last_session(self):
        it = door(Diary())
        it.submit(Answer("not_done"), "s1")
        assert it.answer is None
        it.submit(Answer("done"), "s2")
        assert it.answer == Answer("done")

    def test_it_replays_by_seat(self):
        steps = [Step("book", {"item": "OAK"}, "s1"), Step("booked", {}, "s2")]
        it = door(Diary())
        it.replay(steps)
        assert it.calls[-1].result == {"items": ["OAK"]}
