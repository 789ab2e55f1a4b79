"""From a bundle to what the report shows."""

import msgspec
import pytest

from conformance.errors import EvidenceInvalidError
from conformance.evidence import bundle
from conformance.evidence.documents import (
    ClaimDocument,
    EvaluationDocument,
    EvaluationEntry,
    EvaluationVerdict,
    SummaryDocument,
    Words,
)
from conformance.report.sources import read_evidence
from conformance.report.transcripts import read_transcripts
from conformance.report.view import agent_name, build_view
from tests.report.conftest import builtin, certify


def view_of(folder):
    evidence = read_evidence(folder)
    return build_view(evidence, read_transcripts(evidence))


def rewrite(folder, **changes):
    """Put other values into a bundle's summary."""
    summary = bundle.read_document(folder, bundle.SUMMARY, SummaryDocument)
    changed = msgspec.structs.replace(summary, **changes)
    bundle.write_document(folder, bundle.SUMMARY, changed)
    return folder


def row_of(view, clause):
    return next(r for g in view.groups for r in (*g.tried, *g.folded) if r.id == clause)


@pytest.fixture(scope="module")
def failed(liar):
    return view_of(liar)


@pytest.fixture(scope="module")
def held(oracle):
    return view_of(oracle)


def test_the_result_comes_first_and_says_that_nothing_is_held(failed):
    agency, trust, efficiency = failed.axes
    assert (agency.result, agency.title.en, trust.result, efficiency.result) == (
        "L0",
        "not graded",
        "–",
        "–",
    )
    assert failed.lead.en.startswith(
        "No level is held. The result is L0, not graded. None of the 3"
    )
    assert [rung.standing for rung in agency.rungs][:2] == ["fail", "not_run"]


def test_every_failed_clause_is_named_with_its_trials_and_what_to_read(failed):
    assert [item.limit.name for item in failed.limits] == ["L1-UND-1", "L1-TOL-1", "L1-HON-1"]
    for item in failed.limits:
        assert "Failed after 30 trials." in item.limit.sentence.en
        assert item.short == 30
        assert item.telling


def test_a_limiting_clause_says_what_went_wrong_most_often(failed, liar):
    item = failed.limits[0]
    first, second = item.commonest
    assert 30 >= first.observations >= second.observations > 0
    own = [o for o in read_evidence(liar).observations if o.clause == item.limit.name]
    counted = [sum(f.requirement == first.requirement for f in o.findings) for o in own]
    assert sum(map(bool, counted)) == first.observations
    assert first.example


def test_the_viewer_filters_by_what_occurs(failed):
    assert failed.filters["verdict"] == ("fail", "inconclusive")
    assert failed.filters["lang"] == ("en", "zh")
    assert failed.filters["family"] == ("jobspec", "telemetry")
    assert failed.filters["clause"][:3] == ("L1-UND-1", "L1-TOL-1", "L1-HON-1")


def test_the_mode_says_that_the_evaluation_is_open_or_how_far_it_is(copy_of, liar, failed):
    def mode(view):
        return next(fact.value.en for fact in view.facts if fact.label.en == "Mode")

    assert mode(failed) == "agent testing only (no technical evaluation)"
    folder = copy_of(liar)
    found = EvaluationVerdict("pass", "R", "r", "2026-11-25", "evaluation/A/f", "0" * 64, 1)
    words = Words("项", "item")
    items = [EvaluationEntry("A", words, words, found), EvaluationEntry("B", words, words, None)]
    document = EvaluationDocument("evaluation/1", items, [])
    bundle.write_document(folder, bundle.EVALUATION, document)
    assert mode(view_of(folder)) == (
        "agent testing only (of the technical evaluation, 1 of 2 items are in)"
    )


def test_the_requirements_broken_most_come_first(failed):
    counts = [item.observations for item in failed.broken]
    assert counts == sorted(counts, reverse=True)
    assert all(item.trials <= item.observations and item.example for item in failed.broken)


def test_what_came_out_right_is_split_by_family_and_language(held):
    whole = {item.family: item for item in held.successes if item.ending is None}
    assert whole.keys() == {"jobspec", "telemetry"}
    for item in whole.values():
        assert item.every.mean == 1
        assert item.every.n == item.zh.n + item.en.n
    parts = [item.every.n for item in held.successes if item.family == "telemetry" and item.ending]
    assert sum(parts) == whole["telemetry"].every.n


