"""A folder of submissions: every one is graded again; whatever is wrong with one, it stays out."""

import hashlib
import json
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import pytest

from conformance.campaign.claim import parse_claim
from conformance.errors import EditionError, UsageError
from conformance.evidence import bundle as layout
from conformance.evidence import registry
from conformance.evidence.documents import SingleDocument
from conformance.evidence.registry import Mounts, Refusal, check_submission, read_registry
from conformance.evidence.seal import Graded
from conformance.evidence.verify import Audit
from tests.campaign.campaigns import bundle
from tests.evidence.forge import Forger, canonical_line
from tests.fakes.agents import MINIATURE, miniature

OURS = Mounts((MINIATURE,))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("made")
    claim = parse_claim("L1", miniature())
    bundle(root / "right", "answers_right", seed="one", claim=claim)
    bundle(root / "wrong", "answers_wrong", seed="two", claim=claim)
    return root


@pytest.fixture
def reports(made, tmp_path):
    return Path(shutil.copytree(made, tmp_path / "reports"))


def names(items):
    return [item.folder.name for item in items]


def read(reports, **more):
    return read_registry(reports, OURS, **more)


def refusal(reports, name="right"):
    """Return why a folder is refused."""
    refused = check_submission(reports / name, [miniature()])
    assert isinstance(refused, Refusal)
    assert refused.folder == reports / name
    return " | ".join(refused.problems)


# -- what enters ---------------------------------------------------------------------------------


def test_what_re_grades_clean_enters_in_the_order_of_names(reports):
    told = []
    found = read(reports, progress=lambda *step: told.append(step))
    assert names(found.clean) == ["right", "wrong"]
    assert found.refused == ()
    assert [item.bundle for item in found.clean] == [
        layout.bundle_id(reports / name) for name in ("right", "wrong")
    ]
    assert told == [("right", 0, 2), ("wrong", 1, 2)]


def test_plain_files_and_hidden_folders_are_no_submissions(reports):
    (reports / "README.md").write_text("how to submit")
    (reports / ".git").mkdir()
    assert names(read(reports).clean) == ["right", "wrong"]
    assert read(reports).refused == ()


def test_an_empty_folder_of_submissions_is_an_empty_registry(tmp_path):
    assert read(tmp_path) == ((), ())


def test_a_folder_that_is_not_there_is_a_users_mistake(tmp_path):
    with pytest.raises(UsageError, match="there is no such folder"):
        read(tmp_path / "none")


def test_a_report_of_a_submission_is_not_looked_at(reports):
    (reports / "right/report.html").write_text("<h1>L5, audited</h1>")
    assert names(read(reports).clean) == ["right", "wrong"]


def test_several_processes_come_to_the_same(reports):
    (reports / "right/results/summary.json").unlink()
    told = []
    found = read(reports, jobs=2, progress=lambda *step: told.append(step[1:]))
    assert (names(found.clean), names(found.refused)) == (["wrong"], ["right"])
    assert found == read(reports)
    assert sorted(told) == [(1, 2), (2, 2)]


def test_a_submission_that_takes_its_process_down_is_refused_and_the_others_go_on(
    reports, monkeypatch
):
    def check(folder):
        if folder.name == "right":
            raise BrokenProcessPool
        return check_submission(folder, [miniature()])

    monkeypatch.setattr(registry, "_pool", lambda _, jobs: ThreadPoolExecutor(jobs))
    monkeypatch.setattr(registry, "_check_in_worker", check)
    found = read(reports, jobs=2)
    assert names(found.clean) == ["wrong"]
    assert found.refused[0].problems == ("took down the process that graded it",)


# -- what does not -------------------------------------------------------------------------------


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    "name", ["manifest.json", "claim.json", "run/journal.jsonl", "results/summary.json"]
)
def test_a_byte_that_changed_keeps_a_bundle_out(reports, name):
    flip(reports / "right" / name)
    assert name in refusal(reports)


def test_a_better_level_written_into_a_bundle_and_sealed_keeps_it_out(reports):
    def better(summary):
        summary["level"] = "L2"

    Forger(reports / "wrong").edit_document("results/summary.json", better)
    assert "results/summary.json:1: the re-grade differs in level" in refusal(reports, "wrong")


