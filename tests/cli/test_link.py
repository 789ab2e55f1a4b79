"""``--link``: as it is written, whom it fits, and a trial over one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.agents.builtin import play_of
from conformance.agents.contract import Limits
from conformance.agents.factory import Reach, gateway_of, make_agent
from conformance.agents.places import places
from conformance.cli import run
from conformance.cli.alone import tried_alone
from conformance.cli.draws import draw_of
from conformance.cli.link_option import parse_link
from conformance.edition import load
from conformance.errors import ConformanceError, UsageError
from conformance.link.model import PRESETS, Link
from conformance.mock import MockModel, script_of
from conformance.report.sources import read_evidence
from conformance.report.transcripts import read_transcripts
from conformance.report.view import build_view
from tests.cli.test_bad_input import fails
from tests.fakes.agents import MINIATURE
from tests.fakes.endpoint import FakeEndpoint, no_tools_here

QUICK = "delay=2ms,jitter=1ms"
PROGRAM = "command:agent"


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_name(name):
    assert parse_link(name) == PRESETS[name]


def test_settings_go_before_a_presets_own_and_stand_in_its_name():
    link = parse_link("geo, delay=0.28s,loss=0.5%,down=50Mbit")
    assert link == Link(
        "geo,delay=0.28s,loss=0.5%,down=50Mbit",
        delay_s=0.28,
        jitter_s=0.01,
        loss=0.005,
        up_bit_s=3e6,
        down_bit_s=50e6,
    )


def test_settings_alone_are_a_link():
    link = parse_link("delay=30ms,loss=0.02,up=500kbit/s,period=95m,visible=9m,seed=7")
    assert link == Link(
        "delay=30ms,loss=0.02,up=500kbit/s,period=95m,visible=9m,seed=7",
        delay_s=0.03,
        loss=0.02,
        up_bit_s=500e3,
        period_s=5700,
        visible_s=540,
        seed=7,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' is no link — leo, geo, lossy"),
        ("mars", "'mars' is no link"),
        ("leo,geo", "'geo' is no setting of a link — settings: delay, jitter, loss, up, down"),
        ("leo,speed=3", "'speed=3' is no setting"),
        ("leo,", "'' is no setting"),
        ("delay=30", "delay=30 cannot be read — write 30ms"),
        ("delay=-30ms", "delay=-30ms cannot be read"),
        ("loss=1e-3", "loss=1e-3 cannot be read"),
        ("loss=60%", "60% is more than 50%"),
        ("up=5", "up=5 cannot be read — write 500kbit"),
        ("up=0Mbit", "nothing would ever arrive"),
        ("seed=-1", "seed=-1 cannot be read"),
        ("delay=1ms,delay=2ms", "delay is given twice"),
        ("leo,delay=5ms", "jitter: is larger than the delay"),
        ("period=15s", "period, visible: go together"),
    ],
)
def test_what_is_no_link_is_refused_with_what_is_one(text, said):
    with pytest.raises(UsageError) as caught:
        parse_link(text)
    assert said in str(caught.value)


@given(st.text(st.sampled_from("leogdaysjitr=,.0123456789%msMbk- ")))
def test_no_text_is_more_than_a_mistake(text):
    try:
        link = parse_link(text)
    except ConformanceError:
        return
    assert link.delay_s >= link.jitter_s >= 0


@pytest.mark.parametrize(
    ("spec", "more", "said"),
    [
        ("builtin:oracle", (), "builtin: calls no model"),
        (PROGRAM, (), "the agent brings its own model"),
        ("a2a:http://h", (), "the agent brings its own model"),
        ("chat:m", (), "no endpoint is named"),
    ],
)
def test_where_no_model_call_comes_by_there_is_no_link(capsys, monkeypatch, spec, more, said):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    told = fails(capsys, 4, "probe", "--agent", spec, "--link", "leo", *more)
    assert said in told
    assert "--link" in told


def test_the_probe_names_the_link_and_the_endpoint_beyond_it(capsys):
    with FakeEndpoint(no_tools_here) as endpoint:
        words = ["--agent", "chat:fake-1", "--base-url", endpoint.base_url, "--link", QUICK]
        assert run(["probe", *words, "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert run(["probe", *words]) == 0
    assert document["endpoint"] == endpoint.base_url
    assert document["link"]["delay_s"] == 0.002
    assert document["link_seen"]["up"]["segments"] > 0
    assert f"{QUICK}: 2 ± 1 ms each way" in capsys.readouterr().out


async def test_a_trial_over_a_link_is_solved_and_its_bundle_names_the_link(tmp_path):
    edition = load()
    instance = edition.instance("telemetry", {}, seed="7", lang="en", wording=0)
    scripts = script_of(instance, play_of("oracle", places(edition))(instance))
    link = parse_link("lossy,delay=5ms,jitter=1ms,loss=0%")
    async with MockModel(scripts) as model:
        reach = Reach(base_url=model.base_url, link=link)
        agent = make_agent("chat:scripted-1", reach, lambda _: None)
        out = tmp_path / "out"
        single = await tried_alone(edition, agent, draw_of(instance), Limits(), out)
        calls = len(model.calls)
    assert single.solved
    told = json.loads((out / "claim.json").read_bytes())["agent"]
    assert told["endpoint"] == model.base_url
    assert told["link"] == link.describe()
    assert told["link_seen"]["connections"] >= 1
    assert told["link_seen"]["up"]["segments"] >= calls > 1
    assert told["link_seen"]["up"]["delay_ms_mean"] >= 4
    evidence = read_evidence(out)
    facts = build_view(evidence, read_transcripts(evidence)).facts
    named = [(fact.label.zh, fact.label.en, fact.value.en) for fact in facts]
    assert ("链路条件", "Link", link.name) in named


async def test_the_model_door_leads_over_the_link():
    link = parse_link(QUICK)
    async with MockModel([]) as model:
        gateway = gateway_of(Reach(base_url=model.base_url, model="scripted-1", link=link))
        await gateway.open()
        try:
            assert await gateway.canary()
            told = gateway.describe()
        finally:
            await gateway.close()
        assert len(model.calls) == 1
    assert told["endpoint"] == model.base_url
    assert told["link"] == link.describe()
    assert told["link_seen"]["down"]["segments"] >= 1


@pytest.mark.model
@pytest.mark.parametrize("kind", ["chat", "door"])
async def test_the_embedded_model_is_reached_over_the_link_too(kind):
    link = parse_link(QUICK)
    reach = Reach(link=link, style="structured", model=None if kind == "chat" else "local")
    agent = make_agent("chat:local", reach, None) if kind == "chat" else gateway_of(reach)
    await agent.open()
    try:
        assert await agent.canary()
        told = agent.describe()
    finally:
        await agent.close()
    assert (told["endpoint"], told["link"]) == ("embedded", link.describe())
    assert told["link_seen"]["down"]["segments"] >= 1


def test_a_campaign_is_resumed_over_its_own_link_only(capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    out = tmp_path / "out"
    with FakeEndpoint(no_tools_here) as endpoint:
        words = ["--agent", "chat:fake-1", "--base-url", endpoint.base_url, "--no-report"]
        words += ["--edition", str(MINIATURE), "--out", str(out), "--seed", "s", "--json"]
        run(["certify", *words, "--link", QUICK, "--max-calls", "2"])
        assert json.loads(capsys.readouterr().out)["ended"] == "budget"
        for other in (["--link", "delay=3ms"], []):
            assert run(["certify", *words, "--resume", *other]) == 4
            assert "agent was" in json.loads(capsys.readouterr().out)["error"]["message"]
        run(["certify", *words, "--resume", "--link", QUICK, "--max-calls", "2"])
        assert json.loads(capsys.readouterr().out)["ended"] == "budget"
    told = json.loads((out / "claim.json").read_bytes())["agent"]
    assert told["link"]["name"] == QUICK
