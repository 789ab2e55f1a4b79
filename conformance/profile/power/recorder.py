"""Keeps what power readers say while something else runs, and the log of it.

Each reader is polled by a thread of its own: a tool that takes a second does not hold up a library
that takes a millisecond.
"""

from __future__ import annotations

import math
import threading
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol, Self

import msgspec

from conformance.errors import ConformanceError, EvidenceInvalidError
from conformance.profile.power.contract import Device, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

FORMAT = "power/1"
HZ = 20.0
MARGIN_NS = 5_000_000_000
"""Readings this far around a window go with it: its edges lie between readings."""
GREATEST_W = 20_000.0
"""More than any single device draws: a reading above is a wrong unit."""


class Source(Protocol):
    """What is polled: a ``PowerReader``, or a sampler elsewhere.

    One whose readings bear their own time says so with a true ``is_timed``.
    """

    @property
    def method(self) -> str:
        """How it reads."""
        ...

    def devices(self) -> list[Device]:
        """Return the devices there are."""
        ...

    def read(self) -> list[Reading]:
        """Look at all devices once."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class PowerHeader(msgspec.Struct, frozen=True):
    """What was read, and how."""

    format: str
    origin_ns: int
    """``time.perf_counter_ns`` at the beginning; the lines' times count from it."""
    origin_unix_ns: int
    """The same moment by the wall clock."""
    hz: float
    """How often a reader is asked, if it is quick enough."""
    devices: list[Device]
    methods: list[str]
    """One a reader."""
    problems: list[str] = []
    """A line a reader whose reads failed: how often, and with what last."""


class PowerLog(msgspec.Struct, frozen=True):
    """All readings of a run."""

    header: PowerHeader
    readings: list[Reading]

    @property
    def devices(self) -> list[Device]:
        """Return the devices that were there at the beginning."""
        return self.header.devices

    @property
    def methods(self) -> list[str]:
        """Return how each reader read."""
        return self.header.methods


