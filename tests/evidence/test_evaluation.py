"""The technical evaluation: recorded whole or not at all, and no machine result changes by it."""

import hashlib
import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.errors import EvidenceInvalidError, UsageError
from conformance.evidence import bundle, reviewing
from conformance.evidence.documents import EvaluationVerdict
from conformance.evidence.evaluation import (
    MOST_BYTES,
    day_problem,
    ended_at,
    evaluation_problems,
    failed_items,
    is_evaluated,
    mode_of,
    name_problem,
    pending_evaluation,
    read_evaluation,
)
from conformance.evidence.reviewing import Review, record_review, show_evaluation, withdraw_review
from conformance.evidence.verify import audit_bundle
from conformance.schemas import first_error
from conformance.trial.chain import StorageError
from tests.evidence.evaluations import edition, evaluated_bundle
from tests.evidence.forge import Forger, canonical_line
from tests.fakes.agents import miniature

PAGE = b"%PDF-1.7 permissions"


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    return evaluated_bundle(tmp_path_factory.mktemp("sealed") / "bundle")


@pytest.fixture
def folder(sealed, tmp_path):
    return Path(shutil.copytree(sealed, tmp_path / "in" / "bundle"))


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "permissions.pdf"
    path.write_bytes(PAGE)
    return path


def now(folder):
    return ended_at(folder) + 60


def today(folder):
    return datetime.fromtimestamp(now(folder), UTC).date().isoformat()


def record(folder, page, item="EV-ONE", verdict="pass", **more):
    given = {"reviewer": "Reviewer 甲", "role": "auditor", "date": today(folder), **more}
    review = Review(item=item, verdict=verdict, evidence=page, **given)
    return record_review(folder, edition(), review, now(folder))


def problems(folder):
    return audit_bundle(folder, edition()).problems


def content(folder):
    """Return every file of the bundle and of the folder it lies in."""
    return {
        path.relative_to(folder.parent).as_posix(): path.read_bytes()
        for path in folder.parent.rglob("*")
        if path.is_file()
    }


def results_digest(folder):
    found = hashlib.sha256()
    for path in sorted((folder / "results").rglob("*")):
        found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


# -- what a sealed bundle has --------------------------------------------------------------------


def test_a_sealed_bundle_has_the_items_of_its_edition_all_pending(sealed):
    document = read_evaluation(sealed)
    assert [(item.id, item.judged) for item in document.items] == [
        ("EV-ONE", None),
        ("EV-TWO", None),
    ]
    assert document.items[0].text.zh == "权限"
    assert document.items[1].wanted.en == "The diagram of data"
    assert document.previous == []
    assert not is_evaluated(document)
    assert first_error("evaluation", msgspec.to_builtins(document)) is None
    assert problems(sealed) == []


def test_an_edition_without_items_has_no_evaluation_and_is_never_evaluated():
    assert pending_evaluation(miniature()) is None
    assert not is_evaluated(None)
    assert mode_of(None).en == "agent testing only"


def test_a_bundle_from_before_there_was_an_evaluation_is_valid_and_can_be_evaluated(folder, page):
    (folder / bundle.EVALUATION).unlink()
    bundle.write_manifest(folder)
    assert problems(folder) == []
    assert [item.judged for item in show_evaluation(folder, edition(), now(folder)).items] == [
        None,
        None,
    ]
    record(folder, page)
    assert problems(folder) == []


# -- what recording does -------------------------------------------------------------------------


def test_a_verdict_is_written_with_a_copy_of_its_evidence_and_the_bundle_sealed_anew(folder, page):
    before = bundle.bundle_id(folder)
    change = record(folder, page, remark="见第 3 节")
    assert change.before == before
    assert change.after == bundle.bundle_id(folder) != before
    assert read_evaluation(folder).items[0].judged == EvaluationVerdict(
        verdict="pass",
        reviewer="Reviewer 甲",
        role="auditor",
        date=today(folder),
        file="evaluation/EV-ONE/permissions.pdf",
        sha256=hashlib.sha256(PAGE).hexdigest(),
        size=len(PAGE),
        remark="见第 3 节",
    )
    assert (folder / "evaluation/EV-ONE/permissions.pdf").read_bytes() == PAGE
    assert read_evaluation(folder).previous == [before]
    listed = json.loads((folder / bundle.MANIFEST).read_bytes())["files"]
    assert listed["evaluation/EV-ONE/permissions.pdf"] == {
        "media_type": "application/octet-stream",
        "schema": None,
        "sha256": hashlib.sha256(PAGE).hexdigest(),
        "size": len(PAGE),
    }
    assert listed["evaluation.json"]["schema"] == "evaluation"
    assert problems(folder) == []
    assert page.exists()


