"""An endpoint at the far end of a link: the proxy's process, started and ended."""

from __future__ import annotations

import contextlib
import select
import subprocess
import sys
import threading
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from conformance.errors import AgentUnavailableError, UsageError
from conformance.host import end_child
from conformance.link.model import Link, LinkSeen
from conformance.link.proxy import HOST, Ready, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

_START_S = 60.0
_ANSWER_S = 5.0
_PORTS = {"http": 80, "https": 443}


class LinkedEndpoint:
    """An endpoint as it is seen over a link.

    Args:
        real_url: Where the endpoint is: ``http://HOST:PORT/v1`` or ``https://…``.
        link: What lies in between.
        ca_file: Certificates to trust beside the system's, PEM.
    """

    def __init__(self, real_url: str, link: Link, *, ca_file: str | None = None) -> None:
        self.real_url = real_url
        self.link = link
        self.base_url = ""
        """Where a client finds it, once started: plain HTTP on loopback, whatever it is itself."""
        self._ca_file = ca_file
        self._process: subprocess.Popen[bytes] | None = None
        self._asking = threading.Lock()
        self._seen: LinkSeen | None = None

    def start(self) -> None:
        """Start the proxy; blocks for as long as a Python takes to start.

        Raises:
            UsageError: the address is none, or leads through another proxy.
            AgentUnavailableError: the endpoint's certificate is not trusted, or nothing came up.
        """
        parts = urlsplit(self.real_url)
        settings = self._settings()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "conformance.link.proxy"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            port = self._port(settings)
        except BaseException:
            self._end()
            raise
        user = parts.netloc.rpartition("@")[0]
        place = f"{user}@" if user else ""
        place += f"{HOST}:{port}"
        self.base_url = urlunsplit(("http", place, parts.path, parts.query, ""))

    def seen(self) -> LinkSeen | None:
        """Return what the link did so far; of a proxy that has ended, the last that it told."""
        if self._process is not None:
            line = self._asked(b"", _ANSWER_S)
            if line is not None:
                self._seen = msgspec.json.decode(line, type=LinkSeen)
        return self._seen

    def describe(self) -> dict[str, Any]:
        """Return what stands in an agent's description: the conditions, and what came of them."""
        return {"link": self.link.describe(), "link_seen": msgspec.to_builtins(self.seen())}

    def close(self) -> None:
        """End the proxy; ``seen`` stays."""
        self.seen()
        self._end()

    def _settings(self) -> Settings:
        try:
            parts = urlsplit(self.real_url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if host is None or parts.scheme not in _PORTS:
            raise UsageError(
                "this is no address of an endpoint",
                where="--link",
                mend="write http://HOST:PORT/v1 or https://HOST/v1",
            )
        _refuse_proxies(parts.scheme, parts.netloc.rpartition("@")[2])
        return Settings(
            link=self.link,
            host=host,
            port=port or _PORTS[parts.scheme],
            is_tls=parts.scheme == "https",
            host_header=parts.netloc.rpartition("@")[2],
            ca_file=self._ca_file,
        )

    def _port(self, settings: Settings) -> int:
        line = self._asked(msgspec.json.encode(settings), _START_S)
        if line is None:
            raise AgentUnavailableError("the link's proxy did not start", where="--link")
        ready = msgspec.json.decode(line, type=Ready)
        if ready.error:
            raise AgentUnavailableError(
                f"TLS to the endpoint fails ({ready.error})",
                where=settings.host_header,
                mend="SSL_CERT_FILE names a file of more certificates to trust",
            )
        return ready.port

    def _asked(self, line: bytes, limit_s: float) -> bytes | None:
        """Send a line and return the answer; None where none comes."""
        process = self._process
        assert process is not None  # noqa: S101 - asked by who started it
        assert process.stdin is not None  # noqa: S101 - asked for
        assert process.stdout is not None  # noqa: S101 - asked for
        with self._asking:
            try:
                process.stdin.write(line + b"\n")
                process.stdin.flush()
            except OSError:
                return None
            is_there, _, _ = select.select([process.stdout], [], [], limit_s)
            return (process.stdout.readline() or None) if is_there else None

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            end_child(process)


@contextlib.contextmanager
def linked(base_url: str, link: Link, *, ca_file: str | None = None) -> Iterator[LinkedEndpoint]:
    """Put a link between here and an endpoint until the block ends.

    Raises:
        UsageError, AgentUnavailableError: as ``LinkedEndpoint.start``.
    """
    endpoint = LinkedEndpoint(base_url, link, ca_file=ca_file)
    endpoint.start()
    try:
        yield endpoint
    finally:
        endpoint.close()


def describe_link(link: Link, seen: LinkSeen | None) -> dict[str, Any]:
    """Return what stands in ``profile.json``: the conditions, and what was seen of them."""
    return {**link.describe(), "seen": msgspec.to_builtins(seen)}


def _refuse_proxies(scheme: str, place: str) -> None:
    """Refuse a proxy of the environment's on either side: the link's own would be left out.

    Raises:
        UsageError: there is one.
    """
    proxies = urllib.request.getproxies()
    for name, host in ((scheme, place), ("http", HOST)):
        if name in proxies and not urllib.request.proxy_bypass(host):
            raise UsageError(
                f"{name.upper()}_PROXY is set, and a link is no part of that way",
                where="--link",
                mend=f"add {host.partition(':')[0]} to NO_PROXY",
            )
