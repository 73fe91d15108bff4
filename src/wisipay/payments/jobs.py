"""The schedules of payments: a sweep for open payments that nothing would look at, floats, the end of what is kept.

The sweep and the end of kept answers are nets below what the rows themselves do: expiry and polling hang on each
payment's own due time, never on a job. Mounted by entrypoints.
"""

from __future__ import annotations

from typing import Final

from wisipay.core.job_worker import JobWorker
from wisipay.core.jobs import Job
from wisipay.payments.idempotency import IdempotencyKeys
from wisipay.payments.poller import Poller
from wisipay.payments.routing import FloatPoller
from wisipay.payments.verifying import Validations

SWEEP: Final = "payments.expiry_sweep"
FORGET: Final = "payments.forget_idempotency_keys"

FLOATS: Final = "payments.float_balances"
FORGET_VALIDATIONS: Final = "payments.forget_validations"

_FORGET_CRON: Final = "0 10 * * * *"


_FORGET_VALIDATIONS_CRON: Final = "0 40 3 * * *"


def add_float_schedule(worker: JobWorker, floats: FloatPoller, cron: str) -> None:
    """Register the asking for floats; `cron` has six fields, Indian time (CRON_FLOAT_BALANCES)."""

    async def poll(_job: Job) -> None:
        await floats.poll()

    worker.schedule(FLOATS, cron, poll, timeout_seconds=120, next_run_makes_up=True)


def add_validation_schedule(worker: JobWorker, validations: Validations) -> None:
    """Register the end of what was heard about beneficiaries."""

    async def forget(_job: Job) -> None:
        await validations.forget_old()

    worker.schedule(FORGET_VALIDATIONS, _FORGET_VALIDATIONS_CRON, forget, next_run_makes_up=True)


def add_schedules(worker: JobWorker, poller: Poller, keys: IdempotencyKeys, sweep_cron: str) -> None:
    """Register the schedules; `sweep_cron` has six fields, Indian time (CRON_PAYIN_EXPIRY_SWEEP)."""

    async def sweep(_job: Job) -> None:
        await poller.wake_forgotten()

    async def forget(_job: Job) -> None:
        await keys.forget_old()

    worker.schedule(SWEEP, sweep_cron, sweep, next_run_makes_up=True)
    worker.schedule(FORGET, _FORGET_CRON, forget, next_run_makes_up=True)
