"""Agentic replay: the sessions of a bundle as load, with their growing prefixes and think times.

What comes back is not looked at: each turn sends what was recorded, so every endpoint is asked the
same. A server's prefix cache thus holds the recorded prompts, never its own answers.
"""

from __future__ import annotations

import hashlib
import random
import secrets
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from conformance.errors import UsageError
from conformance.profile.recorded import Recorded, read_recorded
from conformance.profile.target import LoadDialect, Step
from conformance.profile.workload import Control, Envelope

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conformance.profile.recorded import Message, Turn

Cache = Literal["friendly", "busted"]
"""``friendly``: what the recorded agents could reuse can be reused here: inside a session its own
growing prefix, between sessions the system's message. What comes after that message begins with a
mark that is new each time a session is played, so that playing it again gains nothing.
``busted``: the mark stands at the very head of every request and is new each time: no reuse."""

_SLOTS = 1 << 20
_PLAYS = 1 << 20
_encode = msgspec.json.Encoder().encode


class Replay(msgspec.Struct, frozen=True):
    """A bundle's sessions for closed loops: each slot is an agent at work, without end.

    A slot plays one session after the other. The first one it takes up somewhere on its way, as
    if it had been at work before, so that a load has beginnings and ends of sessions in it from
    the start; the places follow from the slot's number alone.
    """

    model: str
    dialect: LoadDialect
    recorded: Recorded
    cache: Cache = "friendly"
    think_scale: float = 1.0
    """Think times are as recorded, times this; 0: none."""
    control: Control = "none"
    seed: int = msgspec.field(default_factory=lambda: secrets.randbits(32))
    """Of the marks and of the order of the sessions; drawn anew where it is not given."""
    load: int = 0
    """Which load of a profile this is; see ``renewed``."""
    extra: dict[str, Any] = {}
    """As in ``Envelope``."""

    def __post_init__(self) -> None:
        if not 0 <= self.think_scale < float("inf"):
            raise UsageError(
                f"{self.think_scale:g} is no factor", where="think scale", mend="0, 0.5, 1 …"
            )

    @classmethod
    def read(cls, folder: Path, model: str, dialect: LoadDialect = "chat", **more: Any) -> Replay:
        """Read a bundle.

        Args:
            folder: The bundle.
            model: Who is asked now, whoever was asked then.
            dialect: Likewise.
            **more: Any other field of this class.

        Raises:
            EvidenceInvalidError: there is no sealed bundle in the folder, or it was changed.
            UsageError: it holds no model calls.
        """
        return cls(model, dialect, read_recorded(folder), **more)

    def renewed(self, load: int) -> Replay:
        """Return the same sessions with other marks, for another load on the same server."""
        return msgspec.structs.replace(self, load=load)

    def steps(self, slot: int) -> Iterator[Step]:
        """Yield the turns of session after session, endless.

        ``Step.session`` numbers a play of a session, ``Step.turn`` its turns from 0.
        """
        sessions, deal = self.recorded.sessions, self._deal()
        envelope = Envelope(self.model, self.dialect, self.control, self.extra)
        for play in range(_PLAYS):
            number = deal[(slot + play) % len(deal)]
            turns = sessions[number].turns
            begin = _begun(slot, len(turns)) if play == 0 else 0
            for at, turn in enumerate(turns[begin:], begin):
                messages = self._marked(turn, f"{slot}/{play}", at)
                body = envelope.body(
                    b",".join(
                        _encode({"role": role, "content": content}) for role, content in messages
                    ),
                    turn.output_tokens,
                )
                yield Step(
                    body,
                    wait_s=turn.think_s * self.think_scale if at > begin else 0.0,
                    asked_tokens=turn.output_tokens,
                    session=number + len(sessions) * (slot + _SLOTS * play),
                    turn=at,
                )

    def turns_of(self, session: int) -> int:
        """Return how many turns a session has, by ``Step.session``."""
        sessions = self.recorded.sessions
        return len(sessions[session % len(sessions)].turns)

    def describe(self) -> dict[str, Any]:
        """Return what is played, and how."""
        turns = [turn for session in self.recorded.sessions for turn in session.turns]
        told = [turn.input_tokens for turn in turns if turn.input_tokens is not None]
        return {
            "kind": "replay",
            "bundle": self.recorded.bundle,
            "sessions": len(self.recorded.sessions),
            "turns": len(turns),
            "cache": self.cache,
            "think_scale": self.think_scale,
            "think_s": round(sum(turn.think_s for turn in turns), 3),
            "control": self.control,
            "seed": self.seed,
            "load": self.load,
            "extra": self.extra,
            "recorded_input_tokens": sum(told) if len(told) == len(turns) else None,
            "recorded_output_tokens": sum(turn.output_tokens for turn in turns),
            "estimated_turns": sum(turn.is_estimated for turn in turns),
        }

    def _deal(self) -> list[int]:
        """Return the numbers of the sessions in their order: slot n begins with the nth."""
        numbers = list(range(len(self.recorded.sessions)))
        random.Random(self.seed).shuffle(numbers)
        return numbers

    def _marked(self, turn: Turn, play: str, at: int) -> list[Message]:
        """Return the messages of a turn with its mark."""
        messages = list(turn.messages)
        of, place = f"{self.seed}/{self.load}/{play}", 0
        if self.cache == "busted":
            of = f"{of}/{at}"
        elif messages[0].role == "system":
            place = 1
        mark = hashlib.blake2b(of.encode(), digest_size=8).hexdigest()
        old = messages[place]
        messages[place] = old._replace(content=f"{mark}\n{old.content}")
        return messages


def _begun(slot: int, turns: int) -> int:
    """Return the turn at which a slot takes up its first session: spread evenly over slots."""
    return int((slot * 0.6180339887498949 + 0.5) % 1 * turns)
