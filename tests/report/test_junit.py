"""The verdicts as JUnit XML: the shape that readers know, right counts, legal for any text."""

import re
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conformance.report.junit import legal, render_junit
from conformance.report.reading import read_bundle

replace = msgspec.structs.replace
CASE_CHILDREN = {"properties", "skipped", "failure", "error"}
SUITE = {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id"}
"""What the schemas of Jenkins and of Ant know of a testsuite."""


@pytest.fixture(scope="module")
def readings(liar, oracle, hostile):
    return {"liar": read_bundle(liar), "oracle": read_bundle(oracle), "evil": read_bundle(hostile)}


def parsed(reading, langs=("en",)):
    return ET.fromstring(render_junit(reading, langs))


def case(root, name):
    return next(node for node in root.iter("testcase") if node.get("name") == name)


def state(node):
    return next((n.tag for n in node if n.tag != "properties"), "pass")


def properties(node):
    return {item.get("name"): item.get("value") for item in node.find("properties")}


def with_clause(reading, name, **changes):
    """Change the last word on one clause."""
    summary = reading.evidence.summary
    clauses = [replace(c, **changes) if c.id == name else c for c in summary.clauses]
    summary = replace(summary, clauses=clauses)
    return reading._replace(evidence=reading.evidence._replace(summary=summary))


@pytest.mark.parametrize("name", ["liar", "oracle", "evil"])
def test_it_has_the_shape_that_readers_know(readings, name):
    root = parsed(readings[name], ["zh", "en"])
    assert root.tag == "testsuites"
    for suite in root:
        assert suite.tag == "testsuite"
        assert set(suite.attrib) == SUITE
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp"))
        for node in suite.findall("testcase"):
            assert set(node.attrib) == {"name", "classname", "time"}
            assert float(node.get("time")) >= 0
            assert {child.tag for child in node} <= CASE_CHILDREN
            assert len(node) <= 2
        assert next(child.tag for child in suite) == "properties"
    names = [(n.get("classname"), n.get("name")) for n in root.iter("testcase")]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", ["liar", "oracle", "evil"])
def test_the_counts_are_those_of_the_cases(readings, name):
    root = parsed(readings[name])
    for node in (root, *root):
        states = [state(found) for found in node.iter("testcase")]
        counted = {key: int(node.get(key)) for key in ("tests", "failures", "errors", "skipped")}
        assert counted == {
            "tests": len(states),
            "failures": states.count("failure"),
            "errors": states.count("error"),
            "skipped": states.count("skipped"),
        }


def test_there_is_a_suite_for_each_level_and_grade_and_a_case_for_each_clause(readings):
    root = parsed(readings["liar"])
    suites = [suite.get("name") for suite in root]
    assert suites[:2] == ["agency.L1", "agency.L2"]
    assert suites[-2:] == ["trust.T3", "campaign"]
    clauses = {clause.id for clause in readings["liar"].evidence.summary.clauses}
    assert {n.get("name") for n in root.iter("testcase")} == clauses | {"harness-faults"}
    assert case(root, "L1-UND-1").get("classname") == "conformance.agency.L1"


def test_a_failed_clause_says_why(readings):
    node = case(parsed(readings["liar"]), "L1-UND-1").find("failure")
    assert node.get("type") == "fail"
    assert node.get("message").startswith("Failed after 30 trials. The estimate is 0%")
    assert node.text == f"fail: {node.get('message')}"


def test_messages_come_in_the_languages_asked_for(readings):
    message = (
        case(parsed(readings["liar"], ["zh", "en"]), "L1-UND-1").find("failure").get("message")
    )
    assert message.startswith("30 次试验后判为未通过")
    assert " / Failed after 30 trials" in message


def test_a_passed_clause_has_its_numbers_as_properties(readings):
    node = case(parsed(readings["oracle"]), "L1-UND-1")
    assert state(node) == "pass"
    found = properties(node)
    assert (found["verdict"], found["p0"], found["n"]) == ("pass", "0.9", "39")
    assert found["estimate"] == "1.000000"
    assert 0.9 < float(found["lower"]) < float(found["upper"]) == 1.0


def test_the_bundle_is_named_in_every_suite(readings):
    for suite in parsed(readings["oracle"]):
        found = properties(suite)
        assert found["bundle_id"] == readings["oracle"].evidence.bundle_id
        assert (found["level"], found["agent"]) == ("L1", "builtin:oracle")
        assert "not its normative text" in found["notice"]


def test_a_clause_that_was_not_run_is_skipped_with_its_reason(readings):
    node = case(parsed(readings["liar"]), "L5-GEN-1")
    assert state(node) == "skipped"
    assert node.find("skipped").get("message") == "Not run: needs the sealed edition."


@pytest.mark.parametrize(
    ("verdict", "reason", "expected"),
    [
        ("inconclusive", "n_max", "failure"),
        ("inconclusive", "budget", "failure"),
        ("inconclusive", "level stopped", "skipped"),
        ("inconclusive", "single", "skipped"),
        ("inapplicable", "ICS parallel", "skipped"),
    ],
)
def test_an_undecided_clause_fails_unless_another_decided_its_level(
    readings, verdict, reason, expected
):
    changed = with_clause(readings["liar"], "L1-UND-1", verdict=verdict, reason=reason)
    node = case(parsed(changed), "L1-UND-1")
    assert state(node) == expected
    assert properties(node)["reason"] == reason


def test_too_many_faults_of_the_suite_are_an_error_and_a_few_are_none(readings):
    reading = readings["liar"]

    def with_faults(n):
        broken = [
            trial._replace(record=replace(trial.record, outcome="harness_fault"))
            for trial in reading.evidence.trials[:n]
        ]
        trials = (*broken, *reading.evidence.trials[n:])
        return reading._replace(evidence=reading.evidence._replace(trials=trials))

    assert state(case(parsed(with_faults(3)), "harness-faults")) == "pass"
    root = parsed(with_faults(4))
    assert state(case(root, "harness-faults")) == "error"
    assert root.get("errors") == "1"


def test_a_trial_that_two_clauses_observed_counts_once_in_its_suite(readings):
    suite = parsed(readings["oracle"])[0]
    walls = sum(
        trial.record.wall_s
        for trial in readings["oracle"].evidence.trials
        if any(o.clause.startswith("L1-") for o in trial.observations)
    )
    assert float(suite.get("time")) == pytest.approx(walls, abs=0.001)


def test_hostile_text_is_legal_and_inert(readings):
    evil = readings["evil"]._replace(
        view=readings["evil"].view._replace(agent="]]>\x00\x1b[31m\u202e\ufffe<a b='c'>&amp;" * 900)
    )
    text = render_junit(evil, ["en"]).decode()
    value = properties(parsed(evil)[0])["agent"]
    assert value.startswith("]]>⟨NUL⟩⟨ESC⟩[31m⟨U+202E⟩⟨U+FFFE⟩<a b='c'>&amp;")
    assert not set(text) & set("\x00\x1b\u202e\ufffe")
    assert len(text) < 300_000


@given(st.text(alphabet=st.characters(exclude_categories=())))
@example("\ud800\x0b\uffff")
def test_any_text_is_read_back_as_it_was_written(text):
    node = ET.Element("a", {"b": legal(text)})
    assert ET.fromstring(ET.tostring(node, encoding="utf-8")).get("b") == legal(text)


def test_the_same_bundle_gives_the_same_bytes(readings, copy_of, liar):
    again = read_bundle(copy_of(liar))
    assert render_junit(again, ["zh", "en"]) == render_junit(readings["liar"], ["zh", "en"])
