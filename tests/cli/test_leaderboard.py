"""``conformance leaderboard`` and ``conformance submit``: clean bundles in, the rest named."""

import json
import shutil
from pathlib import Path

import pytest

from conformance import cli
from conformance.campaign.claim import parse_claim
from conformance.evidence import submit as submitting
from conformance.evidence.bundle import bundle_id, manifest_problems
from conformance.report import html
from conformance.report.board import exports
from tests.campaign.campaigns import bundle
from tests.evidence.forge import Forger
from tests.fakes.agents import MINIATURE, FakeAgent, miniature, model_call, solve
from tests.report.board.test_entries import Named

KEY = "ghp_" + "a1B2" * 9
EDITION = ("--edition", str(MINIATURE))


async def solver(self, task, doors, private):
    """A model's call, where the agent is one, then the oracle's part."""
    if isinstance(self, Named):
        doors.before_model_call()
        doors.after_model_call(model_call())
    await solve(doors, private)


def made(folder, agent):
    return bundle(folder, agent, claim=parse_claim("L1", miniature()))


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    root = tmp_path_factory.mktemp("bundles")
    made(root / "good", Named(solver, name="Good", model="m-1"))
    made(root / "boasts", Named(solver, name="Boaster", standing="audited by a body of note"))
    made(root / "oracle", FakeAgent(solver, name="oracle", unit="builtin"))
    made(root / "leaky", Named(solver, name="Leaky", note=f"my key is {KEY}"))
    return root


@pytest.fixture
def reports(bundles, tmp_path):
    for name in ("good", "boasts", "oracle"):
        shutil.copytree(bundles / name, tmp_path / "reports" / name)
    return tmp_path / "reports"


def leaderboard(reports, *more):
    """Run it; the reports themselves are another test's."""
    out = reports.parent / "site"
    return cli.run(["leaderboard", str(reports), "--out", str(out), "--jobs", "1", *EDITION, *more])


@pytest.fixture(autouse=True)
def plain_reports(monkeypatch):
    monkeypatch.setattr(html, "render_report", lambda folder: f"report of {folder.name}")


def data(reports, name="leaderboard"):
    return json.loads((reports.parent / f"site/data/{name}.json").read_bytes())


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


# -- leaderboard ---------------------------------------------------------------------------------


def test_the_site_has_pages_reports_data_and_badges_of_the_clean(reports, capsys):
    assert leaderboard(reports) == 0
    out = reports.parent / "site"
    assert capsys.readouterr().out == f"{out}/index.html\n"
    good = bundle_id(reports / "good")
    rows = {row["folder"]: row for row in data(reports)}
    assert set(rows) == {"good", "boasts", "oracle"}
    assert rows["good"]["id"] == good
    assert {row["standing"] for row in rows.values()} == {"self-declared"}
    there = files(out)
    assert f"reports/{good}.html" in there
    assert f"agents/{rows['good']['slug']}.html" in there
    assert f"badges/{rows['good']['slug']}-level.zh.svg" in there
    assert not any(path.startswith("badges/builtin-oracle") for path in there)
    assert "data/leaderboard.parquet" in there


def test_a_calibrator_is_marked_and_not_ranked(reports):
    leaderboard(reports)
    rows = {row["folder"]: row for row in data(reports)}
    assert (rows["oracle"]["is_calibrator"], rows["oracle"]["rank"]) == (True, None)
    assert (rows["good"]["is_calibrator"], rows["good"]["rank"]) == (False, 1)


def test_an_agent_that_calls_itself_audited_is_listed_as_self_declared(reports):
    leaderboard(reports)
    row = next(row for row in data(reports) if row["folder"] == "boasts")
    assert row["standing"] == "self-declared"
    assert row["claimed_standing"] == "audited by a body of note"


def test_a_bundle_that_declares_itself_audited_is_refused_and_the_site_is_made(reports, capsys):
    def audited(claim):
        claim["declaration"] = {"zh": "经审核", "en": "audited"}

    Forger(reports / "good").edit_document("claim.json", audited)
    assert leaderboard(reports) == 7
    told = capsys.readouterr()
    assert "conformance: good: refused: claim.json:1: is not what the journal's" in told.err
    assert "Traceback" not in told.err
    assert {row["folder"] for row in data(reports)} == {"boasts", "oracle"}
    (refused,) = data(reports, "refused")
    assert refused["folder"] == "good"
    assert refused["problems"][0].startswith("claim.json:1: is not what")


def test_json_names_what_entered_and_what_was_refused(reports, capsys):
    shutil.copytree(reports / "good", reports / "zz")
    assert leaderboard(reports, "--json") == 7
    told = json.loads(capsys.readouterr().out)
    assert (told["entries"], told["exit_code"]) == (3, 7)
    assert told["refused"] == [
        {"folder": "zz", "problems": ["is the same bundle as good; a campaign is submitted once"]}
    ]
    assert all(Path(path).is_file() for path in told["files"])


