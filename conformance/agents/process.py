"""``command:`` agents: a program that is started anew for each session.

``environment.VARIABLES`` is all that it is told. It ends with exit code 0; its answer is the call
of ``submit_answer``, or the JSON object in ``$AGENT_RESULT``, or all that it printed, if that is
one JSON object.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

import msgspec

from conformance.agents.contract import AgentFailedError, Limits, TaskView
from conformance.agents.environment import (
    OF_MODEL,
    RESULT,
    SHIM,
    filled,
    furnish,
    placeholders,
    split_command,
    variables,
)
from conformance.agents.exits import how, is_unstartable, last_lines, read_result, whole_object
from conformance.agents.external import Said
from conformance.agents.lookup import CONTAINERS, Found, find_program, find_python, search_path
from conformance.agents.shown import refuse_temporary, ways_out
from conformance.clearing import clear_away
from conformance.errors import AgentUnavailableError, UsageError
from conformance.gateway import Addresses
from conformance.sandbox.contract import SandboxBrokenError
from conformance.sandbox.interpreter import base_interpreter
from conformance.sandbox.programs import Door, Program, ProgramLimits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.agents.contract import EvidenceClass, Store
    from conformance.gateway import Gateway, Handle
    from conformance.sandbox.probes import Probed
    from conformance.sandbox.programs import Exit, Launcher, Running

CHECK_S = 120.0
"""How long the module of a ``python:`` agent may take to be imported."""
_LAST_LINES = 3
_LONGEST_NOTE = 4000


class Setup(msgspec.Struct, frozen=True):
    """How an agent's programs are run, beside the command itself."""

    folder: Path
    """Where they are started, and what they may read: the agent's own files."""
    python: str | None = None
    """The agent's interpreter; None is the suite's own, in a container ``python3``."""
    files: tuple[Path, ...] = ()
    """More that they may read."""
    env: tuple[str, ...] = ()
    """Variables that are passed on from the suite's environment, where they are set there."""
    secrets: tuple[str, ...] = ()
    """The same, but they must be set, and their values never reach evidence."""
    set: dict[str, str] = {}
    """More variables, as they are."""
    limits: ProgramLimits = ProgramLimits()
    sandbox: str | None = None
    """``bubblewrap``, ``docker``, ``podman`` or ``none``; None is what works here."""
    image: str | None = None
    """The container's image."""
    hidden: tuple[Path, ...] = ()
    """What they may not read, wherever it lies: editions, the campaign's evidence."""