def test_no_machine_result_changes_and_the_grade_is_reproduced(folder, page):
    before = results_digest(folder), (folder / "run/journal.jsonl").read_bytes()
    for item, verdict in (("EV-ONE", "fail"), ("EV-TWO", "fail")):
        record(folder, page, item, verdict)
    assert (results_digest(folder), (folder / "run/journal.jsonl").read_bytes()) == before
    audit = audit_bundle(folder, edition())
    assert audit.problems == []
    assert audit.graded.summary.level == "L2"


def mode(folder):
    return json.loads((folder / "claim.json").read_bytes())["mode"]


def test_the_mode_changes_only_when_every_item_has_a_verdict(folder, page):
    tested = {"zh": "智能体检测", "en": "agent testing only"}
    assert mode(folder) == tested
    record(folder, page, "EV-TWO")
    assert mode(folder) == tested
    record(folder, page, "EV-ONE")
    assert mode(folder) == {
        "zh": "智能体检测+技术评价",
        "en": "agent testing plus technical evaluation",
    }
    assert is_evaluated(read_evaluation(folder))
    assert problems(folder) == []
    withdraw_review(folder, edition(), "EV-TWO", now(folder))
    assert mode(folder) == tested
    assert problems(folder) == []


def test_an_item_that_failed_is_named_beside_the_mode(folder, page):
    record(folder, page, "EV-ONE", "fail")
    record(folder, page, "EV-TWO")
    assert mode(folder) == {
        "zh": "智能体检测+技术评价（未通过：EV-ONE）",
        "en": "agent testing plus technical evaluation (failed: EV-ONE)",
    }
    assert failed_items(read_evaluation(folder)) == ["EV-ONE"]
    assert problems(folder) == []


def test_a_verdict_that_is_withdrawn_takes_its_evidence_along_and_the_ids_stay(folder, page):
    first = bundle.bundle_id(folder)
    second = record(folder, page).after
    change = withdraw_review(folder, edition(), "EV-ONE", now(folder))
    assert change.document.previous == [first, second]
    assert change.document.items[0].judged is None
    assert not (folder / "evaluation").exists()
    assert problems(folder) == []
    record(folder, page, verdict="fail")
    assert problems(folder) == []


def test_a_campaign_that_goes_on_is_another_bundle_and_begins_with_nothing_found(folder, page):
    record(folder, page)
    evaluated_bundle(folder, resume=True)
    document = read_evaluation(folder)
    assert document == pending_evaluation(edition())
    assert problems(folder) == []


def test_what_cannot_be_written_leaves_all_as_it_was(folder, page, monkeypatch):
    record(folder, page, "EV-TWO")
    before = content(folder)
    real, calls = os.replace, []

    def fails_at_the_last(new, path):
        calls.append(path)
        if Path(path).name == bundle.MANIFEST and len(calls) <= 4:
            raise OSError(28, "No space left on device")
        real(new, path)

    monkeypatch.setattr(reviewing.os, "replace", fails_at_the_last)
    with pytest.raises(StorageError, match="No space left"):
        record(folder, page)
    assert content(folder) == before
    monkeypatch.undo()
    assert record(folder, page).document.items[0].judged is not None


def test_an_interrupt_between_two_files_leaves_all_as_it_was(folder, page, monkeypatch):
    before = content(folder)
    real = os.replace

    def interrupted(new, path):
        if Path(path).name == bundle.CLAIM and str(new).endswith(".new"):
            raise KeyboardInterrupt
        real(new, path)

    monkeypatch.setattr(reviewing.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        record(folder, page)
    assert content(folder) == before


def test_two_reviewers_at_once_do_not_write_over_each_other(folder, page):
    with reviewing._held(folder), pytest.raises(UsageError, match="another evaluation"):
        record(folder, page)
    assert problems(folder) == []


# -- what is refused -----------------------------------------------------------------------------


def refused(folder, page, **more):
    before = content(folder)
    with pytest.raises(UsageError) as caught:
        record(folder, page, **more)
    assert content(folder) == before
    return str(caught.value)


def test_an_item_that_the_edition_does_not_have(folder, page):
    assert refused(folder, page, item="EV-TEN") == (
        "--item: there is no item 'EV-TEN' — the items: EV-ONE, EV-TWO"
    )


def test_a_second_verdict_on_an_item(folder, page):
    record(folder, page)
    assert "take it back first: --item EV-ONE --withdraw" in refused(folder, page)


def test_a_withdrawal_of_what_is_not_there(folder):
    with pytest.raises(UsageError, match="EV-ONE has no verdict to withdraw"):
        withdraw_review(folder, edition(), "EV-ONE", now(folder))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing.pdf", "cannot be read: No such file"),
        ("folder", "is no file"),
        ("link.pdf", "is a link"),
        ("pipe.pdf", "is no file"),
        ("empty.pdf", "is empty"),
        ("large.pdf", "is larger than 50 MB"),
        (".hidden", "begins or ends with a point"),
        ("a\u202egpj.exe", "invisible or control characters"),
        ("a\x1b[31m.pdf", "invisible or control characters"),
        ("a\nb.pdf", "invisible or control characters"),
        ("a<script>.pdf", "has one of"),
        ("..\\up.pdf", "has one of"),
        ("x" * 201, "more than 200 bytes"),
    ],
)
def test_evidence_that_no_bundle_can_hold(folder, page, name, why):
    path = page.parent / name
    if name == "folder":
        path.mkdir()
    elif name == "link.pdf":
        path.symlink_to(page)
    elif name == "pipe.pdf":
        os.mkfifo(path)
    elif name == "large.pdf":
        with path.open("wb") as file:
            file.truncate(MOST_BYTES + 1)
    elif name != "missing.pdf":
        path.write_bytes(b"" if name == "empty.pdf" else PAGE)
    told = refused(folder, path)
    assert why in told
    assert told.isprintable()


