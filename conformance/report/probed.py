"""What a canary trial showed of an agent, line by line: what works, what was not seen, the mend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from conformance.report.inert import inert, inert_line
from conformance.report.texts import aside, both, joined, load_texts, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.evidence.documents import Words
    from conformance.trial.probe import ProbeReport

_LONGEST = 300
"""Characters that are shown of what an agent says."""


class Line(NamedTuple):
    """One thing that was looked at."""

    key: str
    """Of its name in the texts."""
    is_good: bool
    seen: Words
    mend: Words | None = None
    """What to change, where it is not good."""

    @property
    def name(self) -> Words:
        """Return what it is called."""
        return say(f"probe.{self.key}")

    def document(self) -> dict[str, Any]:
        """Return it for programs, which read one language."""
        mend = "" if self.mend is None else self.mend.en
        return {"name": self.name.en, "is_good": self.is_good, "seen": self.seen.en, "mend": mend}


def probe_lines(described: dict[str, Any], report: ProbeReport) -> Iterator[Line]:
    """Yield what was looked at: the end, the doors, the answer, the declaration, the jail."""
    is_outside = report.listed_tools is not None
    yield _end(report)
    for seen in described.get("probe", []):
        yield _endpoint(seen)
    if described.get("link"):
        from conformance.link.model import Link

        yield _good("link", both(inert_line(str(msgspec.convert(described["link"], Link)))))
    yield _tools(report)
    yield _models(report, is_outside=is_outside, has_model=bool(described.get("model")))
    yield _answer(report)
    yield from _declared(described, report)
    if is_outside:
        yield _jail(described.get("sandbox") or {})
    said = [note for note in report.notes if note["kind"] == "agent_output" and note.get("text")]
    for note in said if not report.has_contact else []:
        yield _bad("output", both(inert(str(note["text"]).strip()[-_LONGEST:])))


def _good(key: str, seen: Words) -> Line:
    return Line(key, is_good=True, seen=seen)


def _bad(key: str, seen: Words, mend: Words | None = None) -> Line:
    return Line(key, is_good=False, seen=seen, mend=mend)


def _end(report: ProbeReport) -> Line:
    detail = both("")
    if report.detail:
        detail = aside(both(inert_line(report.detail, _LONGEST)))
    outcome = say(f"outcome.{report.outcome}")
    seen = say("probe.ended", outcome=outcome, seconds=f"{report.seconds:.1f}", detail=detail)
    key = f"probe.end_{report.outcome}"
    mend = say(key) if load_texts().has(key) else None
    return Line("end", report.outcome == "completed", seen, mend)


def _endpoint(seen: dict[str, Any]) -> Line:
    """Return what a style of tool calls came to at the endpoint of a model by itself."""
    told = say(
        f"probe.seen_{seen['result']}", style=seen["style"], detail=inert_line(seen["detail"])
    )
    if seen["result"] in {"called", "text_call"}:
        return _good("endpoint", told)
    return _bad("endpoint", told, say("probe.seen_mend"))


def _tools(report: ProbeReport) -> Line:
    if report.has_read:
        return _good("tools", say("probe.tools_read", n=report.tool_calls))
    connect = say("probe.tools_connect")
    if report.unknown_tools:
        names = _list(report.unknown_tools)
        return _bad("tools", say("probe.tools_unknown", names=names), connect)
    if report.listed_tools:
        return _bad("tools", say("probe.tools_listed"), say("probe.tools_open"))
    return _bad("tools", say("probe.tools_unasked"), connect)


def _models(report: ProbeReport, *, is_outside: bool, has_model: bool) -> Line:
    seen = report.models
    if not seen.calls:
        failed = say("probe.model_failed", n=seen.failures) if seen.failures else both("")
        mend = say("probe.model_send" if has_model else "probe.model_name")
        return Line("model", not is_outside, say("probe.model_none", failed=failed), mend)
    how = [*map(both, seen.dialects), *([say("probe.streaming")] * seen.streams)]
    stripped = both("")
    if seen.stripped:
        stripped = say("probe.model_stripped", names=_list(seen.stripped))
    words = say(
        "probe.model_seen",
        n=seen.calls,
        how=joined(how),
        asked=_list(seen.requested),
        served=_list(seen.served) if seen.served else say("probe.unsaid"),
        usage=_list(seen.usage),
        stripped=stripped,
    )
    return _good("model", words)


def _answer(report: ProbeReport) -> Line:
    give = say("probe.answer_give")
    if report.answered_by is None:
        return _bad("answer", say("probe.answer_none"), give)
    wrong = both("") if report.is_right else say("probe.answer_wrong")
    return _good("answer", say("probe.answer_by", channel=report.answered_by, wrong=wrong))


def _declared(described: dict[str, Any], report: ProbeReport) -> Iterator[Line]:
    """Yield what the agent says of itself and the trial shows otherwise."""
    said, seen = described.get("declared", {}), report.models
    found = {
        "streaming": said.get("streaming") and seen.calls and not seen.streams,
        "no_streaming": said.get("streaming") is False and seen.streams,
        "no_tools": said.get("suite_tools") is False and report.has_read,
        "nothing": described.get("declares_handles") is False,
    }
    mends = {"no_streaming": "streaming"}
    for name, is_otherwise in found.items():
        if is_otherwise:
            mend = say(f"probe.said_{mends.get(name, name)}_mend")
            yield _bad("declared", say(f"probe.said_{name}"), mend)


def _jail(found: dict[str, Any]) -> Line:
    provider, mend = found.get("provider", "none"), say("probe.jail_mend")
    leaks = found.get("leaks") or []
    if provider == "none":
        return _bad("jail", say("progress.no_sandbox"), mend)
    if leaks:
        named = inert_line("; ".join(map(str, leaks)), _LONGEST)
        return _bad("jail", say("probe.jail_leaks", provider=provider, leaks=named), mend)
    if not found.get("held"):
        return _bad("jail", say("probe.jail_none", provider=provider), mend)
    return _good("jail", say("probe.jail_held", provider=provider))


def _list(names: list[str]) -> Words:
    """Return names that the agent or its endpoint chose, in one inert line."""
    return joined([both(inert_line(name)) for name in names])
