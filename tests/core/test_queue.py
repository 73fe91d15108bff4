"""The claim loop, on rows in PostgreSQL."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from uuid import uuid4

import pytest

from support import rows as rows_module
from support.rows import CHANNEL, Row, Rows
from support.waiting import until
from wisipay.core.database import Pool
from wisipay.core.listener import Listener
from wisipay.core.metrics import REGISTRY
from wisipay.core.queue import ClaimLoop, Lease


@pytest.fixture
async def rows(database: Pool) -> AsyncIterator[Rows]:
    await database.execute(rows_module.TABLE)
    yield Rows(database)
    await database.execute("DROP TABLE queue_rows")


@pytest.fixture
async def listener(database_url: str) -> AsyncIterator[Listener]:
    async with Listener(database_url) as listening:
        yield listening


@asynccontextmanager
async def working(
    rows: Rows,
    handle: Callable[[Row], Awaitable[object]],
    *,
    listener: Listener | None = None,
    concurrency: int = 10,
    sweep_seconds: float = 0.02,
    lease_seconds: float = 8,
    handle_timeout_seconds: float = 10,
    claim: Callable[[int, Lease], Awaitable[Sequence[Row]]] | None = None,
    renew: Callable[[Sequence[Row], Lease], Awaitable[None]] | None = None,
    depth: Callable[[], Awaitable[tuple[int, float]]] | None = None,
) -> AsyncIterator[ClaimLoop[Row]]:
    async def handled(row: Row) -> None:
        await handle(row)

    loop = ClaimLoop(
        name="test",
        claim=claim or rows.claim,
        handle=handled,
        renew=renew or rows.renew,
        channel=CHANNEL,
        listener=listener,
        concurrency=concurrency,
        depth=depth,
        sweep_seconds=sweep_seconds,
        lease_seconds=lease_seconds,
        handle_timeout_seconds=handle_timeout_seconds,
    )
    await loop.start()
    try:
        yield loop
    finally:
        await loop.stop(timeout_seconds=0)


async def all_done(rows: Rows) -> bool:
    return await rows.count("NOT done") == 0


async def test_rows_are_claimed_once_and_finished(rows: Rows) -> None:
    await rows.add(100)
    async with working(rows, rows.finish, concurrency=7):
        await until(lambda: all_done(rows))
    assert await rows.count("claims = 1") == 100


async def test_a_notification_wakes_the_loop_at_once(rows: Rows, listener: Listener) -> None:
    async with working(rows, rows.finish, listener=listener, sweep_seconds=30):
        await rows.add(1, notify=True)
        start = monotonic()
        await until(lambda: all_done(rows))
        assert monotonic() - start < 5


async def test_a_sweep_finds_what_nobody_woke_it_for(rows: Rows) -> None:
    async with working(rows, rows.finish):
        await rows.add(1)
        await until(lambda: all_done(rows))


async def test_a_finished_row_makes_room_for_the_next_without_a_sweep(rows: Rows) -> None:
    await rows.add(20)
    async with working(rows, rows.finish, concurrency=1, sweep_seconds=30):
        await until(lambda: all_done(rows))


async def test_whoever_knows_of_a_due_row_can_wake_the_loop(rows: Rows) -> None:
    async with working(rows, rows.finish, sweep_seconds=30) as loop:
        await rows.add(1)
        loop.wake()
        await until(lambda: all_done(rows))


async def test_rows_leased_by_whoever_wrote_them_are_handled_without_a_claim(rows: Rows) -> None:
    await rows.add(3)
    lease = Lease(uuid4(), 8)
    written = await rows.claim(3, lease)
    async with working(rows, rows.finish, sweep_seconds=30, concurrency=5) as loop:
        assert loop.new_lease().seconds == lease.seconds
        loop.adopt(written, lease, monotonic())
        assert loop.room == 2
        await until(lambda: all_done(rows))
    assert loop.room == 0
    await rows.add(1)
    loop.adopt(await rows.claim(1, lease), lease, monotonic())
    assert await rows.count("NOT done") == 1


async def test_a_row_that_is_not_due_yet_is_left_alone(rows: Rows) -> None:
    await rows.add(1, due_in_seconds=3600)
    await rows.add(1)
    async with working(rows, rows.finish):
        await until(lambda: rows.count("done"))
    assert await rows.count("claims = 0") == 1


async def test_no_more_rows_are_held_than_the_bound_allows(rows: Rows) -> None:
    await rows.add(50)
    held, most_held = 0, 0

    async def handle(row: Row) -> None:
        nonlocal held, most_held
        held += 1
        most_held = max(most_held, held, await rows.count("lease_token IS NOT NULL"))
        await rows.finish(row)
        held -= 1

    async with working(rows, handle, concurrency=4):
        await until(lambda: all_done(rows))
    assert most_held <= 4


async def test_two_loops_share_the_rows_without_handling_one_twice(rows: Rows, listener: Listener) -> None:
    handled: Counter[int] = Counter()

    async def handle(row: Row) -> None:
        is_finished = await rows.finish(row)
        handled[row.id] += is_finished

    async with working(rows, handle, listener=listener), working(rows, handle, listener=listener):
        for _ in range(10):
            await rows.add(20, notify=True)
        await until(lambda: handled.total() >= 200)
    assert set(handled.values()) == {1}
    assert len(handled) == 200


async def test_the_rows_of_a_killed_worker_are_taken_up(rows: Rows, database_url: str) -> None:
    await rows.add(3)
    worker = await asyncio.create_subprocess_exec(
        sys.executable, rows_module.__file__, database_url, stdout=asyncio.subprocess.PIPE
    )
    assert worker.stdout is not None
    assert [await worker.stdout.readline() for _ in range(3)] == [b"claimed\n"] * 3
    async with working(rows, rows.finish):
        await until(lambda: rows.count("lease_until > now() + interval '0.7 second'"))  # the worker lives and renews
        assert await rows.count("done") == 0
        worker.kill()
        await worker.wait()
        await until(lambda: all_done(rows))
    assert await rows.count("claims = 2") == 3


async def test_a_late_worker_cannot_finish_a_row_that_is_not_its_own_any_more(rows: Rows) -> None:
    await rows.add(1)
    (late,) = await rows.claim(1, Lease(uuid4(), 0))
    (owner,) = await rows.claim(1, Lease(uuid4(), 8))
    assert not await rows.finish(late)
    assert await rows.finish(owner)


async def test_the_lease_of_a_slow_row_is_renewed(rows: Rows) -> None:
    await rows.add(1)
    renewals: list[Lease] = []
    release = asyncio.Event()

    async def renew(held: Sequence[Row], lease: Lease) -> None:
        await rows.renew(held, lease)
        renewals.append(lease)

    async def handle(row: Row) -> None:
        await release.wait()
        assert await rows.finish(row)

    async with working(rows, handle, lease_seconds=1, renew=renew):
        await until(lambda: len(renewals) >= 6)  # longer than the lease
        assert await rows.count("claims = 1") == 1
        release.set()
        await until(lambda: all_done(rows))
    assert {lease.seconds for lease in renewals} == {1}


async def test_a_failed_renewal_is_tried_again(rows: Rows) -> None:
    await rows.add(1)
    calls = 0
    release = asyncio.Event()

    async def renew(held: Sequence[Row], lease: Lease) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ConnectionResetError
        await rows.renew(held, lease)

    async def handle(row: Row) -> None:
        await release.wait()
        await rows.finish(row)

    async with working(rows, handle, lease_seconds=0.8, renew=renew):
        await until(lambda: calls >= 4)
        release.set()
        await until(lambda: all_done(rows))
    assert await rows.count("claims = 1") == 1


async def test_a_row_whose_handling_failed_comes_back_after_its_lease(rows: Rows) -> None:
    await rows.add(1)

    async def handle(row: Row) -> None:
        if await rows.count("claims = 1"):
            raise RuntimeError("the first time only")
        await rows.finish(row)

    async with working(rows, handle, lease_seconds=0.1):
        await until(lambda: all_done(rows))
    assert await rows.count("claims = 2") == 1


async def test_handling_that_hangs_is_given_up(rows: Rows) -> None:
    await rows.add(1)

    async def handle(row: Row) -> None:
        if await rows.count("claims = 1"):
            await asyncio.Event().wait()
        await rows.finish(row)

    async with working(rows, handle, lease_seconds=0.1, handle_timeout_seconds=0.15):
        await until(lambda: all_done(rows))


async def test_the_metrics_are_told_how_much_waits_also_after_a_failure(
    rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wisipay.core.queue._OBSERVE_EVERY_SECONDS", 0)
    answers: Iterator[tuple[int, float] | Exception] = iter([ConnectionResetError(), (7, 1.5)])

    async def depth() -> tuple[int, float]:
        answer = next(answers, (7, 1.5))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def told() -> bool:
        labels = {"queue": "test"}
        names = ("wisipay_queue_depth", "wisipay_queue_age_seconds")
        return [REGISTRY.get_sample_value(name, labels) for name in names] == [7, 1.5]

    async with working(rows, rows.finish, depth=depth):
        await until(told)


async def test_the_loop_outlives_a_claim_that_fails(rows: Rows) -> None:
    await rows.add(1)
    calls = 0

    async def claim(limit: int, lease: Lease) -> Sequence[Row]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ConnectionResetError
        return await rows.claim(limit, lease)

    async with working(rows, rows.finish, claim=claim):
        await until(lambda: all_done(rows))


async def test_stopping_lets_what_is_handled_finish(rows: Rows) -> None:
    await rows.add(5)
    started, release = asyncio.Event(), asyncio.Event()

    async def handle(row: Row) -> None:
        started.set()
        await release.wait()
        await rows.finish(row)

    async with working(rows, handle, concurrency=2) as loop:
        await started.wait()
        stopping = asyncio.create_task(loop.stop())
        await asyncio.sleep(0)
        release.set()
        await stopping
    assert await rows.count("done") == 2
    assert await rows.count("claims = 0") == 3


async def test_stopping_gives_back_what_does_not_finish_in_time(rows: Rows) -> None:
    await rows.add(2)
    started = asyncio.Event()

    async def hang(_row: Row) -> None:
        started.set()
        await asyncio.Event().wait()

    async with working(rows, hang, lease_seconds=60) as loop:
        await started.wait()
        await loop.stop(timeout_seconds=0.01)
    async with working(rows, rows.finish):
        await until(lambda: all_done(rows))  # long before the leases run out


async def test_rows_claimed_while_stopping_are_given_back(rows: Rows) -> None:
    await rows.add(1)
    claiming, release = asyncio.Event(), asyncio.Event()

    async def claim(limit: int, lease: Lease) -> Sequence[Row]:
        claimed = await rows.claim(limit, lease)
        claiming.set()
        await release.wait()
        return claimed

    async with working(rows, rows.finish, claim=claim) as loop:
        await claiming.wait()
        stopping = asyncio.create_task(loop.stop())
        await asyncio.sleep(0)
        release.set()
        await stopping
    assert await rows.count("done OR lease_until > now()") == 0


async def test_a_release_that_fails_does_not_stop_the_stopping(rows: Rows) -> None:
    await rows.add(1)
    started = asyncio.Event()

    async def hang(_row: Row) -> None:
        started.set()
        await asyncio.Event().wait()

    async def renew(_held: Sequence[Row], _lease: Lease) -> None:
        raise ConnectionResetError

    async with working(rows, hang, renew=renew) as loop:
        await started.wait()
        await loop.stop(timeout_seconds=0)


async def test_stopping_what_never_started_is_harmless(rows: Rows) -> None:
    loop = ClaimLoop(
        name="idle",
        claim=rows.claim,
        handle=lambda _row: asyncio.sleep(0),
        renew=rows.renew,
        channel=None,
        listener=None,
        concurrency=1,
    )
    await loop.stop()


async def test_no_task_is_left_over(rows: Rows) -> None:
    await rows.add(10)
    async with working(rows, rows.finish):
        await until(lambda: all_done(rows))
    names = {task.get_name() for task in asyncio.all_tasks()}
    assert not names & {"claim test", "leases test", "handle test", "depth test"}
