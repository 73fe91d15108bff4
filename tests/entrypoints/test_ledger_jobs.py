"""A real worker keeps the ledger's schedules: it seals, takes snapshots, closes days, checks, tells what it found."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
import structlog

from support import system
from support.ledger_history import START, TOP_UP, WALLET, write_history
from support.waiting import until
from wisipay.core.clock import SystemClock
from wisipay.core.config import Settings
from wisipay.core.database import Pool
from wisipay.core.jobs import Job
from wisipay.core.metrics import REGISTRY
from wisipay.entrypoints import ledger_jobs
from wisipay.entrypoints.ledger_jobs import CHAIN, EOD, INTEGRITY, OPTIMISE, SNAPSHOT, LedgerJobs
from wisipay.entrypoints.ledger_metrics import LedgerMetrics
from wisipay.entrypoints.ledger_sealer import LedgerSealer
from wisipay.ledger import checks, seals, take_snapshots

EVERY_SECOND = "* * * * * *"
DONE_SECONDS = 60
JOB = Job(1, "any", None, 1)
JOBS = {SNAPSHOT, INTEGRITY, EOD, OPTIMISE}


@dataclass(frozen=True)
class Worker:
    """A worker process, and where it says what it does."""

    metrics_url: str
    log: Path

    def events(self, name: str) -> list[dict[str, object]]:
        lines = [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines() if line[:1] == "{"]
        return [line for line in lines if line["event"] == name]

    def metrics(self) -> dict[str, float]:
        with urlopen(self.metrics_url, timeout=5) as answer:  # noqa: S310 - an address of our own
            lines = answer.read().decode().splitlines()
        return {name: float(value) for name, _, value in (x.rpartition(" ") for x in lines if not x.startswith("#"))}


@asynccontextmanager
async def worker(settings: Settings, port: int, folder: Path) -> AsyncIterator[Worker]:
    schedules = {f"CRON_LEDGER_{name}": EVERY_SECOND for name in ("SEALER", "SNAPSHOT", "INTEGRITY", "OPTIMIZE", "EOD")}
    environment = {
        **os.environ, "DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url,
        "MONGODB_URI": "mongodb://127.0.0.1:1/", "DATA_DIR": str(folder), "WISIPAY_ENV": "test",
        "WORKER_METRICS_PORT": str(port), **schedules,
    }  # fmt: skip
    log = folder / "worker.log"
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "wisipay", "worker", env=environment, stdout=said, stderr=said
        )
    try:
        yield Worker(f"http://127.0.0.1:{port}/metrics", log)
    finally:
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def ran(database: Pool) -> dict[str, checks.Run]:
    async with database.acquire() as connection:
        return await checks.runs(connection)


async def damage(database: Pool) -> None:
    async with database.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("UPDATE ledger_balances SET debits_posted = debits_posted + 1 WHERE min_balance = 0")
        await connection.execute("UPDATE ledger_entries SET narration = 'x' WHERE id = $1", TOP_UP)


@pytest.mark.timeout(240)
async def test_a_worker_does_all_of_it_and_tells_of_damage(
    database: Pool, redis_url: str, settings: Settings, port_base: Callable[[], int], tmp_path: Path
) -> None:
    assert redis_url
    async with database.acquire() as connection:
        await write_history(connection)

    async def all_ran() -> bool:
        runs = await ran(database)
        full = [run.full_at for name, run in runs.items() if checks.checked(name) and run.full_at]
        sealed = await database.fetchval("SELECT count(*) FROM ledger_seal_blocks")
        return runs.keys() >= JOBS and len(full) == len(checks.CHECKS) + 1 and sealed > 0

    async with worker(settings, port_base(), tmp_path) as running:
        await until(all_ran, timeout_seconds=DONE_SECONDS)
        assert running.events("ledger.difference") == []
        assert await database.fetchval("SELECT max(day) FROM ledger_closed_days") > START.date()
        await database.execute("DELETE FROM ledger_runs WHERE name LIKE 'check %'")  # a new day: look at everything
        await damage(database)
        await until(lambda: len(running.events("ledger.difference")) > 2, timeout_seconds=DONE_SECONDS)
        shown = 'wisipay_ledger_differences_unacknowledged{check="%s"}'
        await until(lambda: running.metrics().get(shown % CHAIN, 0) > 0, timeout_seconds=DONE_SECONDS)
        metrics = running.metrics()
        assert metrics[shown % "counters"] == metrics[shown % "trial_balance"] == 1
        assert metrics[shown % "lines"] == 0
        assert metrics['wisipay_ledger_job_ended_timestamp_seconds{job="ledger.eod"}'] > 0
        told = running.events("ledger.difference")
        assert {("counters", WALLET.id), ("trial_balance", "INR")} <= {(x["check"], x["subject_id"]) for x in told}
        assert (CHAIN, str(TOP_UP)) in {(x["check"], x.get("entry_id")) for x in told}
    assert await database.fetchval("SELECT count(*) FROM ledger_findings") >= 3


@dataclass
class SetClock:
    """A clock that is set by hand."""

    moment: datetime = START + timedelta(days=30)

    def now(self) -> datetime:
        return self.moment


@pytest.fixture
async def history(database: Pool) -> Pool:
    async with database.acquire() as connection:
        await write_history(connection)
    return database


async def test_the_whole_ledger_is_checked_once_a_day(history: Pool, settings: Settings) -> None:
    clock = SetClock()
    jobs = LedgerJobs(settings, clock)
    await jobs.integrity(JOB)
    first = (await ran(history))["check lines"]
    clock.moment += timedelta(hours=1)
    await jobs.integrity(JOB)
    second = (await ran(history))["check lines"]
    assert (second.full_at, second.ended_at) == (first.full_at, clock.now())
    clock.moment += timedelta(days=1)
    await jobs.integrity(JOB)
    assert (await ran(history))["check lines"].full_at == clock.now()


async def test_the_day_ends_with_a_published_head_that_integrity_compares(
    history: Pool, settings: Settings, tmp_path: Path
) -> None:
    private, _ = seals.new_head_key()
    jobs = LedgerJobs(
        settings.model_copy(update={"ledger_heads_dir": tmp_path, "ledger_signing_key": private}), SetClock()
    )
    await LedgerSealer(history, SetClock(), EVERY_SECOND).seal()
    with structlog.testing.capture_logs() as lines:
        await jobs.close_days(JOB)
        await jobs.close_days(JOB)
    assert [line["event"] for line in lines].count("ledger.head_published") == 1
    await jobs.integrity(JOB)
    assert (await ran(history))[f"check {CHAIN}"].found == 0
    for name in system.names_in(tmp_path):
        await asyncio.to_thread((tmp_path / name).unlink)
    await history.execute("DELETE FROM ledger_runs WHERE name LIKE 'check %'")
    await jobs.integrity(JOB)
    assert (await ran(history))[f"check {CHAIN}"].found == 1


async def test_months_are_made_ahead_and_rows_without_one_are_told(history: Pool, settings: Settings) -> None:
    with structlog.testing.capture_logs() as lines:
        await LedgerJobs(settings, SetClock(START)).optimise(JOB)
    assert "ledger.rows_without_month" in {line["event"] for line in lines}
    assert OPTIMISE in await ran(history)


async def test_a_job_that_fails_is_not_noted_as_done(
    history: Pool, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_jobs, "take_snapshots", failing(OSError("away"), take_snapshots))
    jobs = LedgerJobs(settings, SetClock())
    with pytest.raises(OSError, match="away"):
        await jobs.snapshot(JOB)
    assert await ran(history) == {}
    await jobs.snapshot(JOB)
    assert (await ran(history)).keys() == {SNAPSHOT}


async def test_sealing_goes_on_after_whatever_went_wrong(history: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = failing(RuntimeError("broken"), failing(OSError("away"), seals.seal))
    monkeypatch.setattr(seals, "seal", broken)
    sealer = LedgerSealer(history, SystemClock(), EVERY_SECOND)
    with structlog.testing.capture_logs() as lines:
        await sealer.start()
        await until(lambda: history.fetchval("SELECT count(*) FROM ledger_seal_blocks"), timeout_seconds=DONE_SECONDS)
        await sealer.stop()
    assert [line["event"] for line in lines] == ["ledger.sealer_failed", "ledger.sealer_database_away"]


async def test_the_sealer_tells_whom_it_waits_for(history: Pool) -> None:
    async with history.acquire() as writer, writer.transaction():
        await writer.execute("LOCK TABLE ledger_entries IN ROW EXCLUSIVE MODE")
        pid = await writer.fetchval("SELECT pg_backend_pid()")
        with structlog.testing.capture_logs() as lines:
            await LedgerSealer(history, SetClock(), EVERY_SECOND).seal()
    assert [(line["event"], line["pids"]) for line in lines] == [("ledger.sealer_waits", (pid,))]


async def test_gauges_follow_the_ledger_and_outlast_an_outage(history: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SetClock()
    metrics = LedgerMetrics(history, clock, every_seconds=0.01)
    await metrics.refresh()
    assert shown("wisipay_ledger_unsealed_records") > 0
    assert shown("wisipay_ledger_unsealed_age_seconds") == timedelta(days=30).total_seconds()
    async with history.acquire() as connection:
        await seals.seal(connection, clock.now())
    monkeypatch.setattr(checks, "ledger_state", failing(OSError("away"), checks.ledger_state))
    with structlog.testing.capture_logs() as lines:
        await metrics.start()
        await until(lambda: shown("wisipay_ledger_unsealed_records") == 0, timeout_seconds=DONE_SECONDS)
        await metrics.stop()
    assert [line["event"] for line in lines] == ["ledger.metrics_stale"]
    assert shown("wisipay_ledger_unsealed_age_seconds") == 0


async def test_what_was_never_started_stops(database: Pool) -> None:
    await LedgerSealer(database, SetClock(), EVERY_SECOND).stop()
    await LedgerMetrics(database, SetClock()).stop()


def shown(name: str) -> float:
    value = REGISTRY.get_sample_value(name)
    assert value is not None
    return value


def failing(error: Exception, then: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return a function that raises `error` the first time, and does `then` after that."""
    errors = [error]

    async def call(*arguments: object, **named: object) -> object:
        if errors:
            raise errors.pop()
        return await then(*arguments, **named)

    return call
