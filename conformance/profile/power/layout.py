"""What all readers that go through a vendor's tool share: figures with units, refusals, the reader.

Nothing here guesses: what is not known for sure is refused.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from conformance.profile.power.contract import Device, PowerFormatError, Reading
from conformance.profile.power.tool import MEND, ToolMissingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.profile.power.contract import Vendor
    from conformance.profile.power.tool import Run

MOST_W = 5000.0
"""No device of today draws more: a figure above it has another unit."""

_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,12})?"
ABSENT = frozenset({"N/A", "[N/A]", "NA", "-", "--", "[Not Supported]", "Not Supported"})
"""How tools say that they have no value; it is never 0."""


class Power(NamedTuple):
    """What a tool said of one device."""

    device: Device
    watts: float
    joules: float | None = None
    """A counter that only rises."""


Look = Callable[[], "Sequence[Power]"]
"""Asks a tool for all devices."""


class ToolReader:
    """A ``PowerReader`` that asks a tool for all devices at once.

    Args:
        vendor: Whose devices.
        method: The tool, its version and what it is asked.
        look: Asks the tool; it is called once here, and then for every reading.
        clock: Nanoseconds of the client's monotonic clock.

    Raises:
        PowerFormatError: the tool printed something that is not known for sure, or no device.
    """

    def __init__(
        self,
        vendor: Vendor,
        method: str,
        look: Look,
        clock: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self.vendor = vendor
        self.method = method
        self._look = look
        self._clock = clock
        self._devices = [power.device for power in with_keys(look(), method)]

    def devices(self) -> list[Device]:
        """Return the devices there were at the beginning."""
        return list(self._devices)

    def read(self) -> list[Reading]:
        """Look at all devices once; the time is the middle of the tool's run.

        Raises:
            PowerFormatError: the tool printed something that is not known for sure, or other
                devices than at the beginning.
        """
        begun = self._clock()
        powers = with_keys(self._look(), self.method)
        half = (self._clock() - begun) // 2
        keys = {power.device.key for power in powers}
        known = {device.key for device in self._devices}
        if keys != known:
            other = ", ".join(sorted(keys ^ known))
            raise refusal(self.method, f"shows other devices than at the beginning ({other})")
        return [
            Reading(begun + half, power.device.key, power.watts, power.joules, half)
            for power in powers
        ]

    def close(self) -> None:
        """Do nothing: the tool holds nothing between two looks."""


def first_known(vendor: Vendor, layouts: Sequence[tuple[str, Look]]) -> ToolReader:
    """Return a reader of the first layout that reads.

    Args:
        vendor: Whose devices.
        layouts: The method's name and how to look, the preferred one first.

    Raises:
        PowerFormatError: none reads; it says why, of each.
    """
    refused: list[PowerFormatError] = []
    for method, look in layouts:
        try:
            return ToolReader(vendor, method, look)
        except PowerFormatError as error:
            refused.append(error)
    if len(refused) == 1:
        raise refused[0]
    why = "; ".join(f"{error.where}: {error.what}" for error in refused)
    raise refusal(layouts[0][0], f"prints none of the layouts that are known ({why})")


def refusal(tool: str, what: str, line: str = "") -> PowerFormatError:
    """Return the error for what is not known for sure.

    Args:
        tool: The tool, or the command.
        what: What is wrong.
        line: Where: the line, or a part of it.
    """
    place = f"{tool}, {line.strip()[:120]!a}" if line.strip() else tool
    return PowerFormatError(what, where=place, mend=MEND)


def decode(output: bytes, tool: str) -> str:
    """Return the text of an output.

    Raises:
        PowerFormatError: it is empty or no UTF-8.
    """
    try:
        text = output.decode()
    except UnicodeDecodeError as error:
        raise refusal(tool, f"printed something that is no UTF-8 ({error.reason})") from None
    if not text.strip():
        raise refusal(tool, "printed nothing")
    return text


def whole_lines(text: str, tool: str) -> list[str]:
    """Return the lines of a text that have something on them.

    Raises:
        PowerFormatError: the last line has no end: a figure on it may have lost digits.
    """
    if not text.endswith("\n"):
        raise refusal(tool, "ended in the middle of a line", text.rpartition("\n")[2])
    return [line for line in text.splitlines() if line.strip()]


def is_absent(value: object) -> bool:
    """Return whether the tool says that it has no value."""
    return isinstance(value, str) and value.strip() in ABSENT


def watts(text: str, tool: str, line: str = "") -> float:
    """Return a power that has its unit beside it: ``93W``, ``106 W``.

    Raises:
        PowerFormatError: no unit, another one, or out of range.
    """
    if not (match := re.fullmatch(rf"({_NUMBER}) ?W", text.strip())):
        raise refusal(tool, f"shows a power that is not a number of W: {text[:40]!a}", line)
    return within_range(float(match[1]), tool, line)


def bare_watts(text: str, tool: str, line: str = "") -> float:
    """Return a power whose unit stands in its column's name.

    Raises:
        PowerFormatError: no plain number, or out of range.
    """
    if not re.fullmatch(_NUMBER, text.strip()):
        raise refusal(tool, f"shows a power that is not a plain number: {text[:40]!a}", line)
    return within_range(float(text), tool, line)


def usage_and_cap(text: str, tool: str, line: str = "") -> tuple[float, float | None]:
    """Return power and limit of ``29W / 225W``, ``106 W/ 250 W``; the limit may be absent."""
    usage, slash, cap = text.partition("/")
    if not slash:
        raise refusal(tool, f"shows no usage and cap: {text[:40]!a}", line)
    limit = None if is_absent(cap) else watts(cap, tool, line)
    return watts(usage, tool, line), limit


def within_range(value: float, tool: str, line: str = "") -> float:
    """Return a power in watts that a device can have.

    Raises:
        PowerFormatError: 0 (which is what a device without a sensor shows), negative or above
            ``MOST_W``.
    """
    if isinstance(value, bool) or not (0 < value <= MOST_W) or not math.isfinite(value):
        raise refusal(tool, f"shows {value:g} W, which no device draws", line)
    return float(value)


def decode_json(text: str, tool: str) -> Any:
    """Return the first JSON value in a text; lines before it (warnings) are passed over.

    Raises:
        PowerFormatError: there is none, it is cut off, something follows it, or an object has a
            key twice.
    """
    begin = re.search(r"^\s*[{\[]", text, re.MULTILINE)
    while begin:
        rest = text[begin.end() - 1 :]
        try:
            value, end = json.JSONDecoder(object_pairs_hook=_no_key_twice).raw_decode(rest)
        except (ValueError, RecursionError):
            # A warning may begin with a bracket: ``[WARNING] …``.
            begin = re.compile(r"^\s*[{\[]", re.MULTILINE).search(text, begin.end())
            continue
        if rest[end:].strip():
            raise refusal(tool, "printed something after its JSON", rest[end:].strip())
        return value
    raise refusal(tool, "printed no JSON that can be read", text.strip())


def version_of(run: Run, argv: Sequence[str]) -> str:
    """Return the version a tool gives of itself; empty where it gives none, for it only names a
    method.
    """
    try:
        output = run(argv).decode(errors="replace")
    except (PowerFormatError, ToolMissingError):
        return ""
    found = re.search(r"[0-9]+(?:\.[0-9]+)+", output)
    return found[0] if found else ""


def with_keys(powers: Sequence[Power], tool: str) -> list[Power]:
    """Return the powers so that each device has a key of its own.

    An id that several devices share (two chips on one bus address) is left out.

    Raises:
        PowerFormatError: no device, or two with one index.
    """
    if not powers:
        raise refusal(tool, "shows no device")
    indexes = [power.device.index for power in powers]
    if twice := {index for index in indexes if indexes.count(index) > 1}:
        raise refusal(tool, f"shows device {min(twice)} twice")
    ids = [power.device.id for power in powers if power.device.id]
    if len(set(ids)) == len(ids):
        return list(powers)
    return [power._replace(device=msgspec.structs.replace(power.device, id="")) for power in powers]


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs if key]  # hy-smi prints an empty key several times
    if len(set(keys)) != len(keys):
        raise ValueError("a key stands twice")
    return dict(pairs)
