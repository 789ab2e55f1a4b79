"""Programs behind a version manager's shim are found as what they are."""

from __future__ import annotations

import pytest

from conformance.agents.lookup import behind_shim, find_program
from conformance.errors import UsageError


def script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def managed(tmp_path, monkeypatch):
    """A pyenv whose shims can only be seen through with its own command."""
    real = script(tmp_path / ".pyenv/versions/3.9/bin/python3", "#!/bin/sh\n")
    shim = script(tmp_path / ".pyenv/shims/python3", "#!/bin/sh\nexit 9\n")
    script(
        tmp_path / "bin/pyenv",
        f'#!/bin/sh\n[ "$1 $2" = "which python3" ] && echo {real} || exit 127\n',
    )
    monkeypatch.setenv("PATH", f"{shim.parent}:{tmp_path}/bin:/usr/bin:/bin")
    return shim, real


def test_a_shim_is_seen_through(managed, tmp_path):
    shim, real = managed
    assert behind_shim(shim) == real
    agent = script(tmp_path / "agent/run", "#!/usr/bin/env python3\n")
    found = find_program("./run", agent.parent, is_inside=False)
    assert str(real.parent) in found.folders
    assert str(shim.parent) not in found.folders


def test_other_programs_are_as_they_are(managed, tmp_path):
    other = script(tmp_path / "elsewhere/shims/tool", "#!/bin/sh\n")
    assert behind_shim(other) == other


def test_a_shim_of_nothing(managed):
    shim = script(managed[0].parent / "node", "#!/bin/sh\n")
    with pytest.raises(UsageError, match="pyenv which node"):
        behind_shim(shim)
