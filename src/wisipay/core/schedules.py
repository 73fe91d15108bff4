"""Cron schedules: six fields, seconds first, in Indian time; each moment queues one job, once over all workers.

Decides when a schedule is due. After a pause (no worker ran, the database was away) the latest missed moment is made up
for, once. Never runs work itself: a moment becomes an ordinary job, with its retries and dead letters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from croniter import croniter

from wisipay.core.clock import IST, Clock, SystemClock
from wisipay.core.database import OUTAGES, Pool
from wisipay.core.jobs import enqueue_scheduled, register_schedule
from wisipay.core.logging import get_logger

_LONGEST_SLEEP_SECONDS: Final = 10

_log = get_logger(__name__)


class Cron:
    """A six-field cron expression: second, minute, hour, day of month, month, day of week; Indian time."""

    def __init__(self, expression: str) -> None:
        fields = expression.split()
        if len(fields) != 6 or not croniter.is_valid(expression, second_at_beginning=True):  # noqa: PLR2004 - six fields
            raise ValueError(f"{expression!r} is not a cron expression of six fields, seconds first")
        self.expression = " ".join(fields)

    def latest(self, now: datetime) -> datetime:
        """Return the latest moment that is not after `now`."""
        moment: datetime = self._from(now + timedelta(microseconds=1)).get_prev(datetime)
        return moment.astimezone(UTC)

    def next(self, now: datetime) -> datetime:
        """Return the first moment after `now`."""
        moment: datetime = self._from(now).get_next(datetime)
        return moment.astimezone(UTC)

    def _from(self, moment: datetime) -> croniter:
        return croniter(self.expression, moment.astimezone(IST), second_at_beginning=True)


class Scheduler:
    """Queues the jobs of `schedules` (job name to cron) when they are due. Every worker process runs one."""

    def __init__(self, pool: Pool, schedules: Mapping[str, Cron], *, clock: Clock | None = None) -> None:
        self._pool = pool
        self._schedules = dict(schedules)
        self._clock = clock or SystemClock()

    async def run(self) -> None:
        """Make the schedules known and queue their jobs, until cancelled. A database that is away is waited for."""
        is_registered = False
        while True:
            try:
                if not is_registered:
                    await self.register(self._clock.now())
                    is_registered = True
                await self.queue_due(self._clock.now())
            except OUTAGES as error:
                _log.warning("schedule.database_away", error=repr(error))
            except Exception:  # noqa: BLE001 - a schedule that nobody keeps any more would go unnoticed for days
                _log.exception("schedule.failed")
            await asyncio.sleep(self.sleep_seconds(self._clock.now()))

    async def register(self, now: datetime) -> None:
        """Make every schedule known; a new one first runs at its first moment after `now`."""
        async with self._pool.acquire() as connection:
            for name, cron in self._schedules.items():
                await register_schedule(connection, name, cron.expression, cron.latest(now))

    async def queue_due(self, now: datetime) -> list[str]:
        """Queue a job for each schedule whose latest moment nobody has taken; returns their names."""
        queued = []
        async with self._pool.acquire() as connection:
            for name, cron in self._schedules.items():
                if await enqueue_scheduled(connection, name, cron.expression, cron.latest(now)):
                    queued.append(name)
        return queued

    def sleep_seconds(self, now: datetime) -> float:
        """Return the time to the next moment, but not long: the clock may be set."""
        moments = [(cron.next(now) - now).total_seconds() for cron in self._schedules.values()]
        return min([_LONGEST_SLEEP_SECONDS, *moments])
