"""Scripts: from a file, from an instance; and the suite's own loop solves tasks by them."""

import json

import pytest

from conformance.agents.builtin import play_of
from conformance.agents.chat import ChatAgent
from conformance.agents.contract import Limits
from conformance.authoring import Answer, Step, Trace
from conformance.edition import load
from conformance.errors import UsageError
from conformance.mock import Fail, MockModel, Script, ToolStep, read_scripts, script_of
from conformance.trial.run import new_trial_id, run_trial
from conformance.trial.sealed import read_played


@pytest.fixture(scope="module")
def edition():
    return load()


def test_a_file_holds_one_script_or_several(tmp_path):
    path = tmp_path / "script.json"
    one = {"match": "你好", "steps": [{"tool": "look", "arguments": {"at": 1}}], "closing": "好。"}
    wanted = Script((ToolStep("look", {"at": 1}),), "好。", "你好")
    path.write_text(json.dumps(one), encoding="utf-8")
    assert read_scripts(path) == (wanted,)
    path.write_text(json.dumps([one, {}]), encoding="utf-8")
    assert read_scripts(path) == (wanted, Script())


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"{", "is no script"),
        (b"[]", "holds no script"),
        (b"7", "is no script"),
        (b'{"step": []}', "unknown field `step`"),
        (b'[{}, {"steps": [{"arguments": {}}]}]', "[1].steps[0]"),
        (b'{"steps": [{"tool": "look", "arguments": [1]}]}', ".steps[0].arguments"),
        (b"\xff{}", "is no script"),
    ],
)
def test_a_file_that_is_none_says_where(tmp_path, content, complaint):
    path = tmp_path / "script.json"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_scripts(path)
    assert complaint in str(caught.value)
    assert str(path) in str(caught.value)
    with pytest.raises(UsageError, match="cannot be read"):
        read_scripts(tmp_path / "none.json")


def test_an_instance_gives_a_script_a_seat(edition):
    instance = edition.instance("ledger_memory", {}, seed="3", lang="zh")
    trace = instance.solve().trace
    scripts = script_of(instance)
    assert [script.match for script in scripts] == [seat.instruction for seat in instance.seats]
    made = [step.tool for script in scripts for step in script.steps[:-1]]
    assert sorted(made) == sorted(step.name for step in trace.steps)
    assert {script.steps[-1].tool for script in scripts} == {"submit_answer"}
    assert scripts[0].steps[-1].arguments["status"] == "done"
    assert scripts[0].steps[-1].arguments["values"] == {}
    assert scripts[-1].steps[-1].arguments["values"] == trace.answer.values


def test_a_given_trace_is_played_as_it_is(edition):
    instance = edition.instance("telemetry", {}, seed="3", lang="en")
    (silent,) = script_of(instance, Trace((Step("query", {"channel": "x"}),), None))
    assert silent.steps == (ToolStep("query", {"channel": "x"}),)
    (refusing,) = script_of(instance, Trace((), Answer("refused", "no")))
    assert refusing.steps[0].arguments == {
        "status": "refused",
        "reason": "no",
        "values": {},
        "confidence": None,
    }


FAMILIES = ("telemetry", "records", "returns", "outage", "ledger_memory")


@pytest.mark.parametrize("fail", [None, Fail(429, retry_after_s=0)], ids=["", "429"])
async def test_the_suites_own_loop_solves_by_script(edition, tmp_path, monkeypatch, fail):
    monkeypatch.setenv("NO_SUCH_KEY", "k")
    lists = [edition.instance(name, {}, seed="5", lang="zh") for name in FAMILIES]
    lazy = edition.instance("records", {}, seed="6", lang="en")
    nothing = play_of("refuse", lambda _: None)
    scripts = [script for instance in lists for script in script_of(instance)]
    scripts += script_of(lazy, nothing(lazy))
    for folder in ("transcripts", "states"):
        (tmp_path / folder).mkdir()
    async with MockModel(scripts, fail=fail) as mock:
        agent = ChatAgent(mock.model, mock.base_url, key_env="NO_SUCH_KEY", style="native")
        await agent.open()
        mock.calls.clear()
        for instance in [*lists, lazy]:
            trial = new_trial_id()
            record = await run_trial(
                instance, agent, trial=trial, run=tmp_path, limits=Limits(), redact=lambda x: x
            )
            assert record.outcome == "completed"
            played = read_played(instance, tmp_path, trial, record.transcript_head)
            assert edition.is_solved(played) == (instance is not lazy)
            good = [call for call in mock.calls if call.status == 200]
            assert record.input_tokens == sum(call.input_tokens for call in good)
            assert record.output_tokens == sum(call.output_tokens for call in good)
            assert record.retries == len(mock.calls) - len(good)
            seats = len(instance.seats)
            assert record.retries == (0 if fail is None else seats)
            mock.calls.clear()
        await agent.close()
