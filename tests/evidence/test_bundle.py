"""A bundle: complete, under its schemas, re-graded to the byte; any byte that changes is found."""

import json
import random
import shutil
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator

import conformance
from conformance import cli
from conformance.edition import load
from conformance.errors import EvidenceInvalidError, UsageError
from conformance.evidence.bundle import bundle_id, schema_of
from conformance.evidence.schema_files import make_schemas
from conformance.evidence.seal import grade_folder, observation_bytes
from conformance.evidence.verify import audit_bundle
from conformance.schemas import first_error, schema_folder
from tests.campaign.campaigns import bundle, campaign, problems, summary_bytes
from tests.evidence.forge import Forger, canonical_line
from tests.fakes.agents import MINIATURE, FakeAgent, make, miniature, model_call, solve

FILES = (
    "manifest.json",
    "claim.json",
    "ics.json",
    "system.json",
    "suite.lock.json",
    "run/journal.jsonl",
    "results/observations.jsonl",
    "results/summary.json",
    "results/twins.json",
    "transcript",
    "state",
)
DOCUMENTS = ("claim", "ics", "system", "suite.lock", "manifest", "twins")


async def does_a_bit_of_everything(self, task, doors, private):
    doors.before_model_call()
    doors.after_model_call(model_call("hm", retries=1, retried_status=["429"]))
    doors.note("thought", text="…")
    await doors.call_tool("no_such_tool", {})
    await doors.call_tool("submit_answer", {"status": "maybe"})
    await solve(doors, private)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    agent = FakeAgent(does_a_bit_of_everything, name="busy")
    return bundle(tmp_path_factory.mktemp("sealed") / "bundle", agent)


@pytest.fixture
def copy(sealed, tmp_path):
    return Path(shutil.copytree(sealed, tmp_path / "bundle"))


def grade(folder, *more):
    return cli.run(["grade", str(folder), "--edition", str(MINIATURE), *more])


# -- what a bundle is ----------------------------------------------------------------------------


def test_a_bundle_has_the_files_of_the_design_and_no_others(sealed):
    found = {path.relative_to(sealed).as_posix() for path in sealed.rglob("*") if path.is_file()}
    trials = Forger(sealed).trials()
    assert found == {
        *(name for name in FILES if "." in name),
        *(f"run/transcripts/{trial}.jsonl" for trial in trials),
        *(f"run/states/{trial}.json" for trial in trials),
    }


def documents_of(folder):
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        schema = "manifest" if name == "manifest.json" else schema_of(name)
        if path.is_file() and schema is not None:
            for line in path.read_bytes().splitlines():
                yield name, schema, json.loads(line)


def test_every_document_and_every_line_is_under_its_schema(sealed):
    seen = set()
    for name, schema, document in documents_of(sealed):
        assert first_error(schema, document) is None, name
        seen.add(schema)
    assert seen == {*DOCUMENTS, "journal", "transcript", "observations", "summary"}


@pytest.mark.parametrize("kind", ["paused", "stopped by a budget", "resumed", "void"])
def test_a_journal_of_any_fate_is_under_its_schema(tmp_path, kind):
    out = tmp_path / "c"
    agent = make("endpoint_down" if kind == "paused" else "thinks_and_answers_right")
    try:
        if kind == "void":
            campaign(out, make("crashes", evidence_class="model-only"))
        campaign(out, agent, max_calls=3)
        if kind == "resumed":
            campaign(out, agent, resume=True)
    except conformance.errors.AgentUnavailableError:
        assert kind in ("paused", "void")
    for line in (out / "run/journal.jsonl").read_bytes().splitlines():
        assert first_error("journal", json.loads(line)) is None


@pytest.mark.parametrize("name", make_schemas())
def test_the_schemas_are_those_the_structs_make_and_are_schemas(name):
    content = (schema_folder() / name).read_bytes()
    assert content == make_schemas()[name]
    Draft202012Validator.check_schema(json.loads(content))


