"""Where an endpoint is: its address, its TLS, and the head of each request to it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from conformance.errors import UsageError

if TYPE_CHECKING:
    import ssl

    from conformance.profile.target import Target

_PATHS = {"chat": "/chat/completions", "responses": "/responses"}
_PORTS = {"http": 80, "https": 443}
_PRINTABLE = re.compile(r"[\x21-\x7e]*")


class Endpoint(NamedTuple):
    """A target's address, taken apart."""

    host: str
    """A name or an address, without brackets."""
    port: int
    head: bytes
    """Of every request, up to the two headers that differ."""

    def request(self, body: bytes, worker: int, number: int) -> bytes:
        """Write a whole request."""
        return b"%bX-Request-Id: %d-%d\r\nContent-Length: %d\r\n\r\n%b" % (
            self.head, worker, number, len(body), body,
        )  # fmt: skip


def endpoint_of(target: Target) -> Endpoint:
    """Take a target's address apart.

    Raises:
        UsageError: it is no address, or the key cannot stand in a header.
    """
    try:
        url = urlsplit(target.base_url)
        host, port = url.hostname, url.port
        if host and not host.isascii():
            host = host.encode("idna").decode()
    except ValueError:  # of idna too
        host = port = None
        url = urlsplit("")
    if (
        url.scheme not in _PORTS
        or not host
        or port == 0
        or url.username is not None
        or url.query
        or url.fragment
        or not _PRINTABLE.fullmatch(url.path)
    ):
        raise UsageError(
            f"the endpoint {_without_user(target.base_url)!r} cannot be used",
            mend="name it as http(s)://HOST:PORT/PATH, with no user, query or fragment in it",
        )
    if not _PRINTABLE.fullmatch(target.key):
        raise UsageError(
            "the endpoint's key holds a blank, or what is not ASCII", mend="name the bare key"
        )
    name = f"[{host}]" if ":" in host else host
    if port not in (None, _PORTS[url.scheme]):
        name = f"{name}:{port}"
    lines = [
        f"POST {url.path.rstrip('/')}{_PATHS[target.dialect]} HTTP/1.1",
        f"Host: {name}",
        "User-Agent: conformance-profile",
        "Accept: text/event-stream",
        "Content-Type: application/json",
    ]
    if target.key:
        lines.append(f"Authorization: Bearer {target.key}")
    head = "".join(f"{line}\r\n" for line in lines).encode()
    return Endpoint(host, port or _PORTS[url.scheme], head)


def tls_of(target: Target) -> ssl.SSLContext | None:
    """Return how a target's certificate is verified; None: it has none.

    Raises:
        UsageError: the file of certificates cannot be used.
    """
    if not target.base_url.lower().startswith("https:"):
        return None
    import ssl

    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if target.ca_file is not None:
        try:
            context.load_verify_locations(target.ca_file)
        except (OSError, ValueError) as error:  # ssl's errors are OSErrors
            raise UsageError(
                f"holds no certificates that can be used ({error})",
                where=target.ca_file,
                mend="name a PEM file of the certificates to trust",
            ) from None
    return context


def _without_user(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//", url)
