"""What a sampler and its client say to each other: a JSON document a line, over TCP.

The sampler greets with a number used once, the client proves that it has the token, the sampler
tells its devices; then readings come as they are made, and each ping of the client has its pong.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from typing import NamedTuple, TypeVar

import msgspec

from conformance.errors import ConformanceError, UsageError
from conformance.profile.power.contract import Device

FORMAT = "power-stream/1"
PORT = 9560
LONGEST_LINE = 1 << 20
"""Bytes that a sampler may send without a line's end."""
LONGEST_ANSWER = 4096
"""Bytes that a client may."""
BEAT_S = 1.0
"""A sampler that has nothing to tell says so this often."""
SILENCE_S = 5.0
"""After so long without a word a connection counts as lost."""
SHORTEST_TOKEN = 16


class SamplerError(ConformanceError):
    """A sampler that cannot be reached, refuses, or says what no sampler says."""

    exit_code = 6


class _Message(msgspec.Struct, frozen=True, tag_field="type", forbid_unknown_fields=True):
    pass


class Greeting(_Message, frozen=True, tag="greeting"):
    """The sampler's first line."""

    format: str
    nonce: str


class Proof(_Message, frozen=True, tag="proof"):
    """The client's answer: the token itself is never sent."""

    proof: str


class Refusal(_Message, frozen=True, tag="refusal"):
    """The sampler's last line."""

    why: str


class Welcome(_Message, frozen=True, tag="welcome"):
    """What will be read."""

    node: str
    devices: list[Device]
    methods: list[str]
    hz: float


class Ping(_Message, frozen=True, tag="ping"):
    """Asks for the sampler's clock."""

    number: int


class Pong(_Message, frozen=True, tag="pong"):
    """The sampler's monotonic clock, when the ping came and when this was sent, in nanoseconds."""

    number: int
    received: int
    answered: int


class Sample(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A reading, by the sampler's clock."""

    t_ns: int
    device: int
    """Which of the welcome's."""
    power_w: float | None
    energy_j: float | None
    t_error_ns: int


class Batch(_Message, frozen=True, tag="batch"):
    """The readings of one look."""

    samples: list[Sample]


class Beat(_Message, frozen=True, tag="beat"):
    """The sampler is there, and what its readers failed at."""

    problems: list[str]


Spoken = Greeting | Refusal | Welcome | Pong | Batch | Beat
"""What a sampler says."""

_M = TypeVar("_M")


def encode(message: _Message) -> bytes:
    """Return a line."""
    return msgspec.json.encode(message) + b"\n"


def decode(line: bytes, kind: type[_M], where: str) -> _M:
    """Return what a line says.

    Raises:
        SamplerError: it is none of these messages.
    """
    try:
        return msgspec.json.decode(line, type=kind)
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        said = ascii(line[:60].decode(errors="replace"))
        raise SamplerError(
            f"says what is not known: {said} ({error})",
            where=where,
            mend="the address must be that of conformance profile sampler, of the same version",
        ) from None


def prove(token: str, nonce: str) -> str:
    """Return the proof that one has the token."""
    return hmac.new(token.encode(), f"{FORMAT} {nonce}".encode(), hashlib.sha256).hexdigest()


def is_proven(proof: str, token: str, nonce: str) -> bool:
    """Say whether a proof is right, in a time that does not tell where it is wrong."""
    return hmac.compare_digest(proof.encode(), prove(token, nonce).encode())


class Address(NamedTuple):
    """Where a sampler listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Say whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def parse_address(text: str, where: str = "address") -> Address:
    """Read ``HOST:PORT``, ``HOST``, ``[IPv6]:PORT``.

    Raises:
        UsageError: it is none.
    """
    mend = "write HOST:PORT, as in 10.0.0.7:9560 or [fd00::7]:9560"
    given, bracket, rest = text.strip().partition("]")
    if bracket:
        host, port = given.removeprefix("["), rest.removeprefix(":")
        is_right = given.startswith("[") and ":" in host and (not rest or rest.startswith(":"))
    else:
        host, colon, port = given.partition(":")
        is_right = bool(host) and not (colon and not port)
    port = port or str(PORT)
    if not is_right or not (port.isascii() and port.isdigit()) or int(port) > 65535:  # noqa: PLR2004
        raise UsageError(f"{text!r} is no HOST:PORT", where=where, mend=mend)
    return Address(host, int(port))


def check_token(token: str, where: str) -> None:
    """Refuse a token that could be found by trying.

    Raises:
        UsageError: it is too short.
    """
    if len(token) < SHORTEST_TOKEN:
        raise UsageError(
            f"holds a token of {len(token)} characters",
            where=where,
            mend=f"take at least {SHORTEST_TOKEN}, from openssl rand -hex 16 for one",
        )
