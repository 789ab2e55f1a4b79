"""How a stranger checks a result: the commands and the digests."""

import json
import shlex

import msgspec
import pytest

from conformance.cli import run
from conformance.evidence import bundle
from conformance.report.reproduce import certify_command, reproduction
from conformance.report.sources import read_evidence
from tests.report.conftest import small_edition


def with_agent(evidence, **agent):
    return evidence._replace(claim=msgspec.structs.replace(evidence.claim, agent=agent))


@pytest.fixture(scope="module")
def evidence(liar):
    return read_evidence(liar)


def test_the_command_says_again_what_was_asked_for(evidence):
    assert certify_command(evidence) == (
        "conformance certify --agent builtin:liar --claim L1/T1 --no-twins"
    )


@pytest.mark.parametrize(
    ("agent", "word"),
    [
        (
            {"kind": "chat", "model": "m", "endpoint": "http://h/v1"},
            "chat:m --base-url http://h/v1",
        ),
        ({"kind": "chat", "model": "m", "endpoint": "embedded"}, "chat:local"),
        ({"kind": "a2a", "url": "http://h/"}, "a2a:http://h/"),
        ({"kind": "command", "command": "./secret-path"}, "agent.toml"),
        ({}, "agent.toml"),
    ],
)
def test_each_kind_of_agent_is_named_as_on_the_command_line(evidence, agent, word):
    command = certify_command(with_agent(evidence, **agent))
    assert command.startswith(f"conformance certify --agent {word} --claim")


def test_a_hostile_name_stays_one_word_of_the_command(evidence):
    name = "m; rm -rf / \x1b[2J $(id) `id` '"
    command = certify_command(with_agent(evidence, kind="chat", model=name))
    assert shlex.split(command)[3] == "chat:m; rm -rf / ⟨ESC⟩[2J $(id) `id` '"
    assert "\x1b" not in command


def test_limits_that_were_changed_are_named(evidence):
    limits = msgspec.structs.replace(
        evidence.opened.terms.limits, wall_s=30.0, tokens=2_500_000, tool_calls=7
    )
    terms = msgspec.structs.replace(evidence.opened.terms, limits=limits)
    changed = evidence._replace(opened=msgspec.structs.replace(evidence.opened, terms=terms))
    words = "--trial-time 30s --trial-tokens 2500000 --trial-tool-calls 7"
    assert certify_command(changed).endswith(words)


def test_the_commands_do_what_they_say(evidence, liar, tmp_path, capsys):
    places = {"BUNDLE": str(liar), "NEW": str(tmp_path / "new")}
    grade, certify, diff = (
        [places.get(word, word) for word in shlex.split(way.command)[1:]]
        for way in reproduction(evidence).ways
    )
    edition = ["--edition", str(small_edition().root)]
    assert run([*grade, *edition]) == 0
    assert run([*certify, *edition, "--no-report"]) == evidence.summary.exit_code
    capsys.readouterr()
    assert run([*diff, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["is_same_seed"]
    assert found["all_pairs"]["test"]["n"] == found["same"] > 10


def test_a_trial_by_itself_has_no_seed_to_run_again_on(evidence):
    terms = msgspec.structs.replace(evidence.opened.terms, single={})
    alone = evidence._replace(opened=msgspec.structs.replace(evidence.opened, terms=terms))
    assert [way.command for way in reproduction(alone).ways] == ["conformance grade BUNDLE"]


def test_the_digests_are_those_of_the_manifest(liar, evidence):
    files = json.loads((liar / bundle.MANIFEST).read_text())["files"]
    shown = {item.path: item.sha256 for item in reproduction(evidence).digests}
    for path in (bundle.SUMMARY, bundle.OBSERVATIONS, bundle.LOCK):
        assert shown[path] == files[path]["sha256"]
    assert shown[bundle.MANIFEST] == bundle.bundle_id(liar)
    assert shown["reference-2026"] == evidence.summary.edition.sha256


def test_the_suite_that_grades_it_is_named(evidence):
    assert f"agent-grading {evidence.lock.suite};" in reproduction(evidence).needs[0].en
