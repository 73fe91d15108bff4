"""Connections to servers: kept while idle for a moment, made when there is none.

Decides when an idle connection is too old to be used, how many requests may be under way, and which addresses of a name
are connected to. Must never connect to an address that was not checked, where only public ones are allowed.
"""

import asyncio
import socket
import ssl
import time
from collections import deque
from typing import Final, TypeAlias

from aiohappyeyeballs import AddrInfoType, start_connection
from aiohttp import ThreadedResolver
from aiohttp.abc import AbstractResolver

from wisipay.core.addresses import PublicOnlyResolver, public_only_socket
from wisipay.core.http_connection import Connection
from wisipay.core.http_target import Target

# Shorter than the idle time after which common servers hang up (5 s), so that a POST rarely meets a connection that is
# just being closed: such a POST could not be told from one that was executed.
KEEP_ALIVE_SECONDS: Final = 4.0
NAMES_KEPT_SECONDS: Final = 10.0

_NAMES_MAX = 1_000
_SECOND_ADDRESS_SECONDS = 0.25

Server: TypeAlias = tuple[bool, str, int]


class Pool:
    """At most `requests_max` connections in use; idle ones are closed four seconds after their last request."""

    def __init__(self, *, private_addresses_allowed: bool, requests_max: int, ssl_context: ssl.SSLContext) -> None:
        self._places = asyncio.Semaphore(requests_max)
        self._ssl_context = ssl_context
        self._resolver: AbstractResolver = ThreadedResolver() if private_addresses_allowed else PublicOnlyResolver()
        self._make_socket = None if private_addresses_allowed else public_only_socket
        self._idle: dict[Server, deque[Connection]] = {}
        self._open: set[Connection] = set()
        self._names: dict[tuple[str, int], tuple[float, list[AddrInfoType]]] = {}
        self._sweep: asyncio.TimerHandle | None = None

    def is_ready(self, target: Target) -> bool:
        """Whether `take` would return at once."""
        idle = self._idle.get(target.server)
        return idle is not None and len(idle) > 0 and not self._places.locked() and self._is_fresh(idle[-1])

    async def take(self, target: Target) -> Connection:
        """Return a usable connection, which must be given back. Raises OSError and ssl.SSLError."""
        await self._places.acquire()
        try:
            return self._kept(target.server) or await self._connect(target)
        except BaseException:
            self._places.release()
            raise

    def give_back(self, target: Target, connection: Connection) -> None:
        """Keep a connection for the next request, or close it when its answer did not come to its end."""
        self._places.release()
        if not connection.is_usable:
            connection.close()
            return
        connection.idle_since = time.monotonic()
        self._idle.setdefault(target.server, deque()).append(connection)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(KEEP_ALIVE_SECONDS, self._close_old)

    async def close(self) -> None:
        """Close all connections; what is under way on them is lost."""
        if self._sweep is not None:
            self._sweep.cancel()
        for connection in list(self._open):
            connection.close()
        await self._resolver.close()

    @staticmethod
    def _is_fresh(connection: Connection) -> bool:
        return connection.is_usable and time.monotonic() - connection.idle_since < KEEP_ALIVE_SECONDS

    def _kept(self, server: Server) -> Connection | None:
        idle = self._idle.get(server)
        while idle:
            connection = idle.pop()  # the one used last is the least likely to be hung up on
            if self._is_fresh(connection):
                return connection
            connection.close()
        return None

    def _close_old(self) -> None:
        self._sweep = None
        for server, idle in list(self._idle.items()):
            while idle and not self._is_fresh(idle[0]):
                idle.popleft().close()
            if not idle:
                del self._idle[server]
        if self._idle:
            self._sweep = asyncio.get_running_loop().call_later(1.0, self._close_old)

    async def _connect(self, target: Target) -> Connection:
        addresses = await self._addresses(target.host, target.port)
        made = await start_connection(
            addresses, happy_eyeballs_delay=_SECOND_ADDRESS_SECONDS, socket_factory=self._make_socket
        )
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(self._open.discard),
                sock=made,
                ssl=self._ssl_context if target.is_tls else None,
                server_hostname=target.host.rstrip(".") if target.is_tls else None,
            )
        except BaseException:
            made.close()
            raise
        self._open.add(connection)
        return connection

    async def _addresses(self, host: str, port: int) -> list[AddrInfoType]:
        known = self._names.get((host, port))
        now = time.monotonic()
        if known is not None and now < known[0]:
            return known[1]
        found = await self._resolver.resolve(host, port, socket.AF_UNSPEC)
        addresses: list[AddrInfoType] = [
            (each["family"], socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (each["host"], each["port"])) for each in found
        ]
        if len(self._names) >= _NAMES_MAX:
            self._names.clear()
        self._names[host, port] = now + NAMES_KEPT_SECONDS, addresses
        return addresses