class ProcessTransport:
    """Implements ``agents.external.Transport`` for ``command:``.

    Args:
        value: The command; its words are templates.
        setup: How it is run.
        launcher: What runs it; None is what ``setup.sandbox`` names.

    Raises:
        UsageError: the command cannot be read, or names an unknown placeholder.
    """

    kind: Literal["command", "python", "acp"] = "command"
    named = "command"
    """What the value is called where the agent is described."""

    def __init__(self, value: str, setup: Setup, launcher: Launcher | None = None) -> None:
        self.value = value
        self.setup = setup
        self._launcher = launcher
        self._words = self._read(value)
        self._gateway: Gateway | None = None
        self._found: Found | None = None
        self._shim: Found | None = None
        self._probed: list[Probed] | None = None
        self._exits: WeakKeyDictionary[Store, Exit] = WeakKeyDictionary()
        """How the program ended that the world killed in the session before."""

    @property
    def launcher(self) -> Launcher:
        """Return what runs the programs."""
        assert self._launcher is not None, "open() comes first"  # noqa: S101
        return self._launcher

    @property
    def gateway(self) -> Gateway:
        """Return the gateway they come to."""
        assert self._gateway is not None, "open() comes first"  # noqa: S101
        return self._gateway

    @property
    def door(self) -> Door:
        """Return the gateway as a launcher needs to know it."""
        return Door(self.gateway.port, self.gateway.socket_path)

    @property
    def holds(self) -> bool:
        """Say whether the programs are in a jail that held in the self-test."""
        return self.launcher.is_jail and bool(self._probed) and not self._leaks

    @property
    def evidence_class(self) -> EvidenceClass:
        """Return ``jailed`` where the jail held and the model door is the only way to a model."""
        has_model = self._gateway is not None and self._gateway.upstream is not None
        return "jailed" if has_model and self.holds else "observed"

    async def open(self, gateway: Gateway) -> None:
        """Find the program, and try the jail.

        Raises:
            UsageError: there is no such program, module or function; a secret is not set; the
                command asks for a model where there is none.
            AgentUnavailableError: the sandbox does not work here.
        """
        from conformance import sandbox

        self._gateway = gateway
        setup, is_given = self.setup, self._launcher is not None
        if not is_given:
            self._launcher = sandbox.launcher(setup.sandbox, image=setup.image)
        self._look_up()
        if not is_given and self.launcher.is_jail:
            refuse_temporary(self._shown)
            hidden = await asyncio.to_thread(list, ways_out(self._shown))
            self._launcher = sandbox.launcher(
                setup.sandbox, image=setup.image, hidden=(*setup.hidden, *hidden)
            )
        try:
            await self._check()
            self._probed = await asyncio.to_thread(self.launcher.self_test, self.door)
        except SandboxBrokenError as error:
            raise AgentUnavailableError(
                str(error), where=f"sandbox {self.launcher.name}", mend="see conformance doctor"
            ) from error

    async def start(self, task: TaskView, handle: Handle) -> ProcessSession:
        """Get ready for one start of the program; it is started with its task."""
        earlier = None if task.store is None else self._exits.pop(task.store, None)
        if earlier is not None:
            handle.note("exit_before", code=earlier.code, killed_for=earlier.killed_for)
        handle.note("sandbox", provider=self.launcher.name, held=self.holds)
        return self._session(task, handle)

    async def canary(self) -> bool:
        """There is nothing to be down between two starts."""
        return True

    async def close(self) -> None:
        """Each session ends its own."""

    def describe(self) -> dict[str, Any]:
        """Return the command, and what it runs in."""
        return {
            "kind": self.kind,
            self.named: self.value,
            "sandbox": {
                "provider": self.launcher.name,
                "held": self.holds,
                "leaks": self._leaks,
                **{k: v for k, v in self.launcher.describe().items() if k != "name"},
            },
        }

    def program(self, text: str, task: TaskView, at: Addresses, work: Path) -> Program:
        """Return one start of the agent, with its work folder furnished."""
        assert self._found is not None, "open() comes first"  # noqa: S101
        assert self._shim is not None, "open() comes first"  # noqa: S101
        setup = self.setup
        furnish(work, at)
        told = variables(text, task, at, work, (self._shim.program, str(work / SHIM)))
        if not self._is_container:  # the launcher's own is right there
            told["PATH"] = search_path(self._found)
        told |= {name: os.environ[name] for name in setup.env if name in os.environ}
        told |= {name: os.environ[name] for name in setup.secrets} | setup.set
        return Program(
            argv=(self._found.program, *self._arguments(told, work)),
            env=told,
            work=work,
            cwd=setup.folder,
            files=self._shown,
            writable=() if task.store is None else (task.store.folder,),
            limits=setup.limits,
        )

    def ended(self, exit_: Exit, task: TaskView) -> None:
        """Remember how a program ended of which nothing can be noted any more in its session."""
        if task.store is not None:
            self._exits[task.store] = exit_

    @property
    def _shown(self) -> tuple[Path, ...]:
        """Return what the programs may read."""
        assert self._found is not None, "open() comes first"  # noqa: S101
        assert self._shim is not None, "open() comes first"  # noqa: S101
        return (self.setup.folder, *self._found.files, *self._shim.files, *self.setup.files)

    @property
    def _leaks(self) -> list[str]:
        return [probed.probe for probed in self._probed or () if not probed.held]

    @property
    def _is_container(self) -> bool:
        return self.launcher.name in CONTAINERS

    def _read(self, value: str) -> tuple[str, ...]:
        return split_command(value)

    def _look_up(self) -> None:
        """Find all that is named.

        Raises:
            UsageError: something of it is not there.
        """
        missing = [name for name in self.setup.secrets if name not in os.environ]
        if missing:
            raise UsageError(
                f"{', '.join(missing)} is not set",
                where="agent.toml: secrets",
                mend="set it in the environment",
            )
        wants_model = [name for name in placeholders(self._words) if name in OF_MODEL]
        if wants_model and self.gateway.upstream is None:
            raise UsageError(
                f"{{{wants_model[0]}}} stands for nothing: the suite was given no model",
                where=f"command {self.value!r}",
                mend="name one with --model and --base-url",
            )
        is_inside = self._is_container
        # The base interpreter: of the suite's own environment nothing has to be seen.
        base = None if is_inside else base_interpreter().executable
        self._shim = find_python(base, self.setup.folder, is_inside=is_inside)
        self._found = self._program()

    def _program(self) -> Found:
        return find_program(self._words[0], self.setup.folder, is_inside=self._is_container)

    def _session(self, task: TaskView, handle: Handle) -> ProcessSession:
        return ProcessSession(self, task, handle)

    def _arguments(self, told: dict[str, str], work: Path) -> Sequence[str]:
        del work
        return filled(self._words[1:], told)

    def _trial_run(self, program: Program) -> Program:
        """Return what is started once before the first trial, in place of the agent.

        Of a command nobody knows what it does; but something can be started where it would be.
        """
        assert self._shim is not None, "open() comes first"  # noqa: S101
        return program._replace(argv=(self._shim.program, "-I", "-S", "-c", ""))

    async def _check(self) -> None:
        """Start something as in a trial.

        Raises:
            UsageError: it cannot be started, or fails.
        """
        root = f"http://127.0.0.1:{self.gateway.port}/none"
        model = "" if self.gateway.upstream is None else self.gateway.upstream.model
        at = Addresses(f"{root}/mcp", {}, f"{root}/v1", root, "none", model)
        where = f"{self.kind}:{self.value}"
        work = make_work()
        try:
            program = self.program("", TaskView("none", "", "en", (), Limits()), at, work)
            running = await self.launcher.launch(self._trial_run(program), self.door)
            try:
                async with asyncio.timeout(CHECK_S):
                    exit_ = await running.wait()
            finally:
                await running.kill()
        except TimeoutError:
            raise UsageError(f"did not start within {CHECK_S:.0f} s", where=where) from None
        except OSError as error:
            if not is_unstartable(error):
                raise
            raise UsageError(f"cannot be started: {error}", where=where) from error
        finally:
            await asyncio.to_thread(clear_away, work)
        if exit_.code != 0:
            raise UsageError(
                last_lines(exit_.said, 1) or how(exit_),
                where=where,
                mend=f"it runs in {self.setup.folder}, by {program.argv[0]}",
            )


