"""A profile computed again from its logs: what a stranger does who believes no figure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from conformance.errors import EvidenceInvalidError
from conformance.profile.consistent import inconsistencies
from conformance.profile.contradictions import contradictions
from conformance.profile.document import FORMAT, ProfileDocument
from conformance.profile.gates import whole_reasons
from conformance.profile.headline import headline_of
from conformance.profile.log import read_log
from conformance.profile.points import point_of
from conformance.profile.power.recorder import read_power_log
from conformance.profile.run import DOCUMENT, is_valid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conformance.profile.document import Point
    from conformance.profile.log import LoadLog
    from conformance.profile.power.recorder import PowerLog


def read_profile(folder: Path) -> ProfileDocument:
    """Read ``profile.json``.

    Raises:
        EvidenceInvalidError: there is none, or it is not of the schema.
    """
    path = folder / DOCUMENT
    try:
        document = msgspec.json.decode(path.read_bytes(), type=ProfileDocument)
        msgspec.msgpack.encode(document)  # which holds no integer that arithmetic cannot take
    except OSError as error:
        raise EvidenceInvalidError(
            "is missing", where=str(path), mend="name a folder that conformance profile wrote"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise EvidenceInvalidError(str(error), where=f"{path}:1") from error
    if document.format != FORMAT:
        raise EvidenceInvalidError(f"is of format {document.format!r}", where=str(path))
    return document


def differences(folder: Path) -> Iterator[str]:
    """Yield where a profile says otherwise than its logs: each point, the reasons, the headline.

    Not computed again here: the calibration, whose logs are not kept; what came of the graded
    trials, which are a bundle's own (``conformance grade`` looks at them).

    Raises:
        EvidenceInvalidError: there is no profile, or a log is broken.
    """
    document = read_profile(folder)
    where = folder / DOCUMENT
    power = None
    if document.power_log is not None:
        path = _inside(folder, document.power_log)
        yield from _digest(path, document.power_log_sha256)
        power = read_power_log(path)
        if power.devices != document.devices:
            yield f"{where}: devices are not those of {document.power_log}"
    logs = []
    for at, point in enumerate(document.all_points):
        path = _inside(folder, point.log)
        yield from _digest(path, point.log_sha256)
        log = read_log(path)
        wrong = [f"{path}: {line}" for line in contradictions(log)]
        yield from wrong
        if wrong:  # nothing can be computed from times and counts that cannot be
            return
        logs.append(log)
        again = _again(document, point, log, power)
        names = [
            name for name in point.__struct_fields__ if getattr(point, name) != getattr(again, name)
        ]
        if names:
            yield f"{where}: points[{at}]: {', '.join(names)}: not what {point.log} gives"
    for line in inconsistencies(document, logs, power):
        yield f"{where}: {line}"
    reasons = whole_reasons(document.points, document.calibration, document.link)
    if reasons != document.reasons or document.valid != is_valid(document.points, reasons):
        yield f"{where}: valid, reasons: not what the points give"
    headline = headline_of(document.points, document.slo, document.agents, document.solved, reasons)
    if headline != document.headline:
        yield f"{where}: headline: not what the points give"


def _again(document: ProfileDocument, point: Point, log: LoadLog, power: PowerLog | None) -> Point:
    return point_of(
        log,
        document.slo,
        log_path=point.log,
        log_sha256=point.log_sha256,
        power=power,
        idle=document.idle,
    )


def _inside(folder: Path, name: str) -> Path:
    """Return a file of the profile's; a name that leads out of its folder is refused."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise EvidenceInvalidError(f"names {name!r}, outside of it", where=str(folder / DOCUMENT))
    return path


def _digest(path: Path, expected: str | None) -> Iterator[str]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EvidenceInvalidError("is missing", where=str(path)) from error
    if hashlib.sha256(content).hexdigest() != expected:
        yield f"{path}: was changed after it was written"
