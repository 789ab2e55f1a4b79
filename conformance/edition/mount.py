"""Python content of an edition, loaded by path under a name made from its digest."""

from __future__ import annotations

import importlib
import sys
import traceback
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from conformance.authoring import Family, Grader
from conformance.errors import EditionError

if TYPE_CHECKING:
    from pathlib import Path


def _package(root: Path, digest: str) -> str:
    """Mount ``root`` as a package; its folders and their modules are imported relative to it."""
    name = f"_edition_{digest[:20]}"
    if name not in sys.modules:
        package = ModuleType(name, "An edition's content.")
        package.__path__ = [str(root)]
        sys.modules[name] = package
    return name


def load_family(root: Path, digest: str, family: str) -> Family[Any]:
    """Return the family in ``tasks/FAMILY``.

    Raises:
        EditionError: the folder lacks it, or its code does not load.
    """
    folder = root / "tasks" / family
    module = _load(root, digest, f"tasks.{family}", folder / "__init__.py")
    found = getattr(module, "FAMILY", None)
    if not isinstance(found, Family):
        raise EditionError(
            "no FAMILY in it", where=f"{folder}/__init__.py", mend="add FAMILY = YourFamily()"
        )
    if found.id != family:
        raise EditionError(
            f"the family calls itself {found.id!r}", where=str(folder), mend="name the folder so"
        )
    return found


def load_grader(root: Path, digest: str, grader: str) -> Grader:
    """Return the function ``grade`` of ``graders/GRADER.py``.

    Raises:
        EditionError: the folder lacks it, or its code does not load.
    """
    path = root / "graders" / f"{grader}.py"
    grade = getattr(_load(root, digest, f"graders.{grader}", path), "grade", None)
    if not callable(grade):
        raise EditionError("no grade in it", where=str(path), mend="add def grade(played, …)")
    return cast("Grader", grade)


def load_module(root: Path, digest: str, name: str) -> ModuleType:
    """Return another module of the edition, such as ``graders.efficiency``."""
    return _load(root, digest, name, root / (name.replace(".", "/") + ".py"))


def _load(root: Path, digest: str, name: str, path: Path) -> ModuleType:
    if not path.is_file():
        raise EditionError("there is no such file", where=str(path), mend="add it, or its name")
    try:
        return importlib.import_module(f"{_package(root, digest)}.{name}")
    except Exception as error:
        what = error.msg if isinstance(error, SyntaxError) else str(error)
        raise EditionError(
            f"does not load: {type(error).__name__}: {what}",
            where=_place(root, path, error),
            mend="mend the code",
        ) from error


def _place(root: Path, path: Path, error: Exception) -> str:
    """Return the last file and line of the edition's own that an error came through."""
    if isinstance(error, SyntaxError) and error.filename is not None:
        return f"{error.filename}:{error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    inside = [frame for frame in frames if frame.filename.startswith(str(root))]
    return f"{inside[-1].filename}:{inside[-1].lineno}" if inside else str(path)
