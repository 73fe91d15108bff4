"""The schedules of payments: a sweep for open payments that nothing would look at, and the end of kept answers.

Both are nets below what the rows themselves do: expiry and polling hang on each payment's own due time, never on a job.
Mounted by entrypoints.
"""

from __future__ import annotations

from typing import Final

from wisipay.core.job_worker import JobWorker
from wisipay.core.jobs import Job
from wisipay.payments.idempotency import IdempotencyKeys
from wisipay.payments.poller import Poller

SWEEP: Final = "payments.expiry_sweep"
FORGET: Final = "payments.forget_idempotency_keys"

_FORGET_CRON: Final = "0 10 * * * *"


def add_schedules(worker: JobWorker, poller: Poller, keys: IdempotencyKeys, sweep_cron: str) -> None:
    """Register the schedules; `sweep_cron` has six fields, Indian time (CRON_PAYIN_EXPIRY_SWEEP)."""

    async def sweep(_job: Job) -> None:
        await poller.wake_forgotten()

    async def forget(_job: Job) -> None:
        await keys.forget_old()

    worker.schedule(SWEEP, sweep_cron, sweep, next_run_makes_up=True)
    worker.schedule(FORGET, _FORGET_CRON, forget, next_run_makes_up=True)