def test_the_schemas_refuse_what_is_none(sealed):
    for name, schema, document in documents_of(sealed):
        assert first_error(schema, {**document, "format": 5, "type": "none", "clause": 7}), name


@pytest.mark.parametrize("name", [f"{name}.json" for name in DOCUMENTS])
def test_documents_are_canonical_json(sealed, name):
    (path,) = sealed.rglob(name)
    content = path.read_bytes()
    assert content == canonical_line(json.loads(content))


def test_a_bundle_says_that_it_is_self_declared_and_by_whom_it_was_made(sealed):
    claim = json.loads((sealed / "claim.json").read_bytes())
    assert claim["declaration"]["en"] == "self-declared"
    assert claim["mode"]["en"] == "agent testing only"
    assert claim["evidence_class"] == "observed"
    assert claim["agent"]["name"] == "busy"
    lock = json.loads((sealed / "suite.lock.json").read_bytes())
    assert lock["suite"] == conformance.__version__
    assert lock["edition"]["sha256"] == miniature().digest


# -- the re-grade --------------------------------------------------------------------------------


def test_a_re_grade_reproduces_every_observation_and_the_summary(sealed):
    graded = grade_folder(sealed, load(MINIATURE))
    assert observation_bytes(graded) == (sealed / "results/observations.jsonl").read_bytes()
    assert canonical_line(msgspec.to_builtins(graded.summary)) == summary_bytes(sealed)
    assert len(graded.observations) > 40


