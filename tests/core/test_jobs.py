"""Jobs on PgQueuer, in PostgreSQL."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.core.qm import QueueManager
from pgqueuer.ports.driver import NotifyCallback
from pgqueuer.queries import Queries

from support import backends
from support.waiting import until
from wisipay.core.clock import utc_now
from wisipay.core.config import Settings
from wisipay.core.database import Pool
from wisipay.core.job_worker import JobWorker
from wisipay.core.jobs import Job, dead_letters, enqueue, replay
from wisipay.core.logging import bound, bound_fields

KILLED_WORKER = Path(__file__).parents[1] / "support" / "hanging_job_worker.py"


@pytest.fixture(autouse=True)
def _short_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wisipay.core.job_worker.RETRY_GAPS_SECONDS", (0.001,) * 6)
    monkeypatch.setattr("wisipay.core.job_worker._RESTART_GAP_SECONDS", 0.05)


@asynccontextmanager
async def working(
    settings: Settings, register: Callable[[JobWorker], None], *, heartbeat_seconds: float = 30
) -> AsyncIterator[JobWorker]:
    worker = JobWorker(settings, heartbeat=timedelta(seconds=heartbeat_seconds))
    register(worker)
    await worker.start()
    try:
        yield worker
    finally:
        await worker.stop()


async def add(database: Pool, name: str = "greet", payload: object = None, **options: str) -> int | None:
    async with database.acquire() as connection:
        return await enqueue(connection, name, payload, dedupe_key=options.get("dedupe_key"))


async def jobs_left(database: Pool) -> int:
    count: int = await database.fetchval("SELECT count(*) FROM pgqueuer")
    return count


class Recorder:
    """A handler that keeps the jobs it got, and fails the first `failures` of them."""

    def __init__(self, *, failures: int = 0) -> None:
        self.jobs: list[Job] = []
        self.failures = failures

    async def __call__(self, job: Job) -> None:
        self.jobs.append(job)
        if len(self.jobs) <= self.failures:
            raise RuntimeError("out of order")


async def test_the_installed_pgqueuer_finds_its_own_schema(database: Pool) -> None:
    plan = await Queries.from_asyncpg_pool(database).plan_upgrade()
    assert list(plan.statements) == []


async def test_a_job_runs_with_its_payload(database: Pool, settings: Settings) -> None:
    greet = Recorder()
    job_id = await add(database, payload={"name": "Asha", "amounts": [1, 2]})
    async with working(settings, lambda worker: worker.handle("greet", greet)):
        await until(lambda: greet.jobs)
        await until(lambda: _is_empty(database))
    assert greet.jobs == [Job(job_id or 0, "greet", {"name": "Asha", "amounts": [1, 2]}, 1)]


async def _is_empty(database: Pool) -> bool:
    return await jobs_left(database) == 0


async def test_a_running_worker_is_woken_by_a_new_job(
    database: Pool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wisipay.core.job_worker._IDLE_SWEEP", timedelta(minutes=5))
    greet = Recorder()
    async with working(settings, lambda worker: worker.handle("greet", greet)):
        await until(lambda: _listens(database))
        await add(database)
        await until(lambda: greet.jobs)


async def _listens(database: Pool) -> bool:
    return await backends.count(database, "wisipay jobs", last_query="LISTEN%") > 0


async def test_a_job_is_queued_only_if_the_change_is_committed(database: Pool) -> None:
    async with database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await enqueue(connection, "greet", None)
        await transaction.rollback()
    assert await jobs_left(database) == 0


async def test_a_dedupe_key_queues_one_job_at_a_time(database: Pool, settings: Settings) -> None:
    greet = Recorder()
    assert await add(database, dedupe_key="asha") is not None
    assert await add(database, dedupe_key="asha") is None
    assert await add(database, dedupe_key="ravi") is not None
    async with working(settings, lambda worker: worker.handle("greet", greet)):
        await until(lambda: _is_empty(database))
        assert await add(database, dedupe_key="asha") is not None
        await until(lambda: len(greet.jobs) == 3)


async def test_a_job_waits_for_its_time(database: Pool, settings: Settings) -> None:
    greet = Recorder()
    async with database.acquire() as connection:
        await enqueue(connection, "greet", "later", run_at=utc_now() + timedelta(hours=1))
        await enqueue(connection, "greet", "now", run_at=utc_now() - timedelta(hours=1))
    async with working(settings, lambda worker: worker.handle("greet", greet)):
        await until(lambda: greet.jobs)
        await until(lambda: _has_left(database, 1))
    assert [job.payload for job in greet.jobs] == ["now"]


async def _has_left(database: Pool, count: int) -> bool:
    return await jobs_left(database) == count


async def test_a_failed_job_is_tried_again(database: Pool, settings: Settings) -> None:
    greet = Recorder(failures=2)
    await add(database)
    async with working(settings, lambda worker: worker.handle("greet", greet)):
        await until(lambda: _is_empty(database))
    assert [job.attempt for job in greet.jobs] == [1, 2, 3]


async def test_a_job_that_hangs_is_given_up_and_tried_again(database: Pool, settings: Settings) -> None:
    attempts: list[int] = []

    async def hang_at_first(job: Job) -> None:
        attempts.append(job.attempt)
        if job.attempt == 1:
            await asyncio.Event().wait()

    await add(database)
    async with working(settings, lambda worker: worker.handle("greet", hang_at_first, timeout_seconds=0.05)):
        await until(lambda: _is_empty(database))
    assert attempts == [1, 2]


async def test_a_job_that_never_succeeds_becomes_a_dead_letter_and_can_be_replayed(
    database: Pool, settings: Settings
) -> None:
    greet = Recorder(failures=3)
    job_id = await add(database, payload={"name": "Asha"})
    async with working(settings, lambda worker: worker.handle("greet", greet, attempts=3)):
        await until(lambda: _dead(database))
        async with database.acquire() as connection:
            (letter,) = await dead_letters(connection)
            assert await replay(connection, [letter.id, 987654321]) == [job_id]
        await until(lambda: _is_empty(database))
    assert (letter.id, letter.name, letter.payload, letter.attempts) == (job_id, "greet", {"name": "Asha"}, 3)
    assert letter.error == "RuntimeError: out of order"
    assert letter.queued_at <= letter.died_at
    assert [job.attempt for job in greet.jobs] == [1, 2, 3, 1]


async def _dead(database: Pool) -> bool:
    return bool(await database.fetchval("SELECT count(*) FROM pgqueuer WHERE status = 'failed'"))


async def test_a_replay_leaves_out_a_dedupe_key_that_is_in_use(database: Pool) -> None:
    await database.execute(
        """
        INSERT INTO pgqueuer (id, priority, entrypoint, dedupe_key, status) VALUES
            (1, 0, 'greet', 'in use', 'failed'), (2, 0, 'greet', 'in use', 'queued'),
            (3, 0, 'greet', 'twice dead', 'failed'), (4, 0, 'greet', 'twice dead', 'failed'),
            (5, 0, 'greet', NULL, 'failed'), (6, 0, 'greet', NULL, 'failed')
        """
    )
    async with database.acquire() as connection:
        assert sorted(await replay(connection, [1, 2, 3, 4, 5, 6])) == [4, 5, 6]
        assert [letter.id for letter in await dead_letters(connection)] == [1, 3]


async def test_trace_and_request_id_travel_with_the_job(database: Pool, settings: Settings) -> None:
    seen: list[tuple[int, object, object]] = []

    async def look(_job: Job) -> None:
        fields = bound_fields()
        seen.append((trace.get_current_span().get_span_context().trace_id, fields["request_id"], fields["job_type"]))

    tracer = TracerProvider().get_tracer("test")
    with tracer.start_as_current_span("request") as span, bound(request_id="r-1", merchant_id="m-1"):
        await add(database)
    async with working(settings, lambda worker: worker.handle("greet", look)):
        await until(lambda: seen)
    assert seen == [(span.get_span_context().trace_id, "r-1", "greet")]


async def test_stopping_lets_a_running_job_finish(database: Pool, settings: Settings) -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def wait(_job: Job) -> None:
        started.set()
        await release.wait()

    await add(database)
    async with working(settings, lambda worker: worker.handle("greet", wait)) as worker:
        await started.wait()
        stopping = asyncio.create_task(worker.stop())
        await asyncio.sleep(0)
        release.set()
        await stopping
    assert await jobs_left(database) == 0


async def test_stopping_puts_back_what_does_not_finish(database: Pool, settings: Settings) -> None:
    started = asyncio.Event()

    async def hang(_job: Job) -> None:
        started.set()
        await asyncio.Event().wait()

    await add(database)
    async with working(settings, lambda worker: worker.handle("greet", hang)) as worker:
        await started.wait()
        await worker.stop(timeout_seconds=0.01)
    greet = Recorder()
    async with working(settings, lambda worker: worker.handle("greet", greet)):
        await until(lambda: greet.jobs)


async def test_a_handler_that_does_not_stop_holds_nobody_up(
    database: Pool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wisipay.core.job_worker._CANCEL_SECONDS", 0.05)
    started, release = asyncio.Event(), asyncio.Event()

    async def stubborn(_job: Job) -> None:
        started.set()
        while not release.is_set():
            with suppress(asyncio.CancelledError):
                await release.wait()

    await add(database)
    worker = JobWorker(settings)
    worker.handle("greet", stubborn)
    await worker.start()
    await started.wait()
    await worker.stop(timeout_seconds=0.05)
    assert await jobs_left(database) == 1
    release.set()
    await until(lambda: "jobs" not in {task.get_name() for task in asyncio.all_tasks()}, timeout_seconds=30)


async def test_a_job_of_a_killed_worker_is_taken_up(database: Pool, settings: Settings, database_url: str) -> None:
    await add(database)
    killed = await asyncio.create_subprocess_exec(
        sys.executable, str(KILLED_WORKER), database_url, stdout=asyncio.subprocess.PIPE
    )
    assert killed.stdout is not None
    assert await killed.stdout.readline() == b"started\n"
    killed.kill()
    await killed.wait()
    greet = Recorder()
    async with working(settings, lambda worker: worker.handle("greet", greet), heartbeat_seconds=1):
        await until(lambda: greet.jobs, timeout_seconds=20)
        await until(lambda: _is_empty(database))


async def test_a_worker_outlives_its_connections(database: Pool, settings: Settings) -> None:
    greet = Recorder()
    async with working(settings, lambda worker: worker.handle("greet", greet)):
        await until(lambda: _listens(database))
        await backends.terminate(database, "wisipay jobs")
        await add(database)
        await until(lambda: greet.jobs, timeout_seconds=30)


@pytest.mark.usefixtures("database")
async def test_a_listener_that_is_slow_to_begin_is_not_taken_for_a_broken_one(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """PgQueuer asks its own listener for a sign of life at once; what is said before it listens nobody hears."""
    listen, probe = AsyncpgPoolDriver.add_listener, QueueManager.listener_healthy

    async def slowly(driver: AsyncpgPoolDriver, channel: str, callback: NotifyCallback) -> None:
        if not begun:  # LISTEN is said once, by whoever comes first
            begun.append(channel)
            await asyncio.sleep(0.3)
        await listen(driver, channel, callback)

    async def impatiently(queue: QueueManager, timeout: timedelta) -> object:  # noqa: ASYNC109 - the patched method has it
        healthy = await probe(queue, min(timeout, timedelta(seconds=1)))
        heard.append(healthy)
        return healthy

    begun: list[str] = []
    heard: list[object] = []
    monkeypatch.setattr(AsyncpgPoolDriver, "add_listener", slowly)
    monkeypatch.setattr(QueueManager, "listener_healthy", impatiently)
    async with working(settings, lambda worker: worker.handle("greet", Recorder())):
        await until(lambda: heard)
    assert "job.queue_lost" not in capsys.readouterr().err


@pytest.mark.usefixtures("database")
async def test_a_schedule_runs_its_job(settings: Settings) -> None:
    seal = Recorder()
    async with working(settings, lambda worker: worker.schedule("seal", "* * * * * *", seal)):
        await until(lambda: seal.jobs)
    assert seal.jobs[0].payload["due_at"].endswith("Z")


async def test_a_failed_run_that_the_next_one_makes_up_for_leaves_no_dead_letter(
    database: Pool, settings: Settings
) -> None:
    seal = Recorder(failures=3)

    def register(worker: JobWorker) -> None:
        worker.schedule("seal", "* * * * * *", seal, next_run_makes_up=True)

    async with working(settings, register):
        await until(lambda: len(seal.jobs) >= 4)
    assert not await _dead(database)


async def test_history_is_forgotten_after_a_month_but_dead_letters_stay(database: Pool, settings: Settings) -> None:
    await database.execute(
        """
        INSERT INTO pgqueuer (id, priority, entrypoint, status) VALUES (1, 0, 'greet', 'failed');
        INSERT INTO pgqueuer_log (created, job_id, status, priority, entrypoint)
        SELECT now() - days * interval '1 day', job, 'failed', 0, 'greet'
        FROM unnest(ARRAY[29, 31]) AS days, unnest(ARRAY[1, 2]) AS job
        """
    )
    async with working(settings, lambda _worker: None):
        await add(database, "core.jobs_tidy")
        await until(lambda: _has_left(database, 1))
    assert await database.fetchval(
        "SELECT array_agg(job_id ORDER BY job_id) FROM pgqueuer_log WHERE entrypoint = 'greet'"
    ) == [1, 1, 2]


def test_a_name_has_one_handler_and_a_bounded_number_of_attempts(settings: Settings) -> None:
    worker = JobWorker(settings)
    worker.handle("greet", Recorder())
    with pytest.raises(ValueError, match="has a handler already"):
        worker.handle("greet", Recorder())
    with pytest.raises(ValueError, match="1 to 7 attempts"):
        worker.handle("other", Recorder(), attempts=8)


async def test_stopping_what_never_started_is_harmless(settings: Settings) -> None:
    await JobWorker(settings).stop()


async def test_a_connection_that_pgqueuer_loses_sight_of_holds_no_stop_up(
    database: Pool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its listener's connection is not given back when resetting it fails."""

    async def break_off(*_arguments: object, **_options: object) -> None:
        raise ConnectionResetError

    monkeypatch.setattr("wisipay.core.database._CLOSE_SECONDS", 0.05)
    worker = JobWorker(settings)
    await worker.start()
    await until(lambda: _listens(database))
    monkeypatch.setattr("asyncpg.Connection.reset", break_off)
    await worker.stop()
    await until(lambda: _has_connections(database, 0))


async def _has_connections(database: Pool, number: int) -> bool:
    return await backends.count(database, "wisipay jobs") == number
