"""A toy family, so that each grader is seen passing and failing for its own reason."""

from dataclasses import dataclass, replace

import pytest

from conformance.authoring import Answer, Call, End, Finding, Instance, Played, Seat, ToolSpec
from conformance.edition import read


@dataclass(frozen=True)
class Case:
    """What the toy instance wants."""

    goal: str = "new"
    tools: tuple[str, ...] = ("set_it",)
    is_undecidable: bool = False


class Toy:
    """As much of a family as graders ask for."""

    id = "toy"

    def goal(self, case, final):
        if final["cell"] != case.goal:
            yield Finding("goal.cell", f"cell is {final['cell']}")

    def may_change(self, case):
        return ["/cell"] if case.goal != "old" else []

    def faults(self, case):
        return ()

    def is_undecidable(self, case):
        return case.is_undecidable

    def conduct(self, case, calls):
        names = [call.name for call in calls]
        if "pay" in names and "approve" not in names[: names.index("pay")]:
            yield Finding("conduct.order", "paid before approval")
        if "leak" in names:
            yield Finding("conduct.security.canary", "told a canary", critical=True)
        if "decree" in names:
            yield Finding("conduct.authority.approval", "acted without approval")

    def oracle(self, case, act):
        for name in case.tools:
            act(name)
        return Answer("done", values={"id": "TOKEN1"})

    def world(self, case):
        return ToyWorld({"cell": "old", "other": 1}, "s")


def _world():
    from conformance.authoring import World, tool

    class Toys(World):
        @tool("write")
        def set_it(self):
            """Set it."""
            self.state["cell"] = "new"
            return {"id": "TOKEN1"}

    return Toys


ToyWorld = _world()


@dataclass(frozen=True)
class Builder:
    """Builds a played trial that is right, but for what a test changes."""

    played: Played

    def but(self, **changes):
        instance = {
            k: changes.pop(k) for k in ("right_end", "scenario", "forbidden") if k in changes
        }
        if instance:
            changes["instance"] = replace(self.played.instance, **instance)
        return replace(self.played, **changes)


@pytest.fixture(scope="session")
def graders():
    return read().grader


@pytest.fixture
def right():
    spec = ToolSpec("set_it", "Set it.", {"type": "object"}, "write")
    instance = Instance(
        family=Toy(),
        knobs={},
        seed="s",
        lang="en",
        wording=0,
        scenario=Case(),
        instruction="",
        tools=(spec,),
        forbidden=frozenset({"force_it", "dump_it"}),
        right_end=End("done", values={"id": "TOKEN1", "n": 25}),
        seats=(Seat("", 0, "", (spec,)),),
    )
    return Builder(
        Played(
            instance,
            {"cell": "old", "other": 1},
            {"cell": "new", "other": 1},
            (Call("set_it", {}, {"id": "TOKEN1"}, None, "write"),),
            Answer("done", values={"id": "TOKEN1", "n": 25.0}),
        )
    )
