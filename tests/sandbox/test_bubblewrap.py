from __future__ import annotations

import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest

from conformance.authoring.code import OUTPUT_BYTES
from conformance.sandbox import Limits, SandboxBrokenError, interpreter, probes
from conformance.sandbox.bubblewrap import Bubblewrap

PATIENT = Limits(wall_seconds=300)
"""For what ends by itself, or by another limit: a start may take long on a busy machine."""
BRIEF = Limits(cpu_seconds=1, wall_seconds=1.5)


def run(provider, script, files=None, limits=PATIENT):
    return provider.run(textwrap.dedent(script), files or {}, limits)


def test_a_script_reads_its_files_and_prints(provider):
    ran = run(provider, "print(open('in.txt').read().upper())", {"in.txt": "données\n"})
    assert ran == (0, "DONNÉES\n\n", "", None)


def test_its_folder_holds_the_files_and_nothing_else(provider):
    ran = run(provider, "import os; print(sorted(os.listdir()), os.getcwd())", {"a": "", "b": ""})
    assert ran.output == "['a', 'b', 'script.py'] /work\n"


def test_two_runs_share_nothing(provider):
    script = "import os; print(os.path.exists('left')); open('left', 'w').write('x')"
    assert [run(provider, script).output for _ in range(2)] == ["False\n", "False\n"]


def test_hashes_and_environment_are_the_same_in_every_run(provider):
    script = "import os; print({'a', 'b', 'c', 'd'}, hash('x'), sorted(os.environ))"
    first, again = (run(provider, script).output for _ in range(2))
    assert first == again
    assert "HOSTNAME" not in first


def test_an_error_is_told_with_the_scripts_own_lines_and_no_path_of_this_machine(provider):
    ran = run(provider, "import json\njson.loads('x')\n")
    assert ran.exit_code == 1
    assert ran.error.startswith('Traceback (most recent call last):\n  File "script.py", line 2')
    assert ran.error.endswith("Expecting value: line 1 column 1 (char 0)\n")
    assert sys.base_prefix not in ran.error


def test_an_exit_code_is_kept(provider):
    assert run(provider, "raise SystemExit(7)")[:2] == (7, "")


def test_a_script_that_is_no_python_says_so(provider):
    ran = run(provider, "print(")
    assert (ran.exit_code, ran.limit) == (1, None)
    assert "SyntaxError" in ran.error


def test_a_signal_is_a_negative_exit_code(provider):
    assert run(provider, "import os; os.kill(os.getpid(), 11)").exit_code == -11


ENDED = [
    ("while True: pass", "time"),
    ("import time; time.sleep(3600)", "time"),
    ("import signal\nfor n in (1, 2, 15, 24): signal.signal(n, 1)\nwhile True: pass", "time"),
    ("import os; os.close(1); os.close(2)\nwhile True: pass", "time"),
    ("x = [0] * 10**9", "memory"),
    ("while True: print('x' * 1000)", "output"),
    ("import sys\nwhile True: sys.stderr.write('x' * 1000)", "output"),
]


@pytest.mark.parametrize(("script", "limit"), ENDED)
def test_a_limit_ends_a_script_and_is_named(provider, script, limit):
    ran = run(provider, script, limits=BRIEF if limit == "time" else PATIENT)
    assert ran.limit == limit
    assert ran.exit_code != 0
    assert len(ran.output) <= OUTPUT_BYTES


def test_long_output_is_cut_off_and_the_script_ends_in_order(provider):
    ran = run(provider, "print('x' * 300_000)")
    assert (ran.exit_code, len(ran.output), ran.limit) == (0, OUTPUT_BYTES, None)


def test_limits_cannot_be_raised_again(provider):
    script = """
        import resource
        for name in ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NOFILE"):
            limit = getattr(resource, name)
            soft, hard = resource.getrlimit(limit)
            try:
                resource.setrlimit(limit, (hard + 1, hard + 1))
                print("raised", name)
            except (ValueError, OSError):
                pass
    """
    assert run(provider, script)[:2] == (0, "")


def test_nothing_but_its_folder_can_be_written(provider):
    script = """
        import os
        library = os.path.dirname(os.__file__)
        for folder in ("/", "/dev", "/dev/shm", "/usr", "/usr/lib", "/etc", library):
            try:
                open(os.path.join(folder, "x"), "w")
                print("wrote", folder)
            except OSError:
                pass
    """
    assert run(provider, script)[:2] == (0, "")


def test_it_has_no_process_list_no_home_no_devices_of_disks(provider):
    output = run(provider, "import os; print(os.listdir('/'), os.listdir('/dev'))").output
    assert "'work'" in output
    assert "'proc'" not in output
    assert "'home'" not in output
    assert "'sd" not in output
    assert "'vd" not in output


def test_only_its_standard_streams_are_open(provider):
    script = """
        import os
        for fd in range(3, 64):
            try:
                os.fstat(fd)
                print("open", fd)
            except OSError:
                pass
    """
    assert run(provider, script)[:2] == (0, "")


