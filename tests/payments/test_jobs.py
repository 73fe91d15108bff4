"""The schedules of payments: the nets below what the rows do themselves."""

from __future__ import annotations

from datetime import timedelta

from support.desk_bench import DeskBench
from support.waiting import until
from wisipay.core.clock import SystemClock, utc_now
from wisipay.core.config import Settings
from wisipay.core.job_worker import JobWorker
from wisipay.core.jobs import enqueue
from wisipay.entrypoints.engine import Engine
from wisipay.payments import IdempotencyKeys, Kind, Poller
from wisipay.payments.jobs import FORGET, SWEEP, add_schedules

NEVER_SOON = "0 0 0 1 1 *"


async def test_the_sweep_wakes_forgotten_payments_and_old_answers_are_forgotten(
    bench: DeskBench, parts: Engine, settings: Settings
) -> None:
    payin = await bench.accepted(Kind.PAYIN)
    await bench.pool.execute("UPDATE payments_transactions SET due_at = NULL")
    await bench.pool.execute(
        "INSERT INTO payments_idempotency (merchant_id, key, request_hash, started_at) VALUES ('MER-1', 'K1', '', $1)",
        utc_now() - timedelta(hours=25),
    )
    worker = JobWorker(settings)
    poller = Poller(bench.pool, parts.asker, SystemClock())
    add_schedules(worker, poller, IdempotencyKeys(bench.pool, SystemClock()), NEVER_SOON)
    await worker.start()
    try:
        async with bench.pool.acquire() as conn, conn.transaction():
            for name in (SWEEP, FORGET):
                await enqueue(conn, name, {})

        async def both_ran() -> bool:
            woken = (await bench.stored(payin.id)).due_at is not None
            return woken and await bench.count("payments_idempotency") == 0

        await until(both_ran, timeout_seconds=20)
    finally:
        await worker.stop()
