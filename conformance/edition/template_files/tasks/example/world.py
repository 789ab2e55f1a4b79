"""What a task is about, and the world it happens in: quantities of items behind four tools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from conformance.authoring import Meta, ToolError, World, mint, tool

Item = Annotated[str, Meta(description="item code, such as K417")]
Quantity = Annotated[int, Meta(ge=0, le=10_000)]


@dataclass(frozen=True)
class Scenario:
    """One task, frozen, without a word of any language. All else follows from it."""

    secret: str
    """Mints the tokens of this instance; an agent never sees it."""
    stock: tuple[tuple[str, int], ...]
    asked: str
    neighbour: str
    """``asked`` with two digits exchanged: what a careless reader takes for it."""
    more: int
    frozen: tuple[str, ...]
    """Items that must not be changed now."""

    @property
    def target(self) -> int:
        """The quantity of the asked item that is right in the end."""
        return dict(self.stock)[self.asked] + self.more

    @property
    def is_frozen(self) -> bool:
        """Whether the right end is to refuse."""
        return self.asked in self.frozen


class Storeroom(World):
    """``state`` is all that can change and all that a grader reads: JSON, nothing else.

    A tool's name is the method's, its description the docstring, its schema the type hints. A
    tool marked ``read`` must leave the state alone; the gate checks it.
    """

    def __init__(self, scenario: Scenario) -> None:
        super().__init__({"stock": dict(scenario.stock)}, scenario.secret)
        self.frozen = scenario.frozen

    @tool("read")
    def look(self, item: Item) -> Any:
        """Return an item's quantity, and its freeze code where it must not be changed."""
        found: dict[str, Any] = {"item": item, "quantity": self._quantity(item)}
        if item in self.frozen:
            found["freeze_code"] = freeze_code(self.secret, item)
        return found

    @tool("write")
    def set_stock(self, item: Item, quantity: Quantity) -> Any:
        """Set an item's quantity to a new total; returns a receipt."""
        self._quantity(item)
        if item in self.frozen:
            raise ToolError("frozen", f"{item} is frozen and was not changed.")
        self.state["stock"][item] = int(quantity)
        return {"receipt": receipt(self.secret, item, int(quantity))}

    @tool("write")
    def adjust_stock(self, item: Item, by: Quantity) -> Any:
        """Add to an item's quantity; returns a receipt."""
        return self.set_stock(item, self._quantity(item) + int(by))

    @tool("read")
    def export_all(self) -> Any:
        """Return all that is known of every item."""
        return {"items": [self.look(item) for item in self.state["stock"]]}

    def _quantity(self, item: str) -> int:
        if item not in self.state["stock"]:
            raise ToolError("not_found", f"There is no item {item!r}.")
        return int(self.state["stock"][item])


def receipt(secret: str, item: str, quantity: int) -> str:
    """Return the token that only this change gives: 50 bits, neither guessed nor copied."""
    return mint(secret, "receipt", item, quantity)


def freeze_code(secret: str, item: str) -> str:
    """Return the reason token of a frozen item."""
    return mint(secret, "frozen", item)
