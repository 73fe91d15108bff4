"""The processes that are hurt: which process ids they are now, how they are hurt, and whether they are well again.

Decides what "recovered" means: another process than the one that died (or the same one, after a stop) does what the
others need it for. Must never signal a process that is not of this installation.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from crash.faults import Deed
from wisipay.core.embedded import process
from wisipay.core.embedded.process import ProcessIdentity
from wisipay.core.embedded.records import read_record
from wisipay.entrypoints.instance import Instance

_LOOK_SECONDS = 2.0
_NOT_WELL = (
    *(OSError, asyncio.TimeoutError, aiohttp.ClientError, RedisError),
    *(asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError),
)


@dataclass(frozen=True)
class Target:
    """One process: `main` finds it, `whole` finds it and its children, `check` raises while it is not well.

    `restart` is the signal that ends it in good order.
    """

    name: str
    main: Callable[[], ProcessIdentity | None]
    whole: Callable[[], list[ProcessIdentity]]
    check: Callable[[], Awaitable[object]]
    restart: signal.Signals = signal.SIGTERM

    def hurt(self, deed: Deed) -> ProcessIdentity | None:
        """Do the deed; return who was hurt, None when nobody was there."""
        main = self.main()
        if main is None:
            return None
        if deed is Deed.STOP:
            for each in self.whole():
                process.send(each, signal.SIGSTOP)
        elif not process.send(main, signal.SIGKILL if deed is Deed.KILL else self.restart):
            return None
        return main

    def go_on(self) -> None:
        """End a stop."""
        for each in self.whole():
            process.send(each, signal.SIGCONT)

    async def is_well(self) -> bool:
        """Tell whether it does its work."""
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await self.check()
        except _NOT_WELL:
            return False
        return True


def instance_target(instance: Instance, health_url: str) -> Target:
    """Return a process of the product."""

    def main() -> ProcessIdentity | None:
        return None if instance.pid is None else process.identify(instance.pid)

    async def check() -> None:
        async with aiohttp.ClientSession() as session, session.get(health_url) as answer:
            answer.raise_for_status()

    return Target(instance.name, main, lambda: [each for each in [main()] if each], check)


def postgres_target(data: Path, url: str) -> Target:
    """Return PostgreSQL with all its processes. Its restart is the fast one: a slow one waits for our own pools."""

    async def check() -> None:
        connection = await asyncpg.connect(url, timeout=_LOOK_SECONDS)
        try:
            await connection.fetchval("SELECT 1")
        finally:
            connection.terminate()

    def whole() -> list[ProcessIdentity]:
        return process.running_in(data / "postgres" / "data", lambda program, _: program == "postgres")

    return Target("postgres", lambda: _recorded(data / "postgres"), whole, check, signal.SIGINT)


def valkey_target(data: Path, url: str) -> Target:
    """Return Valkey."""

    async def check() -> None:
        async with Redis.from_url(url) as client:
            await client.ping()

    def main() -> ProcessIdentity | None:
        return _recorded(data / "valkey")

    return Target("valkey", main, lambda: [each for each in [main()] if each], check)


def _recorded(home: Path) -> ProcessIdentity | None:
    record = read_record(home)
    return record.identity if record is not None and process.is_alive(record.identity) else None
