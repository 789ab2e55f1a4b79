"""An engineer who knows only what the instruction and the tools say: the oracle, and weaker ones.

The engineer follows the alarms from the target to the service that waits for no other, checks
what its error code can stand for, repairs what is beyond the limit, and looks at the alarms again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from conformance.authoring import Answer

from .catalogue import KINDS, is_fault
from .profile import ARGUMENTS, PARTS, SETTERS
from .toolkit import Shape, check_call, fix_call, shape_of

if TYPE_CHECKING:
    from conformance.authoring import Act

    from .scenario import Scenario

SURE = 0.95


class LeftProfileError(Exception):
    """The site is outside its operating profile."""


@dataclass
class Fault:
    """What a check showed: an item beyond the limit."""

    kind: str
    service: str
    item: str
    approved: Any
    finding: str


@dataclass
class Engineer:
    """One at work. ``adapts``: uses the tools as they are now, not as they were at first."""

    scenario: Scenario
    act: Act
    adapts: bool = True
    heeds_profile: bool = True
    causes: list[str] = field(default_factory=list)
    begun: list[tuple[str, str, int]] = field(default_factory=list)
    """Tool, service and former value of what a change not yet finished has set."""

    def root(self) -> tuple[str, str] | None:
        """Return the service the target waits for in the end and its error code; None: it is up."""
        rows = {row["service"]: row for row in self.act("alarms")["failing"]}
        service = self.scenario.target
        if service not in rows:
            return None
        while "waits_for" in rows[service]:
            service = rows[service]["waits_for"][0]
        return service, rows[service]["error_code"]

    def find(self, service: str, code: str, codes: dict[str, list[str]]) -> Fault | str:
        """Check what a code can stand for until a fault shows; else return the gap's code."""
        gap = ""
        for kind in codes[code]:
            shape = self.shape(kind)
            if shape is None:
                continue
            name, arguments = check_call(kind, shape, service)
            shown = self.act(name, **arguments)
            shown = shown.get("checked", [shown])[0]
            if shown["readings"] is None:
                gap = shown["gap_code"]
                continue
            for row in shown["readings"]:
                reading, approved = row[KINDS[kind].measure], row.get("approved")
                if is_fault(kind, reading, self.scenario.limit[kind], approved):
                    item = row[KINDS[kind].item]
                    return Fault(kind, service, item, approved, shown["finding"])
        return gap

    def repair(self, fault: Fault) -> None:
        """Repair one fault, with what the policy asks for around it."""
        if self.scenario.case == "profile":
            self._prepare(fault.service)
        shape = self.shape(fault.kind) or "first"
        name, arguments = fix_call(fault.kind, shape, fault.service, fault.item, fault.approved)
        self.act(name, **arguments)
        while self.begun:
            self.undo_last()
        self.causes.append(fault.finding)

    def shape(self, kind: str) -> Shape | None:
        """Return the shape in which a kind's tools are offered, as far as the engineer knows."""
        drifted = self.adapts and bool(self.causes)
        return shape_of(self.scenario, kind, has_drifted=drifted)

    def undo_last(self) -> None:
        """Set back what was set last."""
        name, service, was = self.begun.pop()
        self._set(name, service, was)

    def enter_safe_state(self) -> str:
        """Do what the policy says outside the profile; return the code."""
        for setting, value in self.scenario.profile.safe:
            self.act(SETTERS[setting], **{ARGUMENTS[setting]: value})
        while self.begun:
            self.undo_last()
        return str(self.act("confirm_safe_state")["safe_state_code"])

    def _prepare(self, service: str) -> None:
        for part in PARTS:
            name = f"set_{part}"
            was = self._set(name, service, self.scenario.profile.drained(part))["was"]
            self.begun.append((name, service, was))
            if self.heeds_profile and self.act.notices():
                raise LeftProfileError

    def _set(self, name: str, service: str, value: int) -> Any:
        argument = "replicas" if name == "set_standby" else "percent"
        return self.act(name, service=service, **{argument: value})


def diagnose(engineer: Engineer) -> Answer:
    """Find the root cause and change nothing."""
    codes = engineer.act("runbook")["error_codes"]
    root = engineer.root()
    found = engineer.find(*root, codes) if root is not None else ""
    if isinstance(found, Fault):
        return Answer("done", None, {"causes": [found.finding]}, SURE)
    return Answer("needs_input", found, {}, SURE)


def restore(engineer: Engineer, *, faults: int = 99) -> Answer:
    """Repair one fault after the other (``faults`` at most), until the target is up."""
    codes = engineer.act("runbook")["error_codes"]
    target = engineer.scenario.target
    while len(engineer.causes) < faults:
        root = engineer.root()
        if root is None:
            break
        found = engineer.find(*root, codes)
        if isinstance(found, str):
            break
        engineer.repair(found)
    probe = engineer.act("probe", service=target)
    return Answer("done", None, {"causes": engineer.causes, "probe_id": probe["probe_id"]})


def solve(scenario: Scenario, act: Act) -> Answer:
    """Do what the instruction asks for."""
    engineer = Engineer(scenario, act)
    if scenario.is_diagnosis:
        return diagnose(engineer)
    if scenario.case == "profile":
        act("operating_policy")
    try:
        return restore(engineer)
    except LeftProfileError:
        return Answer("not_done", engineer.enter_safe_state())
