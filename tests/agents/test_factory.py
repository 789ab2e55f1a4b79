"""From what a user writes to an agent: kinds, options, files, and what does not fit."""

import sys
from pathlib import Path

import pytest

from conformance.agents.external import ExternalAgent
from conformance.agents.factory import KINDS, Reach, default_concurrency, find_agent, make_agent
from conformance.agents.sampling import Sampling
from conformance.errors import UsageError
from conformance.gateway import Injection, Upstream
from conformance.local.gateway import LocalGateway

URL = "http://127.0.0.1:8000/v1"


def made(spec: str, **reach):
    return make_agent(spec, Reach(**reach), lambda _: None)


def refused(spec: str, **reach) -> str:
    with pytest.raises(UsageError) as caught:
        made(spec, **reach)
    return str(caught.value)


def agent_file(tmp_path: Path, reach: str, more: str = "") -> str:
    path = tmp_path / "agent.toml"
    path.write_text(f'[agent]\nname = "clerk"\nversion = "1"\n\n[reach]\n{reach}\n{more}')
    return str(path)


@pytest.mark.parametrize("spec", ["command", "command:", ":x", "other:x", "agent.json", ""])
def test_what_names_no_agent_is_told_all_kinds(spec):
    text = refused(spec)
    assert "names no agent" in text
    for kind in KINDS.values():
        assert kind in text


@pytest.mark.parametrize("spec", ["command:agent {task}", "python:agent:run", "http:http://h/task"])
def test_kinds_from_outside_come_to_a_gateway(spec):
    agent = made(spec)
    assert isinstance(agent, ExternalAgent)
    assert agent.gateway.upstream is None
    assert agent.evidence_class == "observed"


def test_a_model_goes_behind_the_model_door(monkeypatch):
    monkeypatch.setenv("MY_KEY", "hush-hush")
    agent = made("command:agent", model="m", base_url=URL, key_env="MY_KEY", timeout_s=7.0)
    assert agent.gateway.upstream == Upstream("m", URL, "hush-hush", 7.0)


def test_the_embedded_model_is_started_with_the_gateway():
    agent = made("command:agent", model="local")
    assert isinstance(agent.gateway, LocalGateway)
    assert agent.gateway.port == 0


async def test_faults_are_made_before_the_embedded_model_too(monkeypatch):
    class Endpoint:
        model, base_url = "m", URL

        def __init__(self, *_, **__):
            pass

        async def start(self):
            pass

        end = start

    monkeypatch.setattr("conformance.local.gateway.LocalEndpoint", Endpoint)
    gateway = LocalGateway(None, 1)
    gateway.models.injections = (Injection(),)
    await gateway.open()
    try:
        assert gateway.models.upstream.model == "m"
        assert gateway.models.injections == (Injection(),)
    finally:
        await gateway.close()


@pytest.mark.parametrize(
    ("spec", "reach", "said"),
    [
        ("command:a", {"model": "m"}, "go together"),
        ("command:a", {"base_url": URL}, "go together"),
        ("command:a", {"base_url": "nowhere", "model": "m"}, "'nowhere' is no address"),
        ("chat:m", {"model": "n"}, "--model n: means nothing to chat:"),
        ("builtin:oracle", {"sandbox": "none"}, "--sandbox none: means nothing to builtin:"),
        ("command:a", {"python": "p"}, "--python p: means nothing to command:"),
        ("http:http://h", {"sandbox": "none"}, "--sandbox none: means nothing to http:"),
        ("command:a", {"image": "i"}, "--image i: means nothing to command: without a container"),
        ("command:a {nothing}", {}, "there is no placeholder {nothing}"),
        ("chat:local", {"base_url": URL}, "chat:local starts its own endpoint"),
    ],
)
def test_options_that_do_not_fit_are_refused(spec, reach, said):
    assert said in refused(spec, **reach)


@pytest.mark.parametrize(
    ("spec", "model", "expected"),
    [
        ("chat:m", None, URL),
        ("chat:local", None, None),
        ("command:a", None, None),
        ("command:a", "m", URL),
        ("command:a", "local", None),
    ],
)
def test_an_address_of_the_environment_is_used_only_where_one_is_missing(spec, model, expected):
    _, reach = find_agent(spec, Reach(fallback_url=URL, model=model))
    assert reach.base_url == expected


def test_an_option_goes_before_the_file_and_the_file_before_the_environment(tmp_path):
    said = 'kind = "python"\nfunction = "a:b"\npython = "python3"\nmodel = "m"\nbase_url = "http://f/v1"'
    path = agent_file(tmp_path, said)
    spec, reach = find_agent(path, Reach(fallback_url=URL))
    assert (spec, reach.model, reach.base_url) == ("python:a:b", "m", "http://f/v1")
    agent = made(path, python=sys.executable, model="n", base_url="http://o/v1").agent
    assert agent.transport.setup.python == sys.executable
    assert agent.gateway.upstream == Upstream("n", "http://o/v1")
    setup = made(path).agent.transport.setup
    assert (setup.python, setup.folder) == ("python3", tmp_path.resolve())


def test_who_an_agent_is_comes_from_its_file(tmp_path):
    path = agent_file(
        tmp_path,
        'kind = "chat"\nmodel = "m"\nbase_url = "http://f/v1"',
        "[sampling]\ntop_p = 0.5\n",
    )
    described = made(path).describe()
    assert (described["kind"], described["model"], described["name"]) == ("chat", "m", "clerk")
    assert len(described["agent_file"]) == 64
    assert find_agent(path, Reach())[1].sampling == Sampling(top_p=0.5)


def test_secrets_are_the_endpoint_s_key_and_what_the_file_names(tmp_path, monkeypatch):
    for name in ("A_KEY", "B_TOKEN", "C_TOKEN"):
        monkeypatch.setenv(name, f"value of {name}")
    path = agent_file(
        tmp_path, 'kind = "command"\ncommand = "c"\napi_key_env = "A_KEY"\nsecrets = ["B_TOKEN"]'
    )
    assert set(find_agent(path, Reach())[1].secrets) == {"value of A_KEY", "value of B_TOKEN"}
    path = agent_file(tmp_path, 'kind = "http"\nurl = "http://h"\nkey_env = "C_TOKEN"')
    assert find_agent(path, Reach(key_env="A_KEY"))[1].secrets == (
        "value of A_KEY",
        "value of C_TOKEN",
    )


def test_how_many_trials_at_once_suit_a_kind():
    specs = ("builtin:oracle", "human:me", "chat:local", "chat:m", "command:c", "http:http://h")
    assert [default_concurrency(spec, 2) for spec in specs] == [1, 1, 2, 8, 4, 8]