@pytest.mark.parametrize("option", ["reviewer", "role", "remark"])
@pytest.mark.parametrize("text", ["", "  ", "a\nb", "\x1b[31mred", "a\u202eb", "x" * 2001, "a\0b"])
def test_a_reviewer_a_role_or_a_remark_that_is_none_or_acts(folder, page, option, text):
    assert refused(folder, page, **{option: text}).startswith(f"--{option}: ")


def test_a_day_before_the_campaign_or_in_the_future_or_none(folder, page):
    assert "before the campaign ended" in refused(folder, page, date="2020-01-01")
    assert "is in the future" in refused(folder, page, date="2999-01-01")
    for none in ("yesterday", "2026-13-01", "2026-W01-1", "20261101", ""):
        assert "is no day" in refused(folder, page, date=none)


@given(st.floats(0, 4e9), st.integers(0, 400 * 86400))
def test_the_reviewers_own_day_is_good_in_every_time_zone(ended, later):
    for hours in (-12, 0, 14):
        then = datetime.fromtimestamp(ended + later + hours * 3600 + 43200, UTC)
        day = then.date().isoformat()
        assert day_problem(day, ended + 43200, ended + 43200 + later) is None


@given(st.text(max_size=40))
def test_a_name_that_is_taken_stays_one_plain_name_in_its_folder(name):
    if name_problem(name) is None:
        assert Path("a") / name == Path("a", name)
        assert Path("a", name).parent == Path("a")
        assert Path("a", name).name == name
        assert name.isprintable()


# -- bundles that were changed -------------------------------------------------------------------


def test_a_bundle_that_was_changed_takes_no_verdict(folder, page):
    path = folder / "results/summary.json"
    path.write_bytes(path.read_bytes().replace(b'"level":"L2"', b'"level":"L9"'))
    with pytest.raises(EvidenceInvalidError, match="was changed after it was sealed"):
        record(folder, page)
    assert not (folder / "evaluation").exists()


def test_a_bundle_of_another_edition_takes_no_verdict(folder):
    with pytest.raises(UsageError, match="was made with edition miniature"):
        show_evaluation(folder, miniature(), now(folder))


def test_a_folder_without_a_bundle_takes_no_verdict(tmp_path, page):
    with pytest.raises(EvidenceInvalidError, match="is missing"):
        record_review(
            tmp_path, edition(), Review("EV-ONE", "pass", page, "a", "b", "2026-11-01"), 0.0
        )


@pytest.fixture(scope="module")
def reviewed(sealed, tmp_path_factory):
    """Return a bundle in which every item has a verdict."""
    root = tmp_path_factory.mktemp("reviewed")
    (root / "permissions.pdf").write_bytes(PAGE)
    whole = Path(shutil.copytree(sealed, root / "bundle"))
    for item in ("EV-ONE", "EV-TWO"):
        record(whole, root / "permissions.pdf", item)
    assert problems(whole) == []
    return whole


@pytest.fixture
def full(reviewed, tmp_path):
    return Forger(Path(shutil.copytree(reviewed, tmp_path / "full")))


def evaluation_only(folder):
    """Return what is found without a re-grade."""
    try:
        return list(evaluation_problems(folder, edition(), ended_at(folder), now(folder)))
    except EvidenceInvalidError as error:
        return [str(error)]


