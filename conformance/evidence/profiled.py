"""The throughput profile in a bundle, computed again: its logs, and the trials it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from conformance.errors import EvidenceInvalidError, UsageError
from conformance.evidence.bundle import PROFILE
from conformance.evidence.window import window_of_bundle
from conformance.profile.points import energy_in
from conformance.profile.power.recorder import read_power_log
from conformance.profile.reread import differences, read_profile
from conformance.profile.solved import Span, busy_span, solved_point

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conformance.edition import Edition
    from conformance.profile.document import ProfileDocument, SolvedPoint
    from conformance.profile.power.recorder import PowerHeader
    from conformance.profile.solved import TimedWindow

_ONCE = ("client-cpu", "clock-stepped")
"""Reasons that rest on clocks which were read while the trials ran, and on them alone."""
_CLOCK_NS = 1_000_000_000
"""How far the two clocks of the window may be apart where none was set."""


def has_profile(folder: Path) -> bool:
    """Say whether a bundle holds a profile."""
    return (folder / PROFILE).is_file()


def profile_problems(folder: Path, edition: Edition) -> Iterator[str]:
    """Yield where the profile of a bundle says otherwise than its logs and the bundle's trials."""
    where = folder / PROFILE
    try:
        document = read_profile((folder / PROFILE).parent)
        yield from differences((folder / PROFILE).parent)
        if not document.solved:
            return
        window = window_of_bundle(folder, edition).window
        for at, point in enumerate(document.solved):
            again = _again(folder, window, document, point)
            once = [reason for reason in point.reasons if reason.code in _ONCE]
            reasons = [reason for reason in point.reasons if reason not in once]
            # Their order is that of the gates; what is compared is which there are.
            told = msgspec.structs.replace(point, reasons=reasons)
            again = msgspec.structs.replace(again, valid=again.valid and not once)
            names = [
                name
                for name in point.__struct_fields__
                if getattr(told, name) != getattr(again, name)
            ]
            if names:
                yield f"{where}: solved[{at}]: {', '.join(names)}: not what the trials give"
    except (EvidenceInvalidError, UsageError) as error:  # of usage: prices that exclude each other
        yield str(error)


def _again(
    folder: Path, window: TimedWindow, document: ProfileDocument, point: SolvedPoint
) -> SolvedPoint:
    """Return what the bundle's own trials come to, with the power log beside them."""
    span = energy = None
    if point.start_ns is not None and point.end_ns is not None:
        span = Span(point.start_ns, point.end_ns)
        if document.power_log is not None:
            power = read_power_log((folder / PROFILE).parent / document.power_log)
            if not _is_there(power.header, window, span) and point.valid:
                raise EvidenceInvalidError(
                    "the energy of the trials is that of another time", where=str(folder / PROFILE)
                )
            energy = energy_in(power, document.idle, span.start_ns, span.end_ns)
    own = msgspec.structs.replace(window, bundle=point.bundle)
    return solved_point(own, energy, document.inputs, monotonic=span)


def _is_there(header: PowerHeader, window: TimedWindow, span: Span) -> bool:
    """Say whether a span of the power log lies where the journal has the trials."""
    busy = busy_span(window.trials, window.concurrency)
    offset = header.origin_unix_ns - header.origin_ns
    return busy is None or abs(span.start_ns + offset - busy.start_ns) <= _CLOCK_NS
