"""Equal values have equal bytes and digests, whatever wrote them."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.authoring import canonical, digest, normalise

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def test_an_integral_float_is_the_integer():
    assert canonical({"n": 25.0}) == canonical({"n": 25}) == b'{"n":25}'


def test_a_boolean_is_not_a_number():
    assert digest({"n": True}) != digest({"n": 1})


def test_the_order_of_keys_does_not_matter():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_lacks_are_refused(number):
    with pytest.raises(ValueError, match="not JSON"):
        canonical([number])


def test_what_is_not_json_is_refused():
    with pytest.raises(TypeError, match="set is not JSON"):
        canonical({"s": {1}})
    with pytest.raises(TypeError, match="key 1 is not a string"):
        canonical({1: "x"})


@given(JSON)
def test_the_bytes_are_those_that_json_writes_with_its_keys_sorted(value):
    text = json.dumps(normalise(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert canonical(value) == text.encode()


@pytest.mark.parametrize("value", ["\ud800", {"\ud800": 1}, [0.5, "\ud800"]])
def test_half_a_surrogate_pair_has_no_bytes(value):
    with pytest.raises(UnicodeEncodeError):
        canonical(value)


@given(JSON)
def test_the_canonical_form_says_the_same_and_is_stable(value):
    again = json.loads(canonical(value))
    assert again == normalise(value)
    assert canonical(again) == canonical(value)
