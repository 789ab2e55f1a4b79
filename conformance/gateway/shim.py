# ruff: noqa: T201 - a program
"""The tools door for agents that speak no MCP over HTTP; a file that needs nothing but Python 3.8.

It is laid beside an agent and run by the agent's own interpreter:

    python shim.py                   an MCP server on standard input and output
    python shim.py tools             the tools, as JSON
    python shim.py call NAME [JSON]  one call: prints its result, exits 1 on an error result

The door is AGENT_MCP_URL; AGENT_MCP_TOKEN is sent along where it is set.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

    Json = dict[str, Any]

VERSION = "2026-07-28"
"""Of the protocol, for ``tools`` and ``call``: the first one that needs no handshake."""
META = "io.modelcontextprotocol/"
NAMES = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""What of a request is said again in the header Mcp-Name, from ``VERSION`` on."""
MOST_AT_ONCE = 64
MOST_IDLE_S = 30.0
"""A connection that was idle for longer is not used again: it might be closing just then, and a
call that is sent twice is made twice."""
LAST_ANSWERS_S = 10.0
"""How long requests still out may take once standard input has ended."""

PARSE_ERROR = -32700
CONNECTION_ERROR = -32000


class RefusedError(Exception):
    """The door was reached, and gave no answer that can be used."""


FAILURES = (OSError, http.client.HTTPException, RefusedError)


class Door:
    """The one place that requests go to; may be used by many threads at once."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._path = parts.path or "/"
        self.headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        """What is sent with each request; a handshake adds to it."""
        if token:
            self.headers["Authorization"] = "Bearer " + token
        self._idle: list[tuple[float, http.client.HTTPConnection]] = []

    def connection(self) -> http.client.HTTPConnection:
        """Return a connection that no other request uses."""
        while self._idle:
            try:
                since, connection = self._idle.pop()
            except IndexError:  # another thread took the last one
                break
            if time.monotonic() - since < MOST_IDLE_S:
                return connection
            connection.close()
        return http.client.HTTPConnection(self._host, self._port)

    def keep(self, connection: http.client.HTTPConnection) -> None:
        """Take a connection back whose answer has been read."""
        self._idle.append((time.monotonic(), connection))

    def send(self, message: Any, connection: http.client.HTTPConnection) -> Iterator[Any]:
        """Send one message; yield what comes back: nothing, an answer, or notices and an answer.

        Raises:
            OSError, http.client.HTTPException: the door cannot be reached.
            RefusedError: what came back is no message.
        """
        headers = {**self.headers, **_headers(message)}
        connection.request("POST", self._path, json.dumps(message).encode(), headers)
        response = connection.getresponse()
        session = response.getheader("Mcp-Session-Id")
        if session:
            self.headers["Mcp-Session-Id"] = session
        if response.getheader("Content-Type", "").startswith("text/event-stream"):
            yield from _events(response)
            return
        text = response.read()
        if text or response.status >= 400:  # noqa: PLR2004
            yield _answer(text, response.status)

    def ask(self, method: str, params: Json) -> Json:
        """Return the result of one request.

        Raises:
            OSError, http.client.HTTPException: the door cannot be reached.
            RefusedError: there was no result.
        """
        meta = {
            META + "protocolVersion": VERSION,
            META + "clientInfo": {"name": "shim", "version": "1"},
            META + "clientCapabilities": {},
        }
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
        answer: Json = {}
        for answer in self.send(message, self.connection()):  # noqa: B007 - the last one is wanted
            pass
        if "result" not in answer:
            raise RefusedError(str(answer.get("error", {}).get("message", "there was no answer")))
        result: Json = answer["result"]
        return result


def _headers(message: Any) -> dict[str, str]:
    """Return the headers in which a message of a version without handshake says itself again."""
    params = message.get("params") if isinstance(message, dict) else None
    meta = params.get("_meta") if isinstance(params, dict) else None
    version = meta.get(META + "protocolVersion") if isinstance(meta, dict) else None
    if not isinstance(params, dict) or not isinstance(version, str):
        return {}
    method = str(message.get("method"))
    headers = {"MCP-Protocol-Version": _header(version), "Mcp-Method": _header(method)}
    name = params.get(NAMES.get(method, ""))
    if isinstance(name, str):
        headers["Mcp-Name"] = _header(name)
    return headers


def _header(text: str) -> str:
    """Write text as a header's value, as the protocol says: what is no plain ASCII in base64."""
    is_plain = all(" " <= letter <= "~" for letter in text) and text == text.strip()
    if is_plain and not (text.startswith("=?base64?") and text.endswith("?=")):
        return text
    coded = base64.b64encode(text.encode("utf-8", "surrogatepass")).decode()
    return f"=?base64?{coded}?="


def _events(response: http.client.HTTPResponse) -> Iterator[Any]:
    """Yield the messages of an event stream."""
    data: list[str] = []
    for line in response:
        text = line.decode("utf-8").rstrip("\r\n")
        if text.startswith("data:"):
            data.append(text[5:].lstrip(" "))
        elif not text and data:
            yield _answer("\n".join(data).encode(), response.status)
            data = []


