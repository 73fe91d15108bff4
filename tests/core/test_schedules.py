"""Cron in Indian time, and schedules that fire once over all workers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.waiting import until
from wisipay.core.clock import IST
from wisipay.core.database import Pool
from wisipay.core.schedules import Cron, Scheduler

NOON = datetime(2026, 3, 10, 12, 0, tzinfo=IST)
DAILY = "0 0 1 * * *"


def ist(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, second, tzinfo=IST)


@pytest.mark.parametrize(
    ("expression", "latest", "following"),
    [
        (DAILY, ist(10, 1), ist(11, 1)),
        ("0 30 23 * * *", ist(9, 23, 30), ist(10, 23, 30)),
        ("*/5 * * * * *", ist(10, 12), ist(10, 12, 0, 5)),
        ("0 */5 * * * *", ist(10, 12), ist(10, 12, 5)),
        ("0 0 */6 * * *", ist(10, 12), ist(10, 18)),
        ("15 0 0 * * 0", ist(8, 0, 0, 15), ist(15, 0, 0, 15)),
    ],
)
def test_moments_are_in_indian_time_with_seconds_first(expression: str, latest: datetime, following: datetime) -> None:
    assert Cron(expression).latest(NOON) == latest
    assert Cron(expression).next(NOON) == following
    assert Cron(expression).next(NOON).tzinfo is UTC


@pytest.mark.parametrize("expression", ["", "0 0 1 * *", "60 0 0 * * *", "0 0 24 * * *", "a b c d e f", "@daily"])
def test_a_wrong_expression_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="six fields"):
        Cron(expression)


@given(st.timedeltas(timedelta(0), timedelta(days=4000)), st.sampled_from([DAILY, "*/7 * * * * *", "0 5 4 1 * *"]))
def test_now_lies_between_two_neighbouring_moments(age: timedelta, expression: str) -> None:
    now, cron = NOON + age, Cron(expression)
    assert cron.latest(now) <= now < cron.next(now)
    assert cron.next(cron.latest(now)) == cron.next(now)
    assert cron.latest(cron.next(now)) == cron.next(now)


async def queued(pool: Pool) -> int:
    count: int = await pool.fetchval("SELECT count(*) FROM pgqueuer WHERE status = 'queued'")
    return count


async def test_a_moment_queues_one_job_over_all_workers(database: Pool) -> None:
    workers = [Scheduler(database, {"daily": Cron(DAILY)}) for _ in range(5)]
    for worker in workers:
        await worker.register(NOON)
    results = await asyncio.gather(*(worker.queue_due(NOON + timedelta(days=1)) for worker in workers))
    assert sorted(name for names in results for name in names) == ["daily"]
    assert await queued(database) == 1


async def test_a_new_schedule_waits_for_its_first_moment(database: Pool) -> None:
    scheduler = Scheduler(database, {"daily": Cron(DAILY)})
    await scheduler.register(NOON)
    assert await scheduler.queue_due(NOON) == []
    assert await scheduler.queue_due(ist(11, 1)) == ["daily"]


async def test_missed_moments_are_made_up_for_once(database: Pool) -> None:
    await Scheduler(database, {"daily": Cron(DAILY)}).register(NOON)
    restarted = Scheduler(database, {"daily": Cron(DAILY)})
    await restarted.register(NOON + timedelta(days=5))
    assert await restarted.queue_due(NOON + timedelta(days=5)) == ["daily"]
    assert await restarted.queue_due(NOON + timedelta(days=5, seconds=1)) == []


async def test_a_clock_that_is_behind_queues_nothing_again(database: Pool) -> None:
    scheduler = Scheduler(database, {"daily": Cron(DAILY)})
    await scheduler.register(NOON)
    assert await scheduler.queue_due(ist(12, 1)) == ["daily"]
    assert await scheduler.queue_due(ist(11, 1)) == []


async def test_a_new_expression_does_not_fire_for_the_past(database: Pool) -> None:
    await Scheduler(database, {"daily": Cron(DAILY)}).register(NOON)
    changed = Scheduler(database, {"daily": Cron("0 0 5 * * *")})
    await changed.register(NOON)
    assert await changed.queue_due(NOON) == []
    assert await changed.queue_due(ist(11, 5)) == ["daily"]


async def test_while_a_job_waits_no_second_one_is_queued(database: Pool) -> None:
    scheduler = Scheduler(database, {"daily": Cron(DAILY)})
    await scheduler.register(NOON)
    await scheduler.queue_due(ist(11, 1))
    await scheduler.queue_due(ist(12, 1))
    assert await queued(database) == 1


@pytest.mark.parametrize("error", [OSError("reset"), asyncpg.LockNotAvailableError("held"), RuntimeError("odd")])
async def test_the_scheduler_outlives_what_fails(
    database: Pool, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    scheduler = Scheduler(database, {"often": Cron("* * * * * *")})
    monkeypatch.setattr(scheduler, "sleep_seconds", lambda _now: 0.01)
    register, calls = scheduler.register, 0

    async def away_at_first(now: datetime) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise error
        await register(now)

    monkeypatch.setattr(scheduler, "register", away_at_first)
    running = asyncio.create_task(scheduler.run())
    await until(lambda: queued(database))
    running.cancel()
    await asyncio.wait({running})
    assert calls == 2


def test_the_scheduler_sleeps_to_the_next_moment_but_not_long(database: Pool) -> None:
    soon = Scheduler(database, {"daily": Cron(DAILY), "often": Cron("*/5 * * * * *")})
    assert soon.sleep_seconds(NOON + timedelta(seconds=2)) == 3
    assert Scheduler(database, {"daily": Cron(DAILY)}).sleep_seconds(NOON) == 10
    assert Scheduler(database, {}).sleep_seconds(NOON) == 10
