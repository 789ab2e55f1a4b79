"""The one listener of a worker: on loopback and on a Unix socket, for both doors of every handle.

There is nothing else on it: no page, no list of handles, no way to change anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.errors import UsageError
from conformance.gateway.handles import Addresses, Handle, Handles
from conformance.gateway.models import ModelsDoor
from conformance.gateway.tools import MOST_NOTES, ToolsDoor
from conformance.host import allow_open_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from starlette.types import Receive, Scope, Send

    from conformance.agents.contract import Doors, TaskView
    from conformance.gateway.faults import Injection
    from conformance.gateway.upstream import Upstream

HOST = "127.0.0.1"
PREFIX = "/e/"
KEEP_ALIVE_S = 600
"""An idle connection is kept longer than any agent thinks: a close that crosses a request would
look like a fault of the gateway's."""
START_S = 30.0
_BACKLOG = 4096


class Gateway:
    """Both doors of every trial of a worker.

    Args:
        upstream: The endpoint behind the model door; None where agents bring their own.
        injections: Faults that the model door makes, for every handle anew.
    """

    def __init__(
        self, upstream: Upstream | None = None, injections: Sequence[Injection] = ()
    ) -> None:
        self.upstream = upstream
        self.handles = Handles()
        self.tools = ToolsDoor()
        self.models = ModelsDoor(upstream, injections)
        self.port = 0
        self._folder: Path | None = None
        self._running: contextlib.AsyncExitStack | None = None

    @property
    def socket_path(self) -> Path:
        """Where the Unix socket is: the one thing of the network that a jail is given."""
        assert self._folder is not None, "the gateway is not open"  # noqa: S101
        return self._folder / "gateway.sock"

    async def open(self) -> None:
        """Listen; may be called again."""
        if self._running is not None:
            return
        allow_open_files()  # a trial takes about ten, and many run at once
        stack = contextlib.AsyncExitStack()
        try:
            self._folder = Path(tempfile.mkdtemp(prefix="conformance-gateway-"))
            stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
            tcp = stack.enter_context(socket.create_server((HOST, 0), backlog=_BACKLOG))
            # Passed on to what it accepts. asyncio sets it only where a socket names TCP as its
            # protocol, and without it an answer's body waits 40 ms for its head to be confirmed.
            tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            unix = stack.enter_context(_unix_socket(self.socket_path))
            self.port = tcp.getsockname()[1]
            # Entered before the server, left after it: requests at work end first.
            await stack.enter_async_context(self.tools.running())
            await stack.enter_async_context(self.models.running())
            await stack.enter_async_context(_serving(self, [tcp, unix]))
        except BaseException:
            await stack.aclose()
            raise
        self._running = stack

    async def close(self) -> None:
        """Stop listening."""
        running, self._running = self._running, None
        if running is not None:
            await running.aclose()

    @contextlib.contextmanager
    def handle(self, task: TaskView, doors: Doors) -> Iterator[Handle]:
        """Mint a handle; it is revoked when the block ends."""
        handle = Handle(task, doors)
        self.handles.add(handle)
        try:
            yield handle
        finally:
            self.handles.revoke(handle)

    def addresses(self, handle: Handle) -> Addresses:
        """Return what an agent is told; the same inside a jail and outside."""
        root = f"http://{HOST}:{self.port}{PREFIX}{handle.id}"
        return Addresses(
            mcp_url=f"{root}/mcp",
            mcp_headers={"Authorization": f"Bearer {handle.token}"},
            openai_base_url=f"{root}/v1",
            anthropic_base_url=root,
            api_key=handle.token,
            model="" if self.upstream is None else self.upstream.model,
        )

    async def canary(self) -> bool:
        """Say whether the endpoint behind the model door answers, now; True where there is none."""
        return await self.models.canary()

    def describe(self) -> dict[str, Any]:
        """Return what the agents were given as their model, for the report."""
        return self.models.describe()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        path_id, _, rest = path.removeprefix(PREFIX).partition("/")
        token = _token(scope)
        handle = self.handles.at(path_id) if path.startswith(PREFIX) else None
        holder = None if token is None else self.handles.holding(token)
        if holder is not None and holder is not handle:
            _note_foreign(holder, f"/{rest}"[:80])
        if handle is None:
            await _refuse(send, 404, "there is nothing here, or no longer")
        elif token is not None and holder is not handle:
            await _refuse(send, 401, "this token is not this trial's; its key is OPENAI_API_KEY")
        elif rest.rstrip("/") == "mcp":
            await self.tools(handle, scope, receive, send)
        elif token is None:
            await _refuse(send, 401, "the model door wants the trial's key: OPENAI_API_KEY")
        else:
            await self.models(handle, f"/{rest}", scope, receive, send)


def _note_foreign(holder: Handle, path: str) -> None:
    """Write down, the first times, where a handle's token was shown that is not its place."""
    if holder.foreign_requests < MOST_NOTES:
        holder.note("foreign_handle", path=path)
    holder.foreign_requests += 1


def _token(scope: Scope) -> str | None:
    """Return the token that a request carries, in any of the headers that clients use."""
    given: dict[bytes, str] = {}
    for name, value in scope["headers"]:
        if name in (b"authorization", b"x-api-key", b"api-key"):
            given[name] = value.decode("latin-1")
    bearer = given.get(b"authorization")
    if bearer is not None:
        scheme, _, token = bearer.partition(" ")
        return token.strip() if scheme.lower() == "bearer" else bearer
    return given.get(b"x-api-key") or given.get(b"api-key")


async def _refuse(send: Send, status: int, message: str) -> None:
    body = json.dumps({"error": {"message": message, "type": "gateway", "code": status}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@contextlib.contextmanager
def _unix_socket(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        try:
            sock.bind(str(path))
        except OSError as error:
            raise UsageError(
                f"the gateway's socket cannot be made ({error})",
                where=str(path),
                mend="set TMPDIR to a folder with a short path",
            ) from error
        sock.listen(_BACKLOG)
        sock.setblocking(False)  # noqa: FBT003 - the name of the call says it
        yield sock


@contextlib.asynccontextmanager
async def _serving(app: Any, sockets: list[socket.socket]) -> Any:
    """Serve ``app`` on ``sockets`` in this event loop; signals stay the caller's."""
    import uvicorn

    from conformance.gateway.guard import Guarded

    class Server(uvicorn.Server):
        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

        async def main_loop(self) -> None:
            # Instead of a look ten times a second.
            await leaving.wait()

    leaving = asyncio.Event()
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="error",
        access_log=False,
        lifespan="off",
        http=Guarded,
        ws="none",
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=1,
        backlog=_BACKLOG,
    )
    server = Server(config)
    work = asyncio.create_task(server.serve(sockets))
    try:
        async with asyncio.timeout(START_S):
            while not server.started:
                if work.done():
                    work.result()
                    raise RuntimeError("the gateway's listener did not start")
                await asyncio.sleep(0.005)
        yield
    finally:
        server.should_exit = True
        leaving.set()
        await work
