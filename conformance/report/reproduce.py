"""How a stranger checks a result: the commands, what they need, and the digests to compare."""

from __future__ import annotations

import hashlib
import shlex
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from conformance.agents.contract import Limits
from conformance.evidence import bundle
from conformance.report.inert import inert_line
from conformance.report.texts import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.evidence.documents import Words
    from conformance.report.sources import Evidence

_NAMED_BY = {
    "builtin": ("name",),
    "human": ("name",),
    "chat": ("model",),
    "python": ("function",),
    "a2a": ("url",),
    "http": ("url",),
}
"""Kinds of agents that one word names on the command line; a program's words are its owner's."""
_EMBEDDED = "embedded"
"""The endpoint of a ``chat:`` agent that is the suite's own model."""
_LIMITS = {
    "wall_s": "--trial-time",
    "model_calls": "--trial-calls",
    "tokens": "--trial-tokens",
    "tool_calls": "--trial-tool-calls",
}


class Way(NamedTuple):
    """One way to check, and the command for it."""

    title: Words
    command: str
    note: Words


class Digest(NamedTuple):
    """The SHA-256 of something that can be compared."""

    name: Words
    path: str
    """Where it lies in the bundle, or what it is of."""
    sha256: str


class Reproduction(NamedTuple):
    """The section."""

    needs: tuple[Words, ...]
    ways: tuple[Way, ...]
    digests: tuple[Digest, ...]


def reproduction(evidence: Evidence) -> Reproduction:
    """Return what somebody who has the bundle, and nothing else, needs to know."""
    return Reproduction(tuple(_needs(evidence)), tuple(_ways(evidence)), tuple(_digests(evidence)))


def certify_command(evidence: Evidence) -> str:
    """Return the command that runs the campaign again, as far as the bundle tells it."""
    summary, terms = evidence.summary, evidence.opened.terms
    agent = evidence.claim.agent
    words = ["conformance", "certify", "--agent", _agent_word(agent)]
    if agent.get("kind") == "chat" and agent.get("endpoint") not in (None, _EMBEDDED):
        words += ["--base-url", str(agent["endpoint"])]
    if summary.claim:
        words += ["--claim", summary.claim]
    if summary.plan != "certify":
        words += ["--plan", summary.plan]
    if len(summary.langs) == 1:
        words += ["--lang", summary.langs[0]]
    if not terms.twins and terms.single is None:
        words.append("--no-twins")
    usual, limits = msgspec.to_builtins(Limits()), msgspec.to_builtins(terms.limits)
    for name, option in _LIMITS.items():
        if limits[name] != usual[name]:
            words += [option, f"{limits[name]:g}s" if name == "wall_s" else str(limits[name])]
    return shlex.join(inert_line(word) for word in words)


def _needs(evidence: Evidence) -> Iterator[Words]:
    lock = evidence.lock
    yield say("reproduce.needs_suite", suite=inert_line(lock.suite, 40))
    yield say("reproduce.needs_edition", edition=inert_line(lock.edition.id, 80))
    if lock.sealed is not None:
        yield say("reproduce.needs_sealed", edition=inert_line(lock.sealed.id, 80))
    yield say("reproduce.needs_nothing")


def _ways(evidence: Evidence) -> Iterator[Way]:
    yield Way(say("reproduce.grade"), "conformance grade BUNDLE", say("reproduce.grade_note"))
    if evidence.opened.terms.single is not None:
        return  # its instance was chosen: there is no seed to draw it again from
    again = f"{certify_command(evidence)} --seed-of BUNDLE --out NEW"
    yield Way(say("reproduce.certify"), again, say("reproduce.certify_note"))
    yield Way(say("reproduce.diff"), "conformance diff BUNDLE NEW", say("reproduce.diff_note"))


def _digests(evidence: Evidence) -> Iterator[Digest]:
    summary, folder = evidence.summary, evidence.folder
    if evidence.bundle_id is not None:
        yield Digest(say("result.bundle"), bundle.MANIFEST, evidence.bundle_id)
    yield Digest(say("result.digest"), inert_line(summary.edition.id, 80), summary.edition.sha256)
    if summary.sealed is not None:
        yield Digest(say("result.sealed"), inert_line(summary.sealed.id, 80), summary.sealed.sha256)
    journal = f"{bundle.RUN}/journal.jsonl"
    files = {
        "summary": bundle.SUMMARY,
        "observations": bundle.OBSERVATIONS,
        "journal": journal,
        "lock": bundle.LOCK,
    }
    for name, path in files.items():
        sha256 = hashlib.sha256((folder / path).read_bytes()).hexdigest()
        yield Digest(say(f"reproduce.of_{name}"), path, sha256)
    yield Digest(say("reproduce.seed_sha256"), journal, evidence.opened.seed_sha256)


def _agent_word(agent: dict[str, object]) -> str:
    kind = str(agent.get("kind", ""))
    if kind == "chat" and agent.get("endpoint") == _EMBEDDED:
        return "chat:local"
    value = next((str(agent[k]) for k in _NAMED_BY.get(kind, ()) if agent.get(k)), None)
    return "agent.toml" if value is None else f"{kind}:{value}"
