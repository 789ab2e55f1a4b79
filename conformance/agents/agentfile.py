"""``agent.toml``: who an agent is, what it stands on, what it says of itself, how it is reached.

``schemas/agent.schema.json`` is made from these structs. Paths are relative to the file.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from conformance.agents.agentfile_errors import describe
from conformance.agents.environment import VARIABLES
from conformance.agents.sampling import Sampling
from conformance.errors import UsageError

if TYPE_CHECKING:
    from conformance.agents.process import Setup

Kind = Literal["chat", "command", "python", "acp", "a2a", "http"]
PROGRAMS: tuple[Kind, ...] = ("command", "python", "acp")
"""Kinds that the suite starts by itself."""
VALUES: dict[Kind, str] = {
    "chat": "model",
    "command": "command",
    "python": "function",
    "acp": "command",
    "a2a": "url",
    "http": "url",
}
"""The key of ``[reach]`` that says whom each kind reaches."""


Some = Annotated[int, msgspec.Meta(ge=1)]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What all tables have in common: a key that is not known is refused."""


class Identity(Part, frozen=True):
    """``[agent]``: who it is."""

    name: str
    version: str
    vendor: str = ""


class Reach(Part, frozen=True):
    """``[reach]``: how it is reached."""

    kind: Kind
    model: str | None = None
    """``chat``: the model that is tried. Else what the suite's model door leads to."""
    base_url: str | None = None
    """Where that model is: an OpenAI-compatible endpoint."""
    api_key_env: str | None = None
    """The variable that holds the key to it."""
    command: str | None = None
    function: str | None = None
    """``MODULE:FUNCTION``."""
    python: str | None = None
    url: str | None = None
    key_env: str | None = None
    """``a2a``, ``http``: the variable with the token that the agent's own address wants."""
    folder: str = "."
    """Where its programs start, and what they may read."""
    files: list[str] = []
    """More that they may read."""
    env: list[str] = []
    """Variables that are passed on to them."""
    secrets: list[str] = []
    """The same; they must be set, and their values are kept out of all evidence."""
    set: dict[str, str] = {}
    """More variables, as they are."""
    sandbox: Literal["bubblewrap", "docker", "podman", "none"] | None = None
    image: str | None = None


class ProcessLimits(Part, frozen=True):
    """``[limits]``: what its processes may use together, in one trial."""

    memory_mib: Some | None = None
    processes: Some | None = None
    folder_mib: Some | None = None
    output_mib: Some | None = None


class Hardware(Part, frozen=True):
    """``[hardware]``: what it runs on."""

    processor: str = ""
    accelerator: str = ""
    memory: str = ""
    notes: str = ""


class Cloud(Part, frozen=True):
    """``[cloud]``: where it runs."""

    provider: str = ""
    region: str = ""
    service: str = ""
    notes: str = ""


class Model(Part, frozen=True):
    """``[model]``: what it thinks with."""

    name: str = ""
    version: str = ""
    provider: str = ""
    parameters: str = ""
    notes: str = ""


class Application(Part, frozen=True):
    """``[application]``: what is built on the model."""

    framework: str = ""
    language: str = ""
    tools: str = ""
    memory: str = ""
    notes: str = ""


class Ics(Part, frozen=True):
    """``[ics]``: the implementation conformance statement."""

    denied: list[str] = []
    """Capabilities that it lacks, by the edition's names; clauses that need one are not run."""
    sessions: bool | None = None
    """It keeps what it learned from one session to the next."""
    cancel: bool | None = None
    """It stops when it is asked to."""
    streaming: bool | None = None
    """Its model calls are streamed."""
    own_tools: bool | None = None
    """It has tools beside the suite's."""
    suite_tools: bool = True
    """It uses the suite's tools; where not, only its answers can be judged."""