def test_a_bundle_that_declares_itself_audited_is_kept_out(reports):
    def audited(claim):
        claim["declaration"] = {"zh": "经审核", "en": "audited"}

    Forger(reports / "right").edit_document("claim.json", audited)
    assert "claim.json:1: is not what the journal's terms and the grade make it" in refusal(reports)


def test_a_profile_that_no_log_bears_out_keeps_a_bundle_out(reports):
    (reports / "right/profile").mkdir()
    (reports / "right/profile/profile.json").write_bytes(canonical_line({"format": "profile/1"}))
    Forger(reports / "right").seal()
    assert "profile/profile.json" in refusal(reports)


def test_problems_name_paths_from_the_submission_on_and_the_first_ones_only(reports):
    for path in (reports / "right/run/states").iterdir():
        path.unlink()
    told = refusal(reports)
    assert str(reports) not in told
    assert told.startswith("run/states/")
    assert told.count(" | ") == registry.SHOWN
    assert told.endswith("more")


@pytest.mark.parametrize("what", ["a file", "a folder", "the submission", "a dangling link"])
def test_links_are_refused(reports, tmp_path, what):
    folder = reports / "right"
    if what == "the submission":
        folder.rename(tmp_path / "elsewhere")
        folder.symlink_to(tmp_path / "elsewhere")
        found = read(reports)
        assert found.refused[0].problems == ("is a link; copy the bundle itself",)
        assert names(found.clean) == ["wrong"]
        return
    at = folder / {"a file": "claim.json", "a folder": "results"}.get(what, "run/notes.json")
    if what != "a dangling link":
        at.rename(tmp_path / at.name)
    at.symlink_to(tmp_path / at.name)
    assert "is a link; a submission holds plain files" in refusal(reports)


def test_a_pipe_is_refused_and_not_waited_for(reports):
    path = reports / "right/run/transcripts" / ("0" * 16 + ".jsonl")
    os.mkfifo(path)
    assert "is a device or pipe" in refusal(reports)


@pytest.mark.parametrize("name", ["evil.html", "run/more.json", "results/notes.md", "logs/a.jsonl"])
def test_a_file_that_no_bundle_has_is_refused_even_if_it_is_sealed(reports, name):
    path = reports / "right" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"{}\n")
    Forger(reports / "right").seal()
    assert f"{name}: is no file of a bundle" in refusal(reports)


@pytest.mark.parametrize("path", ["../wrong/claim.json", "/etc/hostname", "run/../claim.json"])
def test_a_manifest_that_leads_out_of_the_folder_is_refused(reports, path):
    manifest = json.loads((reports / "right/manifest.json").read_bytes())
    manifest["files"][path] = manifest["files"]["claim.json"]
    (reports / "right/manifest.json").write_bytes(canonical_line(manifest))
    assert f"lists {path!r}, which no bundle has" in refusal(reports)


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("MOST_FILE_BYTES", "are the most"),
        ("MOST_FILES", "files and"),
        ("MOST_BYTES", "bytes; "),
    ],
)
def test_too_much_is_refused_before_it_is_read(reports, monkeypatch, limit, said):
    monkeypatch.setattr(registry, limit, 10)
    monkeypatch.setattr(registry, "audit_bundle", None)
    assert said in refusal(reports)


def test_what_breaks_a_reader_is_refused_and_the_others_go_on(reports, monkeypatch):
    audit = registry.audit_bundle

    def breaks(folder, edition):
        if folder.name == "right":
            raise RecursionError("maximum depth")
        return audit(folder, edition)

    monkeypatch.setattr(registry, "audit_bundle", breaks)
    found = read(reports)
    assert names(found.clean) == ["wrong"]
    assert found.refused[0].problems == ("cannot be graded: RecursionError: maximum depth",)


@pytest.mark.parametrize("content", [b"", b"[" * 100_000, b'{"files": 5}\n', b"\xff\xfe"])
def test_a_manifest_that_is_none_is_refused(reports, content):
    (reports / "right/manifest.json").write_bytes(content)
    assert "manifest.json" in refusal(reports)


def test_a_folder_without_a_bundle_is_refused(reports):
    shutil.rmtree(reports / "right")
    (reports / "right").mkdir()
    assert "manifest.json: is missing" in refusal(reports)


