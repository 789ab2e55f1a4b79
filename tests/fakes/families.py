"""Tiny families, each with one thing that most have not: seats, sessions, faults, drift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from conformance.authoring import (
    Answer,
    End,
    Family,
    Fault,
    Finding,
    Instance,
    NothingYet,
    Text,
    ToolError,
    World,
    mint,
    tool,
)
from conformance.edition.instances import dress

SECRET = "s"


@dataclass(frozen=True)
class Case:
    faults: tuple[Fault, ...] = ()


class Tiny(Family[Case]):
    """What the tiny families share; each says its world, its seats and its oracle."""

    number = "F01"
    version = 1
    title = Text("小", "Tiny")
    knobs: ClassVar = {}
    wordings = 3
    requirements: ClassVar = {"goal.done": "it is done"}
    shortcuts = ()
    mutations = ()
    kind: ClassVar[type[World]]

    def scenario(self, rng, knobs):
        return Case()

    def world(self, scenario):
        return self.kind({"done": [], "bus": []}, SECRET)

    def offered(self, scenario):
        return list(self.kind.tool_specs())

    def forbidden(self, scenario):
        return ()

    def instruction(self, scenario, lang, wording):
        return "Do it."

    def answer_values(self, scenario, lang):
        return {"token": "what you were given"}

    def right_end(self, scenario):
        return End("done", None, {"token": token()})

    def overstep(self, scenario, act):
        pass

    def goal(self, scenario, final):
        if not final["done"]:
            yield Finding("goal.done", "nothing is done")

    def may_change(self, scenario):
        return ("/done", "/bus")

    def faults(self, scenario):
        return scenario.faults


def token() -> str:
    return mint(SECRET, "done")


class RelayWorld(World):
    @tool("write")
    def tell(self, text: str) -> Any:
        """Tell the other seat something."""
        self.state["bus"].append([self.seat, text])
        return {"told": True}

    @tool("write")
    def hear(self) -> Any:
        """Take the next thing told; waits for it."""
        mine = [item for item in self.state["bus"] if item[0] != self.seat]
        if not mine:
            raise NothingYet({"heard": None})
        self.state["bus"].remove(mine[0])
        return {"heard": mine[0][1]}

    @tool("write")
    def finish(self, word: str) -> Any:
        """Finish with the word that was told."""
        if word != "now":
            raise ToolError("wrong_word", "That is not the word.")
        self.state["done"].append(self.seat)
        return {"token": token()}


class Relay(Tiny):
    """Two agents at once: ``a`` tells a word, ``b`` finishes with it and tells the token back."""

    id = "relay"
    kind = RelayWorld

    def sessions(self, scenario):
        return (("a", "b"),)

    def instruction_at(self, scenario, seat, lang, wording):
        return f"You are {seat}."

    def oracle(self, scenario, act):
        a, b = act.of("a"), act.of("b")
        a("tell", text="now")
        word = b("hear")["heard"]
        given = b("finish", word=word)["token"]
        b("tell", text=given)
        return Answer("done", None, {"token": a("hear")["heard"]})


class DiaryWorld(World):
    def __init__(self, state, secret):
        super().__init__({**state, "session": -1}, secret)
        self._is_killed = False

    def begin(self, session):
        self.state["session"] = session
        self._is_killed = False

    def has_killed(self):
        return self._is_killed

    @tool("write")
    def book(self, item: str) -> Any:
        """Book an item; in the first session the reply never comes."""
        self.state["done"].append(item)
        self._is_killed = self.state["session"] == 0
        return {"token": token()}

    @tool("read")
    def booked(self) -> Any:
        """List what is booked."""
        return {"items": list(self.state["done"])}


class Diary(Tiny):
    """One agent in two sessions, killed in the first right after it booked."""

    id = "diary"
    kind = DiaryWorld

    def sessions(self, scenario):
        return (("s1",), ("s2",))

    def instruction_at(self, scenario, seat, lang, wording):
        return {"s1": "The item is OAK. Book it.", "s2": "Go on."}[seat]

    def may_change(self, scenario):
        return ("/done", "/session")

    def oracle(self, scenario, act):
        act.of("s1")("book", item="OAK")
        act.of("s2")("booked")
        return Answer("done", None, {"token": token()})


class ShopWorld(World):
    @tool("write")
    def put(self, item: str) -> Any:
        """Put an item in."""
        self.state["done"].append(item)
        return {"count": len(self.state["done"]), "token": token()}

    @tool("read")
    def look(self) -> Any:
        """Show what is in."""
        return {"items": list(self.state["done"])}

    def notices(self):
        return [{"full": True}] if len(self.state["done"]) == 3 else []


class Shop(Tiny):
    """One agent; faults by scenario; a notice with the third item."""

    id = "shop"
    kind = ShopWorld

    def oracle(self, scenario, act):
        return Answer("done", None, {"token": act("put", item="OAK")["token"]})


class ShiftingWorld(World):
    @tool("write")
    def reserve(self, slot: str) -> Any:
        """Reserve a slot."""
        self.state["done"].append(slot)
        return {"token": token()}

    @tool("write", name="reserve")
    def reserve_by_number(self, number: int) -> Any:
        """Reserve a slot by its number."""
        self.state["done"].append(str(number))
        return {"token": token()}

    @tool("read")
    def price(self) -> Any:
        """Show the price."""
        return {"price": 1}

    def tools_now(self, offered):
        shifted = bool(self.state["done"])
        return ["reserve_by_number", "price"] if shifted else ["reserve"]


class Shifting(Tiny):
    """After the first reservation the tool takes other arguments, and there is a new one."""

    id = "shifting"
    kind = ShiftingWorld

    def offered(self, scenario):
        return ["reserve"]

    def oracle(self, scenario, act):
        act("reserve", slot="A")
        return Answer("done", None, {"token": act("reserve", number=2)["token"]})


def instance(family: Family, *faults: Fault) -> Instance:
    """Return the family's one instance, in English."""
    return dress(family, {}, "seed", "en", 0, Case(faults))
