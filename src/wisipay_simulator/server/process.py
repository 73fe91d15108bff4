"""Listens, serves until a signal comes, and stops within a second whatever a fault still holds."""

import asyncio
import signal
import socket

from wisipay_simulator.server.app import Application
from wisipay_simulator.server.connection import Connection

_BACKLOG = 2048
_DRAIN_SECONDS = 1


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
    """Serve until SIGINT or SIGTERM; answers under way get a second, what is held longer is broken off."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    connections: set[Connection] = set()
    server = await loop.create_server(lambda: Connection(application, connections), sock=listener)
    await stopped.wait()
    server.close()
    for connection in tuple(connections):
        connection.close_if_idle()
    tasks = [connection.task for connection in connections if connection.task is not None]
    if tasks:
        _, held = await asyncio.wait(tasks, timeout=_DRAIN_SECONDS)
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
    for connection in tuple(connections):
        connection.abort()