def judged(**changes):
    return lambda d: d["items"][0]["judged"].update(changes)


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (lambda d: d["items"].pop(), "has other items"),
        (lambda d: d["items"][0].update(id="EV-TWO"), "has other items"),
        (lambda d: d["items"][0]["text"].update(en="Something easier"), "has other items"),
        (lambda d: d["items"][0]["wanted"].update(zh="随便"), "has other items"),
        (lambda d: d.update(format="evaluation/9"), "is of format 'evaluation/9'"),
        (judged(verdict="perfect"), "Invalid enum value 'perfect'"),
        (judged(reviewer=""), "EV-ONE: reviewer is empty"),
        (judged(role=" "), "EV-ONE: role is empty"),
        (judged(remark="a\u202eb"), "EV-ONE: remark has"),
        (judged(date="2020-01-01"), "EV-ONE: date is before the campaign ended"),
        (judged(date="2999-01-01"), "EV-ONE: date is in the future"),
        (judged(sha256="0" * 64), "EV-ONE: its evidence is not what was reviewed"),
        (judged(size=1), "EV-ONE: its evidence is not what was reviewed"),
        (judged(file="claim.json"), "EV-ONE: its evidence is not in the folder"),
        (judged(file="evaluation/EV-ONE/../../claim.json"), "is not in the folder of the item"),
        (judged(file="evaluation/EV-TWO/permissions.pdf"), "is not in the folder of the item"),
        (judged(file="evaluation/EV-ONE/other.pdf"), "EV-ONE: its evidence is missing"),
        (judged(file="evaluation/EV-ONE/a\u202eb"), "EV-ONE: its evidence has invisible"),
        (lambda d: d.update(previous=[]), "previous does not have the id"),
        (lambda d: d["previous"].pop(0), "does not begin with the id of the bundle"),
        (lambda d: d["previous"].append("L2"), "previous has what is no id"),
        (lambda d: d["previous"].append(d["previous"][0]), "previous has what is no id, or one"),
    ],
)
def test_an_evaluation_that_was_rewritten_and_sealed_again(full, edit, why):
    full.edit_document("evaluation.json", edit)
    found = evaluation_only(full.folder)
    assert any(why in problem for problem in found), found


def test_a_mode_that_says_more_than_the_evaluation(folder, page):
    record(folder, page)
    everything = json.loads(bundle.document_bytes(mode_of(None)))
    assert everything["en"] == "agent testing only"
    forger = Forger(folder)
    forger.edit_document(
        "claim.json", lambda d: d["mode"].update(en="agent testing plus technical evaluation")
    )
    where = f"{folder}/claim.json:1: "
    assert problems(folder) == [f"{where}is not what the journal's terms and the grade make it"]
    with pytest.raises(EvidenceInvalidError, match="mode is not what the evaluation makes it"):
        show_evaluation(folder, edition(), now(folder))


def test_evidence_that_no_item_names(full):
    (full.folder / "evaluation/EV-ONE/more.pdf").write_bytes(PAGE)
    full.seal()
    stray = f"{full.folder}/evaluation/EV-ONE/more.pdf: is not the evidence of any item"
    assert problems(full.folder)[0] == stray


def test_evidence_that_became_a_link(full, tmp_path):
    path = full.folder / "evaluation/EV-ONE/permissions.pdf"
    path.rename(tmp_path / "elsewhere.pdf")
    path.symlink_to(tmp_path / "elsewhere.pdf")
    full.seal()
    assert problems(full.folder) == [f"{path}: is not the evidence of any item"]


def test_a_folder_of_evidence_that_lies_elsewhere(folder, page, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (folder / "evaluation").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EvidenceInvalidError, match="is not the evidence of any item"):
        record(folder, page)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_verdicts_without_their_document(full):
    (full.folder / "evaluation.json").unlink()
    full.seal()
    found = problems(full.folder)
    assert f"{full.folder}/evaluation/EV-ONE/permissions.pdf: is not the evidence of any item" in (
        found
    )
    assert any(problem.startswith(f"{full.folder}/claim.json:1: ") for problem in found)


def test_an_evaluation_that_is_none(full):
    (full.folder / "evaluation.json").write_bytes(canonical_line({"format": "evaluation/1"}))
    full.seal()
    assert problems(full.folder)[0].startswith(f"{full.folder}/evaluation.json:1: ")


def test_a_re_grade_holds_a_bundle_to_the_evaluation(full):
    full.edit_document("evaluation.json", judged(date="2999-01-01"))
    found = evaluation_only(full.folder)
    assert found == [f"{full.folder}/evaluation.json:1: EV-ONE: date is in the future"]
    assert problems(full.folder) == found