def test_a_clause_row_has_the_numbers_the_families_and_one_dot_an_observation(held):
    row = row_of(held, "L1-UND-1")
    assert (row.verdict, row.numbers.n, row.numbers.estimate, row.limit) == (
        "pass",
        39,
        "1.000",
        "0.90",
    )
    assert float(row.numbers.lower) > 0.90
    assert sum(share.n for share in row.shares) == 39
    assert [dot.mark for dot in row.dots] == ["full"] * 39


def test_clauses_that_were_not_run_are_folded_with_their_reason(held):
    levels = {group.id: group for group in held.groups}
    assert not levels["L3"].tried
    assert len(levels["L3"].folded) == 5
    assert row_of(held, "L3-PLN-1").reason.en == "awaits cooling"


def test_a_level_held_is_marked_held_and_the_next_one_says_what_it_waits_for(held):
    assert held.groups[0].standing == "held"
    assert held.axes[0].result == "L1"
    assert held.back_heading.zh == "L2（工具级）为何未达成"
    assert "outside the claim" in held.limits[-1].limit.sentence.en


def test_a_grade_above_which_no_level_is_held_is_never_shown_as_held(held):
    trust = held.axes[1]
    assert trust.result == "–"
    assert [rung.is_result for rung in trust.rungs] == [False, False, False]


def test_coverage_states_each_end_and_both_together(held):
    assert "each end covers with probability ≥ 95%, both together ≥ 90%" in held.coverage[0].en
    assert "95%" in held.coverage[0].zh
    assert "90%" in held.coverage[0].zh


def test_efficiency_shows_every_class_and_the_ratio_to_the_oracle(held, oversteps):
    assert held.axes[2].result == "A"
    assert "ratio of tool calls to the oracle's over solved trials 1" in held.efficiency.ratio.en
    over = view_of(oversteps)
    assert [item.id for item in over.efficiency.classes if item.verdict == "pass"] == [
        "C",
        "D",
        "E",
    ]


def test_a_seed_of_the_applicant_is_said_with_the_result_and_under_deviations(failed):
    said = "Seed chosen by the applicant; not evidence against selection."
    assert said in [stamp.en for stamp in failed.stamps]
    assert said in [item.text.en for item in failed.deviations if item.is_grave]


def test_a_seed_of_the_system_is_not_warned_about(copy_of, liar):
    view = view_of(rewrite(copy_of(liar), seed_source="os"))
    assert not any("applicant;" in stamp.en for stamp in view.stamps)


def test_a_screening_says_that_it_is_none(copy_of, liar):
    words = {"statement": {"zh": "筛查结果，不是定级。", "en": "Screening, not a grade."}}
    statement = msgspec.convert(words["statement"], type(view_of(liar).notice))
    view = view_of(rewrite(copy_of(liar), is_grade=False, statement=statement))
    assert view.stamps[0].en == "Screening, not a grade."
    assert any("what comes out is not a grade" in item.text.en for item in view.deviations)


def test_a_budget_that_ended_it_is_said_and_trials_cut_short_are_listed(hostile):
    view = view_of(hostile)
    texts = [item.text.en for item in view.deviations]
    assert "it can be resumed" in view.lead.en
    assert any("1 trial was under way when the campaign stopped" in text for text in texts)
    assert not any("run again on the same seed:" in text for text in texts)
    assert any("2 trials were run but no longer needed" in text for text in texts)
    assert any("the model refused × 12" in text for text in texts)
    assert "Failed after" in view.limits[0].limit.sentence.en


def test_what_a_budget_left_open_is_said_to_be(tmp_path):
    view = view_of(certify(tmp_path / "b", builtin("oracle"), "L1", max_calls=12, concurrency=1))
    assert "The budget ended after" in view.limits[0].limit.sentence.en


def test_resources_never_show_an_unknown_as_zero(failed, hostile):
    facts = {fact.label.en: fact.value.en for fact in failed.resources.facts}
    assert (facts["Input tokens"], facts["Model call latency"]) == ("–", "–")
    partial = {fact.label.en: fact.value.en for fact in view_of(hostile).resources.facts}
    assert partial["Input tokens"] == "at least 1,100 (1 call reported none)"
    assert partial["Retries"] == "12"