def test_a_bundle_of_another_version_of_the_suite_is_refused_with_the_mend(reports):
    def other(lock):
        lock["suite"] = "9.9.9"

    Forger(reports / "right").edit_document("suite.lock.json", other)
    assert "install agent-grading==9.9.9 to re-grade it" in refusal(reports)


@pytest.mark.parametrize(
    "moment", [1e300, -5.0, time.time() + 3 * 86_400], ids=["never", "long ago", "to come"]
)
def test_times_before_2000_or_to_come_keep_a_bundle_out(reports, moment):
    def later(events):
        events[0]["time"] = events[-1]["time"] = moment

    Forger(reports / "right").edit_journal(later)
    assert "run/journal.jsonl: has times that are before 2000 or to come" in refusal(reports)


def test_one_instance_tried_by_itself_is_no_submission(reports, monkeypatch):
    def single(folder, edition):
        graded = Graded(
            None, [], None, SingleDocument("single/1", {}, "", solved=True, findings=[]), 0
        )
        return Audit("", graded, 0, 0, [])

    monkeypatch.setattr(registry, "audit_bundle", single)
    assert "no campaign" in refusal(reports)


# -- editions ------------------------------------------------------------------------------------


@pytest.fixture
def other_edition(tmp_path):
    root = Path(shutil.copytree(MINIATURE, tmp_path / "edition"))
    with (root / "tasks/edition.yaml").open("a") as file:
        file.write("# another edition, by one byte and more\n")
    return root


def test_a_bundle_is_graded_with_the_edition_it_names(reports, other_edition):
    alone = read_registry(reports, Mounts((other_edition,)))
    assert alone.clean == ()
    assert "--edition" in alone.refused[0].problems[0]
    beside = read_registry(reports, Mounts((other_edition, MINIATURE)))
    assert names(beside.clean) == ["right", "wrong"]


def test_a_sealed_edition_that_fits_no_edition_is_an_error(reports, other_edition):
    with pytest.raises(EditionError, match="has none of the clauses"):
        read_registry(reports, Mounts((MINIATURE,), (other_edition,)))


# -- repeats -------------------------------------------------------------------------------------


def test_a_bundle_that_is_there_twice_enters_once(reports):
    shutil.copytree(reports / "right", reports / "zz-copy")
    found = read(reports)
    assert names(found.clean) == ["right", "wrong"]
    assert found.refused[0].problems == (
        "is the same bundle as right; a campaign is submitted once",
    )


def test_a_campaign_sealed_again_under_another_id_enters_once(reports):
    shutil.copytree(reports / "right", reports / "zz-again")

    def richer(system):
        system["hardware"] = {"cpu": "a better one"}

    Forger(reports / "zz-again").edit_document("system.json", richer)
    found = read(reports)
    assert names(found.clean) == ["right", "wrong"]
    assert found.refused[0].problems == (
        "shares trials or a seed with right; a campaign is submitted once",
    )


def test_two_campaigns_of_one_seed_both_enter(reports, tmp_path):
    claim = parse_claim("L1", miniature())
    bundle(reports / "zz-again", "answers_right", seed="one", claim=claim)
    assert names(read(reports).clean) == ["right", "wrong", "zz-again"]


def test_a_campaign_with_other_ids_is_known_by_the_seed_that_the_system_drew(reports):
    claim = parse_claim("L1", miniature())
    original = bundle(reports / "drawn", "answers_right", seed=None, claim=claim)
    stolen = Path(shutil.copytree(original, reports / "stolen"))
    for trial in Forger(original).trials():
        other = hashlib.sha256(trial.encode()).hexdigest()[:16]
        for path in (p for p in stolen.rglob("*") if p.is_file()):
            path.write_bytes(path.read_bytes().replace(trial.encode(), other.encode()))
            if trial in path.name:
                path.rename(path.with_name(path.name.replace(trial, other)))
    forger = Forger(stolen)
    for trial in forger.trials():
        forger.edit_transcript(trial, lambda events: None)
    assert check_submission(stolen, [miniature()]).folder == stolen  # by itself it is clean
    found = read(reports)
    assert names(found.clean) == ["drawn", "right", "wrong"]
    assert found.refused[0].problems == (
        "shares trials or a seed with drawn; a campaign is submitted once",
    )
