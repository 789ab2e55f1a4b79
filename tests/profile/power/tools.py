"""Vendors' tools that are not there: what they print comes from fixtures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.profile.power.contract import PowerFormatError
from conformance.profile.power.tool import ToolMissingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from conformance.profile.power.layout import Power

FIXTURES = Path(__file__).parent / "fixtures"


def fixture(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def text(name: str) -> str:
    return fixture(name).decode()


def shown(powers: Sequence[Power]) -> dict[str, float]:
    """Return watts by index of the device."""
    return {power.device.index: power.watts for power in powers}


class FakeTool:
    """A ``Run`` whose commands print what they are given: answers in order, and the last again.

    A tool none of whose commands is given is missing; any other command of one that is ends with an
    error.
    """

    def __init__(self, answers: Mapping[Sequence[str], Any]) -> None:
        self.answers = {
            tuple(argv): list(answer) if isinstance(answer, list) else [answer]
            for argv, answer in answers.items()
        }
        self.ran: list[tuple[str, ...]] = []

    def __call__(self, argv: Sequence[str]) -> bytes:
        self.ran.append(tuple(argv))
        if all(known[0] != argv[0] for known in self.answers):
            raise ToolMissingError(f"{argv[0]} is not on this machine", where=argv[0])
        answers = self.answers.get(tuple(argv))
        if answers is None:
            raise PowerFormatError("ended with exit code 2: unknown option", where=" ".join(argv))
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer
