"""The interpreter inside: the base installation this one comes from, and the libraries it loads."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")
_OTHERS = ("/etc/ld.so.cache", "/nix/store")
_MOST_LINKS = 40


class Interpreter(NamedTuple):
    """What of this machine a script sees, read-only."""

    executable: str
    folders: tuple[str, ...]
    """Files and folders under their own names."""
    links: tuple[tuple[str, str], ...]
    """Symbolic links, target first (a merged ``/usr``)."""
    hidden: tuple[str, ...]
    """Folders of installed packages, shown empty."""
    prefix: str


def base_interpreter() -> Interpreter:
    """Return the interpreter behind ``sys.executable``, that of a virtual environment seen through.

    Of its prefix only the library and the executable are shown, so a prefix under a home folder
    shows nothing else of that home.
    """
    executable = os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable)
    links = tuple(
        (str(Path(name).readlink()), name) for name in _LIBRARIES if Path(name).is_symlink()
    )
    shown = [name for name in (*_LIBRARIES, *_OTHERS) if _is_real(name)]
    for name in (*_library_folders(), executable):
        if not any(_is_within(name, folder) for folder in shown):
            shown.append(name)
    packages = sysconfig.get_path("purelib", vars=_BASE), "/usr/lib/python3/dist-packages"
    hidden = tuple(dict.fromkeys(os.path.realpath(name) for name in packages if _is_real(name)))
    return Interpreter(executable, tuple(shown), links, hidden, sys.base_prefix)


_BASE = {"base": sys.base_prefix, "platbase": sys.base_exec_prefix}


def _library_folders() -> Iterator[str]:
    """Yield the folders of the standard library and of a shared libpython."""
    for key in ("stdlib", "platstdlib"):
        folder = sysconfig.get_path(key, vars={**_BASE, "installed_base": sys.base_prefix})
        yield os.path.realpath(folder)
    shared = sysconfig.get_config_var("LIBDIR")
    if sysconfig.get_config_var("Py_ENABLE_SHARED") and shared and Path(shared).is_dir():
        yield os.path.realpath(shared)


def _is_real(name: str) -> bool:
    return Path(name).exists() and not Path(name).is_symlink()


def _is_within(name: str, folder: str) -> bool:
    return Path(name).is_relative_to(folder)


def interpreter_files(python: Path) -> tuple[Path, ...]:
    """Return what must be seen to run an interpreter: any one, or that of a virtual environment.

    Nothing is run to find out, since it may be an agent's own. Of the installation only the
    libraries and the executables are shown, so one under a home folder shows nothing else of it.
    """
    chain = list(_links(python.absolute()))
    environment = chain[0].parent.parent
    prefixes = [chain[-1].parent.parent]
    shown = chain
    setting = environment / "pyvenv.cfg"
    if setting.is_file():
        shown = [environment, *chain]
        prefixes += [home.parent for home in _homes(setting)]
    for prefix in prefixes:
        shown += _libraries(prefix)
    return tuple(dict.fromkeys(shown))


def _links(path: Path) -> Iterator[Path]:
    """Yield a path and what it leads to, link by link; the file itself comes last."""
    for _ in range(_MOST_LINKS):
        yield path
        if not path.is_symlink():
            return
        path = Path(os.path.normpath(path.parent / path.readlink()))


def _homes(setting: Path) -> Iterator[Path]:
    """Yield the folder of the interpreter that a virtual environment was made from."""
    for line in setting.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.partition("=")
        if name.strip() == "home":
            yield Path(value.strip())


def _libraries(prefix: Path) -> Iterator[Path]:
    for pattern in ("lib/python3*", "lib64/python3*", "lib/pypy3*", "lib/lib*.so*", "ssl"):
        yield from sorted(prefix.glob(pattern))
