"""What an A2A task or message says: its state, its text, and the answer in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from conformance.agents.textcalls import bare_text
from conformance.authoring.answer import read_answer, read_answer_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from a2a.types.a2a_pb2 import Message, Part, Task

OVER = ("completed", "failed", "canceled", "rejected")


class Reading(NamedTuple):
    """A task or a message, read."""

    state: str
    """As in ``TaskState``, in small letters; a message in place of a task is ``completed``."""
    text: str
    answer: Any
    """The answer object in a data part; None where there is none."""

    @property
    def is_over(self) -> bool:
        """Nothing comes any more in this task."""
        return self.state in (*OVER, "auth_required")

    @property
    def is_asking(self) -> bool:
        """It waits for the next turn."""
        return self.state == "input_required"


def reading(said: Task | Message) -> Reading:
    """Read a task, or a message that stands for one.

    The answer is the last part that is the answer object: of the artifacts in their order, then
    of the message. A data part is one as it is; the text of an artifact or of the message is one
    where it is that object as a whole. Other data parts are the answer only where there is no
    text, so that the record shows what is wrong with it.
    """
    from a2a.types.a2a_pb2 import Message, TaskState

    if isinstance(said, Message):
        state, holders = "completed", [said.parts]
    else:
        state = TaskState.Name(said.status.state).removeprefix("TASK_STATE_").lower()
        holders = [*(artifact.parts for artifact in said.artifacts), said.status.message.parts]
    text, found, last_data = "", None, None
    for parts in holders:
        whole = "\n".join(part.text for part in parts if part.HasField("text"))
        text = whole or text
        for data in _data(parts):
            last_data = data
            if not isinstance(read_answer(data), str):
                found = data
        if read_answer_text(bare_text(whole)) is not None:
            found = whole
    if isinstance(found, str):
        return Reading(state, found, None)
    if found is None and not text:
        found = last_data
    return Reading(state, text, found)


def _data(parts: Iterable[Part]) -> list[Any]:
    from a2a.helpers.proto_helpers import get_data_parts

    return [_whole(value) for value in get_data_parts(list(parts))]


def _whole(value: Any) -> Any:
    """Return a JSON value with its whole numbers as such: on the wire all are floats."""
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
