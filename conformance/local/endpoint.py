"""Start and end the embedded endpoint as a child process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
from typing import IO, TYPE_CHECKING, Any, Self

from conformance.errors import AgentUnavailableError, ConformanceError, UsageError
from conformance.local.server import SLOT_TOKENS, Settings, model_name, start_server
from conformance.local.weights import get_weights, use_gguf

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

_READY_LIMIT_S = 120.0
_END_LIMIT_S = 5.0


class LocalEndpoint:
    """A model on loopback with an OpenAI-compatible API, for as long as the ``async with``.

    Args:
        gguf: The model file; None takes the pinned weights, fetching them if need be.
        slots: Requests worked on at once; more wait.
        slot_tokens: Context of one request, in tokens.
    """

    def __init__(
        self, gguf: Path | None = None, *, slots: int = 2, slot_tokens: int = SLOT_TOKENS
    ) -> None:
        self.slots = slots
        self.slot_tokens = slot_tokens
        self.model = ""
        """The name the model is served under, once started."""
        self.base_url = ""
        """The address for an OpenAI client, once started."""
        self._gguf = gguf
        self._process: asyncio.subprocess.Process | None = None
        self._log: IO[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Return the server's process id while it runs."""
        return None if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start the server and wait until it answers.

        Raises:
            UsageError: xllamacpp is missing, or the file is not a model.
            WeightsError: the weights could not be fetched.
            AgentUnavailableError: the server ended or stayed silent.
        """
        if self._gguf is None:
            weights = await asyncio.to_thread(get_weights)
        else:
            weights = use_gguf(self._gguf)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "conformance.local.server"),
            *("--gguf", str(weights.path), "--slots", str(self.slots)),
            *("--slot-tokens", str(self.slot_tokens)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._log,
        )
        try:
            ready = await self._read_ready(self._process)
        except BaseException:
            await self.end()
            raise
        self.model = ready["model"]
        self.base_url = f"http://127.0.0.1:{ready['port']}/v1"

    async def end(self) -> None:
        """End the server, by its process id; does nothing where none runs."""
        process, self._process = self._process, None
        if process is not None:
            await _end_process(process)
        if self._log is not None:
            self._log.close()
            self._log = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.end()

    async def _read_ready(self, process: asyncio.subprocess.Process) -> dict[str, Any]:
        assert process.stdout is not None  # noqa: S101 - asked for above
        try:
            line = await asyncio.wait_for(process.stdout.readline(), _READY_LIMIT_S)
        except TimeoutError:
            line = b""
        try:
            said: dict[str, Any] = json.loads(line)
        except ValueError:
            raise AgentUnavailableError(
                f"the embedded endpoint did not start ({self._last_words()})",
                where="chat:local",
                mend="run `conformance doctor`",
            ) from None
        if "error" in said:
            what, where, mend = said["error"]
            raise UsageError(what, where=where, mend=mend)
        return said

    def _last_words(self) -> str:
        if self._log is None:
            return "no output"
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "no output"


async def _end_process(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    for signal in (None, process.terminate, process.kill):
        if signal is not None:
            with contextlib.suppress(ProcessLookupError):
                signal()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _END_LIMIT_S)
            return


def _announce(base_url: str, model: str) -> None:
    sys.stdout.write(f"{model} at {base_url}\n")
    sys.stdout.flush()


def serve(
    port: int = 0,
    gguf: Path | None = None,
    slots: int = 2,
    *,
    announce: Callable[[str, str], None] = _announce,
) -> None:
    """Serve the embedded model in the foreground until interrupted.

    Args:
        port: The port on 127.0.0.1; 0 takes a free one.
        gguf: The model file; None takes the pinned weights.
        slots: Requests worked on at once.
        announce: Called with the base URL and the model's name once ready.

    Raises:
        ConformanceError: as ``LocalEndpoint.start``.
    """
    import threading

    weights = get_weights() if gguf is None else use_gguf(gguf)
    server, address = start_server(Settings(weights.path, port=port, slots=slots))
    if not address:
        raise ConformanceError("the server has no address", where="conformance serve model")
    announce(f"{address}/v1", model_name(weights.path))
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
    del server
