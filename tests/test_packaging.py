"""The suite as it is handed over: wheel, sdist and editable install hold one and the same edition.

Everything is built from a copy of the checkout, with the registry out of reach; that the wheel and
its dependencies suffice in a clean environment is for ``nox -s airgap`` to see.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from conformance.edition.files import FOLDERS, edition_digest, edition_files

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
TARGETS = PYPROJECT["tool"]["hatch"]["build"]["targets"]
CARRIED = [name.strip("/") for name in TARGETS["sdist"]["include"]]
ALWAYS = ["pyproject.toml", ".gitignore"]

STATE = """
import json, sys
import conformance
from conformance.edition import files, read
root = files.shipped_root()
print(json.dumps({
    "package": conformance.__file__, "root": str(root), "digest": read().digest,
    "files": [name for name, _ in files.edition_files(root)], "path": sys.path,
}))
"""


def copy_checkout(target):
    """Copy what belongs to the project; a checkout holds more, as other people's work does."""
    target.mkdir(parents=True)
    for name in (*CARRIED, *ALWAYS):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.is_file():
            shutil.copyfile(source, target / name)
    return target


def build(source, target, kind):
    """Build with the project's own backend; return the one file it made."""
    hook = f"import hatchling.build as b; print(b.build_{kind}({str(target)!r}))"
    target.mkdir(parents=True, exist_ok=True)
    return target / run([sys.executable, "-c", hook], cwd=source).splitlines()[-1]


