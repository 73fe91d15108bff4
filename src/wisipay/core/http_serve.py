"""Runs an instance: takes the port, serves, and drains on SIGTERM or SIGINT.

Decides how a process starts and ends. Draining means: stop accepting, finish what is in flight, run the shutdown hooks,
exit with 0. A second signal ends it at once. Must never start half: a busy port stops the process before any hook runs.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from types import FrameType
from typing import Final

import uvicorn
import uvloop
from litestar.types import ASGIApp

from wisipay.core.http_waits import end_long_polls
from wisipay.core.http_writes import JoiningProtocol
from wisipay.core.logging import get_logger, lines_held
from wisipay.core.memory import settle_memory

DRAIN_SECONDS: Final = 25
"""Below the 30 seconds after which container runtimes kill."""

_BACKLOG = 2048
# Longer than proxies keep an idle connection, so that they hang up, and never we just when a request comes.
_KEEP_ALIVE_SECONDS = 75
_START_SECONDS = 30.0

_log = get_logger(__name__)


def serve(app: ASGIApp, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT, then drain. Raises SystemExit with one clear line where the port is not free."""
    listener = _listen(host, port)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve_until_signal(app, listener))


def serve_built(build: Callable[[], AbstractAsyncContextManager[ASGIApp]], host: str, port: int) -> None:
    """Like `serve`, for an application that is built inside the event loop and torn down after the last request.

    The port is taken before anything is built.
    """
    listener = _listen(host, port)

    async def build_and_serve() -> None:
        async with build() as app:
            await _serve_until_signal(app, listener)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(build_and_serve())


@contextlib.asynccontextmanager
async def running(app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """Serve inside the block, in this event loop, and yield the port taken; port 0 takes any free one."""
    listener = _listen(host, port)
    server = _Server(_config(app))
    task = asyncio.create_task(server.serve([listener]))
    try:
        await _until_started(server, task)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        end_long_polls()
        await task


async def _until_started(server: "_Server", task: asyncio.Task[None]) -> None:
    listening = asyncio.create_task(server.listening.wait())
    await asyncio.wait({listening, task}, timeout=_START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    listening.cancel()
    if not server.started:
        raise RuntimeError("the server did not start")


async def _serve_until_signal(app: ASGIApp, listener: socket.socket) -> None:
    server = _Server(_config(app))
    host, port = listener.getsockname()[:2]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.handle_exit, number, None)
    settle_memory()
    _log.info("service.starting", host=host, port=port)
    with lines_held():
        await server.serve([listener])
    _log.info("service.stopped", host=host, port=port)


class _Server(uvicorn.Server):
    """Leaves signals to the event loop: uvicorn would raise them again after draining and end us by a signal."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        end_long_polls()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="none",
        http=JoiningProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, because event loops switch Nagle's algorithm off only on sockets that say they are TCP: 40 ms per answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        reason = error.strerror or "not possible"
        raise SystemExit(
            f"cannot listen on {host}:{port}: {reason}. Stop what holds it, or choose another port."
        ) from None
    listener.setblocking(False)  # noqa: FBT003 - the standard library's own signature
    return listener
