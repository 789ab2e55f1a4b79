"""What a profile says in single words and sentences: figures with units, reasons, the one line."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.evidence.documents import Words
from conformance.report.inert import inert_line
from conformance.report.numbers import UNKNOWN
from conformance.report.texts import both, joined, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.profile.document import ProfileDocument, Reason
    from conformance.profile.power.contract import Device

_DIGITS = 3
_JOULES = ((1e9, "GJ"), (1e6, "MJ"), (1e3, "kJ"))
_LEAST_JOULES = 0.1


class GateWords(NamedTuple):
    """A gate as people read it."""

    meaning: Words
    mend: Words | None
    unit: str


def figure(value: float | None, digits: int = _DIGITS) -> str:
    """Return a number with commas and three significant digits; ``–`` where it is not known."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if value == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if places else text


def joules(value: float | None) -> str:
    """Return an energy, given in joules, in the unit that suits its size."""
    if value is None:
        return UNKNOWN
    size, unit = next(((s, u) for s, u in _JOULES if abs(value) >= s), (1.0, "J"))
    if value and abs(value) < _LEAST_JOULES:
        size, unit = 1e-3, "mJ"
    return f"{figure(value / size)} {unit}"


def with_unit(value: float | None, unit: str) -> str:
    """Return a number and its unit; ``–`` where it is not known."""
    return UNKNOWN if value is None else f"{figure(value)} {unit}"


def money(value: float | None, currency: str) -> str:
    """Return an amount in the applicant's currency."""
    return UNKNOWN if value is None else f"{figure(value)} {inert_line(currency, 12)}".rstrip()


def model_name(document: ProfileDocument) -> str:
    """Return the model that was asked for."""
    return _named(document.layers.model, "requested")


def endpoint_name(document: ProfileDocument) -> str:
    """Return the endpoint's address."""
    return _named(document.layers.cloud, "endpoint")


def link_name(link: dict[str, Any]) -> str:
    """Return what the impairment is called: its preset, or its settings."""
    return _named(link, "name")


def accelerators(document: ProfileDocument) -> list[Device]:
    """Return the devices that are accelerators, not processors."""
    return [device for device in document.devices if device.is_accelerator]


def vendor_name(vendor: str) -> Words:
    """Return a vendor as its own market knows it."""
    return say(f"profile.vendor_{vendor}")


def gate_words(code: str) -> GateWords:
    """Return what a gate means and how to mend it; the bare code of a gate that is not known."""
    from conformance.profile.solved_gates import gate_of

    gate = gate_of(code)
    if gate is None:
        return GateWords(both(inert_line(code, 60)), None, "")
    meaning, mend = gate.meaning, gate.mend
    return GateWords(Words(meaning["zh"], meaning["en"]), Words(mend["zh"], mend["en"]), gate.unit)


def reason_words(reason: Reason) -> Words:
    """Return a reason as a clause of a sentence, with what was measured."""
    meaning, value = gate_words(reason.code).meaning, measured_words(reason)
    return say("profile.reason_with", meaning=meaning, value=value) if value else meaning


def measured_words(reason: Reason) -> Words | None:
    """Return what was measured, its limit and the detail; None where a reason has none of them."""
    measured, limit = reason.measured, reason.limit
    unit = gate_words(reason.code).unit
    parts = []
    if measured is not None and limit is not None:
        shown = _told_apart(measured, limit, unit)
        parts.append(say("profile.gate_measured", measured=shown[0], limit=shown[1]))
    elif measured is not None:
        parts.append(both(_in_unit(measured, unit, _DIGITS)))
    if reason.detail:
        parts.append(both(inert_line(reason.detail, 160)))
    return joined(parts) if parts else None


def codes_of(reasons: Iterable[Reason]) -> str:
    """Return the codes of reasons, each once, as they came."""
    return ", ".join(dict.fromkeys(inert_line(reason.code, 40) for reason in reasons)) or UNKNOWN


def reasons_of(document: ProfileDocument) -> list[Reason]:
    """Return why a profile is invalid: its own reasons, else those of its points, a code once."""
    found = document.reasons or [reason for point in document.points for reason in point.reasons]
    return list({reason.code: reason for reason in reversed(found)}.values())[::-1]


def validity(document: ProfileDocument) -> Words:
    """Say in a sentence whether the profile holds, and of how many points."""
    count = len(document.points)
    good = sum(point.valid for point in document.points)
    if not count:
        return say("profile.invalid_empty")
    if document.valid:
        key = "profile.valid_all" if good == count else "profile.valid"
        return say(key, n=count, good=good)
    if good:
        reasons = _listed(reasons_of(document))
        return say("profile.invalid_whole", n=count, good=good, reasons=reasons)
    return say("profile.invalid", n=count)


def certificate_line(document: ProfileDocument) -> Words:
    """Return the profile in one sentence: what is known and valid, and nothing else."""
    if not document.valid:
        reasons = reasons_of(document)
        why = _listed(reasons) if reasons else say("profile.why_no_points")
        return say("profile.line_invalid", reasons=why)
    head = document.headline
    parts = []
    if head.output_tokens_per_s is not None and head.concurrency is not None:
        late = head.ttft_p99_ms
        ttft = both("") if late is None else say("profile.part_ttft", ttft=figure(late))
        tokens, load = figure(head.output_tokens_per_s), figure(head.concurrency)
        given = {"n": head.concurrency, "tokens": tokens, "load": load, "ttft": ttft}
        parts.append(say("profile.part_tokens", **given))
    if head.agents is not None:
        parts.append(say("profile.part_agents", n=head.agents))
    if head.solved_per_hour is not None:
        parts.append(say("profile.part_solved", n=figure(head.solved_per_hour)))
    if head.j_per_solved_task is not None:
        parts.append(say("profile.part_joules", joules=joules(head.j_per_solved_task)))
    if not parts:
        return say("profile.line_none")
    if document.link:
        parts.append(say("profile.line_link", link=link_name(document.link)))
    return say("profile.line", parts=_clauses(parts))


def _told_apart(measured: float, limit: float, unit: str) -> tuple[str, str]:
    """Return both with as many digits as it takes to see that they are not the same."""
    for digits in range(_DIGITS, 8):
        shown = _in_unit(measured, unit, digits), _in_unit(limit, unit, digits)
        if measured == limit or _number(shown[0]) != _number(shown[1]):
            break
    return shown


def _in_unit(value: float, unit: str, digits: int) -> str:
    if unit == "share":
        return f"{figure(value * 100, digits)}%"
    return figure(value, digits) + (f" {unit}" if unit in ("ms", "s", "Hz") else "")


def _number(shown: str) -> float:
    return float(shown.split(" ", maxsplit=1)[0].rstrip("%").replace(",", ""))


def _clauses(parts: Sequence[Words]) -> Words:
    return Words("，".join(part.zh for part in parts), ", ".join(part.en for part in parts))


def _listed(reasons: Sequence[Reason]) -> Words:
    found = [reason_words(reason) for reason in reasons]
    return Words("；".join(part.zh for part in found), "; ".join(part.en for part in found))


def _named(layer: dict[str, Any], key: str) -> str:
    name = layer.get(key)
    return inert_line(name, 160) if isinstance(name, str) and name else UNKNOWN
