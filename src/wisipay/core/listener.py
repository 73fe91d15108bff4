"""Hear PostgreSQL's NOTIFY on one dedicated connection, for as long as the process lives.

Decides that a notification is a hint only: after every (re)connection each callback is called once with an empty
payload, because what was said in the meantime is lost. Never runs work: callbacks are plain functions that set a flag.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Self

import asyncpg

from wisipay.core.logging import get_logger
from wisipay.core.tasks import end

_CONNECT_TIMEOUT_SECONDS: Final = 5
_PROBE_GAP_SECONDS: Final = 10
_RECONNECT_GAP_SECONDS: Final = 0.5

_log = get_logger(__name__)

_LOST: Final = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Listener:
    """`LISTEN` on any number of channels; `async with` it, or call `start` and `stop`."""

    def __init__(self, database_url: str, *, application_name: str = "wisipay listener") -> None:
        self._database_url = database_url
        self._application_name = application_name
        self._callbacks: dict[str, list[Callable[[str], None]]] = {}
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._lost = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def is_connected(self) -> bool:
        """Whether notifications are heard right now, as far as we know."""
        return self._connection is not None

    async def listen(self, channel: str, callback: Callable[[str], None]) -> None:
        """Call `callback(payload)` for each NOTIFY on `channel`, from now on and after every reconnection."""
        callbacks = self._callbacks.setdefault(channel, [])
        callbacks.append(callback)
        if len(callbacks) == 1 and self._connection is not None:
            try:
                await self._connection.add_listener(channel, self._heard)
            except _LOST:
                self._lost.set()  # the reconnection listens to every channel

    async def start(self) -> None:
        """Connect and keep connected. A server that is down now is waited for in the background."""
        try:
            await self._connect()
        except _LOST as error:
            _log.warning("database.listener_waits", error=repr(error))
            self._disconnect()
        self._task = asyncio.create_task(self._keep_connected(), name="database listener")

    async def stop(self) -> None:
        """Close the connection; no callback is called afterwards."""
        await end(self._task)
        self._callbacks.clear()
        self._disconnect()

    async def _keep_connected(self) -> None:
        while True:
            try:
                connection = self._connection or await self._connect()
                await self._until_lost(connection)
                _log.warning("database.listener_lost")
            except _LOST as error:
                _log.warning("database.listener_lost", error=repr(error))
            self._disconnect()
            await asyncio.sleep(_RECONNECT_GAP_SECONDS)

    async def _connect(self) -> asyncpg.Connection[asyncpg.Record]:
        connection = await asyncpg.connect(
            self._database_url,
            timeout=_CONNECT_TIMEOUT_SECONDS,
            command_timeout=_CONNECT_TIMEOUT_SECONDS,
            server_settings={"application_name": self._application_name},
        )
        self._lost.clear()
        connection.add_termination_listener(lambda _: self._lost.set())
        self._connection = connection
        for channel in list(self._callbacks):
            await connection.add_listener(channel, self._heard)
        for channel in list(self._callbacks):
            self._heard(None, 0, channel, "")
        return connection

    async def _until_lost(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """Return when the server says goodbye; raise when a probe of a silent connection gets no answer."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_PROBE_GAP_SECONDS):
                    await self._lost.wait()
                    return
            await connection.execute("SELECT 1")

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    def _heard(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        for callback in self._callbacks.get(channel, ()):
            try:
                callback(str(payload))
            except Exception:  # noqa: BLE001 - one bad callback must not silence the others
                _log.exception("database.listener_callback_failed", channel=channel)
