"""Recipes as data: a page of ``docs/agents`` with front matter and the files that it shows.

What a page shows is what is run: each fenced block whose info string names a file
(three backticks, ``python agent.py``) is written to that file.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec

FOLDER = Path(__file__).parents[2] / "docs" / "agents"
AGENT_FILE = "agent.toml"
_FRONT = re.compile(r"\A---\n(?P<data>.*?)\n---\n", re.DOTALL)
_BLOCK = re.compile(r"^```\w+ (?P<name>[\w.-]+)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


class Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an agent that is a server is started; the address is in its ``agent.toml``."""

    start: list[str]
    port: int
    """As the page says it; it is told another one in ``PORT``, so that tests do not collide."""


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The front matter of a page."""

    name: str
    title: str
    runtime: Literal["python", "node"]
    needs: str
    """Which versions of the runtime."""
    dialects: list[Literal["chat", "responses", "messages"]]
    packages: dict[str, str]
    """What is installed, each with the range that was tested."""
    seen: dict[str, str]
    """The versions that the page's observations are of."""
    stops: dict[str, str]
    """Settings that stop what would go elsewhere than to the gateway, and what each stops."""
    server: Server | None = None


class Page(msgspec.Struct, frozen=True):
    """One page."""

    recipe: Recipe
    files: dict[str, str]
    text: str

    @property
    def agent(self) -> dict[str, Any]:
        """Return its ``agent.toml``."""
        return tomllib.loads(self.files[AGENT_FILE])

    def write(self, folder: Path, port: int = 0) -> Path:
        """Write its files to ``folder``, for a server at ``port``; return its ``agent.toml``."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.files.items():
            server = self.recipe.server
            if name == AGENT_FILE and server is not None:
                text = text.replace(f":{server.port}", f":{port}")  # noqa: PLW2901
            (folder / name).write_text(text, encoding="utf-8")
        return folder / AGENT_FILE


def read(path: Path) -> Page | None:
    """Return the page at ``path``; None where it is no recipe.

    Raises:
        msgspec.ValidationError: its front matter does not fit.
    """
    import yaml

    text = path.read_text(encoding="utf-8")
    front = _FRONT.match(text)
    if front is None:
        return None
    recipe = msgspec.convert(yaml.safe_load(front["data"]), Recipe)
    files = {block["name"]: block["text"] for block in _BLOCK.finditer(text)}
    return Page(recipe, files, text)


def pages() -> dict[str, Page]:
    """Return every recipe, by name."""
    found = filter(None, (read(path) for path in sorted(FOLDER.glob("*.md"))))
    return {page.recipe.name: page for page in found}
