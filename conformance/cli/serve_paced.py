"""``conformance serve mock --tokens``: a load target at a set pace, with a record of the truth."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from conformance.cli.options import print_json
from conformance.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conformance.mock import Pace, PacedReply
    from conformance.mock.pacing.server import PacedServer

_COUNT = click.IntRange(0)
_OPTIONS = (
    click.option("--tokens", type=click.IntRange(1), help="Serve a load target: answers so long."),
    click.option(
        "--tokens-per-chunk",
        type=click.IntRange(1),
        default=1,
        help="With --tokens: how many an event brings.",
    ),
    click.option(
        "--reasoning", type=_COUNT, default=0, help="With --tokens: so many, first, are reasoning."
    ),
    click.option(
        "--tool-call",
        type=_COUNT,
        default=0,
        help="With --tokens: so many, after the reasoning, are a tool call's.",
    ),
    click.option(
        "--role-at",
        type=click.FloatRange(0),
        help="With --tokens: milliseconds to the event with the role alone; by default it comes "
        "with the first token.",
    ),
    click.option(
        "--fail-every", type=_COUNT, default=0, help="With --tokens: answer each N-th call by 503."
    ),
    click.option(
        "--break-every", type=_COUNT, default=0, help="With --tokens: break off each N-th answer."
    ),
    click.option(
        "--record",
        type=click.Path(path_type=Path, dir_okay=False),
        help="With --tokens: where to keep, at the end, when each write was due and made; not "
        "those that GET /truth has given before.",
    ),
)
PACED_ONLY = (
    "tokens_per_chunk",
    "reasoning",
    "tool_call",
    "role_at",
    "fail_every",
    "break_every",
    "record",
)
"""Options that say nothing without ``--tokens``."""


def paced_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of the load target."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def serve_paced(given: dict[str, Any], pace: Pace) -> int:
    """Serve the load target until interrupted, and say on stderr how late it was.

    Raises:
        UsageError: the options contradict each other, the port is taken, or there is no such
            folder as the record's.
    """
    from conformance.mock.paced import serve
    from conformance.mock.truth import encode_truth, lag_of

    reply = _reply(given, pace)
    path: Path | None = given["record"]
    if path is not None and not path.parent.is_dir():
        raise UsageError(
            f"there is no folder {path.parent}", where="--record", mend="make it, or name another"
        )
    show = _announce_json if given["as_json"] else _announce
    with _interrupted() as until:
        truth = serve(reply, given["port"], lambda server: show(server, reply), until)
    if path is not None:
        path.write_bytes(encode_truth(truth.written, truth.forgotten))
    lag = lag_of(truth.written)
    sys.stderr.write(
        f"{len(truth.written)} answers, {lag.events} events in {lag.writes} writes; "
        f"writes were late by {lag.p50_ms:.2f} ms (p50), {lag.p99_ms:.2f} ms (p99)\n"
    )
    return 0


def _reply(given: dict[str, Any], pace: Pace) -> PacedReply:
    from conformance.mock import PacedReply

    tokens, role_at = given["tokens"], given["role_at"]
    if given["reasoning"] + given["tool_call"] > tokens:
        raise UsageError(
            f"with --tool-call it is more than the {tokens} tokens there are",
            where="--reasoning",
            mend="raise --tokens",
        )
    if pace.stall_s and pace.stall_at >= tokens:
        raise UsageError(
            f"there is no token {pace.stall_at}: the first is 0, the last {tokens - 1}",
            where="--stall-at",
            mend="name an earlier one",
        )
    if role_at is not None and role_at > given["ttft"]:
        raise UsageError(
            "is after the first token", where="--role-at", mend="raise --ttft, or lower it"
        )
    return PacedReply(
        tokens=tokens,
        pace=pace,
        tokens_per_chunk=given["tokens_per_chunk"],
        reasoning_tokens=given["reasoning"],
        tool_tokens=given["tool_call"],
        role_at_s=None if role_at is None else role_at / 1000,
        fail_every=given["fail_every"],
        broken_every=given["break_every"],
        **({} if given["model"] is None else {"model": given["model"]}),
    )


@contextlib.contextmanager
def _interrupted() -> Iterator[int]:
    """Give a descriptor that can be read once the process is told to end: by Ctrl-C, or SIGTERM.

    An exception would come in the middle of a write, and spoil the record.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    wanted = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: None) for number in wanted]
    woken = signal.set_wakeup_fd(writer)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(woken)
        for number, handler in zip(wanted, before, strict=True):
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)


def _announce(server: PacedServer, reply: PacedReply) -> None:
    pace = reply.pace
    stall = f", {pace.stall_s * 1000:g} ms before token {pace.stall_at}" if pace.stall_s else ""
    jitter = f", each up to {pace.jitter_s * 1000:g} ms later" if pace.jitter_s else ""
    sys.stdout.write(
        f"{reply.model} at {server.base_url}\n"
        f"answers {reply.tokens} tokens: the first after {pace.ttft_s * 1000:g} ms, then one every "
        f"{pace.itl_s * 1000:g} ms{stall}{jitter}\n"
        f"what it really wrote: GET {server.base_url}/truth gives it, and begins anew\n"
        "Ctrl-C ends it\n"
    )
    sys.stdout.flush()


def _announce_json(server: PacedServer, reply: PacedReply) -> None:
    print_json({"base_url": server.base_url, "model": reply.model, "reply": reply})
    sys.stdout.flush()
