"""How agents talk to their models: what is taken out, what is read, how errors look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.gateway.dialects.chat import Chat
from conformance.gateway.dialects.common import Heard, Reading, Request, Speech, UnreadableError
from conformance.gateway.dialects.messages import Messages
from conformance.gateway.dialects.responses import Responses

if TYPE_CHECKING:
    from collections.abc import Mapping

CHAT, RESPONSES, MESSAGES = Chat(), Responses(), Messages()
BY_PATH: Mapping[str, Speech] = {speech.path: speech for speech in (CHAT, RESPONSES, MESSAGES)}

__all__ = [
    "BY_PATH",
    "CHAT",
    "MESSAGES",
    "RESPONSES",
    "Heard",
    "Reading",
    "Request",
    "Speech",
    "UnreadableError",
]
