"""What a program in a jail sees of this machine, and what it does not."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import conformance
from conformance.errors import UsageError
from conformance.sandbox import view
from conformance.sandbox.interpreter import interpreter_files
from tests.sandbox.programs import end_of, program, script

PACKAGE = Path(conformance.__file__).resolve().parent


def looked(*paths):
    """A program that prints of each path what it holds, or how it fails."""
    return f"""
import os
for path in {list(map(str, paths))!r}:
    try:
        print(sorted(os.listdir(path)) if os.path.isdir(path) else open(path).read())
    except OSError as error:
        print(type(error).__name__)
"""


async def seen(jail, door, folder, *paths, **more):
    ended = await end_of(jail, script(folder, looked(*paths), **more), door)
    assert ended.code == 0, ended
    return ended.output.splitlines()


async def test_nothing_of_homes_runs_and_other_temporary_files_is_seen(jail, door, folder):
    other = folder / "other"
    other.mkdir()
    (other / "secret").touch()
    found = await seen(jail, door, folder, other / "secret", "/run", "/home", "/sys", "/boot")
    assert found == ["FileNotFoundError", "[]", "['agent']", *["FileNotFoundError"] * 2]


async def test_the_suite_is_not_seen_though_it_lies_in_what_is_shown(jail, door, folder):
    root = PACKAGE.parent
    started = script(folder, looked(PACKAGE, root / "tasks", root / ".git", root / "LICENSE"))
    ended = await end_of(jail, started._replace(files=(*started.files, root)), door)
    hidden = {"[]", "FileNotFoundError", "PermissionError"}  # the last: a file, as in a worktree
    assert set(ended.output.splitlines()[:3]) <= hidden
    assert ("Apache" in ended.output) == (root / "LICENSE").exists()


async def test_the_suite_is_not_seen_though_it_is_named(jail, door, folder):
    started = script(folder, looked(PACKAGE / "__init__.py"))
    named = (*started.files, PACKAGE, PACKAGE / "__init__.py")
    ended = await end_of(jail, started._replace(files=named), door)
    assert ended.output == "FileNotFoundError\n"


async def test_a_copy_of_the_suite_in_the_agents_packages_is_not_seen(jail, door, folder):
    packages = folder / "env/lib/python3.11/site-packages"
    for name in ("conformance/sandbox", "other"):
        (packages / name).mkdir(parents=True)
    (packages / "conformance/sandbox/jail_init.py").touch()
    started = script(folder, looked(packages, packages / "conformance"))
    ended = await end_of(jail, started._replace(files=(*started.files, folder / "env")), door)
    assert ended.output == "['conformance', 'other']\n[]\n"


async def test_hidden_places_are_empty_where_what_is_around_them_is_shown(jail, door, folder):
    agent = folder / "agent"
    for name in ("sealed", "runs/1", "code"):
        (agent / name).mkdir(parents=True)
        (agent / name / "x").write_text("x")
    (agent / "journal").write_text("secret")
    hiding = jail.hiding([agent / "sealed", agent / "runs", agent / "journal", folder / "none"])
    found = await seen(
        hiding,
        door,
        folder,
        *(agent / name for name in ("sealed", "runs", "code", "journal")),
        files=(*interpreter_files(Path(sys.executable)), agent),
    )
    assert found == ["[]", "[]", "['x']", "PermissionError"]


async def test_a_hidden_place_is_hidden_under_each_of_its_names(jail, door, folder):
    (folder / "real/sealed").mkdir(parents=True)
    (folder / "real/sealed/x").touch()
    (folder / "link").symlink_to("real")
    hiding = jail.hiding([folder / "link/sealed"])
    files = (*interpreter_files(Path(sys.executable)), folder / "link")
    at = (folder / "link/sealed", folder / "real/sealed")
    assert await seen(hiding, door, folder, *at, files=files) == ["[]", "[]"]


async def test_work_may_lie_within_a_hidden_place(jail, door, folder):
    (folder / "secret").touch()
    text = f"import os; open('w', 'w'); print(os.path.exists({str(folder / 'secret')!r}))"
    started = script(folder, text)
    shown = started._replace(files=(*started.files, folder))
    ended = await end_of(jail.hiding([folder]), shown, door)
    assert (ended.code, ended.output) == (0, "False\n")
    assert (started.work / "w").exists()


async def test_links_lead_to_what_they_lead_to(jail, door, folder):
    (folder / "data").mkdir()
    (folder / "data/x").write_text("here")
    (folder / "agent").mkdir()
    (folder / "agent/link").symlink_to(folder / "data")
    files = (*interpreter_files(Path(sys.executable)), folder / "agent", folder / "agent/link")
    at = (folder / "agent/link/x", folder / "data/x")
    assert await seen(jail, door, folder, *at, files=files) == ["here", "here"]


async def test_what_is_shown_cannot_be_written(jail, door, folder):
    (folder / "agent/sealed").mkdir(parents=True)
    at = str(folder / "agent")
    text = f"""
import os
library = os.path.dirname(os.__file__)
for at in ("/", "/usr", "/etc", "/dev", "/.jail", "/home", library, {at!r}, {at + "/sealed"!r}):
    try:
        open(os.path.join(at, "x"), "w")
        print("wrote", at)
    except OSError:
        pass
