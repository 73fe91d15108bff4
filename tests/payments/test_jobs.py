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
from wisipay.payments import FloatPoller, IdempotencyKeys, Kind, Poller, Validations
from wisipay.payments.jobs import (
    FLOATS,
    FORGET,
    FORGET_VALIDATIONS,
    SWEEP,
    add_float_schedule,
    add_schedules,
    add_validation_schedule,
)

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
    floats = FloatPoller(bench.pool, parts.directory, parts.gateway, SystemClock(), low_paise=1)
    add_float_schedule(worker, floats, NEVER_SOON)
    add_validation_schedule(worker, Validations(bench.pool, SystemClock()))
    await bench.pool.execute(
        "INSERT INTO payments_validations SELECT sha256('x'), 'a_b', true, 100, $1, $1", utc_now() - timedelta(hours=1)
    )
    await worker.start()
    try:
        async with bench.pool.acquire() as conn, conn.transaction():
            for name in (SWEEP, FORGET, FLOATS, FORGET_VALIDATIONS):
                await enqueue(conn, name, {})

        async def both_ran() -> bool:
            woken = (await bench.stored(payin.id)).due_at is not None
            kept = await bench.count("payments_idempotency") + await bench.count("payments_validations")
            waiting = await bench.pool.fetchval("SELECT count(*) FROM pgqueuer WHERE entrypoint = $1", FLOATS)
            return woken and kept + waiting == 0

        await until(both_ran, timeout_seconds=20)
    finally:
        await worker.stop()
