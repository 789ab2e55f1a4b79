"""``junit.xml``: a test suite for each level and grade, a test case for each clause.

A clause that failed, or that trials or budget left undecided, is a failure; one that was not run,
does not apply, or was left because another clause had decided its level, is skipped. Whatever it
says is legal XML 1.0.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree import ElementTree as ET

from conformance.decision.result import LEVEL_STOPPED, SINGLE
from conformance.report.deviations import faults
from conformance.report.inert import inert
from conformance.report.numbers import plain
from conformance.report.sentences import clause_limit
from conformance.report.texts import say
from conformance.trial.outcome import fault_limit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from conformance.evidence.documents import ClauseSummary, Words
    from conformance.report.reading import Reading
    from conformance.report.sources import Evidence

NAME = "conformance"
_LEFT = (LEVEL_STOPPED, SINGLE)
"""Why a clause may be inconclusive without anything being held against it."""
_MOST = 4_000
"""Characters of one text."""
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Case(NamedTuple):
    """A test case; ``state`` is ``pass``, ``failure``, ``error`` or ``skipped``."""

    name: str
    state: str
    kind: str
    """What sort of failure: the verdict, and the reason where there is one."""
    message: str
    time_s: float
    properties: tuple[tuple[str, str], ...] = ()


class Suite(NamedTuple):
    """A test suite."""

    name: str
    cases: tuple[Case, ...]
    time_s: float


def render_junit(reading: Reading, langs: Sequence[str]) -> bytes:
    """Return the verdicts as JUnit XML; the same bundle gives the same bytes.

    Args:
        reading: The bundle.
        langs: Languages of the messages, in the order wanted.
    """
    evidence = reading.evidence
    suites = [*_suites(evidence, langs), _harness(evidence, langs)]
    root = ET.Element("testsuites", _counts(NAME, [c for s in suites for c in s.cases]))
    root.set("time", _seconds(sum(trial.record.wall_s for trial in evidence.trials)))
    began = datetime.fromtimestamp(int(evidence.opened.time), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    for at, suite in enumerate(suites):
        node = ET.SubElement(root, "testsuite", _counts(suite.name, suite.cases))
        node.attrib |= {"id": str(at), "time": _seconds(suite.time_s), "timestamp": began}
        node.set("hostname", "localhost")
        _properties(node, _of_bundle(reading))
        for case in suite.cases:
            _add_case(node, suite, case)
    ET.indent(root)
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _suites(evidence: Evidence, langs: Sequence[str]) -> Iterator[Suite]:
    summary = evidence.summary
    for axis, steps in (("agency", summary.levels), ("trust", summary.grades)):
        for step in steps:
            own = [clause for clause in summary.clauses if clause.step == step.id]
            cases = tuple(_case(clause, evidence, langs) for clause in own)
            if cases:
                yield Suite(f"{axis}.{step.id}", cases, _wall(evidence, {c.id for c in own}))


def _case(clause: ClauseSummary, evidence: Evidence, langs: Sequence[str]) -> Case:
    state = _state(clause)
    return Case(
        name=clause.id,
        state=state,
        kind=clause.verdict if clause.reason is None else f"{clause.verdict} ({clause.reason})",
        message="" if state == "pass" else _in(clause_limit(clause).sentence, langs),
        time_s=_wall(evidence, {clause.id}),
        properties=tuple(_of_clause(clause, langs)),
    )


def _state(clause: ClauseSummary) -> str:
    if clause.verdict == "fail":
        return "failure"
    if clause.verdict == "inconclusive":
        return "skipped" if clause.reason in _LEFT else "failure"
    return "pass" if clause.verdict == "pass" else "skipped"


def _harness(evidence: Evidence, langs: Sequence[str]) -> Suite:
    """Return the suite's own faults as a case: an error where they are more than are allowed."""
    broken, of = faults(evidence), len(evidence.trials)
    most = fault_limit(of)
    message = _in(say("export.harness_count", n=broken, of=of, most=most), langs)
    state = "error" if broken > most else "pass"
    told = (("faults", str(broken)), ("allowed", str(most)))
    case = Case("harness-faults", state, "harness_fault", message, 0.0, told)
    return Suite("campaign", (case,), 0.0)


def _of_clause(clause: ClauseSummary, langs: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield "text", _in(clause.text, langs)
    yield "axis", clause.axis
    yield "step", clause.step
    yield "dimension", clause.dimension
    yield "verdict", clause.verdict
    if clause.reason is not None:
        yield "reason", clause.reason
    yield "rule", clause.rule.name
    yield "p0", plain(clause.rule.p0)
    found = clause.judgement
    if found is not None:
        yield "n", str(found.n)
        if found.mean is not None:
            yield "estimate", f"{found.mean:.6f}"
        yield "lower", f"{found.lower:.6f}"
        yield "upper", f"{found.upper:.6f}"
    for tally in clause.families:
        yield f"family.{tally.family}", f"{plain(tally.total)}/{tally.n}"


def _of_bundle(reading: Reading) -> Iterator[tuple[str, str]]:
    evidence, summary = reading.evidence, reading.evidence.summary
    yield "agent", reading.view.agent
    yield "bundle_id", evidence.bundle_id or ""
    yield "edition", summary.edition.id
    yield "edition_sha256", summary.edition.sha256
    yield "plan", summary.plan
    yield "claim", summary.claim
    yield "level", summary.level
    yield "trust", summary.trust
    yield "efficiency", summary.efficiency.held
    yield "evidence_class", evidence.claim.evidence_class
    yield "notice", summary.edition.notice.en


def _wall(evidence: Evidence, clauses: set[str]) -> float:
    """Return the wall time, in seconds, of the trials that these clauses observed, each once."""
    return sum(
        trial.record.wall_s
        for trial in evidence.trials
        if any(line.clause in clauses for line in trial.observations)
    )


def _counts(name: str, cases: Sequence[Case]) -> dict[str, str]:
    counted = {
        "tests": len(cases),
        "failures": sum(case.state == "failure" for case in cases),
        "errors": sum(case.state == "error" for case in cases),
        "skipped": sum(case.state == "skipped" for case in cases),
    }
    return {"name": legal(name), **{key: str(value) for key, value in counted.items()}}


def _add_case(parent: ET.Element, suite: Suite, case: Case) -> None:
    node = ET.SubElement(parent, "testcase", {"name": legal(case.name)})
    node.set("classname", legal(f"{NAME}.{suite.name}"))
    node.set("time", _seconds(case.time_s))
    _properties(node, case.properties)
    if case.state == "pass":
        return
    told = ET.SubElement(node, case.state, {"message": legal(case.message)})
    if case.state != "skipped":
        told.set("type", legal(case.kind))
    told.text = legal(f"{case.kind}: {case.message}")


def _properties(parent: ET.Element, pairs: Iterable[tuple[str, str]]) -> None:
    node = ET.SubElement(parent, "properties")
    for name, value in pairs:
        ET.SubElement(node, "property", {"name": legal(name), "value": legal(value)})


def legal(text: str) -> str:
    """Return text that is inert, not too long, and made of characters that XML 1.0 has."""
    shown = inert(text[:_MOST]) + ("…" if len(text) > _MOST else "")
    return _ILLEGAL.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", shown)


def _seconds(value: float) -> str:
    return f"{value:.3f}"


def _in(words: Words, langs: Sequence[str]) -> str:
    told: dict[str, Any] = {"zh": words.zh, "en": words.en}
    return " / ".join(dict.fromkeys(told[lang] for lang in langs))
