"""Run jobs: the PgQueuer side of one worker process.

Decides which handler runs which job, how long it may take and when it is tried again; after its last attempt a job is
held as a dead letter. Never loses a job: a worker that stops puts what it cannot finish back into the queue, and a
killed worker's jobs are taken up by others after 30 seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from random import uniform
from typing import Final, Literal

from opentelemetry import propagate, trace
from pgqueuer import PgQueuer
from pgqueuer.core.qm import QueueManager
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job as QueuedJob

from wisipay.core.config import Settings
from wisipay.core.database import Pool, close_pool, connect_pool
from wisipay.core.jobs import Job, payload_of, tidy
from wisipay.core.logging import bound, get_logger
from wisipay.core.metrics import CLAIMED
from wisipay.core.schedules import Cron, Scheduler

Handler = Callable[[Job], Awaitable[None]]

RETRY_GAPS_SECONDS: Final = (5, 30, 120, 600, 1800, 3600)
"""Pauses between attempts; a job is tried once more than there are pauses."""

_TIDY: Final = "core.jobs_tidy"
_TIDY_CRON: Final = "0 15 3 * * *"
_BATCH_SIZE: Final = 5
_POOL_SIZE: Final = 4
_IDLE_SWEEP: Final = timedelta(seconds=5)
_HEARTBEAT: Final = timedelta(seconds=30)
_RESTART_GAP_SECONDS: Final = 1
_CANCEL_SECONDS: Final = 5

_log = get_logger(__name__)
_tracer = trace.get_tracer(__name__)


@dataclass(frozen=True, slots=True)
class _Entry:
    handler: Handler
    timeout_seconds: float
    attempts: int
    on_failure: Literal["hold", "delete"]


class JobWorker:
    """Runs the jobs whose handlers it was given; any number of processes may. Handlers first, then `start`, `stop`."""

    def __init__(self, settings: Settings, *, concurrency: int = 10, heartbeat: timedelta = _HEARTBEAT) -> None:
        self._settings = settings
        self._concurrency = max(concurrency, 2 * _BATCH_SIZE)
        self._heartbeat = heartbeat
        self._entries: dict[str, _Entry] = {}
        self._schedules: dict[str, Cron] = {}
        self._handling: set[asyncio.Task[None]] = set()
        self._queue: PgQueuer | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._pool: Pool | None = None
        self._queue_pool: Pool | None = None
        self._stopping = False

    def handle(
        self, name: str, handler: Handler, *, timeout_seconds: float = 600, attempts: int = len(RETRY_GAPS_SECONDS) + 1
    ) -> None:
        """Run the jobs called `name` with `handler`, at most `attempts` times each. A name has one handler."""
        self._add(name, _Entry(handler, timeout_seconds, attempts, "hold"))

    def schedule(
        self,
        name: str,
        cron: str,
        handler: Handler,
        *,
        timeout_seconds: float = 600,
        attempts: int = 3,
        next_run_makes_up: bool = False,
    ) -> None:
        """Queue and run the job `name` at the moments of `cron` (six fields, Indian time), once over all workers.

        The payload is `{"due_at": …}`. While a job of the schedule waits or runs, no further one is queued. With
        `next_run_makes_up` a failed run leaves no dead letter. Raises ValueError for a wrong expression.
        """
        self._schedules[name] = Cron(cron)
        self._add(name, _Entry(handler, timeout_seconds, attempts, "delete" if next_run_makes_up else "hold"))

    def _add(self, name: str, entry: _Entry) -> None:
        if name in self._entries:
            raise ValueError(f"job {name!r} has a handler already")
        if not 1 <= entry.attempts <= len(RETRY_GAPS_SECONDS) + 1:
            raise ValueError(f"job {name!r}: 1 to {len(RETRY_GAPS_SECONDS) + 1} attempts, not {entry.attempts}")
        self._entries[name] = entry

    async def start(self) -> None:
        """Begin to work. Raises `DatabaseUnavailable`."""
        self._pool = await connect_pool(self._settings, application_name="wisipay schedules", max_size=2)
        self.schedule(_TIDY, _TIDY_CRON, self._tidy, next_run_makes_up=True)
        scheduler = Scheduler(self._pool, self._schedules)
        self._tasks = [
            asyncio.create_task(self._run_until_stopped(), name="jobs"),
            asyncio.create_task(scheduler.run(), name="schedules"),
        ]

    async def stop(self, *, timeout_seconds: float = 25) -> None:
        """Take no more jobs, let those that run finish, and put back what has not finished in time."""
        self._stopping = True
        if self._pool is None:
            return
        running, scheduler = self._tasks
        scheduler.cancel()
        if self._queue is not None:
            self._queue.shutdown.set()
        await asyncio.wait({running}, timeout=timeout_seconds)
        for task in self._handling:
            task.cancel()
        await asyncio.wait({running, scheduler}, timeout=_CANCEL_SECONDS)
        if not running.done():
            _log.error("job.does_not_stop", handling=len(self._handling))
            if self._queue_pool is not None:
                self._queue_pool.terminate()
        await close_pool(self._pool)

    async def _run_until_stopped(self) -> None:
        """Run PgQueuer, and run it again when it gave up because the database was away."""
        while not self._stopping:
            try:
                await self._run_on_own_pool()
            except Exception:  # noqa: BLE001 - whatever it was, the queue is still there
                _log.exception("job.queue_lost")
                await asyncio.sleep(_RESTART_GAP_SECONDS)

    async def _run_on_own_pool(self) -> None:
        """Run PgQueuer once. Its pool goes with it: a queue that was lost may have lost sight of a connection too."""
        pool = self._queue_pool = await connect_pool(
            self._settings, application_name="wisipay jobs", max_size=_POOL_SIZE, plain_json=True
        )
        try:
            self._queue = PgQueuer.from_asyncpg_pool(pool)
            for name, entry in self._entries.items():
                self._queue.entrypoint(name, on_failure=entry.on_failure, accepts_context=False)(self._runner(entry))
            if not self._stopping:
                await self._run_until_lost(self._queue.qm)
        finally:
            await close_pool(pool)

    async def _run_until_lost(self, manager: QueueManager) -> None:
        async with manager.queries.driver as driver:
            # PgQueuer asks its listener for a sign of life while it begins to listen; a sign given too early is heard
            # by nobody, and taken for a broken listener ten seconds later. So we listen first.
            await driver.add_listener(manager.channel, lambda _payload: None)
            await manager.run(
                dequeue_timeout=_IDLE_SWEEP,
                batch_size=_BATCH_SIZE,
                max_concurrent_tasks=self._concurrency,
                shutdown_on_listener_failure=True,
                heartbeat_timeout=self._heartbeat,
            )

    def _runner(self, entry: _Entry) -> Callable[[QueuedJob], Awaitable[None]]:
        async def run(queued: QueuedJob) -> None:
            await self._run(queued, entry)

        return run

    async def _run(self, queued: QueuedJob, entry: _Entry) -> None:
        job = Job(queued.id, queued.entrypoint, payload_of(queued.payload), queued.attempts + 1)
        headers = queued.headers or {}
        context = propagate.extract(_texts(headers.get("otel")))
        request = _texts(headers.get("request"))
        with (
            _tracer.start_as_current_span(f"job {job.name}", context=context),
            bound(**request, job_type=job.name, job_id=str(job.id), job_attempt=job.attempt),
        ):
            await self._attempt(job, entry)

    async def _attempt(self, job: Job, entry: _Entry) -> None:
        task = asyncio.ensure_future(_within(entry, job))
        self._handling.add(task)
        try:
            await asyncio.wait({task})
        finally:
            self._handling.discard(task)
        if task.cancelled():
            _count(job, "released")
            raise RetryRequested(reason="the worker stopped")
        error = task.exception()
        if error is None:
            _count(job, "done")
            _log.info("job.done")
        elif job.attempt >= entry.attempts:
            _count(job, "dead")
            _log.error("job.dead", exc_info=error)
            raise error
        else:
            _count(job, "failed")
            _log.warning("job.failed", exc_info=error)
            gap_seconds = RETRY_GAPS_SECONDS[job.attempt - 1] * uniform(0.75, 1.25)  # noqa: S311 - spreads retries
            raise RetryRequested(timedelta(seconds=gap_seconds), reason=repr(error)) from error

    async def _tidy(self, _job: Job) -> None:
        assert self._pool is not None  # noqa: S101 - only a started worker runs jobs
        async with self._pool.acquire() as connection:
            await tidy(connection)


async def _within(entry: _Entry, job: Job) -> None:
    async with asyncio.timeout(entry.timeout_seconds):
        await entry.handler(job)


def _texts(section: object) -> dict[str, str]:
    return {str(name): str(value) for name, value in section.items()} if isinstance(section, dict) else {}


def _count(job: Job, outcome: str) -> None:
    CLAIMED.labels(queue=f"job {job.name}", outcome=outcome).inc()