def test_the_same_submissions_give_the_same_site(reports):
    leaderboard(reports)
    out = reports.parent / "site"
    first = {path: (out / path).read_bytes() for path in files(out) if (out / path).is_file()}
    leaderboard(reports)
    assert {p: (out / p).read_bytes() for p in files(out) if (out / p).is_file()} == first


def test_without_pyarrow_one_line_says_what_is_missing(reports, monkeypatch, capsys):
    monkeypatch.setattr(exports, "has_parquet", lambda: False)
    assert leaderboard(reports) == 0
    told = capsys.readouterr().err
    assert told.count("agent-grading[parquet]") == 1
    assert "data/leaderboard.csv" in files(reports.parent / "site")


def test_a_report_that_cannot_be_made_keeps_no_other_from_the_site(reports, monkeypatch):
    def render(folder):
        if folder.name == "good":
            raise OverflowError("<b>\x1b[31m")
        return "fine"

    monkeypatch.setattr(html, "render_report", render)
    assert leaderboard(reports) == 0
    out = reports.parent / "site/reports"
    page = (out / f"{bundle_id(reports / 'good')}.html").read_text()
    assert "cannot be made: &lt;b&gt;⟨ESC⟩[31m" in page
    assert "无法生成" in page
    assert (out / f"{bundle_id(reports / 'oracle')}.html").read_text() == "fine"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda _, out: (out.mkdir(), (out / "mine.txt").write_text("x")), "not of a site"),
        (lambda _, out: out.write_text("x"), "is not a folder"),
        (lambda reports, _: shutil.rmtree(reports), "there is no such folder"),
    ],
)
def test_a_folder_that_cannot_be_used_is_one_line_and_changes_nothing(
    reports, capsys, change, said
):
    change(reports, reports.parent / "site")
    before = files(reports.parent)
    assert leaderboard(reports) == 4
    told = capsys.readouterr()
    assert said in told.err
    assert told.err.count("\n") == 1
    assert files(reports.parent) == before


def test_an_edition_that_is_not_there_is_one_line(reports, capsys):
    code = cli.run(["leaderboard", str(reports), "--edition", "nowhere", "--out", "unused"])
    assert code == 4
    assert "nowhere: there is no such folder" in capsys.readouterr().err


# -- submit --------------------------------------------------------------------------------------


@pytest.fixture
def to(tmp_path):
    (tmp_path / "reports").mkdir()
    return tmp_path / "reports"


def submit(folder, to, *more):
    return cli.run(["submit", str(folder), "--to", str(to), "--jobs", "1", *EDITION, *more])


def test_a_clean_bundle_goes_in_under_a_name_of_agent_edition_date_and_id(
    bundles, to, tmp_path, capsys
):
    (bundles / "good/report.html").write_text("whatever it says")
    assert submit(bundles / "good", to, "--site", str(tmp_path / "site")) == 0
    (target,) = to.iterdir()
    assert target.name.startswith("chat-good_")
    assert target.name.endswith("-" + bundle_id(bundles / "good")[:8])
    assert "-miniature-20" in target.name
    assert capsys.readouterr().out == f"{target}\n{tmp_path}/site/index.html\n"
    assert bundle_id(target) == bundle_id(bundles / "good")
    assert list(manifest_problems(target)) == []
    assert "report.html" not in files(target)
    assert [row["folder"] for row in data(to)] == [target.name]


def test_json_says_where_it_went(bundles, to, tmp_path, capsys):
    assert submit(bundles / "good", to, "--json") == 0
    (target,) = to.iterdir()
    assert json.loads(capsys.readouterr().out) == {
        "submission": str(target),
        "bundle_id": bundle_id(target),
        "site": None,
    }


def refused(capsys, code, folder, to, *more):
    """Submit what is refused; return the one line that says why. Nothing is left behind."""
    before = files(to.parent)
    capsys.readouterr()
    assert submit(folder, to, *more) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert files(to.parent) == before
    return told.err


def test_a_campaign_that_is_in_already_is_refused_under_any_id(bundles, to, tmp_path, capsys):
    submit(bundles / "good", to)
    (target,) = to.iterdir()
    assert f"is submitted already, as {target.name}" in refused(capsys, 4, bundles / "good", to)
    again = tmp_path / "again"
    shutil.copytree(bundles / "good", again)
    Forger(again).edit_document("system.json", lambda system: system["hardware"].update(cpu="x"))
    assert bundle_id(again) != bundle_id(target)
    assert "is submitted already" in refused(capsys, 4, again, to)


def test_a_tampered_bundle_is_refused(bundles, to, tmp_path, capsys):
    bad = Path(shutil.copytree(bundles / "good", tmp_path / "bad"))
    Forger(bad).edit_document("results/summary.json", lambda summary: summary.update(level="L2"))
    told = refused(capsys, 7, bad, to)
    assert "results/summary.json:1: the re-grade differs in level" in told


