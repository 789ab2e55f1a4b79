"""Tools: schemas from type hints, and a door at which a caller's mistake is an ordinary result."""

from typing import Annotated, Literal, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.authoring import (
    INVALID_ARGUMENTS,
    UNKNOWN_TOOL,
    Answer,
    Door,
    Meta,
    Step,
    ToolError,
    World,
    tool,
)


class Line(TypedDict):
    title: str
    amount: int


class Shop(World):
    @tool("read")
    def look(self, item: str, unit: Literal["kg", "g"] = "kg"):
        """Look up the weight
        of an item.

        Nobody reads this paragraph.
        """
        if item not in self.state["weights"]:
            raise ToolError("not_found", f"no {item}")
        return {"item": item, "weight": self.state["weights"][item], "unit": unit}

    @tool("write")
    def put(self, item: str, weight: Annotated[int, Meta(ge=0, description="in kg")]):
        """Set the weight of an item."""
        self.state["weights"][item] = weight
        return {"ok": True}

    @tool("write")
    def book(self, lines: list[Line]):
        """Book lines."""
        self.state["lines"] = lines
        return {}

    def not_a_tool(self):
        """Do nothing an agent can ask for."""


def door(*names):
    specs = Shop.tool_specs()
    offered = [specs[name] for name in names] if names else specs.values()
    return Door(Shop({"weights": {"bolt": 3}}, "secret"), offered)


def test_only_marked_methods_are_tools():
    assert list(Shop.tool_specs()) == ["look", "put", "book"]


def test_the_schema_follows_the_type_hints():
    spec = Shop.tool_specs()["look"]
    assert spec.description == "Look up the weight of an item."
    assert spec.parameters == {
        "type": "object",
        "properties": {"item": {"type": "string"}, "unit": {"enum": ["g", "kg"], "default": "kg"}},
        "required": ["item"],
        "additionalProperties": False,
    } or spec.parameters["properties"]["unit"] == {"enum": ["g", "kg"]}


def test_nested_types_are_written_out_without_references():
    schema = Shop.tool_specs()["book"].parameters["properties"]["lines"]
    assert schema["items"]["properties"].keys() == {"title", "amount"}
    assert "$ref" not in str(schema)


def test_what_fits_is_called_and_kept():
    it = door()
    assert it.act("look", item="bolt") == {"item": "bolt", "weight": 3, "unit": "kg"}
    assert [(c.name, c.error, c.effect) for c in it.calls] == [("look", None, "read")]
    assert it.world.clock == 1


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("look", {}, INVALID_ARGUMENTS),
        ("look", {"item": 3}, INVALID_ARGUMENTS),
        ("look", {"item": "bolt", "more": 1}, INVALID_ARGUMENTS),
        ("put", {"item": "bolt", "weight": -1}, INVALID_ARGUMENTS),
        ("put", {"item": "bolt", "weight": float("nan")}, INVALID_ARGUMENTS),
        ("look", ["bolt"], INVALID_ARGUMENTS),
        ("look", None, INVALID_ARGUMENTS),
        ("look", {"item": "nut"}, "not_found"),
        ("not_a_tool", {}, UNKNOWN_TOOL),
        ("__init__", {}, UNKNOWN_TOOL),
        ("snapshot", {}, UNKNOWN_TOOL),
    ],
)
def test_a_mistake_is_an_error_result_and_changes_nothing(name, arguments, error):
    it = door()
    before = it.world.digest()
    call = it.call(name, arguments)
    assert call.error == error
    assert it.world.digest() == before


def test_a_tool_that_is_not_offered_is_unknown():
    assert door("look").call("put", {"item": "bolt", "weight": 1}).error == UNKNOWN_TOOL


def test_a_policy_sees_the_error_as_an_exception():
    with pytest.raises(ToolError) as caught:
        door().act("look", item="nut")
    assert (caught.value.code, caught.value.message) == ("not_found", "no nut")


def test_a_result_is_a_copy_so_that_nobody_changes_the_world_through_it():
    it = door()
    it.call("book", {"lines": [{"title": "a", "amount": 1}]})
    result = it.act("look", item="bolt")
    result["weight"] = 99
    assert it.act("look", item="bolt")["weight"] == 3


def test_arguments_are_kept_as_they_were_given():
    it = door()
    lines = [{"title": "a", "amount": 1}]
    it.call("book", {"lines": lines})
    lines[0]["amount"] = 7
    assert it.world.state["lines"] == [{"title": "a", "amount": 1}]
    assert it.calls[0].arguments == {"lines": [{"title": "a", "amount": 1}]}


def test_only_one_answer_counts():
    it = door()
    assert it.submit_arguments({"status": "done"}) is None
    assert "already" in str(it.submit_arguments({"status": "refused"}))
    assert it.answer == Answer("done")


def test_a_trace_is_replayed_whatever_it_returns():
    it = door()
    it.replay([Step("look", {"item": "nut"}), Step("put", {"item": "nut", "weight": 1})])
    assert it.world.state["weights"] == {"bolt": 3, "nut": 1}


@given(
    st.sampled_from(["look", "put", "book", "nothing"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
)
def test_no_arguments_make_the_door_raise(name, arguments):
    it = door()
    call = it.call(name, arguments)
    assert call.error is not None or name in Shop.tool_specs()


def test_an_integer_of_thousands_of_digits_is_an_error_result_and_no_crash():
    call = door().call("look", {"item": 10**5000})
    assert call.error == INVALID_ARGUMENTS
