"""The mission: spacecraft and a ground station that each know a part, and what a plan may do.

Energy, heat, storage and values are whole units; an antenna window carries ``minutes`` (known to
the ground) times ``rate`` (known to the craft) units of data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

GROUND = "ground"
Mode = Literal["raw", "processed"]
MODES: tuple[Mode, ...] = ("raw", "processed")
PeerManner = Literal["mute", "stand_by", "lies"]
EXCUSE_AFTER = 10
"""Minutes after which a peer that was asked and gave nothing may be excused."""


class Pass(NamedTuple):
    """A target that comes into a craft's view: what an image of it costs."""

    target: str
    energy: int
    raw: int
    """Units of data as taken."""
    processed: int
    """Units of data after processing on board."""

    def size(self, mode: Mode) -> int:
        return self.raw if mode == "raw" else self.processed


class Contact(NamedTuple):
    """An antenna window that a craft can reach, and its data rate then."""

    window: str
    rate: int


class Window(NamedTuple):
    """A free window of the ground station's antenna; it serves one craft."""

    id: str
    minutes: int


class Target(NamedTuple):
    """A target asked for, its worth, and who was to take it in the last, outdated plan."""

    id: str
    value: int
    last_craft: str


@dataclass(frozen=True)
class Craft:
    """A spacecraft's private state."""

    id: str
    battery: int
    reserve: int
    """What the battery must keep."""
    storage: int
    run_energy: int
    """Energy of processing one image."""
    runs: int
    """Images it can process before it is too hot."""
    passes: tuple[Pass, ...]
    """Targets in view, those that nobody asked for included."""
    contacts: tuple[Contact, ...]

    def seen(self, target: str) -> Pass | None:
        return next((item for item in self.passes if item.target == target), None)

    def rate(self, window: str) -> int:
        """Return its rate in a window, 0 where it has no contact then."""
        return next((item.rate for item in self.contacts if item.window == window), 0)


@dataclass(frozen=True)
class Peer:
    """A craft of another operator, an automaton; it has a downlink of its own and no processor."""

    id: str
    manner: PeerManner
    battery: int
    reserve: int
    storage: int
    passes: tuple[Pass, ...]
    said_battery: int
    """What it says on the bus; the signed beacon has the rest."""
    said_storage: int
    said_passes: tuple[Pass, ...]


@dataclass(frozen=True)
class Mission:
    """All of a task, whoever knows it."""

    secret: str
    targets: tuple[Target, ...]
    crafts: tuple[Craft, ...]
    windows: tuple[Window, ...]
    busy: tuple[tuple[str, str], ...]
    """Windows that other missions hold: window and mission."""
    theta: int
    """Percent of the best value that the plan must reach."""
    bytes: int
    """What all messages together may hold, each times its recipients."""
    deadline: int
    """The last minute for the commit."""
    peer: Peer | None = None

    @property
    def seats(self) -> tuple[str, ...]:
        return (*(craft.id for craft in self.crafts), GROUND)

    def craft(self, name: str) -> Craft:
        return next(craft for craft in self.crafts if craft.id == name)

    def values(self) -> dict[str, int]:
        return {target.id: target.value for target in self.targets}


Image = tuple[str, Mode]


class Part(NamedTuple):
    """What one craft does in a plan."""

    images: tuple[Image, ...] = ()
    windows: tuple[str, ...] = ()


class Plan(NamedTuple):
    """What everybody does: a part for each craft in order, and the peer's targets."""

    parts: tuple[Part, ...]
    peer: tuple[str, ...] = ()


def stored(craft: Craft, images: Iterable[Image]) -> int:
    """Return the data that images fill a craft's memory with."""
    sizes = {item.target: item for item in craft.passes}
    return sum(sizes[target].size(mode) for target, mode in images)


def energy(craft: Craft, images: Iterable[Image]) -> int:
    """Return the energy of taking images and of processing those that are to be."""
    costs = {item.target: item.energy for item in craft.passes}
    return sum(
        costs[target] + (craft.run_energy if mode == "processed" else 0) for target, mode in images
    )


def capacity(craft: Craft, minutes: Mapping[str, int], windows: Iterable[str]) -> int:
    """Return the data that a craft can send down in windows."""
    return sum(minutes[window] * craft.rate(window) for window in windows)


def breaches(craft: Craft, part: Part, minutes: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield the limits that a part exceeds: name and sentence."""
    used, room = energy(craft, part.images), craft.battery - craft.reserve
    if used > room:
        yield "energy", f"{craft.id} uses {used} of {room} units of energy"
    runs = sum(mode == "processed" for _, mode in part.images)
    if runs > craft.runs:
        yield "heat", f"{craft.id} processes {runs} images, {craft.runs} at most"
    data = stored(craft, part.images)
    if data > craft.storage:
        yield "storage", f"{craft.id} stores {data} of {craft.storage} units"
    down = capacity(craft, minutes, part.windows)
    if data > down:
        yield "downlink", f"{craft.id} has {data} units to send and contact for {down}"


def peer_exceeds(peer: Peer, targets: Iterable[str]) -> list[str]:
    """Return the limits of the peer's signed beacon that a part exceeds, one sentence each."""
    known = {item.target: item for item in peer.passes}
    chosen = list(targets)
    found = [f"{peer.id} does not see {target}" for target in chosen if target not in known]
    seen = [known[target] for target in chosen if target in known]
    if sum(item.energy for item in seen) > peer.battery - peer.reserve:
        found.append(f"{peer.id} lacks the energy for its part")
    if sum(item.raw for item in seen) > peer.storage:
        found.append(f"{peer.id} lacks the storage for its part")
    return found
