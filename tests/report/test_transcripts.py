"""Transcripts in the report: all of them, or the telling ones."""

import base64
import hashlib
import json
import zlib

import msgspec
import pytest

from conformance.errors import EvidenceInvalidError
from conformance.report.sources import read_evidence
from conformance.report.transcripts import (
    index_rows,
    is_telling,
    read_transcripts,
    reading_order,
    script_json,
    usage_of,
)


def unpack(block):
    return json.loads(zlib.decompress(base64.b64decode(block)))


def test_every_trial_is_found_at_its_place(oracle):
    evidence = read_evidence(oracle)
    packed = read_transcripts(evidence)
    assert packed.left_out == 0
    for trial in evidence.trials:
        block, place = packed.places[trial.id]
        assert unpack(packed.blocks[block])[place]["events"][0]["trial"] == trial.id


def test_under_a_cap_the_failing_trials_come_first_and_the_rest_is_counted(oversteps):
    evidence = read_evidence(oversteps)
    whole = sum(map(len, read_transcripts(evidence).blocks))
    packed = read_transcripts(evidence, cap=whole * 2 // 3)
    assert 0 < packed.left_out < len(evidence.trials)
    assert sum(map(len, packed.blocks)) <= whole * 2 // 3
    assert len(packed.usage) == len(evidence.trials)
    failing = {trial.id for trial in evidence.trials if is_telling(trial)}
    assert failing
    assert failing <= packed.places.keys()


def test_what_is_left_out_is_listed_with_its_path_and_its_digest(oversteps):
    evidence = read_evidence(oversteps)
    packed = read_transcripts(evidence, cap=4000)
    rows = [row for row in index_rows(evidence, packed) if row["place"] is None]
    assert 0 < len(rows) == packed.left_out < len(evidence.trials)
    for row in rows:
        content = (oversteps / "run/transcripts" / f"{row['id']}.jsonl").read_bytes()
        assert row["sha256"] == hashlib.sha256(content).hexdigest()
    assert all("sha256" not in row for row in index_rows(evidence, packed) if row["place"])


def test_what_a_journal_says_of_a_trial_is_inert_in_the_list(liar):
    evidence = read_evidence(liar)
    first = evidence.trials[0]._replace(family="tele\u202e\x00metry", lang="\x1b")
    row = index_rows(evidence._replace(trials=(first,)), read_transcripts(evidence))[0]
    assert (row["family"], row["lang"]) == ("tele⟨U+202E⟩⟨NUL⟩metry", "⟨ESC⟩")


def test_trials_that_fell_short_are_read_before_the_others(oversteps):
    order = reading_order(read_evidence(oversteps))
    telling = [is_telling(trial) for trial in order]
    assert 0 < sum(telling) < len(telling)
    assert telling == sorted(telling, reverse=True)


def test_trials_that_limit_the_level_are_read_first_of_all(liar):
    evidence = read_evidence(liar)
    limits = set(evidence.summary.limits)
    limiting = [
        limits & {o.clause for o in trial.observations} for trial in reading_order(evidence)
    ]
    assert [bool(found) for found in limiting] == sorted(map(bool, limiting), reverse=True)


def test_the_index_lists_every_trial_with_what_it_broke(liar):
    evidence = read_evidence(liar)
    rows = index_rows(evidence, read_transcripts(evidence))
    assert [row["number"] for row in rows] == list(range(1, len(evidence.trials) + 1))
    broken = {name for row in rows for seen in row["observed"] for name in seen[3]}
    assert {"answer.status", "single_call.count"} <= broken


def test_a_transcript_that_is_not_there_is_counted(copy_of, liar):
    folder = copy_of(liar)
    next((folder / "run/transcripts").iterdir()).unlink()
    assert read_transcripts(read_evidence(folder)).missing == 1


def test_a_changed_transcript_is_refused(copy_of, liar):
    folder = copy_of(liar)
    path = next((folder / "run/transcripts").iterdir())
    path.write_text(path.read_text().replace('"lang":', '"lanG":', 1))
    with pytest.raises(EvidenceInvalidError, match="was changed"):
        read_transcripts(read_evidence(folder))


def test_a_transcript_cut_short_is_refused(copy_of, liar):
    folder = copy_of(liar)
    path = next((folder / "run/transcripts").iterdir())
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(EvidenceInvalidError, match="cut off"):
        read_transcripts(read_evidence(folder))


def test_tokens_nobody_reported_are_unknown_not_zero():
    call = {"latency_s": 1.0, "usage_source": "none", "input_tokens": None}
    told = {"latency_s": 1.0, "usage_source": "reported", "input_tokens": 7, "output_tokens": 2}
    usage = usage_of([{"type": "model_call", "call": call}, {"type": "model_call", "call": told}])
    assert (usage.unknown, usage.input_tokens, usage.cached_tokens) == (1, 7, None)


def test_an_endpoint_that_reports_less_than_no_tokens_gains_nothing_by_it():
    told = {"latency_s": 1.0, "usage_source": "reported", "input_tokens": 7, "output_tokens": 2}
    below = {**told, "input_tokens": -1000, "output_tokens": -1, "cached_tokens": -5}
    usage = usage_of([{"type": "model_call", "call": call} for call in (told, below)])
    assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens) == (7, 2, 0)


def test_json_in_a_script_cannot_end_it():
    text = script_json({"</script>": "<!-- & \u2028"})
    assert not set("<>&\u2028") & set(text)
    assert msgspec.json.decode(text) == {"</script>": "<!-- & \u2028"}
