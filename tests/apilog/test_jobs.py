"""The schedule drops the days that are old, through the worker that runs all schedules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from support.merchants import NOW, FixedClock
from wisipay.apilog import ApiLog, jobs
from wisipay.core.database import Pool
from wisipay.core.http_wire import Reply, WireRequest
from wisipay.core.job_worker import Handler, JobWorker
from wisipay.core.jobs import Job


class Schedules:
    """Keeps what is scheduled."""

    def __init__(self) -> None:
        self.handlers: dict[str, Handler] = {}

    def schedule(self, name: str, cron: str, handler: Handler, **options: Any) -> None:  # noqa: ANN401 - as the worker's
        assert (len(cron.split()), options) == (6, {"next_run_makes_up": True})
        self.handlers[name] = handler


async def test_the_schedule_drops_what_is_old_and_bears_that_there_is_nothing(database: Pool) -> None:
    async def is_merchant(_: str) -> bool:
        return True

    log = ApiLog(database, FixedClock(NOW - timedelta(days=3)), is_merchant)
    await log.start()
    request = WireRequest("RQ1", "GET", "/x", {"x-merchant-id": "MER-1"}, b"", "127.0.0.1", {})
    log.observe(request, Reply(200, b"{}"), 0.01)
    await log.stop()
    schedules = Schedules()
    jobs.add_schedules(cast("JobWorker", schedules), database, FixedClock(), 2)
    for _ in range(2):
        await schedules.handlers[jobs.DROP](Job(1, jobs.DROP, {}, 1))
        assert await database.fetchval("SELECT count(*) FROM apilog_requests") == 0
