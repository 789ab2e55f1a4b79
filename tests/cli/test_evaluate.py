"""``conformance evaluate``: what is shown, what is recorded, and each mistake in one line."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conformance.cli import run
from conformance.evidence.bundle import bundle_id
from tests.evidence.evaluations import edition_root, evaluated_bundle
from tests.fakes.agents import MINIATURE


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    return evaluated_bundle(tmp_path_factory.mktemp("sealed") / "bundle")


@pytest.fixture
def folder(sealed, tmp_path):
    return Path(shutil.copytree(sealed, tmp_path / "bundle"))


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "权限.pdf"
    path.write_bytes(b"%PDF")
    return path


def evaluate(folder, *words):
    return run(["evaluate", str(folder), "--edition", str(edition_root()), *map(str, words)])


def recording(page, item="EV-ONE", verdict="pass"):
    review = (
        "--verdict",
        verdict,
        "--evidence",
        page,
        "--reviewer",
        "Reviewer",
        "--role",
        "auditor",
    )
    return ("--item", item, *review)


def printed(capsys, folder, *words, code=0):
    assert evaluate(folder, *words) == code
    return capsys.readouterr().out


def document(capsys, folder, *words):
    return json.loads(printed(capsys, folder, "--json", *words))


def test_each_item_is_shown_with_its_state_in_both_languages(capsys, folder, page):
    evaluate(folder, *recording(page, "EV-TWO", "fail"), "--remark", "no [bold]plan[/bold]")
    capsys.readouterr()
    english = printed(capsys, folder, "--locale", "en")
    rows = {line.split()[0]: line for line in english.splitlines() if line.startswith("EV-")}
    assert "pending" in rows["EV-ONE"]
    assert "wanted: The document of permissions" in rows["EV-ONE"]
    assert "fail" in rows["EV-TWO"]
    assert "Reviewer (auditor)" in rows["EV-TWO"]
    assert "evaluation/EV-TWO/权限.pdf" in rows["EV-TWO"]
    assert "no [bold]plan[/bold]" in english
    assert "Mode: agent testing only" in english
    assert "1 of 2 items are pending" in english
    chinese = printed(capsys, folder, "--locale", "zh")
    assert "待评价" in chinese
    assert "不符合" in chinese
    assert "需提交：授权文件" in chinese
    assert "认证模式：智能体检测" in chinese


def test_a_recorded_verdict_names_the_id_before_and_after(capsys, folder, page):
    before = bundle_id(folder)
    told = printed(capsys, folder, *recording(page), "--locale", "en")
    assert f"bundle {bundle_id(folder)}" in told
    assert f"before {before} (kept in the bundle)" in told


def test_the_json_document_has_the_items_the_mode_and_the_ids(capsys, folder, page):
    before = bundle_id(folder)
    document(capsys, folder, *recording(page, "EV-TWO"))
    shown = document(capsys, folder, *recording(page))
    assert shown["mode"]["en"] == "agent testing plus technical evaluation"
    assert shown["is_evaluated"] is True
    assert shown["bundle_id"] == bundle_id(folder)
    assert shown["previous"] == [before, shown["id_before"]]
    assert [item["judged"]["verdict"] for item in shown["items"]] == ["pass", "pass"]
    assert run(["grade", str(folder), "--edition", str(edition_root())]) == 0


def test_the_day_is_today_unless_it_is_said(capsys, folder, page):
    before = datetime.now(UTC).astimezone().date().isoformat()
    shown = document(capsys, folder, *recording(page))
    after = datetime.now(UTC).astimezone().date().isoformat()
    assert shown["items"][0]["judged"]["date"] in {before, after}


def test_a_withdrawn_verdict_is_pending_again(capsys, folder, page):
    document(capsys, folder, *recording(page))
    shown = document(capsys, folder, "--item", "EV-ONE", "--withdraw")
    assert [item["judged"] for item in shown["items"]] == [None, None]
    assert len(shown["previous"]) == 2


def test_the_report_is_written_again_and_other_renderings_are_said_to_be_stale(
    capsys, folder, page
):
    for name in ("report.html", "report.md"):
        (folder / name).write_text("old")
    assert evaluate(folder, *recording(page)) == 0
    assert "<html" in (folder / "report.html").read_text(encoding="utf-8")
    told = capsys.readouterr().err
    assert f"of the bundle before this change: {folder}/report.md — write again" in told


def test_help_has_an_example_of_showing_recording_and_withdrawing(capsys):
    assert run(["evaluate", "--help"]) == 0
    text = capsys.readouterr().out
    assert text.count("conformance evaluate runs/") == 3
    assert "--withdraw" in text


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--item", "EV-ONE"], "needs --verdict, --evidence, --reviewer, --role too"),
        (["--verdict", "pass"], "--item: which item?"),
        (["--withdraw"], "--item: which item?"),
        (["--item", "EV-ONE", "--withdraw", "--verdict", "pass"], "goes without --verdict"),
        (["--item", "EV-ONE", "--withdraw", "--remark", "x"], "goes without --remark"),
        (["--item", "EV-ONE", "--verdict", "perfect"], "'perfect' is not one of"),
        (["--item", "EV-ONE", "--withdraw"], "has no verdict to withdraw"),
        (["--item", "EV-TEN", "--withdraw"], "there is no item 'EV-TEN'"),
    ],
)
def test_options_that_do_not_fit_are_one_line(capsys, folder, words, why):
    before = bundle_id(folder)
    assert evaluate(folder, *words) == 4
    told = capsys.readouterr().err
    assert why in told
    assert told.count("\n") == 1
    assert bundle_id(folder) == before


def test_a_bundle_that_was_changed_is_refused_with_code_7(capsys, folder, page):
    (folder / "ics.json").write_text("{}\n")
    assert evaluate(folder, *recording(page)) == 7
    assert "ics.json: was changed after it was sealed" in capsys.readouterr().err


def test_a_bundle_of_another_edition_or_none_is_refused(capsys, folder, tmp_path):
    assert run(["evaluate", str(folder), "--edition", str(MINIATURE)]) == 4
    assert "name that edition's folder with --edition" in capsys.readouterr().err
    assert evaluate(tmp_path / "none") == 4
    assert "there is no such folder" in capsys.readouterr().err
