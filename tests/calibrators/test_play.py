"""A person can play every family, those with sessions and peers too, and leaves a bundle."""

from __future__ import annotations

import asyncio
import json

import msgspec
import pytest

from conformance import sandbox
from conformance.agents.contract import Limits
from conformance.agents.human import HumanAgent
from conformance.authoring import Answer
from conformance.campaign.run import Settings
from conformance.campaign.single import run_single
from conformance.decision.streams import Draw
from conformance.edition import load
from conformance.edition.gate import knob_sets
from conformance.evidence.seal import seal
from conformance.evidence.verify import audit_bundle

EDITION = load()


class Person:
    """Types what the oracle would do, each step at its seat's prompt; else lets others go on."""

    def __init__(self, instance):
        trace = instance.solve().trace
        self.steps = list(trace.steps)
        self.answer = trace.answer
        self.last = {seat.name for seat in instance.seats if seat.is_last}

    def ask(self, prompt):
        seat = prompt.removesuffix("> ")
        if self.steps and self.steps[0].seat == seat:
            step = self.steps.pop(0)
            return f"{step.name} {json.dumps(dict(step.arguments))}"
        if any(step.seat == seat for step in self.steps):
            return "help"
        answer = self.answer if seat in self.last else Answer("done")
        return f"submit_answer {json.dumps(msgspec.structs.asdict(answer))}"


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("family_id", EDITION.family_ids())
def test_a_person_who_knows_how_solves_it(family_id, lang, tmp_path):
    family = EDITION.family(family_id)
    if family.needs and not sandbox.install().is_working:
        pytest.skip(f"NO SANDBOX: {sandbox.status().detail}; {sandbox.status().mend}")
    knobs = knob_sets(EDITION, family_id)[0 if lang == "zh" else -1]
    drawn = Draw(family_id, family.version, knobs, 0, lang, "7")
    instance = EDITION.instance(family_id, knobs, seed="7", lang=lang, wording=0)
    person, told = Person(instance), []
    agent = HumanAgent("tester", person.ask, told.append)
    settings = Settings(plan="certify", langs=(lang,), limits=Limits(tool_calls=1000))
    asyncio.run(run_single(EDITION, agent, drawn, settings, tmp_path / "b"))
    graded = seal(tmp_path / "b", EDITION, agent.describe(), agent.evidence_class)
    assert [f.requirement for f in graded.single.findings] == []
    assert graded.single.solved
    assert graded.summary.level == "L0"  # one chosen instance is no grade
    for seat in instance.seats:
        assert any(seat.instruction in text for text in told)
    assert audit_bundle(tmp_path / "b", EDITION).problems == []
    claim = json.loads((tmp_path / "b" / "claim.json").read_bytes())
    assert claim["agent"]["kind"] == "human"