class AgentFile(Part, frozen=True):
    """All of ``agent.toml``."""

    agent: Identity
    reach: Reach
    hardware: Hardware = Hardware()
    cloud: Cloud = Cloud()
    model: Model = Model()
    application: Application = Application()
    ics: Ics = Ics()
    sampling: Sampling = Sampling()
    """``[sampling]``: what is pinned of a ``chat`` agent's model."""
    limits: ProcessLimits = ProcessLimits()


class Known(msgspec.Struct, frozen=True):
    """An agent as its file has it."""

    path: Path
    sha256: str
    file: AgentFile

    @property
    def value(self) -> str:
        """Return whom ``reach`` names: the command, the function, the URL or the model."""
        value: str = getattr(self.file.reach, VALUES[self.file.reach.kind])
        return value

    @property
    def secret_values(self) -> tuple[str, ...]:
        """Return what must never reach evidence."""
        reach = self.file.reach
        names = [*reach.secrets, *filter(None, (reach.api_key_env, reach.key_env))]
        return tuple(filter(None, map(os.environ.get, names)))

    def identity(self) -> dict[str, Any]:
        """Return what of the file is part of the claim."""
        file = self.file
        layers = {name: getattr(file, name) for name in ("hardware", "cloud", "model")}
        layers["application"] = file.application
        said = msgspec.to_builtins(file.ics)
        said.pop("denied", None)  # it is a matter of the terms
        return {
            **msgspec.to_builtins(file.agent),
            "agent_file": self.sha256,
            "layers": {name: part for name, part in msgspec.to_builtins(layers).items() if part},
            "declared": said,
        }

    def setup(self) -> Setup:
        """Return how its programs are run."""
        from conformance.agents.process import Setup
        from conformance.sandbox.programs import MIB, ProgramLimits

        reach, limits = self.file.reach, self.file.limits
        given = {
            "memory_bytes": limits.memory_mib and limits.memory_mib * MIB,
            "processes": limits.processes,
            "folder_bytes": limits.folder_mib and limits.folder_mib * MIB,
            "output_bytes": limits.output_mib and limits.output_mib * MIB,
        }
        return Setup(
            folder=self._at(reach.folder),
            python=self._program(reach.python),
            files=tuple(map(self._at, reach.files)),
            env=tuple(reach.env),
            secrets=tuple(reach.secrets),
            set=reach.set,
            limits=ProgramLimits(**{name: n for name, n in given.items() if n is not None}),
            sandbox=reach.sandbox,
            image=reach.image,
        )

    def _at(self, path: str) -> Path:
        return (self.path.parent / Path(path).expanduser()).resolve()

    def _program(self, python: str | None) -> str | None:
        # No link is followed: a virtual environment's interpreter is one.
        if python is None or "/" not in python:
            return python
        return str(self.path.parent.absolute() / Path(python).expanduser())


def read_agent_file(path: Path) -> Known:
    """Read ``agent.toml``.

    Raises:
        UsageError: it is not there, is no TOML, or breaks its schema; with key and line.
    """
    try:
        content = path.read_bytes()
        text = content.decode()
        file = msgspec.convert(tomllib.loads(text), AgentFile)
    except OSError as error:
        raise UsageError(
            f"cannot be read: {error.strerror}",
            where=str(path),
            mend="conformance probe --init KIND prints one to fill in",
        ) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"is no TOML: {error}", where=str(path)) from None
    except msgspec.ValidationError as error:
        raise describe(error, path, text, AgentFile) from None
    _check(file, path)
    return Known(path, hashlib.sha256(content).hexdigest(), file)