def run(command, *, cwd, code=0, **more):
    """Run a command with nothing of this checkout in its environment; return its stdout."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**kept, **more},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def new_environment(folder):
    """Make a virtual environment; return its Python.

    The libraries of the tests' environment come last on its path; the
    suite itself has to come from what is installed into it.
    """
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    scheme = {"base": str(folder), "platbase": str(folder)}
    python = Path(sysconfig.get_path("scripts", "venv", vars=scheme)) / Path(sys.executable).name
    site = Path(sysconfig.get_path("purelib", "venv", vars=scheme))
    lines = f"{sysconfig.get_path('purelib')}\n{sysconfig.get_path('platlib')}\n"
    (site / "zz_dependencies.pth").write_text(lines)
    return python


def install(python, package, *options, cwd):
    options = (*options, "--no-compile")  # what is imported is compiled then; of scipy, a part
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    run([*pip, "install", "--quiet", *options, package], cwd=cwd)


def state_of(python, cwd):
    return json.loads(run([python, "-c", STATE], cwd=cwd))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    folder = copy_checkout(tmp_path_factory.mktemp("packaging") / "checkout")
    (folder / "notes.txt").write_text("nobody asked for this")
    (folder / "runs" / "today").mkdir(parents=True)
    (folder / "runs" / "today" / "manifest.json").write_text("{}")
    (folder / "tasks" / "telemetry" / "__pycache__").mkdir()
    (folder / "tasks" / "telemetry" / "__pycache__" / "world.cpython-311.pyc").write_bytes(b"x")
    return folder


@pytest.fixture(scope="module")
def sdist(checkout):
    return build(checkout, checkout.parent / "made", "sdist")


@pytest.fixture(scope="module")
def wheel(checkout):
    return build(checkout, checkout.parent / "made", "wheel")


@pytest.fixture(scope="module")
def unpacked(sdist):
    target = sdist.parent / "unpacked"
    with tarfile.open(sdist) as archive:
        archive.extractall(target, filter="data")
    (root,) = target.iterdir()
    return root


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """Return the Python of an environment the wheel is installed in."""
    folder = tmp_path_factory.mktemp("installed")
    python = new_environment(folder / "env")
    install(python, wheel, "--no-deps", "--no-index", cwd=folder)
    return python


def contents(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def files_under(root, folder):
    return {
        path.relative_to(root).as_posix()
        for path in (root / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_the_whole_package_and_the_edition_beside_it(checkout, wheel):
    names = set(contents(wheel))
    edition = {
        f"conformance/_edition/{name}" for part in FOLDERS for name in files_under(checkout, part)
    }
    assert files_under(checkout, "conformance") | edition == {
        name for name in names if ".dist-info/" not in name
    }


@pytest.mark.parametrize(
    "name",
    [
        "conformance/py.typed",
        "conformance/_edition/tasks/edition.yaml",
        "conformance/_edition/tasks/telemetry/__init__.py",
        "conformance/_edition/graders/solved.py",
        "conformance/_edition/schemas/edition.schema.json",
        "conformance/_edition/schemas/transcript.schema.json",
        "conformance/edition/template_files/tasks/edition.yaml",
        "conformance/edition/template_files/tasks/example/__init__.py",
        "conformance/report/texts.yaml",
    ],
)
def test_the_wheel_holds(wheel, name):
    assert contents(wheel)[name] or name.endswith("py.typed")


def test_the_wheel_holds_the_templates_of_the_report(checkout, wheel):
    templates = files_under(checkout, "conformance/report/templates")
    assert templates
    assert templates <= set(contents(wheel))


def test_the_wheel_puts_nothing_but_the_package_into_site_packages(wheel):
    tops = {name.partition("/")[0] for name in contents(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"conformance"}


def test_the_wheel_says_what_it_is(wheel):
    found = {name.partition(".dist-info/")[2]: body for name, body in contents(wheel).items()}
    metadata = found["METADATA"].decode()
    assert "Name: agent-grading\n" in metadata
    assert "License-Expression: Apache-2.0\n" in metadata
    assert "Requires-Python: >=3.11\n" in metadata
    assert "Provides-Extra: local\n" in metadata
    assert "conformance = conformance.cli:main" in found["entry_points.txt"].decode()
    assert found["licenses/LICENSE"]


def test_the_sdist_names_what_it_includes(checkout, unpacked):
    tops = {path.name for path in unpacked.iterdir()}
    there = {name for name in CARRIED if any(p.is_file() for p in checkout.glob(f"{name}/**/*"))}
    there |= {name for name in CARRIED if (checkout / name).is_file()}
    assert tops - {*ALWAYS, "PKG-INFO"} == there
    assert {"conformance", "tasks", "graders", "schemas", "tests", "README.md"} <= there
    assert not {"notes.txt", "runs"} & tops
    assert not list(unpacked.rglob("*.pyc"))


def test_the_sdist_builds_the_same_wheel(unpacked, wheel, tmp_path):
    assert contents(build(unpacked, tmp_path, "wheel")) == contents(wheel)


def test_the_digest_is_one_in_checkout_sdist_and_wheel(checkout, unpacked, wheel, installed):
    digest = edition_digest(checkout)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(wheel.parent / "wheel")
    assert edition_digest(unpacked) == digest
    assert edition_digest(wheel.parent / "wheel" / "conformance" / "_edition") == digest
    assert state_of(installed, installed.parent)["digest"] == digest


def test_an_editable_install_follows_an_edit_of_a_family(tmp_path):
    source = copy_checkout(tmp_path / "source")
    python = new_environment(tmp_path / "env")
    editable = build(source, tmp_path / "made", "editable")
    install(python, editable, "--no-deps", "--no-index", cwd=tmp_path)
    before = state_of(python, tmp_path)
    assert before["root"] == str(source)
    assert before["package"] == str(source / "conformance" / "__init__.py")
    assert before["digest"] == edition_digest(source)

    family = source / "tasks" / "telemetry" / "__init__.py"
    family.write_text(family.read_text("utf-8") + "\n# edited\n", "utf-8")
    after = state_of(python, tmp_path)
    assert after["digest"] == edition_digest(source)
    assert after["digest"] != before["digest"]


def test_the_installed_wheel_finds_its_own_edition_outside_a_checkout(
    installed, checkout, tmp_path
):
    found = state_of(installed, tmp_path)
    home = installed.parents[1]
    assert Path(found["package"]).is_relative_to(home)
    assert Path(found["root"]) == Path(found["package"]).parent / "_edition"
    assert found["files"] == [name for name, _ in edition_files(checkout)]


def test_a_tasks_folder_of_a_vendor_does_not_collide(installed, tmp_path):
    for folder in FOLDERS:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").write_text("raise RuntimeError('the vendor\\'s own')")
    (tmp_path / "tasks" / "edition.yaml").write_text("id: theirs\n")
    assert not Path(state_of(installed, tmp_path)["root"]).is_relative_to(tmp_path)


def grade_the_oracle(command, folder):
    """Grade ``builtin:oracle`` from ``folder`` and grade its bundle again; return the result."""
    certify = ["certify", "--agent", "builtin:oracle", "--claim", "L1", "--json", "--out", "b"]
    found = json.loads(run([command, *certify], cwd=folder))
    assert (folder / "b" / "report.html").stat().st_size > 10_000
    again = json.loads(run([command, "grade", "b", "--json"], cwd=folder))
    assert again["reproduced"]
    return found["level"], again["level"]


def test_the_installed_wheel_grades_the_oracle_outside_a_checkout(installed, tmp_path):
    assert grade_the_oracle(installed.with_name("conformance"), tmp_path) == ("L1", "L1")


def test_the_installed_wheel_starts_an_edition(installed, tmp_path):
    command = installed.with_name("conformance")
    run([command, "edition", "new", "mine"], cwd=tmp_path)
    assert "no problem found" in run([command, "edition", "check", "mine"], cwd=tmp_path)


CONTENT = {
    "graders/solved.py": b"def grade(played): ...\n",
    "schemas/answer.schema.json": b"{}\n",
    "tasks/edition.yaml": "title: 示例\n".encode(),
    "tasks/example/__init__.py": b"FAMILY = 1\n",
}


def write(root, content):
    for name, body in content.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return root


@pytest.fixture
def small(tmp_path):
    return write(tmp_path / "small", CONTENT)


def test_the_digest_is_the_sha_256_of_names_sizes_and_contents(small):
    total = hashlib.sha256()
    for name in sorted(CONTENT):
        total.update(f"{name}\0{len(CONTENT[name])}\0".encode() + CONTENT[name])
    assert edition_digest(small) == total.hexdigest()


def test_line_ends_do_not_matter(small, tmp_path):
    dos = {name: body.replace(b"\n", b"\r\n") for name, body in CONTENT.items()}
    assert edition_digest(write(tmp_path / "dos", dos)) == edition_digest(small)


def test_the_order_in_which_files_are_found_does_not_matter(small, tmp_path, monkeypatch):
    other = write(tmp_path / "other", dict(reversed(CONTENT.items())))
    expected = edition_digest(small)
    found = Path.rglob
    monkeypatch.setattr(Path, "rglob", lambda self, what: sorted(found(self, what), reverse=True))
    assert edition_digest(other) == expected
    assert edition_digest(small) == expected


@pytest.mark.parametrize("name", sorted(CONTENT))
@pytest.mark.parametrize("part", [0, 0.5, 1])
def test_a_change_of_one_byte_changes_the_digest(small, name, part):
    before, body = edition_digest(small), bytearray(CONTENT[name])
    body[round(part * (len(body) - 1))] ^= 1
    (small / name).write_bytes(body)
    assert edition_digest(small) != before


@pytest.mark.parametrize("name", sorted(CONTENT))
def test_a_file_gone_renamed_or_moved_changes_the_digest(small, name):
    path = small / name
    digests = {edition_digest(small)}
    for target in (path.with_stem("renamed"), small / "tasks" / "moved" / path.name):
        target.parent.mkdir(exist_ok=True)
        path = path.rename(target)
        digests.add(edition_digest(small))
    path.unlink()
    digests.add(edition_digest(small))
    assert len(digests) == 4


@pytest.mark.parametrize("name", ["tasks/new.py", "graders/new.yaml", "schemas/new.json"])
def test_a_new_file_changes_the_digest_even_an_empty_one(small, name):
    before = edition_digest(small)
    write(small, {name: b""})
    assert edition_digest(small) != before


def test_bytes_moved_from_one_file_to_the_next_change_the_digest(tmp_path):
    one = write(tmp_path / "one", {"tasks/a.py": b"12", "tasks/b.py": b"3"})
    two = write(tmp_path / "two", {"tasks/a.py": b"1", "tasks/b.py": b"23"})
    assert edition_digest(one) != edition_digest(two)


@pytest.mark.parametrize(
    "name",
    [
        "tasks/README.md",
        "tasks/example/README.md",
        "tasks/example/picture.png",
        "tasks/example/__pycache__/__init__.cpython-311.pyc",
        "tasks/example/__pycache__/cached.json",
        "tasks/.hidden.py",
        "tasks/.ruff_cache/state.json",
        "graders/.ipynb_checkpoints/solved.py",
        "docs/design.yaml",
        "edition.yaml",
    ],
)
def test_what_is_no_content_does_not_change_the_digest(small, name):
    before = edition_digest(small)
    write(small, {name: b"1\n"})
    assert edition_digest(small) == before


def test_links_are_left_out(small, tmp_path):
    before = edition_digest(small)
    write(tmp_path / "elsewhere", {"stray.py": b"1\n"})
    (small / "tasks" / "linked.py").symlink_to(tmp_path / "elsewhere" / "stray.py")
    (small / "tasks" / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert edition_digest(small) == before


def test_an_edition_behind_a_link_is_the_edition(small, tmp_path):
    (tmp_path / "link").symlink_to(small, target_is_directory=True)
    assert edition_digest(tmp_path / "link") == edition_digest(small)
