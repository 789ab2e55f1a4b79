"""The embedded endpoint's own process: one model, served on loopback through llama.cpp.

``python -m conformance.local.server --gguf PATH`` prints one JSON line when it is ready, and
ends when its standard input does, so that it never outlives who started it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any, NamedTuple

from conformance.errors import UsageError

MIN_SLOT_TOKENS = 4096
"""What a slot's context must hold: the longest L1 instance and a trial of it."""
SLOT_TOKENS = 8192
"""The context of one slot: the trained length of the pinned model."""
MISSING = "pip install 'agent-grading[local]'"
_SLEEP_AT_BARRIERS = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}
"""Read by the OpenMP runtime when it is loaded. By default its threads spin at each barrier; with
one other busy process on two cores that makes a reply ten times slower."""


class Settings(NamedTuple):
    """How a model is served."""

    gguf: Path
    port: int = 0
    """0: any free one."""
    slots: int = 2
    """Requests worked on at once."""
    slot_tokens: int = SLOT_TOKENS
    threads: int | None = None
    """None: one a core this process may use."""


def model_name(gguf: Path) -> str:
    """Return the plain name a file is served under: ``smollm2-135m-instruct.q4_1``."""
    return gguf.name.removesuffix(".gguf").lower()


def start_server(settings: Settings) -> tuple[Any, str]:
    """Serve the model from threads of this process; return the server and its address.

    The server lives as long as the returned object.

    Raises:
        UsageError: xllamacpp is missing, a number is out of range, or the file is no model.
    """
    if settings.slots < 1 or settings.slot_tokens < MIN_SLOT_TOKENS:
        raise UsageError(
            f"the endpoint needs one slot or more, of {MIN_SLOT_TOKENS} tokens or more",
            where=f"--slots {settings.slots} --slot-tokens {settings.slot_tokens}",
            mend="raise the number",
        )
    for name, value in _SLEEP_AT_BARRIERS.items():
        os.environ.setdefault(name, value)
    try:
        import xllamacpp
    except ImportError as error:
        raise UsageError(
            f"the embedded endpoint needs xllamacpp ({error})",
            where="chat:local",
            mend=MISSING,
        ) from None
    params = _params(xllamacpp, settings)
    try:
        server = xllamacpp.Server(params)
    except (RuntimeError, ValueError, OSError) as error:
        raise UsageError(
            f"the model could not be served ({error})",
            where=settings.gguf.name,
            mend="check the file, the free memory and the port",
        ) from None
    return server, str(server.listening_address)


def _params(xllamacpp: Any, settings: Settings) -> Any:
    threads = settings.threads or len(_cores())
    params = xllamacpp.CommonParams()
    params.model.path = str(settings.gguf)
    params.model_alias = {model_name(settings.gguf)}
    params.hostnames, params.port = ["127.0.0.1"], settings.port
    params.n_parallel = settings.slots
    params.n_ctx = settings.slots * settings.slot_tokens
    params.use_jinja = True
    # Greedy unless a request says otherwise: a small model copies better so, and a run repeats.
    params.sampling.temp = 0.0
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    # Idle threads sleep: a spinning one takes the core that the other trials' prompts need.
    params.cpuparams.poll = params.cpuparams_batch.poll = 0
    # A shared buffer would save a fifth of the memory, but let one long trial starve the others.
    params.kv_unified = False
    # Prompts of one family start with the same rules and tools; any slot may take them over.
    params.cache_prompt = True
    params.cache_ram_mib = 1024
    params.n_gpu_layers = 0
    params.fit_params = False
    params.verbosity = 0
    params.ui = False
    params.endpoint_slots = False
    return params


def _cores() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def main(arguments: list[str] | None = None) -> int:
    """Serve until standard input ends; the exit code is 4 where nothing could be served."""
    parser = argparse.ArgumentParser(prog="python -m conformance.local.server")
    parser.add_argument("--gguf", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--slot-tokens", type=int, default=SLOT_TOKENS)
    parser.add_argument("--threads", type=int)
    settings = Settings(**vars(parser.parse_args(arguments)))
    # The library writes to the C-level standard output; the ready line must stand there alone.
    ready = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        server, address = start_server(settings)
    except UsageError as error:
        line: dict[str, Any] = {"error": [error.what, error.where, error.mend]}
        _print_line(ready, line)
        return error.exit_code
    _print_line(
        ready,
        {
            "ready": True,
            "pid": os.getpid(),
            "port": int(address.rpartition(":")[2]),
            "model": model_name(settings.gguf),
            "slots": settings.slots,
            "slot_tokens": settings.slot_tokens,
        },
    )
    try:
        while os.read(0, 4096):
            pass
    except KeyboardInterrupt:
        pass
    del server
    return 0


def _print_line(stream: Any, line: dict[str, Any]) -> None:
    stream.write(json.dumps(line) + "\n")
    stream.flush()


if __name__ == "__main__":
    code = main()
    # Without the interpreter's tear-down: the library's threads may still hold a request.
    sys.stdout.flush()
    os._exit(code)