"""
    files = (*interpreter_files(Path(sys.executable)), folder / "agent")
    hiding = jail.hiding([folder / "agent/sealed"])
    assert (await end_of(hiding, script(folder, text, files=files), door)).output == ""


@pytest.mark.parametrize("name", ["/", "/tmp", "/etc", str(Path.home())])
async def test_what_is_as_good_as_the_whole_machine_is_refused(jail, door, folder, name):
    with pytest.raises(UsageError, match="too much to show"):
        await jail.launch(program(folder, "true", files=(Path(name),)), door)


async def test_it_starts_where_it_is_told(jail, door, folder):
    at = folder / "agent"
    at.mkdir()
    (at / "x").touch()
    text = "import os; print(os.getcwd(), os.listdir())"
    shown = script(folder, text, cwd=at, files=(*interpreter_files(Path(sys.executable)), at))
    assert (await end_of(jail, shown, door)).output == f"{at} ['x']\n"
    not_shown = script(folder, text, cwd=at)
    assert (await end_of(jail, not_shown, door)).output == f"{at} []\n"


async def test_names_and_hosts_are_known(jail, door, folder):
    text = """
import getpass, pwd, socket, os
print(pwd.getpwuid(os.getuid()).pw_name, socket.gethostbyname("localhost"), os.uname().nodename)
"""
    assert (await end_of(jail, script(folder, text), door)).output == "agent 127.0.0.1 sandbox\n"


@pytest.mark.parametrize("symlinks", [True, False])
async def test_a_virtual_environment_runs(jail, door, folder, symlinks):
    venv.create(folder / "env", symlinks=symlinks, with_pip=False)
    packages = next((folder / "env/lib").glob("python3*/site-packages"))
    (packages / "of_the_agent.py").write_text("NAME = 'mine'")
    python = folder / "env/bin/python"
    text = "import json, ssl, of_the_agent, sys; print(of_the_agent.NAME, sys.prefix)"
    started = program(folder, python, "-c", text, files=interpreter_files(python))
    ended = await end_of(jail, started, door)
    assert ended.output == f"mine {folder / 'env'}\n", ended.said


def test_of_an_interpreter_under_home_only_it_and_its_libraries_are_shown(tmp_path):
    home = tmp_path / "home/.local"
    for name in ("bin", "lib/python3.11", "lib/secrets", "share"):
        (home / name).mkdir(parents=True)
    (home / "bin/python3.11").touch()
    (home / "bin/python3").symlink_to("python3.11")
    (home / "lib/libpython3.11.so").touch()
    (tmp_path / "env/bin").mkdir(parents=True)
    (tmp_path / "env/bin/python").symlink_to(home / "bin/python3")
    (tmp_path / "env/pyvenv.cfg").write_text(f"home = {home / 'bin'}\nversion = 3.11\n")
    found = interpreter_files(tmp_path / "env/bin/python")
    names = ("bin/python3", "bin/python3.11", "lib/python3.11", "lib/libpython3.11.so")
    wanted = {tmp_path / "env", tmp_path / "env/bin/python", *(home / name for name in names)}
    assert set(found) == wanted


def test_links_in_a_circle_end(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to("python")
    assert interpreter_files(tmp_path / "bin/python")


def test_no_private_key_of_the_system_is_shown():
    shown = [one.at for one in view.system_files()]
    for name in ("/etc/ssl/private", "/etc/shadow", "/etc/ssh", "/etc/pki/tls/private"):
        assert not any(Path(name).is_relative_to(at) for at in shown)


def test_a_checkout_hides_its_edition_and_history():
    hidden = {path.name for path in view.own_places()}
    assert "conformance" in hidden
    if (PACKAGE.parent / "tasks/edition.yaml").is_file():
        assert {".git", "graders", "tasks"} <= hidden


async def test_node_and_shell_pipelines_run(jail, door, folder):
    node = shutil.which("node", path="/usr/local/bin:/usr/bin")
    if node is None:
        pytest.skip("there is no node among the system's files")
    text = """
const { Worker } = require("worker_threads");
const { execSync } = require("child_process");
const os = require("os");
os.networkInterfaces();
new Worker("let n = 0; for (let i = 0; i < 1e7; i++) n += i;", { eval: true }).on("exit", code => {
  require("fs").promises.writeFile("x", "1").then(() =>
    console.log(code, execSync("seq 100 | sort -r | head -n 1 | tr -d '\\n'").toString()));
});
"""
    ended = await end_of(jail, program(folder, node, "-e", text), door)
    assert ended.output == "0 99\n", ended.said


async def test_numpy_threads_and_processes_run(jail, door, folder):
    pytest.importorskip("numpy")
    text = """
import asyncio, concurrent.futures, multiprocessing, threading
import numpy as np
if __name__ == "__main__":
    a = np.ones((400, 400))
    assert (a @ a)[0, 0] == 400
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        print(sum(pool.map(abs, range(4))))
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(pool.map(abs, [-1, -2]))
    async def main():
        process = await asyncio.create_subprocess_exec("echo", "child")
        return await process.wait()
    print(asyncio.run(main()))
"""
    ended = await end_of(jail, script(folder, text), door)
    assert (ended.code, sorted(ended.output.split("\n"))) == (0, ["", "0", "6", "[1, 2]", "child"])


def test_it_needs_no_heavy_import():
    text = "import sys, conformance.sandbox.programs; print('asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