def test_grade_says_what_it_reproduced(sealed, capsys):
    assert grade(sealed, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    lines = (sealed / "results/observations.jsonl").read_bytes().count(b"\n")
    assert found["reproduced"] is True
    assert found["observations"] == lines
    assert found["replayed"] == len(Forger(sealed).trials())
    assert found["bundle_id"] == bundle_id(sealed)
    assert (found["level"], found["trust"], found["problems"]) == ("L2", "T1", [])


def test_one_seed_gives_one_summary_whatever_the_concurrency(tmp_path):
    summaries = {
        summary_bytes(bundle(tmp_path / str(n), "answers_after_a_random_while", concurrency=n))
        for n in (1, 4)
    }
    assert len(summaries) == 1


@pytest.mark.parametrize("ending", ["budget", "faults", "timeouts", "crashes", "mistakes"])
def test_an_honest_bundle_of_any_fate_is_reproduced(tmp_path, ending):
    agent, more = {
        "budget": (make("thinks_and_answers_right"), {"max_calls": 7}),
        "faults": (fails_once(), {}),
        "timeouts": (make("hangs_after_the_answer"), {"limits": conformance_limits()}),
        "crashes": (make("crashes"), {}),
        "mistakes": (make("bad_arguments"), {}),
    }[ending]
    assert problems(bundle(tmp_path / "c", agent, concurrency=8, **more)) == []


def fails_once():
    async def fails(self, task, doors, private):
        if len(self.trials) == 1:
            await doors.call_tool("note", {"text": "x"})
            raise RuntimeError("once")
        await solve(doors, private)

    return FakeAgent(fails, name="fails_once", evidence_class="model-only")


def conformance_limits():
    from conformance.agents.contract import Limits

    return Limits(wall_s=0.05)


# -- any byte ------------------------------------------------------------------------------------


def the_file(folder, name):
    if name in ("transcript", "state"):
        trial = Forger(folder).observed()[3]
        forger = Forger(folder)
        return forger.transcript_path(trial) if name == "transcript" else forger.state_path(trial)
    return folder / name


def flip(path, place, mask):
    content = bytearray(path.read_bytes())
    content[place] ^= mask
    path.write_bytes(content)
    before = bytes(content[:place])
    return before.count(b"\n") + 1


@pytest.mark.parametrize("name", FILES)
def test_any_byte_flipped_is_reported_with_its_file_and_line(copy, name):
    path = the_file(copy, name)
    content, rng = path.read_bytes(), random.Random(name)
    size = len(content)
    for place in (0, size - 1, size - 2, *(rng.randrange(size) for _ in range(9))):
        line = flip(path, place, rng.choice([1, 2, 4, 8, 16, 32, 64, 128]))
        try:
            found = audit_bundle(copy, miniature()).problems
        except EvidenceInvalidError as error:
            found = [str(error)]
        assert found, place
        if name != "manifest.json":  # it names the others: then they and it disagree
            where = f"{path}:{line}" if path.suffix == ".jsonl" else str(path)
            assert found[0].startswith(where), (place, found)
        path.write_bytes(content)


@pytest.mark.parametrize("name", FILES)
def test_grade_ends_with_7_and_one_line_for_a_flipped_byte(copy, name, capsys):
    path = the_file(copy, name)
    flip(path, path.stat().st_size // 2, 1)
    assert grade(copy) == 7
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err
    assert all(line.startswith("conformance: ") for line in shown.err.splitlines())


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_gone_is_named(copy, name, capsys):
    path = the_file(copy, name)
    path.unlink()
    assert grade(copy) == 7
    assert f"{path}: is missing" in capsys.readouterr().err


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_short_is_named(copy, name, capsys):
    path = the_file(copy, name)
    path.write_bytes(path.read_bytes()[:-9])
    assert grade(copy) == 7
    assert str(path) in capsys.readouterr().err


@pytest.mark.parametrize("name", ["extra.txt", "run/states/0.json", "results/more.json", ".hidden"])
def test_a_file_that_nobody_listed_is_named(copy, name, capsys):
    (copy / name).write_text("{}")
    assert grade(copy) == 7
    assert f"{copy / name}: is not in the manifest" in capsys.readouterr().err


def test_a_rendering_is_no_evidence_and_changes_no_grade(copy):
    """Renderings are made from the bundle and never read back: they lie outside the manifest."""
    (copy / "report.html").write_text("<h1>L5</h1>")
    assert problems(copy) == []


# -- other versions ------------------------------------------------------------------------------


def test_a_bundle_of_another_version_of_the_suite_is_refused_and_says_which(copy, capsys):
    Forger(copy).edit_document("suite.lock.json", lambda lock: lock.update(suite="9.9.9"))
    with pytest.raises(UsageError):
        audit_bundle(copy, miniature())
    assert grade(copy) == 4
    said = capsys.readouterr().err
    assert "was made by version 9.9.9 of the suite" in said
    assert "agent-grading==9.9.9" in said


def test_a_lock_that_was_changed_is_invalid_not_another_version(copy, capsys):
    path = copy / "suite.lock.json"
    path.write_bytes(path.read_bytes().replace(conformance.__version__.encode(), b"9.9.9"))
    assert grade(copy) == 7
    assert f"{path}: was changed" in capsys.readouterr().err


def test_a_bundle_of_another_edition_is_invalid_and_names_both(copy, tmp_path, capsys):
    other = Path(shutil.copytree(MINIATURE, tmp_path / "edition"))
    text = (other / "tasks/edition.yaml").read_text()
    (other / "tasks/edition.yaml").write_text(text.replace("p0: 0.60", "p0: 0.30"))
    assert cli.run(["grade", str(copy), "--edition", str(other)]) == 7
    said = capsys.readouterr().err
    assert miniature().digest[:12] in said
    assert "--edition" in said


def test_a_folder_that_is_no_bundle_is_one_line(tmp_path, capsys):
    assert grade(tmp_path) == 7
    assert capsys.readouterr().err.count("\n") == 1
    assert grade(tmp_path / "none") == 4


def test_a_campaign_that_did_not_end_has_no_grade(tmp_path):
    with pytest.raises(conformance.errors.AgentUnavailableError):
        campaign(tmp_path / "c", "endpoint_down")
    with pytest.raises(EvidenceInvalidError, match="did not end"):
        grade_folder(tmp_path / "c", miniature())
