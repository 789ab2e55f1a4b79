import os
import stat
import sys

import pytest

from conformance.profile.power import tool
from conformance.profile.power.contract import PowerFormatError
from conformance.profile.power.tool import (
    ToolMissingError,
    execute,
    find_program,
    run_tool,
)


def script(folder, name, body):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!{sys.executable}\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return lambda name, body: script(tmp_path / "bin", name, body)


def test_what_a_tool_prints_is_returned_as_it_is(on_path):
    on_path("mx-smi", r"import sys; sys.stdout.buffer.write(b'29W\xff\n')")
    assert run_tool(("mx-smi",)) == b"29W\xff\n"


def test_a_tool_is_run_in_english_with_nothing_to_read(on_path):
    on_path("mx-smi", "import os, sys; print(os.environ['LC_ALL'], repr(sys.stdin.read()))")
    assert run_tool(("mx-smi",)) == b"C ''\n"


def test_arguments_are_never_seen_by_a_shell(on_path):
    on_path("mx-smi", "import sys; print(sys.argv[1:])")
    assert run_tool(("mx-smi", "$HOME; echo x", "-c 1")) == b"['$HOME; echo x', '-c 1']\n"


def test_a_missing_tool_is_told_apart_from_one_that_fails(on_path):
    with pytest.raises(ToolMissingError, match="mx-smi is not on this machine"):
        run_tool(("mx-smi",))


def test_an_error_of_a_tool_says_what_the_tool_said(on_path):
    on_path("ixsmi", "import sys; print('\\n\\x1bNo devices', file=sys.stderr); sys.exit(9)")
    with pytest.raises(PowerFormatError) as caught:
        run_tool(("ixsmi", "-L"))
    assert caught.value.where == "ixsmi -L"
    assert caught.value.what == "ended with exit code 9: '\\x1bNo devices'"
    assert "conformance profile capture" in caught.value.mend


def test_an_error_on_standard_output_is_said_too(on_path):
    on_path("ixsmi", "import sys; print('not a valid field'); sys.exit(1)")
    with pytest.raises(PowerFormatError, match="not a valid field"):
        run_tool(("ixsmi",))


def test_a_tool_that_does_not_end_is_stopped_with_its_children(on_path):
    path = on_path("cnmon", "")
    path.write_text("#!/bin/sh\necho begun\n/bin/sleep 600 &\n/bin/sleep 600\n")
    for timeout_s in (2, 8, 32, 128):  # longer where it had not begun
        result = execute(("cnmon",), timeout_s=timeout_s)
        assert result.exit_code is None
        if result.stdout:
            break
    # A child that lived on would hold the pipe open, and what was printed would be lost.
    assert result.stdout == b"begun\n"


def test_a_tool_that_does_not_end_is_refused(on_path, monkeypatch):
    on_path("cnmon", "import time; time.sleep(600)")
    monkeypatch.setattr(tool, "execute", lambda argv: execute(argv, timeout_s=0.2))
    with pytest.raises(PowerFormatError, match="did not end within"):
        run_tool(("cnmon",))


def test_a_file_that_cannot_be_run_is_no_tool(on_path):
    path = on_path("cnmon", "")
    path.write_bytes(b"\x7fELF of another machine")
    with pytest.raises(ToolMissingError, match="cnmon cannot be run"):
        run_tool(("cnmon",))


def test_a_tool_in_its_vendors_folder_is_found_and_the_newest_version_wins(tmp_path, on_path):
    for version in ("4.9.0", "4.10.0", "3.2.1"):
        script(tmp_path / f"corex-{version}" / "bin", "ixsmi", "")
    folders = {"ixsmi": (str(tmp_path / "corex-*" / "bin"),)}
    found = find_program("ixsmi", folders)
    assert found == tmp_path / "corex-4.10.0" / "bin" / "ixsmi"
    beside = on_path("ixsmi", "")
    assert find_program("ixsmi", folders) == beside


def test_a_tools_own_libraries_are_found_beside_it(tmp_path, monkeypatch):
    home = tmp_path / "corex-4.4.0"
    program = script(home / "bin", "ixsmi", "import os; print(os.environ.get('LD_LIBRARY_PATH'))")
    (home / "lib").mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ixsmi").symlink_to(program)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("LD_LIBRARY_PATH", "/mine")
    libraries = (str(home / "lib"), "/mine")
    assert run_tool(("ixsmi",)).decode() == os.pathsep.join(libraries) + "\n"


def test_other_tools_keep_the_environment(on_path, monkeypatch):
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    on_path("mx-smi", "import os; print(os.environ.get('LD_LIBRARY_PATH'))")
    assert run_tool(("mx-smi",)) == b"None\n"
