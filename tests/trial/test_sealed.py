"""Reading a sealed trial: what agrees with a record, give or take what was redacted."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.trial.redaction import redactor
from conformance.trial.sealed import agrees

KEY = "canary-5511"
TEXT = st.lists(st.sampled_from([KEY, "/home/alice", "a", "b ", '"', "клюк"])).map("".join)
JSON = st.recursive(
    TEXT | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=3))
def test_a_value_agrees_with_its_own_redaction(value):
    redacted = msgspec.json.decode(redactor([KEY])(msgspec.json.encode(list(value.values()))))
    assert agrees(redacted, list(value.values())) or has_names_that_met(value)


def has_names_that_met(value):
    """Two names that differ in nothing but a secret are one name once it is gone."""
    return any(KEY in name or "/home/" in name for name in names_of(list(value.values())))


def names_of(value):
    if isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from names_of(item)
    elif isinstance(value, list):
        for item in value:
            yield from names_of(item)


@pytest.mark.parametrize(
    ("recorded", "again"),
    [
        ("[redacted]", "anything"),
        ("[redacted]", ""),
        ("a [redacted] b [home]/c", "a x b /home/y/c"),
        ({"[redacted]": 1}, {"key": 1}),
        ({"a": ["[home]"]}, {"a": ["/root"]}),
        (1, 1.0),
        ([1, 2], (1, 2)),
        ("[redacted]", "[redacted]"),
    ],
)
def test_what_was_redacted_agrees_with_any_text_in_its_place(recorded, again):
    assert agrees(recorded, again)


@pytest.mark.parametrize(
    ("recorded", "again"),
    [
        ("a [redacted] b", "c x b"),
        ("a [redacted] b", "a x c"),
        ("a [redacted] b [redacted] c", "a x c"),
        ("ab[redacted]bc", "abc"),
        ("[redacted]", 5),
        ("[redacted]", None),
        ("[redacted]", ["text"]),
        ({"a": "[redacted]"}, {"b": "x"}),
        ({"[redacted]": 1}, {"key": 2}),
        ({"[redacted]": 1}, {"key": 1, "more": 2}),
        ({"x[redacted]": 1}, {"key": 1}),
        (["[redacted]"], ["x", "y"]),
        (1, True),
        (0, False),
        (0, None),
        ("1", 1),
    ],
)
def test_what_was_redacted_hides_nothing_else(recorded, again):
    assert not agrees(recorded, again)