def test_a_link_is_refused(bundles, to, tmp_path, capsys):
    (tmp_path / "link").symlink_to(bundles / "good")
    assert "is a link" in refused(capsys, 7, tmp_path / "link", to)


def test_a_key_of_a_usual_shape_is_refused_by_file_and_line_and_not_repeated(
    bundles, to, tmp_path, capsys
):
    told = refused(capsys, 4, bundles / "leaky", to)
    assert "claim.json:1: a key, credentials or a home folder" in told
    assert "revoke the key" in told
    assert KEY not in told


def test_the_value_of_a_secret_variable_is_refused_by_the_variables_name(
    bundles, to, tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("SOME_API_KEY", "Boaster audited by"[8:])
    told = refused(capsys, 4, bundles / "boasts", to)
    assert "claim.json:1: the value of SOME_API_KEY" in told


LEAKS = [
    ('{"at": "https://someone:secret@example.org/"}', True),
    ('{"header": "Authorization: Bearer abcdef123456"}', True),
    ('{"path": "/home/someone/agent"}', True),
    ('{"path": "C:\\\\Users\\\\someone"}', True),
    ("plain text: sk-abcdefghijklmnop", True),
    ("-----BEGIN RSA PRIVATE KEY-----", True),
    ('{"aws": "AKIAABCDEFGHIJKLMNOP"}', True),
    (
        '{"key": "[redacted]", "at": "https://[redacted]@example.org", "path": "[home]/agent"}',
        False,
    ),
    ('{"says": "Authorization: [redacted]", "n": 1.0}', False),
    ('{"sha256": "' + "ab" * 32 + '"}', False),
]


@pytest.mark.parametrize(("line", "is_one"), LEAKS)
def test_what_a_leak_is(tmp_path, line, is_one):
    (tmp_path / "claim.json").write_text("{}\n" + line + "\n")
    Forger(tmp_path).seal()
    found = [leak.where for leak in submitting.leaks(tmp_path, {})]
    assert found == (["claim.json:2"] if is_one else [])


def test_short_values_and_other_variables_are_no_secrets(tmp_path):
    (tmp_path / "claim.json").write_text('{"model": "local", "user": "somebody-else"}\n')
    Forger(tmp_path).seal()
    environment = {"X_API_KEY": "local", "USER": "somebody-else"}
    assert list(submitting.leaks(tmp_path, environment)) == []
    assert len(list(submitting.leaks(tmp_path, {"MY_TOKEN": "somebody-else"}))) == 1


def test_a_site_that_cannot_be_made_takes_the_bundle_out_again(bundles, to, tmp_path, capsys):
    (tmp_path / "site").mkdir()
    (tmp_path / "site/mine.txt").write_text("x")
    told = refused(capsys, 4, bundles / "good", to, "--site", str(tmp_path / "site"))
    assert "not of a site" in told


def test_a_bundle_that_changes_while_it_is_copied_is_refused(
    bundles, to, tmp_path, capsys, monkeypatch
):
    copy = submitting._copy

    def copies_another(folder, partial):
        copy(folder, partial)
        (partial / "claim.json").write_text("{}")

    monkeypatch.setattr(submitting, "_copy", copies_another)
    told = refused(capsys, 7, bundles / "good", to)
    assert "was changed while it was copied" in told


def test_a_disk_that_is_full_is_one_line(bundles, to, tmp_path, capsys, monkeypatch):
    def full(folder, partial):
        partial.mkdir(parents=True)
        raise OSError(28, "No space left on device", str(partial))

    monkeypatch.setattr(submitting, "_copy", full)
    assert "No space left on device" in refused(capsys, 4, bundles / "good", to)


def test_a_folder_that_is_not_there_is_one_line(bundles, to, tmp_path, capsys):
    assert "no: there is no such folder" in refused(capsys, 4, tmp_path / "no", to)
    told = refused(capsys, 4, bundles / "good", to.parent / "nowhere")
    assert "nowhere: there is no such folder" in told


def test_a_bundle_in_place_of_the_folder_of_them_is_a_mistake_with_a_line(capsys, reports):
    out = reports.parent / "site"
    assert cli.run(["leaderboard", str(reports / "good"), "--out", str(out)]) == 4
    assert "good: is a bundle — name the folder that holds bundles" in capsys.readouterr().err
    assert not out.exists()


def test_nothing_is_copied_into_a_bundle(capsys, reports, bundles):
    code = cli.run(["submit", str(bundles / "good"), "--to", str(reports / "oracle"), *EDITION])
    assert code == 4
    assert "oracle: is a bundle — name the folder that holds bundles" in capsys.readouterr().err
    assert cli.run(["grade", str(reports / "oracle"), *EDITION]) == 0


def test_a_re_grade_is_told_in_the_language_asked_for(capsys, reports):
    for locale, told in {"en": "reproduced: ", "zh": "已复现："}.items():
        assert cli.run(["grade", str(reports / "good"), *EDITION, "--locale", locale]) == 0
        assert capsys.readouterr().out.startswith(told)
