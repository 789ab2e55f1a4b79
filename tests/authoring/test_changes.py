"""The frame condition: every difference is named, and only what is allowed passes."""

import copy

from hypothesis import given
from hypothesis import strategies as st

from conformance.authoring import changed_paths, outside

LEAF = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
TREE = st.recursive(
    LEAF,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


def test_each_changed_leaf_is_named_by_its_pointer():
    before = {"a": {"x": 1, "y": [1, 2]}, "b": 0}
    after = {"a": {"x": 2, "y": [1, 3, 4]}, "c/d": 0}
    assert changed_paths(before, after) == ("/a/x", "/a/y/1", "/a/y/2", "/b", "/c~1d")


def test_a_number_written_otherwise_is_no_change():
    assert changed_paths({"a": 25}, {"a": 25.0}) == ()


def test_true_is_not_one():
    assert changed_paths({"a": 1}, {"a": True}) == ("/a",)


@given(TREE)
def test_nothing_differs_from_its_copy(tree):
    assert changed_paths(tree, copy.deepcopy(tree)) == ()


@given(TREE, TREE)
def test_what_differs_is_always_found(before, after):
    assert bool(changed_paths(before, after)) == (before != after or repr(before) != repr(after))


def test_a_pattern_allows_its_path_and_what_lies_below():
    paths = ("/r/1/name", "/r/1/tags/0", "/r/2/name", "/log")
    assert outside(paths, ["/r/1"]) == ("/r/2/name", "/log")
    assert outside(paths, ["/r/*/name", "/log"]) == ("/r/1/tags/0",)
    assert outside(paths, []) == paths


def test_a_pattern_does_not_allow_what_lies_above():
    assert outside(("/r",), ["/r/1"]) == ("/r",)


def test_a_pattern_is_not_a_prefix_of_a_name():
    assert outside(("/r/10",), ["/r/1"]) == ("/r/10",)