def test_the_top_level_held_leaves_nothing_above(copy_of, oracle):
    view = view_of(rewrite(copy_of(oracle), next_level=None))
    assert view.back_lead.en == "The highest level of this edition is held."
    assert view.limits == ()


def test_the_agent_is_called_by_kind_and_name():
    assert agent_name({"kind": "builtin", "name": "oracle"}) == "builtin:oracle"
    assert agent_name({"kind": "chat", "model": "m\u202e", "name": ""}) == "chat:m⟨U+202E⟩"
    assert agent_name({}) == "–"


def test_the_product_version_and_the_vendor_stand_with_the_result_where_they_were_given(
    copy_of, liar
):
    folder = copy_of(liar)
    claim = bundle.read_document(folder, bundle.CLAIM, ClaimDocument)
    agent = {**claim.agent, "version": "2.1\u202e", "vendor": "Clerk Works"}
    bundle.write_document(folder, bundle.CLAIM, msgspec.structs.replace(claim, agent=agent))
    facts = [(fact.label.zh, fact.value.en) for fact in view_of(folder).facts]
    assert facts[:2] == [("产品版本", "2.1⟨U+202E⟩"), ("厂商", "Clerk Works")]
    bundle.write_document(
        folder, bundle.CLAIM, msgspec.structs.replace(claim, agent={"kind": "chat", "model": "m"})
    )
    assert view_of(folder).facts[0].label.en == "Plan"


def test_the_result_is_called_self_declared_whatever_the_bundle_says_of_itself(copy_of, liar):
    folder = copy_of(liar)
    claim = bundle.read_document(folder, bundle.CLAIM, ClaimDocument)
    audited = msgspec.structs.replace(claim, declaration=Words("经审核", "audited"))
    bundle.write_document(folder, bundle.CLAIM, audited)
    facts = {fact.label.en: fact.value for fact in view_of(folder).facts}
    assert (facts["Standing"].zh, facts["Standing"].en) == ("自我声明", "self-declared")


def test_only_a_trial_that_did_not_count_for_a_fault_is_said_to_have_been_run_again(hostile):
    evidence = read_evidence(hostile)
    (cut,) = [trial for trial in evidence.trials if not trial.counts]
    lost = cut._replace(record=msgspec.structs.replace(cut.record, cause="endpoint_down"))
    trials = tuple(lost if trial is cut else trial for trial in evidence.trials)
    view = build_view(evidence._replace(trials=trials), read_transcripts(evidence))
    texts = [item.text.en for item in view.deviations]
    assert any("1 trial did not count and was run again on the same seed:" in t for t in texts)
    assert not any("under way when the campaign stopped" in text for text in texts)


def test_trials_that_show_no_work_are_said_with_the_last_reason(hostile):
    evidence = read_evidence(hostile)
    assert not any(
        "no work of the agent" in d.text.en
        for d in build_view(evidence, read_transcripts(evidence)).deviations
    )
    crashed = tuple(
        trial._replace(
            record=msgspec.structs.replace(
                trial.record, outcome="agent_crash", cause="agent_error", detail="exit 1: \x1b no"
            )
        )
        for trial in evidence.trials
    )
    view = build_view(evidence._replace(trials=crashed), read_transcripts(evidence))
    (said,) = [item for item in view.deviations if "no work of the agent" in item.text.en]
    n = len(crashed)
    assert said.is_grave
    assert said.text.en == (
        f"{n} of {n} trials show no work of the agent: the agent's own code failed × {n}. "
        "The last: exit 1: ⟨ESC⟩ no. See conformance probe, with the same agent."
    )
    assert f"{n} 次试验中有 {n} 次未见智能体完成工作" in said.text.zh


def test_a_bundle_without_its_summary_is_refused(copy_of, liar):
    folder = copy_of(liar)
    (folder / bundle.SUMMARY).unlink()
    with pytest.raises(EvidenceInvalidError, match="is missing"):
        read_evidence(folder)


@pytest.mark.parametrize(("style", "named"), [("structured", "JSON Schema"), ("native", "native")])
def test_the_tool_style_that_the_probe_chose_is_named(liar, style, named):
    evidence = read_evidence(liar)
    claim = msgspec.structs.replace(
        evidence.claim, agent={"kind": "chat", "model": "m", "style": style}
    )
    view = build_view(evidence._replace(claim=claim), read_transcripts(evidence))
    found = {fact.label.en: fact.value.en for fact in view.facts}
    assert named in found["Tool style"]
