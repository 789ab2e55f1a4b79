"""The technical evaluation on the page: states, and links that lead into the bundle alone."""

import pytest

from conformance.evidence import bundle
from conformance.evidence.documents import (
    EvaluationDocument,
    EvaluationEntry,
    EvaluationVerdict,
    Words,
)
from conformance.report.reviewed import reviewed

TEXT = Words("数据处理", "Data handling")


def judged(verdict="pass", file="evaluation/EV-A/a file.pdf", remark=None):
    return EvaluationVerdict(
        verdict, "R. Viewer", "assessor", "2026-11-25", file, "0" * 64, 1, remark
    )


def document(folder, *verdicts):
    items = [EvaluationEntry("EV-A", TEXT, TEXT, verdict) for verdict in verdicts]
    folder.mkdir(exist_ok=True)
    bundle.write_document(folder, bundle.EVALUATION, EvaluationDocument("evaluation/1", items, []))
    return reviewed(folder)


def test_a_bundle_without_items_has_no_section(tmp_path):
    assert reviewed(tmp_path) is None


def test_what_is_pending_is_counted_and_the_mode_is_as_it_was(tmp_path):
    found = document(tmp_path, judged(), None)
    assert [item.state for item in found.items] == ["pass", "pending"]
    assert (found.done, found.is_complete) == (1, False)
    assert found.mode.en == "agent testing only"
    assert found.sentence.en.startswith("1 of 2 items are pending")


def test_all_items_in_change_the_mode_and_a_failed_one_stays_named(tmp_path):
    found = document(tmp_path, judged(), judged("fail"))
    assert found.is_complete
    assert found.is_failed
    assert found.mode.en == "agent testing plus technical evaluation (failed: EV-A)"
    assert "1 of them failed" in found.sentence.en


def test_the_evidence_is_a_relative_link_into_the_bundle(tmp_path):
    item = document(tmp_path, judged()).items[0]
    assert item.href == "evaluation/EV-A/a%20file.pdf"
    assert (item.by.en, item.date, item.sha256) == (
        "R. Viewer (assessor)",
        "2026-11-25",
        "0" * 64,
    )


@pytest.mark.parametrize(
    "file",
    [
        "javascript:alert(1)",
        "//evil.test/x",
        "https://evil.test/x",
        "../../etc/passwd",
        "evaluation/EV-A/../../../etc/passwd",
        "evaluation/EV-B/x.pdf",
        "evaluation/EV-A/x\u202efdp.exe",
        "",
    ],
)
def test_any_other_path_is_shown_and_never_linked(tmp_path, file):
    item = document(tmp_path, judged(file=file)).items[0]
    assert item.href is None
    assert "\u202e" not in item.file
