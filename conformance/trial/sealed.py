"""A sealed trial read back from a bundle, as graders read it: live, offline and in an audit."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from conformance.authoring import (
    Answer,
    Call,
    NoSandboxError,
    Played,
    joint_answer,
    read_answer,
)
from conformance.trial import events
from conformance.trial.chain import broken, read_chain
from conformance.trial.redaction import HOME, SECRET
from conformance.trial.run import state_path, transcript_path

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from conformance.authoring import Instance

_MARKS = (SECRET.decode(), HOME.decode())
_MARK = "\0"


class Told(NamedTuple):
    """A trial as its transcript has it."""

    start: events.Start
    calls: tuple[Call, ...]
    answers: dict[str, Answer]
    """Of each seat that handed one in."""
    end: events.End
    events: tuple[events.TranscriptEvent, ...]
    """All of it, in order."""


class Replayed(NamedTuple):
    """What a fresh world says to the recorded calls."""

    difference: str | None
    """Where it disagrees, or None."""
    killed: frozenset[int]
    """The numbers of the calls after which it killed their seat, 1 the first."""


def read_played(instance: Instance[Any], run: Path, trial: str, head: str) -> Played[Any]:
    """Return what a trial did, from its transcript and its sealed final state.

    The initial state comes from the instance, which is generated anew: the bundle is not asked.

    Args:
        instance: The instance the trial was run on.
        run: The bundle's ``run`` folder.
        trial: The trial's id.
        head: SHA-256 of the transcript's last line, as the journal has it.

    Raises:
        EvidenceInvalidError: a line was changed, or is none that the suite writes, or the state is
            not the one sealed.
    """
    told = read_events(transcript_path(run, trial), head)
    state = _read_state(state_path(run, trial), told.end.state_sha256)
    initial = instance.family.world(instance.scenario).snapshot()
    answer = joint_answer(told.answers, instance.seats)
    return Played(instance, initial, state, told.calls, answer)


def replay_difference(played: Played[Any]) -> str | None:
    """Make the recorded calls on a fresh world; say where it disagrees, or None."""
    return replay(played).difference


def replay(played: Played[Any]) -> Replayed:
    """Make the recorded calls on a fresh world, and hear what it says to them.

    Worlds are deterministic, so a transcript that the suite wrote replays to the same results and
    the same final state. What was redacted agrees with any text, within its own string.
    """
    killed: set[int] = set()
    difference = _replayed(played, killed)
    return Replayed(difference, frozenset(killed))


def _replayed(played: Played[Any], killed: set[int]) -> str | None:
    door = played.instance.door()
    for number, recorded in enumerate(played.calls, 1):
        if recorded.seat not in door.seats:
            return f"tool call {number} is by {recorded.seat!r}, which is no seat here"
        try:
            again = door.replay_call(recorded)
            door.world.seat = recorded.seat
            is_killed = door.world.has_killed()
        except NoSandboxError:
            raise
        except Exception as error:  # noqa: BLE001 - what the world fails at counts in no trial
            return f"tool call {number}, {recorded.name}, fails when replayed: {error!r}"
        if _facts(again) != _facts(recorded) or not agrees(
            [recorded.result, recorded.notices], [again.result, again.notices]
        ):
            return f"tool call {number}, {recorded.name}, gives another result when replayed"
        if is_killed:
            killed.add(number)
    if not agrees(played.final, door.finish()):
        return "the final state is not what the recorded calls lead to"
    return None


def _facts(call: Call) -> tuple[Any, ...]:
    return call.name, call.error, call.effect, call.seat, call.fault


def agrees(recorded: Any, again: Any) -> bool:
    """Say whether a value as recorded is this one, give or take what was redacted in a string."""
    return _agrees(recorded, msgspec.json.decode(msgspec.json.encode(again)))


def _agrees(recorded: Any, again: Any) -> bool:
    if isinstance(recorded, str) and isinstance(again, str):
        return recorded == again or _fits(recorded, again)
    if isinstance(recorded, dict) and isinstance(again, dict):
        return len(recorded) == len(again) and all(
            (name == other or _fits(name, other)) and _agrees(recorded[name], again[other])
            for name, other in _paired(recorded, again)
        )
    if isinstance(recorded, list) and isinstance(again, list):
        return len(recorded) == len(again) and all(map(_agrees, recorded, again))
    if isinstance(recorded, bool) or isinstance(again, bool):
        return recorded is again
    return bool(recorded == again)


def _paired(recorded: dict[str, Any], again: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """Pair the names of two objects: equal ones, else in their order."""
    if recorded.keys() == again.keys():
        return ((name, name) for name in recorded)
    return zip(sorted(recorded), sorted(again), strict=True)


def _fits(recorded: str, again: str) -> bool:
    """Say whether ``again`` is ``recorded`` with some text in place of each mark."""
    for mark in _MARKS:
        recorded = recorded.replace(mark, _MARK)
    first, *rest = recorded.split(_MARK)
    if not rest or not again.startswith(first):
        return False
    *middle, last = rest
    place = len(first)
    for part in middle:
        place = again.find(part, place)
        if place < 0:
            return False
        place += len(part)
    return again.endswith(last) and len(again) - len(last) >= place


def read_events(path: Path, head: str) -> Told:
    """Return what a transcript tells, each event in its place.

    Raises:
        EvidenceInvalidError: a line was changed, or is none that the suite writes.
    """
    if not path.is_file():
        raise broken(str(path), "is missing")
    start, end = None, None
    told: list[events.TranscriptEvent] = []
    answers: dict[str, Answer] = {}
    calls: list[Call] = []
    number = 0
    for number, raw in enumerate(read_chain(path, head=head), 1):
        where = f"{path}:{number}"
        event = _event(raw, where)
        if isinstance(event, events.Start) != (number == 1) or end is not None:
            raise broken(where, "is out of place")
        told.append(event)
        match event:
            case events.Start():
                start = event
            case events.ToolCall():
                if event.seat in answers:
                    raise broken(where, "is a tool call after the answer")
                calls.append(_call(event, where))
            case events.AnswerGiven(refused=None):
                answers[event.seat] = _taken(event, answers.get(event.seat), where)
            case events.End():
                end = event
    if start is None or end is None:
        raise broken(f"{path}:{max(1, number)}", "is not the end of the trial")
    return Told(start, tuple(calls), answers, end, tuple(told))


def _event(raw: dict[str, Any], where: str) -> events.TranscriptEvent:
    try:
        event: events.TranscriptEvent = msgspec.convert(raw, events.TranscriptEvent)
    except msgspec.ValidationError as error:
        raise broken(where, f"is no event of a transcript ({error})") from error
    return event


def _call(event: events.ToolCall, where: str) -> Call:
    if event.effect not in ("read", "write"):
        raise broken(where, f"has an effect that is none ({event.effect})")
    effect: Any = event.effect
    return Call(
        event.name,
        event.arguments,
        event.result,
        event.error,
        effect,
        seat=event.seat,
        fault=event.fault,
        notices=event.notices,
    )


def _taken(event: events.AnswerGiven, before: Answer | None, where: str) -> Answer:
    answer = read_answer(event.answer)
    if before is not None or isinstance(answer, str):
        why = "a second one" if before is not None else str(answer)
        raise broken(where, f"the answer taken is none ({why})")
    return answer


def _read_state(path: Path, sealed: str) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise broken(str(path), "is missing") from error
    if hashlib.sha256(content).hexdigest() != sealed:
        raise broken(f"{path}:1", "was changed after it was sealed")
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise broken(f"{path}:1", f"is no state of a world ({error})") from error