def _answer(text: bytes, status: int) -> Any:
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if isinstance(answer, dict) and "jsonrpc" in answer:
        return answer
    said = text[:200].decode("utf-8", "replace")
    raise RefusedError(f"the door answered {status}: {said}")


class Server:
    """An MCP server on standard input and output that passes all on to the door."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._out = threading.Lock()
        self._at_work: dict[str, http.client.HTTPConnection] = {}
        """Connections on which an answer is waited for, by the request's id."""
        self._slots = threading.BoundedSemaphore(MOST_AT_ONCE)

    def run(self) -> None:
        """Serve until standard input ends, and the last answers are out."""
        for line in sys.stdin.buffer:
            if line.strip():
                self._take(line)
        until = time.monotonic() + LAST_ANSWERS_S
        for _ in range(MOST_AT_ONCE):
            self._slots.acquire(timeout=max(0.0, until - time.monotonic()))

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            self._write(_error(None, PARSE_ERROR, f"Parse error: {error}"))
            return
        method = message.get("method") if isinstance(message, dict) else None
        if method == "notifications/cancelled":
            self._cancel(message)
        elif method in (None, "initialize") or "id" not in message:
            self._pass_on(message)  # at once: what follows may hang on it
        else:
            self._slots.acquire()
            threading.Thread(target=self._work, args=(message,), daemon=True).start()

    def _work(self, message: Json) -> None:
        try:
            self._pass_on(message)
        finally:
            self._slots.release()

    def _pass_on(self, message: Any) -> None:
        """Send a message to the door, and what comes back to the client."""
        given = message.get("id") if isinstance(message, dict) else None
        key = json.dumps(given)
        connection = self._at_work[key] = self._door.connection()
        try:
            for answer in self._door.send(message, connection):
                if "error" in answer and answer.get("id") is None:
                    answer["id"] = given  # refused before it was read: it is still this one's
                if isinstance(message, dict) and message.get("method") == "initialize":
                    self._agree(answer)
                self._write(answer)
        except FAILURES as error:
            connection.close()
            # No answer is wanted where the request was given up meanwhile.
            if self._is_wanted(key, connection) and given is not None:
                self._write(_error(given, CONNECTION_ERROR, str(error) or repr(error)))
        else:
            if self._is_wanted(key, connection):
                self._door.keep(connection)

    def _is_wanted(self, key: str, connection: http.client.HTTPConnection) -> bool:
        """Say, at the end of a request, whether it was not given up."""
        # The id may be another request's by now: its answer was out before this end of it.
        if self._at_work.get(key) is not connection:
            return False
        return self._at_work.pop(key, None) is not None

    def _agree(self, answer: Json) -> None:
        """Keep the version that a handshake came to: all later requests name it."""
        result = answer.get("result")
        if isinstance(result, dict):
            self._door.headers["MCP-Protocol-Version"] = str(result.get("protocolVersion"))

    def _cancel(self, message: Json) -> None:
        """Give a request up: over HTTP that is said by ending its connection."""
        params = message.get("params")
        given = params.get("requestId") if isinstance(params, dict) else None
        connection = self._at_work.pop(json.dumps(given), None)
        sock = None if connection is None else connection.sock
        if sock is not None:
            sock.shutdown(socket.SHUT_RDWR)

    def _write(self, message: Any) -> None:
        line = json.dumps(message, separators=(",", ":")).encode()
        with self._out:
            try:
                sys.stdout.buffer.write(line + b"\n")
                sys.stdout.buffer.flush()
            except BrokenPipeError:
                os._exit(0)  # nobody listens any more


def _error(given: Any, code: int, message: str) -> Json:
    return {"jsonrpc": "2.0", "id": given, "error": {"code": code, "message": message}}


def _list(door: Door) -> int:
    tools = door.ask("tools/list", {})["tools"]
    print(json.dumps(tools, indent=2))
    return 0


def _call(door: Door, name: str, given: str = "{}") -> int:
    try:
        arguments = json.loads(given)
    except ValueError:
        arguments = given  # the door says what is wrong with it
    result = door.ask("tools/call", {"name": name, "arguments": arguments})
    text = "\n".join(block.get("text", "") for block in result["content"])
    sys.stdout.buffer.write(text.encode("utf-8", "surrogatepass") + b"\n")
    return 1 if result.get("isError") else 0


def main(words: list[str]) -> int:
    """Run one mode; return the exit code: 2 where the door was not reached, or the use is wrong."""
    url = os.environ.get("AGENT_MCP_URL", "")
    if not url:
        print("AGENT_MCP_URL is not set", file=sys.stderr)
        return 2
    door = Door(url, os.environ.get("AGENT_MCP_TOKEN", ""))
    try:
        if words in ([], ["mcp-stdio"]):
            Server(door).run()
            return 0
        if words == ["tools"]:
            return _list(door)
        if words[0] == "call" and len(words) in (2, 3):
            return _call(door, *words[1:])
    except FAILURES as error:
        print(str(error) or repr(error), file=sys.stderr)
        return 2
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(code)  # threads that still wait for an answer hold nothing up
