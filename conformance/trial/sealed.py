"""A sealed trial read back from a bundle, as graders read it: live, offline and in an audit."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from conformance.authoring import Call, Played, read_answer
from conformance.trial.chain import broken, read_chain
from conformance.trial.redaction import HOME, SECRET
from conformance.trial.run import state_path, transcript_path

if TYPE_CHECKING:
    from pathlib import Path

    from conformance.authoring import Instance


def read_played(instance: Instance[Any], run: Path, trial: str, head: str) -> Played[Any]:
    """Return what a trial did, from its transcript and its sealed final state.

    The initial state comes from the instance, which is generated anew: the bundle is not asked.

    Args:
        instance: The instance the trial was run on.
        run: The bundle's ``run`` folder.
        trial: The trial's id.
        head: SHA-256 of the transcript's last line, as the journal has it.

    Raises:
        EvidenceInvalidError: a line was changed, or the state is not the one sealed.
    """
    path = transcript_path(run, trial)
    if not path.is_file():
        raise broken(str(path), "is missing")
    calls: list[Call] = []
    answer = None
    sealed = ""
    for event in read_chain(path, head=head):
        match event["type"]:
            case "tool_call":
                calls.append(
                    Call(
                        event["name"],
                        event["arguments"],
                        event["result"],
                        event["error"],
                        event["effect"],
                    )
                )
            case "answer" if event.get("refused") is None:
                answer = read_answer(event["answer"])
            case "end":
                sealed = event["state_sha256"]
    if isinstance(answer, str):
        raise broken(str(path), f"the answer taken is none ({answer})")
    state = _read_state(state_path(run, trial), sealed)
    initial = instance.family.world(instance.scenario).snapshot()
    return Played(instance, initial, state, tuple(calls), answer)


def replay_difference(played: Played[Any]) -> str | None:
    """Make the recorded calls on a fresh world; say where it disagrees, or None.

    Worlds are deterministic, so a transcript that the suite wrote replays to the same results and
    the same final state. Calls whose text was redacted are the exception: they end the comparison.
    """
    door = played.instance.door()
    for number, recorded in enumerate(played.calls, 1):
        if _is_redacted(recorded):
            return None
        again = door.call(recorded.name, recorded.arguments)
        if msgspec.to_builtins(again) != msgspec.to_builtins(recorded):
            return f"tool call {number}, {recorded.name}, gives another result when replayed"
    if door.world.digest() != _digest(played):
        return "the final state is not what the recorded calls lead to"
    return None


def _digest(played: Played[Any]) -> str:
    world = played.instance.family.world(played.instance.scenario)
    world.state = played.final
    return world.digest()


def _is_redacted(call: Call) -> bool:
    text = msgspec.json.encode(call)
    return SECRET in text or HOME in text


def _read_state(path: Path, sealed: str) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise broken(str(path), "is missing") from error
    if hashlib.sha256(content).hexdigest() != sealed:
        raise broken(f"{path}:1", "was changed after it was sealed")
    state: dict[str, Any] = msgspec.json.decode(content)
    return state
