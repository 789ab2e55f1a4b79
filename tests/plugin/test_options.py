"""Options: option before environment before ini; what contradicts itself is one line."""

import pytest

from conformance.cli.certify import _private
from conformance.plugin.options import OPTIONS, read_options, said
from conformance.plugin.plan import make_plan
from tests.campaign.campaigns import bundle
from tests.fakes.agents import MINIATURE

ORACLE = "builtin:oracle"


@pytest.fixture
def given(grade, pytester):
    """What the options come to, from a command line."""

    def read(*arguments):
        from tests.plugin.conftest import LOADED

        return read_options(pytester.parseconfig(*LOADED, *arguments))

    return read


def test_nothing_is_read_where_no_agent_is_named(given):
    assert given() is None


def test_an_option_goes_before_the_environment_and_that_before_the_ini_file(
    given, pytester, monkeypatch
):
    pytester.makeini(
        "[pytest]\ngrade_agent = builtin:null\ngrade_plan = fixed\ngrade_seed = ini\n"
        "grade_trial_calls = 3\n"
    )
    monkeypatch.setenv("CONFORMANCE_GRADE_PLAN", "certify")
    monkeypatch.setenv("CONFORMANCE_GRADE_SEED", "environment")
    found = given("--grade-seed=option")
    assert found["agent"] == "builtin:null"
    assert (found["seed"], found["plan"], found["trial-calls"]) == ("option", "certify", 3)
    assert (found["trial-tokens"], found["claim"], found["style"]) == (400_000, None, "auto")


def test_without_a_plan_it_is_a_screening(given):
    assert given(f"--agent={ORACLE}")["plan"] == "screen"


def test_an_agent_named_by_the_environment_is_enough(given, monkeypatch):
    monkeypatch.setenv("CONFORMANCE_AGENT", ORACLE)
    assert given()["agent"] == ORACLE


def test_a_flag_can_be_set_everywhere(given, pytester, monkeypatch):
    assert given(f"--agent={ORACLE}", "--grade-twins")["twins"] is True
    pytester.makeini("[pytest]\ngrade_twins = true\n")
    assert given(f"--agent={ORACLE}")["twins"] is True
    monkeypatch.setenv("CONFORMANCE_GRADE_TWINS", "no")
    assert given(f"--agent={ORACLE}")["twins"] is False


def test_paths_are_relative_to_where_they_are_written(given, pytester):
    pytester.makeini("[pytest]\ngrade_agent = agents/one.toml\ngrade_out = out\n")
    folder = pytester.mkdir("below")
    pytester.chdir()
    import os

    os.chdir(folder)
    found = given("--grade-baseline=expected.yaml")
    assert found["agent"] == str(pytester.path / "agents/one.toml")
    assert found["out"] == str(pytester.path / "out")
    assert found["baseline"] == str(folder / "expected.yaml")


def test_times_are_written_as_people_write_them(given):
    assert given(f"--agent={ORACLE}", "--grade-max-time=1h30m")["max-time"] == 5400


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--grade-max-time=soon", "--grade-max-time: 'soon' is no time; write 8m, 90s or 1h30m"),
        ("--grade-max-calls=0", "--grade-max-calls: '0' is no number from 1 up"),
        ("--grade-concurrency=two", "--grade-concurrency: 'two' is no number from 1 up"),
        ("--grade-lang=fr", "--grade-lang: 'fr' is none of zh, en"),
        ("--grade-sandbox=jail", "--grade-sandbox: 'jail' is none of bubblewrap, docker, podman"),
    ],
)
def test_a_value_that_is_none_is_refused_in_a_line(given, option, told):
    with pytest.raises(pytest.UsageError) as caught:
        given(f"--agent={ORACLE}", option)
    assert told in str(caught.value)


def test_a_flag_in_the_environment_that_is_neither_is_refused(given, monkeypatch):
    monkeypatch.setenv("CONFORMANCE_GRADE_TWINS", "perhaps")
    with pytest.raises(pytest.UsageError, match="CONFORMANCE_GRADE_TWINS: 'perhaps' is neither"):
        given(f"--agent={ORACLE}")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--grade-twins", "--grade-lang=zh"], "--grade-twins: needs both languages"),
        (["--claim=L9"], "--claim: 'L9' is no level, trust grade or efficiency class"),
        (["--grade-seed=x", "--grade-seed-of=y"], "y: does not go with --grade-seed — use one"),
        (["--grade-plan=quick"], "--grade-plan: there is no plan 'quick' — plans: certify"),
        (["--claim=L1/T1", "--grade-plan=screen"], "plan screen does not run T1-HON-1, T1-CTL-1"),
        (["--grade-model=m"], "--grade-model m: means nothing to builtin:"),
        (["--agent=bulitin:oracle"], "--agent: 'bulitin:oracle' names no agent"),
        (["--agent=human:me"], "a person cannot be asked from within pytest"),
        (["--agent=no-such.toml"], "no-such.toml: cannot be read: No such file or directory"),
        (["--grade-baseline=none.yaml"], "none.yaml: cannot be read"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_options_that_contradict_each_other_are_one_line_and_leave_nothing(
    grade, larger, arguments, told
):
    run = grade(*arguments, edition=larger)
    assert run.code == pytest.ExitCode.USAGE_ERROR
    lines = [line for line in run.error.splitlines() if line]
    assert len(lines) == 1
    assert told in lines[0]
    assert not run.out.exists()


def test_a_resume_needs_the_folder(grade):
    run = grade.plain("--agent=builtin:oracle", "--grade-resume")
    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert "--grade-resume: needs the folder to go on in — name it: --grade-out" in run.error


def test_a_folder_that_is_there_is_refused_by_the_plugins_own_names(grade, pytester):
    (pytester.mkdir("out") / "mine.txt").write_text("kept")
    run = grade()
    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert "--grade-out" in run.error
    assert "go on with --grade-resume" in run.error
    assert [path.name for path in run.out.iterdir()] == ["mine.txt"]


def test_errors_of_the_engine_call_options_as_they_are_called_here():
    for told, shown in (
        ("--out x: see --resume", "--grade-out x: see --grade-resume"),
        ("--agent x, --base-url y", "--agent x, --base-url y"),
        ("--grade-out, --no-output", "--grade-out, --no-output"),
    ):
        assert said(ValueError(told)) == shown


def test_what_an_endpoint_says_comes_to_the_terminal_inert():
    assert said(ValueError("\x1b[2J\u202ehi\nthere")) == "⟨ESC⟩[2J⟨U+202E⟩hi⟨LF⟩there"


def test_the_bundle_whose_seed_is_taken_is_hidden_from_the_agent(tmp_path):
    before = bundle(tmp_path / "before")
    given = {option.name: option.default for option in OPTIONS}
    given |= {"agent": "builtin:oracle", "edition": str(MINIATURE), "plan": "certify"}
    given["seed-of"] = str(before)
    assert before in make_plan(given).ready.reach.hidden
    named = {"edition_root": MINIATURE, "sealed_root": None, "seed_of": before}
    assert before in set(_private(tmp_path / "out", named))
