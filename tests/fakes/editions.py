"""The shipped edition, loaded once a process; each of its instances is made once for all tests."""

from __future__ import annotations

import functools

import pytest

from conformance import edition


@functools.cache
def shipped() -> edition.Edition:
    loaded = edition.load()
    loaded._instance = functools.lru_cache(maxsize=None)(loaded._build)
    return loaded


@pytest.fixture
def shared_edition(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a command find the shipped edition loaded, where it is given none."""
    load = edition.load
    shipped()

    def load_once(root=None, *, sealed=None):
        return shipped() if root is None and sealed is None else load(root, sealed=sealed)

    monkeypatch.setattr(edition, "load", load_once)