def _check(file: AgentFile, path: Path) -> None:
    """Refuse what fits its type but not its kind."""
    kind, reach, where = file.reach.kind, file.reach, f"{path}: reach"
    if getattr(reach, VALUES[kind]) is None:
        raise UsageError(f"kind {kind!r} needs {VALUES[kind]}", where=where, mend="add it")
    idle = [name for name in ("command", "function", "url") if name != VALUES[kind]]
    if kind != "python":
        idle.append("python")
    if kind not in PROGRAMS:
        idle += ["files", "env", "secrets", "set", "sandbox", "image"]
    if kind not in ("a2a", "http"):
        idle.append("key_env")
    found = [name for name in idle if getattr(reach, name)]
    if found:
        mend = "take it out, or change the kind"
        raise UsageError(f"kind {kind!r} has no {found[0]}", where=where, mend=mend)
    if file.sampling != Sampling() and kind != "chat":
        raise UsageError(
            "only a chat agent's sampling can be pinned: others call their model by themselves",
            where=f"{path}: sampling",
            mend="say it in [model] notes",
        )
    taken = [n for n in (*reach.env, *reach.secrets, *reach.set) if n in VARIABLES and n != "PATH"]
    if taken:
        raise UsageError(f"{taken[0]} is the suite's to set", where=where, mend="take it out")
    if reach.api_key_env in (*reach.env, *reach.secrets):
        raise UsageError(
            f"{reach.api_key_env} opens the endpoint past the model door",
            where=where,
            mend="take it out of env and secrets: programs get a key of the suite's",
        )


_HOW: dict[Kind, str] = {
    "chat": 'model = "MODEL"\nbase_url = "http://127.0.0.1:8000/v1"\n'
    'api_key_env = "OPENAI_API_KEY"',
    "command": 'command = "python agent.py {task}"',
    "python": 'function = "agent:run"    # run(task) in agent.py\n'
    '# python = ".venv/bin/python"    # its own interpreter',
    "acp": 'command = "my-agent acp"',
    "a2a": 'url = "http://127.0.0.1:9000"\n# key_env = "MY_AGENT_TOKEN"',
    "http": 'url = "http://127.0.0.1:9000/task"\n# key_env = "MY_AGENT_TOKEN"',
}
_PROGRAM = """\
folder = "."    # where it starts, and what it may read, beside the files below
# files = ["../shared"]
# env = ["HTTP_PROXY"]    # passed on from here; nothing else is
# secrets = ["MY_TOKEN"]    # passed on too, and kept out of all evidence
# set = {NO_TELEMETRY = "1"}
# sandbox = "bubblewrap"    # docker, podman, none; as it works here where this is left out
"""
_DOOR = """\
# model = "MODEL"    # what the model door leads to; leave it out where the agent brings its own
# base_url = "http://127.0.0.1:8000/v1"
# api_key_env = "OPENAI_API_KEY"
"""
_LIMITS = """
[limits]    # of its processes, together
# memory_mib = 4096
# processes = 512
# folder_mib = 1024
# output_mib = 64
"""


def template(kind: Kind) -> str:
    """Return an ``agent.toml`` to fill in."""
    text = '[agent]\nname = "my agent"\nversion = "0.1"\nvendor = ""\n\n[reach]\n'
    text += f'kind = "{kind}"\n{_HOW[kind]}\n'
    if kind != "chat":
        text += _DOOR
    if kind in PROGRAMS:
        text += _PROGRAM + _LIMITS
    text += """
# The four layers that the agent stands on; all of it may be left out.
[hardware]
processor = ""
accelerator = ""
memory = ""
notes = ""

[cloud]
provider = ""
region = ""
service = ""
notes = ""

[model]
name = ""
version = ""
provider = ""
parameters = ""
notes = ""

[application]
framework = ""
language = ""
tools = ""
memory = ""
notes = ""

[ics]
denied = []    # capabilities that it lacks: clauses that need one are not run
# sessions = true    # it keeps what it learned from one session to the next
# cancel = true    # it stops when it is asked to
# streaming = true    # its model calls are streamed
# own_tools = true    # it has tools beside the suite's
"""
    if kind == "chat":
        text += (
            "\n[sampling]    # what is pinned; the provider's defaults else\n# temperature = 0\n"
        )
    return text
