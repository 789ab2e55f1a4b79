"""The baseline: expected failures, stale entries, mistakes in the file."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.errors import UsageError
from conformance.plugin.baseline import Entry, read_baseline

FAILS = """
import pytest
@pytest.mark.grade(clause="ACME-1")
def test_one(): assert False
def test_two(): assert False
def test_three(): ...
"""
PAST, FUTURE = "2020-01-31", "2099-01-31"


@pytest.fixture
def baseline(pytester):
    def write(*entries):
        lines = "".join(f"  - {{{entry}}}\n" for entry in entries)
        (pytester.path / "expected.yaml").write_text(f"expected_failures:\n{lines}")
        return "--grade-baseline=expected.yaml"

    return write


def test_a_clause_that_is_listed_and_fails_is_an_expected_failure(grade, baseline):
    listed = baseline(
        "clause: L1-SET-1, reason: known", f"clause: L1-TWO-1, reason: b, until: {FUTURE}"
    )
    run = grade(listed, "--claim=L1", "-rx", agent="builtin:null")
    assert run.counts["xfailed"] == 2
    assert run.code == 0
    assert run.has("XFAIL grade[L1-SET-1] - known")
    assert run.summary["level"] == "L0"


def test_a_clause_that_is_listed_and_passes_is_a_stale_entry(grade, baseline):
    run = grade(baseline("clause: L1-SET-1, reason: known"), "--claim=L1")
    assert run.counts["failed"] == 1
    assert run.code == pytest.ExitCode.TESTS_FAILED
    assert run.has("stale entry: ", "expected.yaml: entry 1 expects a failure, but it passed")


def test_own_tests_are_listed_by_their_clause_or_their_name(grade, baseline, pytester):
    pytester.makepyfile(test_it=FAILS)
    listed = baseline(
        "clause: ACME-1, reason: a",
        f"test: 'test_it.py::test_two', reason: b, until: {FUTURE}",
        "test: 'test_it.py::test_three', reason: c",
    )
    run = grade(listed, "-k", "test_")
    assert run.counts == {"xfailed": 2, "failed": 1, "deselected": 6}
    assert run.has("stale entry: ", "entry 3 expects", "ACME-1  1 failed as expected")


def test_an_entry_past_its_date_no_longer_excuses(grade, baseline, pytester):
    pytester.makepyfile(test_it=FAILS)
    listed = baseline(f"test: 'test_it.py::test_two', reason: b, until: {PAST}")
    run = grade(listed, "-k", "test_two")
    assert run.counts["failed"] == 1
    assert run.has(f"expected.yaml: entry 1) ended on {PAST}")


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("clause: L9-NO-1, reason: a", "entry 1: there is no clause 'L9-NO-1'"),
        ("test: 'test_it.py::test_gone', reason: a", "entry 1: there is no test 'test_it.py::"),
    ],
)
def test_an_entry_for_what_is_not_there_is_a_mistake(grade, baseline, pytester, entry, told):
    pytester.makepyfile(test_it=FAILS)
    run = grade(baseline(entry))
    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert "no grade" not in run.text  # a mistake is told, and nothing else
    assert told in run.error


def test_a_run_of_one_file_does_not_ask_for_the_clauses_of_others(grade, baseline, pytester):
    pytester.makepyfile(test_it="def test_it(): ...")
    run = grade(baseline("clause: ACME-7, reason: a"), "-k", "test_it", "test_it.py")
    assert run.counts["passed"] == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a", "holds one key, expected_failures"),
        ("expected_failures: no", "expected_failures is no list"),
        ("expected_failures: [", "1: is not YAML"),
        ("expected_failures: [{clause: A}]", "entry 1: needs a name and a reason"),
        ("expected_failures: [{clause: A, reason: ' '}]", "entry 1: needs a name and a reason"),
        ("expected_failures: [{reason: b}]", "entry 1: names a clause or a test"),
        ("expected_failures: [{clause: A, test: B, reason: b}]", "names a clause or a test"),
        ("expected_failures: [{clause: A, reason: b, when: c}]", "is no expected failure"),
        ("expected_failures: [{clause: A, reason: b, until: soon}]", "until: 'soon' is no date"),
        ("expected_failures: [{clause: A, reason: b, until: 2020}]", "until: 2020 is no date"),
        (
            "expected_failures: [{clause: A, reason: b}, {clause: A, reason: c}]",
            "entry 2: 'A' stands twice",
        ),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_place(tmp_path, text, told):
    path = tmp_path / "expected.yaml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        read_baseline(path)
    assert told in str(caught.value)
    assert str(path) in str(caught.value)


def test_an_empty_list_expects_nothing(tmp_path):
    (tmp_path / "expected.yaml").write_text("expected_failures:\n")
    assert read_baseline(tmp_path / "expected.yaml").entries == ()


@given(today=st.dates(), until=st.none() | st.dates())
def test_an_entry_excuses_up_to_and_on_its_date(today, until):
    entry = Entry("clause", "A", "b", until, "here")
    assert entry.excuses(today) is (until is None or (until - today) >= dt.timedelta(0))
