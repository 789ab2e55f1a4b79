"""What lies beneath the ACP library: bounded lines over pipes, and the client's own answers.

The library logs what it cannot read; here it is counted, and a peer without measure is cut off.
How much there may be in all is the launcher's to see to.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

    from conformance.gateway import Handle

LONGEST_LINE = 4 * 1024 * 1024
MOST_STRAY = 100
"""Lines that are no message: many programs print a banner first."""
LONGEST_TEXT = 1024 * 1024
MOST_NOTES = 50
REACHES_OUT = ("edit", "delete", "move", "execute", "fetch")
"""Kinds of calls that touch more than the trial: allowed in a jail alone, where they cannot."""
_CHUNK = 65536


class Lines:
    """Implements the library's ``Transport`` over a program's standard input and output."""

    def __init__(self, stdin: asyncio.StreamWriter, stdout: asyncio.StreamReader) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._buffer = bytearray()
        self._strays = 0
        self.has_spoken = False
        """A message came."""
        self.complaint = ""
        """Why nothing more is read, where it is not the program's end."""

    async def send(self, message: dict[str, Any]) -> None:
        """Send a message; whoever is gone does not get it, and its end is seen by ``receive``."""
        try:
            self._stdin.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
            await self._stdin.drain()
        except (ConnectionError, RuntimeError):
            return

    async def receive(self) -> dict[str, Any] | None:
        """Return the next message; None at the end, or where nothing more is read."""
        while not self.complaint:
            line = await self._line()
            if line is None:
                return None
            message = _message(line)
            if message is not None:
                self.has_spoken = True
                return message
            self._strays += bool(line.strip())
            if self._strays > MOST_STRAY:
                self.complaint = f"more than {MOST_STRAY} lines that are no JSON-RPC message"
        return None

    async def close(self) -> None:
        """Close the program's standard input."""
        self._stdin.close()

    async def _line(self) -> bytes | None:
        while (end := self._buffer.find(b"\n")) < 0:
            chunk = await self._stdout.read(_CHUNK)
            if not chunk:
                return None
            self._buffer += chunk
            if len(self._buffer) > LONGEST_LINE:
                self.complaint = f"a message of more than {LONGEST_LINE} bytes"
                return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        return line


class Client:
    """What the suite answers an agent with, and what it remembers of what the agent says.

    It offers no files and no terminals. Permission is given by policy: a call that touches the
    trial alone is allowed, one that reaches further (``REACHES_OUT``) in a jail that held alone.
    """

    def __init__(self, handle: Handle, *, is_held: bool) -> None:
        self._handle = handle
        self._is_held = is_held
        self._permissions = 0
        self._message_id: Any = None
        self.text = ""
        """The agent's message since the turn began or it last called a tool."""

    async def __call__(self, method: str, params: Any, is_notification: bool) -> Any:  # noqa: FBT001 - the library's
        """Answer a request, or take note of a notification."""
        from acp.exceptions import RequestError

        given = params if isinstance(params, dict) else {}
        if method == "session/update":
            self._update(_object(given, "update"))
        if is_notification:
            return None
        if method == "session/request_permission":
            return self._permission(_object(given, "toolCall"), given.get("options"))
        raise RequestError.method_not_found(method)

    def begin(self) -> None:
        """Forget the message of the turn before."""
        self.text, self._message_id = "", None

    def _update(self, update: dict[str, Any]) -> None:
        kind = update.get("sessionUpdate")
        if kind == "tool_call":
            # What was said before a call is no last word.
            self.begin()
        elif kind == "agent_message_chunk":
            message_id = update.get("messageId")
            if message_id != self._message_id:
                self.text, self._message_id = "", message_id
            piece = _object(update, "content").get("text")
            if isinstance(piece, str):
                self.text = (self.text + piece)[:LONGEST_TEXT]

    def _permission(self, call: dict[str, Any], options: Any) -> dict[str, Any]:
        kind = str(call.get("kind"))
        is_allowed = self._is_held or kind not in REACHES_OUT
        # Once each time, so that all of them are counted.
        wanted = ("allow_once", "allow_always") if is_allowed else ("reject_once", "reject_always")
        listed = options if isinstance(options, list) else ()
        offered = [option for option in listed if isinstance(option, dict)]
        chosen = [
            option.get("optionId")
            for want in wanted
            for option in offered
            if option.get("kind") == want
        ]
        self._permissions += 1
        if self._permissions <= MOST_NOTES:
            title = str(call.get("title"))[:200]
            self._handle.note("permission", allowed=is_allowed, call_kind=kind[:40], title=title)
        if not chosen:
            return {"outcome": {"outcome": "cancelled"}}
        return {"outcome": {"outcome": "selected", "optionId": chosen[0]}}


def _message(line: bytes) -> dict[str, Any] | None:
    """Return the JSON-RPC message that a line is, or None; what is odd in one is put right."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or not isinstance(message.get("id"), int | str | None):
        return None
    if not isinstance(message.get("method", ""), str) or message.keys().isdisjoint(
        ("method", "result", "error")
    ):
        return None
    if "error" in message and not isinstance(message["error"], dict):
        message["error"] = {"message": str(message["error"])[:200]}
    return message


def _object(given: dict[str, Any], name: str) -> dict[str, Any]:
    value = given.get(name)
    return value if isinstance(value, dict) else {}
