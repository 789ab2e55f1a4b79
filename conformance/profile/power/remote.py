"""Readings of other machines: the client of ``conformance profile sampler``."""

from __future__ import annotations

import socket
import threading
import time
from collections import deque
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from conformance.profile.power.clock import ClockError, RemoteClock, RoundTrip
from conformance.profile.power.contract import Reading
from conformance.profile.power.recorder import check_keys, is_possible
from conformance.profile.power.stream import (
    FORMAT,
    LONGEST_LINE,
    SILENCE_S,
    Address,
    Batch,
    Beat,
    Greeting,
    Ping,
    Pong,
    Proof,
    Refusal,
    SamplerError,
    Spoken,
    Welcome,
    decode,
    encode,
    parse_address,
    prove,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from conformance.profile.power.contract import Device

CONNECT_S = 5.0
FIRST_PINGS = 8
PING_S = 1.0
"""How often the clocks are compared: what drift may hide in between is half a millisecond."""
AGAIN_S = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Waits between attempts to connect anew; the last one for ever."""
MOST_DEVICES = 4096
MOST_HZ = 1000.0
LONGEST_TEXT = 1000
LATE_NS = 60_000_000_000
"""So long a look may have taken that was under way when the connection was made."""
_FAR_NS = 1 << 62


class RemoteReader:
    """The devices of one sampler; its readings bear times of our clock.

    A lost connection leaves a gap, and is told by the next ``read``; it is made anew, in a thread.

    Args:
        address: Where the sampler listens.
        token: What it wants to be known.
        clock: Nanoseconds, monotonic.

    Raises:
        SamplerError: it cannot be reached, refuses, or is none.
    """

    is_timed = True

    def __init__(
        self,
        address: Address,
        token: str = "",
        clock: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self.address = address
        self._token = token
        self._clock = clock
        self._arrived: deque[Reading] = deque()
        self._lost: deque[SamplerError] = deque()
        self._end = threading.Event()
        self._line = _Line(address, token, clock)
        self._devices = self._line.welcome.devices
        self.node = self._line.welcome.node
        self.method = f"sampler {self.node} at {address}: " + "; ".join(self._line.welcome.methods)
        self._thread = threading.Thread(target=self._follow, name="sampler", daemon=True)
        self._thread.start()

    def devices(self) -> list[Device]:
        """Return the devices that the sampler had at the beginning."""
        return list(self._devices)

    @property
    def problems(self) -> list[str]:
        """Say what the sampler's own readers failed at, a line each."""
        return [f"{self.node}: {problem}" for problem in self._line.problems]

    def read(self) -> list[Reading]:
        """Return what arrived since the last call.

        Raises:
            SamplerError: the connection was lost; once for each time.
        """
        if self._lost:
            raise self._lost.popleft()
        readings = []
        while self._arrived:
            readings.append(self._arrived.popleft())
        return readings

    def close(self) -> None:
        """End the connection."""
        self._end.set()
        self._line.close()
        self._thread.join()

    def _follow(self) -> None:
        while not self._end.is_set():
            try:
                with self._line:
                    while not self._end.is_set():
                        self._arrived.extend(self._line.receive())
            except SamplerError as error:
                if self._end.is_set():
                    return
                self._lost.append(error)
                self._connect_anew()

    def _connect_anew(self) -> None:
        waits = iter(AGAIN_S)
        wait = AGAIN_S[0]
        while not self._end.wait(wait):
            wait = next(waits, AGAIN_S[-1])
            try:
                line = _Line(self.address, self._token, self._clock)
            except SamplerError:
                continue
            self._line = line
            if self._end.is_set():  # closed meanwhile: nobody else will close this one
                line.close()
            if line.welcome.node == self.node:
                return
            line.close()
            self._lost.append(SamplerError(f"is another node than {self.node}", where=str(line)))


def connect_samplers(addresses: Iterable[str], token: str = "") -> list[RemoteReader]:
    """Connect to several samplers, each on a node of its own.

    Args:
        addresses: ``HOST:PORT`` each.
        token: The same for all.

    Raises:
        UsageError: an address is none.
        SamplerError: one cannot be reached, refuses, or is none.
        ConformanceError: two call themselves the same: devices would be counted twice, or mixed up.
    """
    parsed = [parse_address(address, "--sampler") for address in addresses]
    readers: list[RemoteReader] = []
    with ExitStack() as undo:
        for address in parsed:
            readers.append(RemoteReader(address, token))
            undo.callback(readers[-1].close)
        check_keys([device for reader in readers for device in reader.devices()])
        undo.pop_all()
    return readers


class _Line:
    """One connection, from its greeting on."""

    def __init__(self, address: Address, token: str, clock: Callable[[], int]) -> None:
        self._where = f"sampler {address}"
        self._now = clock
        self._received = bytearray()
        self._begun = clock()
        self._count = 0
        self._clock = RemoteClock()
        self._pinged: dict[int, int] = {}
        self._number = 0
        self._is_compared = False
        self.problems: list[str] = []
        try:
            self._socket = socket.create_connection(address, CONNECT_S)
        except (OSError, UnicodeError) as error:  # a name may be none
            raise SamplerError(
                f"cannot be reached ({getattr(error, 'strerror', None) or error})",
                where=self._where,
                mend="start conformance profile sampler there, and let it through the firewall",
            ) from None
        with ExitStack() as undo:
            undo.callback(self.close)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.welcome = self._greeted(token)
            self._keys = [device.key for device in self.welcome.devices]
            for _ in range(FIRST_PINGS):
                self._ping()
                while self._pinged:
                    self._heard(self._next(CONNECT_S))
            self._is_compared = True
            undo.pop_all()
        self._last_word = time.monotonic()
        self._next_ping = self._last_word + PING_S

    def __str__(self) -> str:
        return self._where

    def __enter__(self) -> None:
        """Have it closed at the end."""

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it, also while another thread waits for it."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def receive(self) -> list[Reading]:
        """Return the readings of the next line, none if it brings none; ping when it is time.

        Raises:
            SamplerError: the connection is lost, or brings what no sampler says.
        """
        now = time.monotonic()
        if now >= self._next_ping:
            self._next_ping = now + PING_S
            self._ping()
        message = self._wait(self._next_ping - now)
        if message is not None:
            self._last_word = time.monotonic()
            return self._heard(message)
        if time.monotonic() - self._last_word > SILENCE_S:
            raise self._silent(SILENCE_S)
        return []

    def _greeted(self, token: str) -> Welcome:
        greeting = self._next(CONNECT_S)
        if not isinstance(greeting, Greeting) or greeting.format != FORMAT:
            raise self._strange("no greeting of a sampler")
        self._send(encode(Proof(prove(token, greeting.nonce))))
        welcome = self._next(CONNECT_S)
        if isinstance(welcome, Refusal):
            raise SamplerError(
                f"refuses: {welcome.why[:100]!a}",
                where=self._where,
                mend="give its token with --token-env",
            )
        if not isinstance(welcome, Welcome):
            raise self._strange("no welcome")
        self._check(welcome)
        return welcome

    def _check(self, welcome: Welcome) -> None:
        texts = [welcome.node, *welcome.methods]
        for device in welcome.devices:
            texts += [device.index, device.name, device.id]
        if not welcome.node:
            raise self._strange("no name of its node")
        self._check_texts(texts)
        if not 0 < welcome.hz <= MOST_HZ or not 0 < len(welcome.devices) <= MOST_DEVICES:
            raise self._strange("no devices, or too many, or no rate")
        if any(device.node != welcome.node for device in welcome.devices):
            raise self._strange("devices of another node")
        if len({device.key for device in welcome.devices}) != len(welcome.devices):
            raise self._strange("two devices of one name")

    def _check_texts(self, texts: list[str]) -> None:
        """Refuse what would do something to a terminal or a page, or fill it."""
        if any(len(text) > LONGEST_TEXT or not text.isprintable() for text in texts):
            raise self._strange("a text that cannot be shown")

    def _heard(self, message: Spoken) -> list[Reading]:
        match message:
            case Batch():
                return self._readings(message)
            case Pong():
                self._compare(message)
            case Beat():
                self._check_texts(message.problems)
                self.problems = message.problems[:MOST_DEVICES]
            case _:
                raise self._strange(f"a {type(message).__name__} in the middle")
        return []

    def _readings(self, batch: Batch) -> list[Reading]:
        self._count += len(batch.samples)
        seconds = (self._now() - self._begun) / 1e9
        if self._count > 4 * self.welcome.hz * len(self._keys) * (seconds + 10):
            raise self._strange("many more readings than announced")
        if not self._is_compared:
            return []
        readings = []
        for sample in batch.samples:
            is_known = 0 <= sample.device < len(self._keys)
            if not is_known or abs(sample.t_ns) > _FAR_NS or not 0 <= sample.t_error_ns <= _FAR_NS:
                raise self._strange("a reading of no device, or of no time")
            t_ns, error = self._local(sample.t_ns)
            reading = Reading(
                t_ns,
                self._keys[sample.device],
                sample.power_w,
                sample.energy_j,
                sample.t_error_ns + error,
            )
            if not is_possible(reading) or not self._is_of_now(reading):
                raise self._strange("an impossible reading")
            readings.append(reading)
        return readings

    def _is_of_now(self, reading: Reading) -> bool:
        earliest, latest = self._begun - LATE_NS, self._now()
        return (
            reading.t_ns + reading.t_error_ns >= earliest
            and reading.t_ns - reading.t_error_ns <= latest
        )

    def _local(self, remote_ns: int) -> tuple[int, int]:
        try:
            return self._clock.to_local(remote_ns)
        except ClockError as error:
            raise self._strange(str(error)) from None

    def _compare(self, pong: Pong) -> None:
        back = self._now()
        sent = self._pinged.pop(pong.number, None)
        if sent is None or max(abs(pong.received), abs(pong.answered)) > _FAR_NS:
            raise self._strange("an answer that was not asked for")
        try:
            self._clock.add(RoundTrip(sent, pong.received, pong.answered, back))
        except ClockError as error:
            raise self._strange(str(error)) from None

    def _ping(self) -> None:
        self._number += 1
        self._pinged[self._number] = self._now()
        self._send(encode(Ping(self._number)))

    def _send(self, line: bytes) -> None:
        try:
            self._socket.settimeout(CONNECT_S)
            self._socket.sendall(line)
        except OSError as error:
            raise self._broken(error) from None

    def _next(self, timeout_s: float) -> Spoken:
        message = self._wait(timeout_s)
        if message is None:
            raise self._silent(timeout_s)
        return message

    def _wait(self, timeout_s: float) -> Spoken | None:
        """Return the next message; None: there was none in time."""
        until = time.monotonic() + timeout_s
        while (end := self._received.find(b"\n")) < 0:
            if len(self._received) > LONGEST_LINE:
                raise self._strange("a line without an end")
            try:
                self._socket.settimeout(max(0.001, until - time.monotonic()))
                more = self._socket.recv(65536)
            except TimeoutError:
                return None
            except OSError as error:
                raise self._broken(error) from None
            if not more:
                raise SamplerError("ended the connection", where=self._where)
            self._received += more
        line = bytes(self._received[:end])
        del self._received[: end + 1]
        message: Spoken = decode(line, Spoken, self._where)  # type: ignore[arg-type]
        return message

    def _silent(self, seconds: float) -> SamplerError:
        return SamplerError(f"was silent for {seconds:g} s", where=self._where)

    def _broken(self, error: OSError) -> SamplerError:
        return SamplerError(f"was lost ({error.strerror or error})", where=self._where)

    def _strange(self, what: str) -> SamplerError:
        return SamplerError(
            f"sends {what}",
            where=self._where,
            mend="the address must be that of conformance profile sampler, of the same version",
        )