class Poller:
    """A thread that asks one reader ``hz`` times a second, or as fast as it goes.

    Readings get the middle of the look as their time. A read that fails is counted, and leaves a
    gap; so is one that brings what no device draws.

    Args:
        source: The reader.
        hz: How often.
        take: Gets the readings of each look, in the poller's thread.
        clock: Nanoseconds, monotonic.
    """

    def __init__(
        self,
        source: Source,
        hz: float,
        take: Callable[[list[Reading]], None],
        clock: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self.source = source
        self.failures = 0
        self.last_failure = ""
        self._period_s = 1 / hz
        self._take = take
        self._clock = clock
        self._looked = threading.Condition()
        self._looks = 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="power", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the look that is under way; the reader stays open."""
        self._end.set()
        self._thread.join()

    def look(self) -> None:
        """Ask the reader once."""
        before = self._clock()
        try:
            readings = self.source.read()
        except Exception as error:  # noqa: BLE001 - a vendor's library may raise anything
            self._fail(str(error) if isinstance(error, ConformanceError) else repr(error))
        else:
            self._take(self._stamped(readings, before, self._clock()))
        with self._looked:
            self._looks += 1
            self._looked.notify_all()

    def wait(self, timeout_s: float) -> bool:
        """Wait until a look has begun and ended since now; say whether one has."""
        with self._looked:
            target = self._looks + 2  # the one under way may have begun before
            return self._looked.wait_for(
                lambda: self._looks >= target or self._end.is_set(), timeout_s
            )

    @property
    def problem(self) -> str | None:
        """Say how often it failed, and with what last."""
        if not self.failures:
            return None
        return f"{self.source.method}: {self.failures} looks failed, last: {self.last_failure}"

    def _stamped(self, readings: list[Reading], before: int, after: int) -> list[Reading]:
        middle, half = (before + after) // 2, (after - before + 1) // 2
        is_timed = getattr(self.source, "is_timed", False)
        kept = []
        for reading in readings:
            if not is_possible(reading):
                self._fail(f"{reading.device}: {reading.power_w} W, {reading.energy_j} J")
            elif is_timed:
                kept.append(reading)
            else:
                kept.append(msgspec.structs.replace(reading, t_ns=middle, t_error_ns=half))
        return kept

    def _fail(self, why: str) -> None:
        self.failures += 1
        line = " ".join(why.split())[:300]
        self.last_failure = "".join(letter if letter.isprintable() else "?" for letter in line)

    def _poll(self) -> None:
        due = time.monotonic()
        while not self._end.is_set():
            self.look()
            due = max(due + self._period_s, time.monotonic())
            self._end.wait(due - time.monotonic())


class Recorder:
    """Polls readers from ``with`` to its end, and keeps all they say.

    Args:
        readers: They are closed at the end.
        hz: How often each is asked.
        clock: Nanoseconds, monotonic: the clock of the load's log.
    """

    def __init__(
        self,
        readers: Sequence[Source],
        hz: float = HZ,
        clock: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self.readers = list(readers)
        self.hz = hz
        self.devices = [device for reader in self.readers for device in reader.devices()]
        self.methods = [reader.method for reader in self.readers]
        self._kept: list[Reading] = []
        self._origin_ns, self._origin_unix_ns = clock(), time.time_ns()
        self._pollers = [Poller(reader, hz, self._kept.extend, clock) for reader in self.readers]
        check_keys(self.devices)

    def __enter__(self) -> Self:
        """Begin to poll."""
        for poller in self._pollers:
            poller.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End, and close the readers."""
        for poller in self._pollers:
            poller.stop()
        for reader in self.readers:
            reader.close()

    @property
    def problems(self) -> list[str]:
        """Say which readers' looks failed, here or at a sampler, a line each."""
        there = [line for reader in self.readers for line in getattr(reader, "problems", ())]
        return [poller.problem for poller in self._pollers if poller.problem] + there

    def readings(self, start_ns: int | None = None, end_ns: int | None = None) -> list[Reading]:
        """Return what was read so far; of a window, with what lies around its edges."""
        least = -math.inf if start_ns is None else start_ns - MARGIN_NS
        most = math.inf if end_ns is None else end_ns + MARGIN_NS
        return [reading for reading in list(self._kept) if least <= reading.t_ns <= most]

    def settle(self, after_s: float = 0.3, timeout_s: float = 5.0) -> None:
        """Wait until each reader has looked anew: a window that is over then has its right edge.

        Args:
            after_s: A little more, for counters that move every 100 ms.
            timeout_s: The longest wait for any reader.
        """
        if self._pollers and all(poller.wait(timeout_s) for poller in self._pollers):
            time.sleep(after_s)

    def log(self) -> PowerLog:
        """Return all that was read so far, once the readers have looked anew."""
        self.settle()
        header = PowerHeader(
            FORMAT,
            self._origin_ns,
            self._origin_unix_ns,
            self.hz,
            self.devices,
            self.methods,
            self.problems,
        )
        return PowerLog(header, sorted(self._kept, key=lambda reading: reading.t_ns))

    def write(self, path: Path) -> None:
        """Write all that was read so far."""
        write_power_log(self.log(), path)


def is_possible(reading: Reading) -> bool:
    """Say whether its figures are finite, not negative, and no more than a device can draw."""
    power, energy = reading.power_w, reading.energy_j
    if power is not None and not 0 <= power <= GREATEST_W:
        return False
    return energy is None or (math.isfinite(energy) and energy >= 0)


def check_keys(devices: Sequence[Device]) -> None:
    """Refuse two devices of one name: their readings could not be told apart.

    Raises:
        ConformanceError: two have the same key.
    """
    keys = sorted(device.key for device in devices)
    for one, two in pairwise(keys):
        if one == two:
            raise ConformanceError(
                "is read twice, or two devices have this name",
                where=one,
                mend="name each sampler once, and give each its own --node",
            )


class _Line(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    t: int
    """Since the origin."""
    device: int
    """Which of the header's."""
    power_w: float | None
    energy_j: float | None
    t_error: int


def write_power_log(log: PowerLog, path: Path) -> None:
    """Write a log: header, names of devices, then a reading a line (JSON Lines).

    A reading's line is [nanoseconds since the origin, which name, W, J, error of the time in ns].
    """
    names = [device.key for device in log.devices]
    names += sorted({reading.device for reading in log.readings} - set(names))
    index = {name: at for at, name in enumerate(names)}
    origin = log.header.origin_ns
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(msgspec.json.encode(log.header) + b"\n")
        file.write(msgspec.json.encode(names) + b"\n")
        for reading in log.readings:
            line = _Line(
                reading.t_ns - origin,
                index[reading.device],
                reading.power_w,
                reading.energy_j,
                reading.t_error_ns,
            )
            file.write(msgspec.json.encode(line) + b"\n")


def read_power_log(path: Path) -> PowerLog:
    """Read a log.

    Raises:
        EvidenceInvalidError: it is none, or a reading in it is none.
    """
    where = str(path)
    try:
        head, names_line, *lines = path.read_bytes().splitlines()
        header = msgspec.json.decode(head, type=PowerHeader)
        names = msgspec.json.decode(names_line, type=list[str])
        decoder = msgspec.json.Decoder(_Line)
        given = [decoder.decode(line) for line in lines]
    except (OSError, ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise EvidenceInvalidError(
            f"is no log of power ({error})", where=where, mend="name one that profile wrote"
        ) from None
    if header.format != FORMAT:
        raise EvidenceInvalidError(f"is of format {header.format!r}", where=where)
    if names[: len(header.devices)] != [device.key for device in header.devices]:
        raise EvidenceInvalidError("has other names than devices", where=where)
    readings = []
    for number, line in enumerate(given, 3):
        if not 0 <= line.device < len(names) or line.t_error < 0:
            raise EvidenceInvalidError("has a reading of no device", where=f"{where}:{number}")
        t, name = header.origin_ns + line.t, names[line.device]
        reading = Reading(t, name, line.power_w, line.energy_j, line.t_error)
        if not is_possible(reading):
            raise EvidenceInvalidError("has an impossible reading", where=f"{where}:{number}")
        readings.append(reading)
    return PowerLog(header, readings)
