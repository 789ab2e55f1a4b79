"""What this machine has and lacks, in both languages."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.report.texts import both, joined, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.edition import Edition
    from conformance.evidence.documents import Words

MIN_FREE_BYTES = 1 << 30


class Check(NamedTuple):
    """One thing looked at."""

    key: str
    """Of its name in the texts."""
    is_there: bool
    detail: Words
    needed_for: Words | None = None
    mend: Words | None = None
    """What to do where it is not there."""

    @property
    def name(self) -> Words:
        """Return what it is called."""
        return say(f"doctor.{self.key}")

    def document(self) -> dict[str, Any]:
        """Return it for programs, which read one language."""
        return {
            "name": self.name.en,
            "is_there": self.is_there,
            "detail": self.detail.en,
            "needed_for": "" if self.needed_for is None else self.needed_for.en,
            "mend": "" if self.mend is None else self.mend.en,
        }


def checks() -> Iterator[Check]:
    """Yield everything that is looked at."""
    from conformance.edition import read
    from conformance.host import host_hardware
    from conformance.local.weights import find_weights
    from conformance.sandbox import jail_status, status

    edition, hardware = read(), host_hardware()
    version = both(platform.python_version())
    is_new = sys.version_info >= (3, 11)
    needs_new = say("doctor.for_everything"), say("doctor.get_python")
    yield Check("python", is_new, version, *needs_new)
    yield Check("edition", bool(edition.clauses), both(f"{edition.id} {edition.digest[:16]}"))
    yield Check("machine", bool(hardware["cores"]), _machine(hardware))
    free = shutil.disk_usage(Path.cwd()).free
    room = say("doctor.disk_is", free=f"{free / 2**30:.0f}")
    needs_room = say("doctor.for_bundles"), say("doctor.free_some")
    yield Check("disk", free > MIN_FREE_BYTES, room, *needs_room)
    has_server = importlib.util.find_spec("xllamacpp") is not None
    server = say(f"doctor.{'' if has_server else 'not_'}installed", name="xllamacpp")
    local = say("doctor.for_local")
    yield Check("server", has_server, server, local, both("pip install 'agent-grading[local]'"))
    weights = find_weights()
    place = both(str(weights.path)) if weights else say("doctor.not_cached")
    yield Check("weights", weights is not None, place, local, both("conformance model get"))
    has_key = bool(os.environ.get("OPENAI_API_KEY"))
    key = say(f"doctor.{'' if has_key else 'not_'}set")
    yield Check("key", has_key, key, say("doctor.for_key"), both("export OPENAI_API_KEY=…"))
    needed_by = {"sandbox": _clauses_with_code(edition), "jail": say("doctor.for_jail")}
    for name, found in {"sandbox": status(), "jail": jail_status()}.items():
        detail = found.detail
        if found.is_working:
            detail = f"{found.provider} {found.version}, {detail}"
        yield Check(name, found.is_working, both(detail), needed_by[name], both(found.mend))


def _machine(hardware: dict[str, Any]) -> Words:
    memory = hardware["memory_bytes"]
    return say(
        "doctor.machine_is",
        cpu=hardware["cpu"] or say("doctor.unknown_cpu"),
        cores=hardware["cores"],
        memory=say("doctor.unknown") if memory is None else round(memory / 2**30),
    )


def _clauses_with_code(edition: Edition) -> Words:
    """Name the clauses that cannot run without a sandbox."""
    names = [
        clause.id
        for clause in edition.clauses
        if any("sandbox" in edition.family(s.family).needs for s in edition.sources(clause))
    ]
    named = joined([both(name) for name in names])
    return say("doctor.for_clauses", clauses=named) if names else say("doctor.for_code")
