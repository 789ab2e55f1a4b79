"""The devices behind the endpoint: each for itself, summed by machine, and summed in all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from conformance.report.inert import inert_line
from conformance.report.numbers import UNKNOWN, percent, seconds
from conformance.report.profile_chain import headline_point
from conformance.report.profile_words import (
    codes_of,
    figure,
    joules,
    vendor_name,
    with_unit,
)
from conformance.report.texts import both, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from conformance.evidence.documents import Words
    from conformance.profile.document import DeviceEnergy, Energy, Point, ProfileDocument
    from conformance.profile.power.contract import Device


class DeviceRow(NamedTuple):
    """One device in the window; a sum's row has no method, coverage or difference."""

    label: Words
    id: str
    watts: str
    idle: str
    joules: str
    method: Words | None
    coverage: str
    against: str
    reasons: str


class Node(NamedTuple):
    """One machine: its devices, and their sum."""

    rows: tuple[DeviceRow, ...]
    total: DeviceRow


class Devices(NamedTuple):
    """The section; ``total`` is over all machines."""

    when: Words | None
    nodes: tuple[Node, ...]
    total: DeviceRow | None
    reasons: str


def devices_section(document: ProfileDocument) -> Devices:
    """Return what each device used, at the load of the headline or the last that has readings."""
    point = _point(document)
    energy = None if point is None else point.energy
    used = {} if energy is None else {item.device: item for item in energy.devices}
    machines = dict.fromkeys(device.node for device in document.devices)
    nodes = tuple(
        _node(name, [d for d in document.devices if d.node == name], used, energy)
        for name in machines
    )
    if point is None or energy is None:
        return Devices(None, nodes, None, "")
    load = say("profile.place_load", load=figure(point.concurrency))
    when = say("profile.devices_note", load=load, window=seconds(energy.window_s))
    return Devices(
        when=when,
        nodes=nodes,
        total=_whole(energy, len(document.devices), len(machines)),
        reasons="" if energy.valid else codes_of(energy.reasons),
    )


def device_label(device: Device) -> Words:
    """Return a device's vendor, name and number."""
    vendor, name = vendor_name(device.vendor), inert_line(device.name, 60)
    words = [f"{text} {name}".rstrip() for text in (vendor.zh, vendor.en)]
    number = inert_line(device.index, 20)
    return type(vendor)(*(f"{text} #{number}" for text in words))


def _point(document: ProfileDocument) -> Point | None:
    best = headline_point(document)
    if best is not None and best.energy is not None:
        return best
    return next((point for point in reversed(document.points) if point.energy is not None), None)


def _node(
    name: str,
    devices: Sequence[Device],
    used: dict[str, DeviceEnergy],
    energy: Energy | None,
) -> Node:
    window = None if energy is None else energy.window_s
    rows = tuple(_row(device, used.get(device.key), window) for device in devices)
    found = [used.get(device.key) for device in devices]
    whole = _sum(None if item is None else item.joules for item in found)
    idle = _sum(None if item is None else item.idle_w for item in found)
    label = say("profile.node", node=inert_line(name, 60)) if name else say("profile.node_here")
    total = DeviceRow(
        label=say("profile.node_sum", node=label, n=len(devices)),
        id="",
        watts=with_unit(_watts(whole, window), "W"),
        idle=with_unit(idle, "W"),
        joules=joules(whole),
        method=None,
        coverage="",
        against="",
        reasons="",
    )
    return Node(rows, total)


def _row(device: Device, used: DeviceEnergy | None, window_s: float | None) -> DeviceRow:
    label = device_label(device)
    name = inert_line(device.id, 80)
    if used is None:
        none = say("profile.no_readings")
        return DeviceRow(label, name, UNKNOWN, UNKNOWN, UNKNOWN, none, UNKNOWN, UNKNOWN, "")
    counter, sampled = used.counter_j, used.sampled_j
    differs = UNKNOWN
    if counter is not None and sampled is not None and counter:
        differs = f"{(sampled - counter) / counter * 100:+.1f}%"
    spread = "" if used.uncertainty_j is None else f" ± {joules(used.uncertainty_j)}"
    return DeviceRow(
        label=label,
        id=name,
        watts=with_unit(_watts(used.joules, window_s), "W"),
        idle=with_unit(used.idle_w, "W"),
        joules=joules(used.joules) + (spread if used.joules is not None else ""),
        method=_method(used),
        coverage=percent(used.coverage),
        against=differs,
        reasons=codes_of(used.reasons) if used.reasons else "",
    )


def _method(used: DeviceEnergy) -> Words:
    if used.method == "counter":
        return say("profile.method_counter", n=used.samples)
    hertz = say("profile.hertz", value=figure(used.rate_hz))
    rate = say("profile.no_rate") if used.rate_hz is None else hertz
    return say("profile.method_sampling", n=used.samples, rate=rate)


def _whole(energy: Energy, devices: int, machines: int) -> DeviceRow:
    """Return the sum that the profile itself gives: null where a device is not to be trusted."""
    idle = None if energy.idle_joules is None else _watts(energy.idle_joules, energy.window_s)
    spread = "" if energy.uncertainty_j is None else f" ± {joules(energy.uncertainty_j)}"
    key = "profile.all_devices" if machines > 1 else "profile.all"
    return DeviceRow(
        label=say(key, n=devices, nodes=machines),
        id="",
        watts=with_unit(energy.average_w, "W"),
        idle=with_unit(idle, "W"),
        joules=joules(energy.joules) + (spread if energy.joules is not None else ""),
        method=both(""),
        coverage="",
        against="",
        reasons="" if energy.valid else codes_of(energy.reasons),
    )


def _watts(used: float | None, window_s: float | None) -> float | None:
    return used / window_s if used is not None and window_s else None


def _sum(values: Iterable[float | None]) -> float | None:
    """Return the sum; a value that is not known makes it unknown, never smaller."""
    found = list(values)
    known = [value for value in found if value is not None]
    return sum(known) if len(known) == len(found) else None
