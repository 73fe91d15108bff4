"""Runs the application under uvicorn: own signal handling, connections that can be broken off, one line per failure."""

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Iterator

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from wisipay_simulator.server.app import Application

_BACKLOG = 2048
_SHUTDOWN_SECONDS = 1


class AbortableProtocol(HttpToolsProtocol):
    """Lets a request's handler reset its own connection, as a provider does that dies before answering."""

    def on_message_begin(self) -> None:
        """Put the way to break off into the request's scope."""
        super().on_message_begin()
        self.scope["extensions"] = {"abort": self.transport.abort}  # type: ignore[dict-item]  # our own extension


class Server(uvicorn.Server):
    """A server whose signals are handled by its owner, so that a stop ends with exit code 0."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; OSError when the address is taken or not ours. Port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


async def serve(application: Application, listener: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM; requests that are still held by a fault are dropped after a second."""
    config = uvicorn.Config(
        application,
        http=AbortableProtocol,
        loop="none",
        lifespan="off",
        proxy_headers=False,
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    server = Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, setattr, server, "should_exit", True)  # noqa: FBT003 - setattr takes a value
    await server.serve(sockets=[listener])
