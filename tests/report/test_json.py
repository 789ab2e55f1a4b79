"""``report.json``: under its schema, the summary whole, unknown never 0, inert."""

import json

import msgspec
import pytest
from jsonschema import Draft202012Validator

from conformance.evidence import bundle
from conformance.evidence.documents import EvaluationVerdict
from conformance.evidence.schema_files import make_schemas
from conformance.report.formats import PLACES
from conformance.report.json_export import render_json
from conformance.report.reading import read_bundle
from conformance.report.sources import PROFILE
from tests.profile import documents


@pytest.fixture(scope="module")
def schema():
    return Draft202012Validator(json.loads(make_schemas()["report.schema.json"]))


@pytest.fixture(scope="module")
def exports(liar, oracle, hostile):
    made = {"liar": liar, "oracle": oracle, "evil": hostile}
    return {name: export(folder) for name, folder in made.items()}


def export(folder):
    return json.loads(render_json(read_bundle(folder), PLACES))


@pytest.mark.parametrize("name", ["liar", "oracle", "evil"])
def test_it_is_under_its_schema(exports, schema, name):
    assert [error.message for error in schema.iter_errors(exports[name])] == []


def test_a_key_that_is_missing_breaks_the_schema(exports, schema):
    for key in ("bundle_id", "costs", "summary"):
        assert not schema.is_valid({k: v for k, v in exports["liar"].items() if k != key})


def test_the_summary_is_the_bundle_s_own(exports, liar):
    assert exports["liar"]["summary"] == json.loads((liar / bundle.SUMMARY).read_bytes())


def test_it_names_agent_bundle_and_standing(exports, liar):
    found = exports["liar"]
    assert found["agent"] == {
        "name": "builtin:liar",
        "described": {"kind": "builtin", "name": "liar"},
    }
    assert found["bundle_id"] == bundle.bundle_id(liar)
    assert found["standing"]["mode"]["en"] == "agent testing only"
    assert found["standing"]["evidence_class"] == "model-only"


def test_what_holds_the_level_back_is_told_with_trials(exports):
    first = exports["liar"]["holds_back"][0]
    assert (first["name"], first["verdict"]) == ("L1-UND-1", "fail")
    assert first["sentence"]["en"].startswith("Failed after 30 trials.")
    assert len(first["trials"]) >= 1
    assert exports["oracle"]["holds_back"]


def test_tokens_that_nobody_metered_are_null_and_calls_that_were_not_made_are_0(exports):
    costs = exports["oracle"]["costs"]
    assert costs["model_calls"] == 0
    assert costs["tool_calls"] > 0
    assert (costs["input_tokens"], costs["output_tokens"], costs["latency_p50_s"]) == (None,) * 3
    assert costs["tokens_per_solved_trial"] is None
    assert costs["solved_trials"] == costs["agency_trials"] > 0


def test_a_call_that_told_no_tokens_makes_the_sum_a_lower_bound(exports):
    # The first of 12 trials told none; the others 100 and 10 each.
    costs = exports["evil"]["costs"]
    assert (costs["input_tokens"], costs["output_tokens"]) == (1100, 110)
    assert costs["unknown_calls"] == 1
    assert costs["latency_p50_s"] == costs["latency_p95_s"] == 0.25
    assert costs["tokens_per_solved_trial"] is None


def test_the_profile_s_headline_is_there_or_null(exports, copy_of, oracle, schema):
    assert exports["oracle"]["profile"] is None
    folder = copy_of(oracle)
    (folder / PROFILE).parent.mkdir()
    document = documents.profile_of()
    (folder / PROFILE).write_bytes(msgspec.json.encode(document))
    found = export(folder)
    assert schema.is_valid(found)
    assert found["profile"]["headline"] == msgspec.to_builtins(document.headline)
    assert found["profile"]["currency"] == document.inputs.currency


def test_the_technical_evaluation_is_whole_or_null(exports, copy_of, liar):
    whole = json.loads((liar / bundle.EVALUATION).read_bytes())
    assert exports["liar"]["evaluation"] == whole
    folder = copy_of(liar)
    (folder / bundle.EVALUATION).unlink()
    assert export(folder)["evaluation"] is None


def test_every_rendering_is_named(exports):
    assert exports["liar"]["renderings"] == PLACES
    assert set(PLACES.values()) == set(bundle.RENDERINGS)


def test_hostile_text_is_inert_and_short(hostile):
    text = render_json(read_bundle(hostile), PLACES).decode()
    # Read and written anew without escapes, so that no escape hides a character.
    shown = json.dumps(json.loads(text), ensure_ascii=False)
    assert "⟨U+202E⟩" in shown
    assert not set(shown) & set("\x00\x1b\x85\u202e\u202c\u200b\ufeff\u2028")
    assert len(text) < 100_000


def test_what_a_reviewer_wrote_is_inert_and_cut(liar, schema):
    reading = read_bundle(liar)
    judged = EvaluationVerdict(
        "pass",
        "\u202eevil\x00",
        "r",
        "2026-11-23",
        "evaluation/EV-PER/x",
        "0" * 64,
        1,
        "a" * 10_000_000,
    )
    items = [msgspec.structs.replace(item, judged=judged) for item in reading.evaluation.items]
    document = msgspec.structs.replace(reading.evaluation, items=items)
    found = json.loads(render_json(reading._replace(evaluation=document), PLACES))
    shown = found["evaluation"]["items"][0]["judged"]
    assert shown["reviewer"] == "⟨U+202E⟩evil⟨NUL⟩"
    assert shown["remark"] == "a" * 2000 + "…"
    assert schema.is_valid(found)


def test_the_same_bundle_gives_the_same_bytes_in_another_folder(copy_of, liar):
    here = render_json(read_bundle(liar), PLACES)
    assert render_json(read_bundle(copy_of(liar)), PLACES) == here
    assert json.loads(here) == export(liar)