def test_it_is_nobody_without_capabilities(provider):
    script = """
        import os
        print(os.getuid(), os.getgid(), os.getpid() < 5)
        try:
            os.setuid(0)
            print("root")
        except OSError:
            pass
    """
    assert run(provider, script).output == "1000 1000 True\n"


def test_installed_packages_are_not_seen(provider):
    assert "No module named 'msgspec'" in run(provider, "import msgspec").error


ONE_MORE = [
    "import os; os.fork()",
    "import subprocess; subprocess.run(['/x'])",
    "import threading; threading.Thread(target=print).start()",
]


@pytest.mark.parametrize("script", ONE_MORE)
def test_there_is_one_process_with_one_thread(provider, script):
    ran = run(provider, script)
    assert ran.exit_code == 1
    assert "unavailable" in ran.error or "can't start" in ran.error


def test_a_script_that_speaks_like_bubblewrap_is_not_taken_for_it(provider):
    ran = run(provider, "import sys; sys.stderr.write('bwrap: broken\\n'); sys.exit(1)")
    assert (ran.exit_code, ran.error) == (1, "bwrap: broken\n")


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/b", "", ".x", "script.py"])
def test_a_file_has_a_plain_name(provider, name):
    with pytest.raises(ValueError, match="file names"):
        run(provider, "", {name: ""})


def test_half_a_surrogate_pair_is_replaced(provider):
    assert run(provider, "print(open('a').read())", {"a": "\ud800"}).output == "?\n"


def test_scripts_run_side_by_side(provider):
    with ThreadPoolExecutor(4) as pool:
        ran = list(pool.map(lambda n: run(provider, f"print({n})").output, range(8)))
    assert ran == [f"{n}\n" for n in range(8)]


def test_it_works_without_the_option_to_disable_user_namespaces(provider):
    other = Bubblewrap(provider.binary, disables_userns=False)
    assert run(other, "print(1)").output == "1\n"
    held = {p.probe: p.held for p in probes.probe(other, PATIENT)}
    assert held["make a user namespace"]


def test_a_bubblewrap_that_fails_is_no_scripts_fault(tmp_path):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\necho 'bwrap: loopback: Failed RTM_NEWADDR' >&2; exit 1\n")
    fake.chmod(0o755)
    with pytest.raises(SandboxBrokenError, match="RTM_NEWADDR"):
        run(Bubblewrap(str(fake)), "print(1)")


def test_a_bubblewrap_that_is_gone_is_told(tmp_path):
    with pytest.raises(SandboxBrokenError, match="cannot be started"):
        run(Bubblewrap(str(tmp_path / "bwrap")), "print(1)")


def test_every_probe_is_held(provider):
    found = probes.probe(provider, PATIENT)
    assert [p.probe for p in found] == list(probes.PROBES)
    assert [p for p in found if not p.held] == []


HARMLESS = [
    "read a secret",
    "write outside",
    "connect to a TCP listener",
    "connect to an abstract socket",
    "see the parent's process",
    "signal a process",
]


@pytest.mark.parametrize("name", HARMLESS)
def test_the_probe_leaks_where_there_is_no_sandbox(name, tmp_path):
    import json

    with probes.targets(Limits()) as targets:
        (tmp_path / probes.TARGETS).write_text(json.dumps(targets))
        command = [sys.executable, "-c", probes.script(name)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("LEAK")


def test_a_probe_that_does_not_run_is_not_held(tmp_path):
    fake = tmp_path / "bwrap"
    fake.write_text("#!/bin/sh\nexit 1\n")
    fake.chmod(0o755)
    found = probes.probe(Bubblewrap(str(fake)))
    assert [p.held for p in found] == [False] * len(probes.PROBES)


def test_a_virtual_environment_is_seen_through():
    base = interpreter.base_interpreter()
    assert base.prefix == sys.base_prefix
    assert not base.executable.startswith(sys.prefix) or sys.prefix == sys.base_prefix


def test_of_a_prefix_under_home_only_library_and_executable_are_shown(monkeypatch, tmp_path):
    home = tmp_path / "home"
    (home / ".pyenv/bin").mkdir(parents=True)
    (home / ".pyenv/lib/python3").mkdir(parents=True)
    (home / ".pyenv/bin/python3").touch()
    monkeypatch.setattr(sys, "_base_executable", str(home / ".pyenv/bin/python3"))
    paths = {"stdlib": home / ".pyenv/lib/python3", "platstdlib": home / ".pyenv/lib/python3"}
    monkeypatch.setattr(interpreter.sysconfig, "get_path", lambda key, **_: str(paths.get(key, "")))
    monkeypatch.setattr(interpreter.sysconfig, "get_config_var", lambda _: None)
    mine = [name for name in interpreter.base_interpreter().folders if name.startswith(str(home))]
    assert mine == [str(home / ".pyenv/lib/python3"), str(home / ".pyenv/bin/python3")]