class ProcessSession:
    """One start of a program: it gets its task, and that is all that is said to it."""

    def __init__(self, transport: ProcessTransport, task: TaskView, handle: Handle) -> None:
        self._transport = transport
        self._task = task
        self._handle = handle
        self._work = make_work()
        self._launch: asyncio.Task[Running] | None = None
        self._is_told = False

    async def send(self, text: str) -> Said:
        """Start the program and wait for its end.

        Raises:
            AgentFailedError: it cannot be started, failed, or was killed for a limit.
        """
        transport = self._transport
        at = transport.gateway.addresses(self._handle)
        running = await self._started(transport.program(text, self._task, at, self._work))
        exit_ = await running.wait()
        self._tell(exit_)
        if exit_.code != 0 or exit_.killed_for is not None:
            last = last_lines(exit_.said, _LAST_LINES)
            raise AgentFailedError(f"{how(exit_)}: {last}".rstrip(": "), "agent_error")
        answer, complaint = await asyncio.to_thread(read_result, self._work / RESULT)
        if complaint is not None:
            self._handle.note("no_result", why=complaint)
        return Said("final", whole_object(exit_.output), answer)

    async def cancel(self) -> None:
        """There is no way to ask a program but a signal."""

    async def close(self, *, at_once: bool) -> None:
        """End the program with all that it started, and clear its folder away."""
        try:
            running = await self._launched()
            if running is not None:
                await (running.kill() if at_once else running.stop())
                self._tell(await running.wait())
        finally:
            await asyncio.to_thread(clear_away, self._work)

    async def _started(self, program: Program) -> Running:
        transport = self._transport
        # Shielded, so that a start which is called off half way is still ended by ``close``.
        self._launch = asyncio.create_task(transport.launcher.launch(program, transport.door))
        try:
            return await asyncio.shield(self._launch)
        except OSError as error:
            if not is_unstartable(error):
                raise
            raise AgentFailedError(f"cannot be started: {error}", "agent_error") from error

    async def _launched(self) -> Running | None:
        if self._launch is None:
            return None
        await asyncio.wait({self._launch})
        is_running = not self._launch.cancelled() and self._launch.exception() is None
        return self._launch.result() if is_running else None

    def _tell(self, exit_: Exit) -> None:
        """Note once how the program ended and the end of what it said."""
        if self._is_told:
            return
        self._is_told = True
        if self._handle.doors.was_killed:
            self._transport.ended(exit_, self._task)
            return
        self._handle.note("exit", code=exit_.code, killed_for=exit_.killed_for)
        if exit_.said:
            self._handle.note("agent_output", text=exit_.said[-_LONGEST_NOTE:])


def make_work() -> Path:
    """Return a new work folder; its path has no links in it."""
    return Path(tempfile.mkdtemp(prefix="conformance-work-")).resolve()
