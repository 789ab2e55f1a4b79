"""What fits a schema at once is what ``jsonschema`` finds nothing wrong with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from conformance.authoring.fitting import fits

LEAVES = st.sampled_from([None, True, False, 0, 1, 2, -1, 0.5, 1.0, 2.0, "", "a", "ab", "A-1", "b"])
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=6,
)
KINDS = ["object", "array", "string", "boolean", "null", "number", "integer"]
WORDS = {
    "type": st.sampled_from(KINDS) | st.lists(st.sampled_from(KINDS), min_size=1, unique=True),
    "enum": st.lists(st.sampled_from(["", "a", "ab"]), min_size=1, unique=True),
    "pattern": st.sampled_from(["^a", "[A-Z]-[0-9]$", "b"]),
    "required": st.lists(st.sampled_from("abc"), unique=True),
    "description": st.just("told"),
    **dict.fromkeys(
        ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"], st.integers(-1, 2)
    ),
    **dict.fromkeys(["minLength", "maxLength", "minItems", "maxItems"], st.integers(0, 2)),
}
SCHEMAS = st.recursive(
    st.fixed_dictionaries({}, optional=WORDS),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            **WORDS,
            "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
            "additionalProperties": st.booleans() | inner,
            "items": inner,
            "anyOf": st.lists(inner, min_size=1, max_size=3),
        },
    ),
    max_leaves=5,
)


@given(SCHEMAS, st.lists(VALUES, min_size=5, max_size=20))
def test_a_value_fits_where_jsonschema_says_so(schema, values):
    is_fit, validator = fits(schema), Draft202012Validator(schema)
    assert is_fit is not None
    for value in values:
        assert is_fit(value) == validator.is_valid(value), (schema, value)


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"enum": ["a", 1]},
        {"properties": {"a": {"const": 1}}},
        {"items": {"uniqueItems": True}},
        {"items": True},
        {"properties": {"a": True}},
        {"anyOf": [False, {}]},
        {"anyOf": [{}, {"not": {}}]},
        {"additionalProperties": {"format": "date"}},
        {"type": "whatever"},
    ],
)
def test_of_a_schema_with_other_words_nothing_is_said(schema):
    assert fits(schema) is None


class Text(str):
    """A string of another class."""

    __slots__ = ()


@pytest.mark.parametrize("schema", [{"maxLength": 1}, {"pattern": "^b"}])
def test_a_value_of_another_class_slips_past_no_bound(schema):
    is_fit = fits(schema)
    assert is_fit is not None
    assert not is_fit(Text("ab"))
