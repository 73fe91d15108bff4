"""The instance `wisipay worker`: everything that happens without anybody asking.

Webhooks are understood, open payments looked after, callbacks delivered, schedules kept. Composition only. Any number
of workers may run; they share the work through the rows they claim.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

import uvloop

from wisipay.apilog.jobs import add_schedules as add_log_schedules
from wisipay.callbacks import Delivery, EndpointDelivery, Patience
from wisipay.callbacks.jobs import add_handlers as add_callback_handlers
from wisipay.callbacks.worker import CallbackWorker, EndpointWorker
from wisipay.core.config import Settings
from wisipay.core.crypto import SecretBox
from wisipay.core.job_worker import JobWorker
from wisipay.core.logging import configure_logging, get_logger
from wisipay.core.memory import settle_memory
from wisipay.core.money import PAISE_PER_RUPEE
from wisipay.entrypoints.engine import Engine, engine
from wisipay.entrypoints.ledger_jobs import LedgerJobs
from wisipay.entrypoints.ledger_metrics import LedgerMetrics
from wisipay.entrypoints.ledger_sealer import LedgerSealer
from wisipay.entrypoints.metrics_port import metrics_port
from wisipay.mail import mailer_of
from wisipay.payments import FloatPoller, IdempotencyKeys, Poller, Validations
from wisipay.payments.jobs import add_float_schedule, add_schedules, add_validation_schedule
from wisipay.sandbox import SandboxStore
from wisipay.sandbox.worker import SandboxWorker
from wisipay.webhooks import Processing
from wisipay.webhooks.worker import WebhookWorker

_NAME_LOOKUPS = 64
"""Threads that look names up, so that merchants whose name servers hang delay no others."""

_log = get_logger("entrypoints.worker")


@asynccontextmanager
async def working(parts: Engine) -> AsyncIterator[None]:
    """Run every loop of a worker; at the end each finishes what it holds and gives the rest back."""
    settings = parts.settings
    delivery = Delivery(
        parts.directory,
        parts.client,
        parts.clock,
        unit=settings.amount_unit,
        https_only=settings.wisipay_env == "production",
    )
    patience = Patience.from_settings(settings)
    endpoints = EndpointDelivery(delivery, SecretBox.from_settings(settings))
    poller = Poller(parts.pool, parts.asker, parts.clock)
    jobs = JobWorker(settings)
    add_schedules(jobs, poller, IdempotencyKeys(parts.pool, parts.clock), settings.cron_payin_expiry_sweep)
    add_log_schedules(jobs, parts.pool, parts.clock, settings.api_log_days)
    floats = FloatPoller(
        parts.pool, parts.directory, parts.gateway, parts.clock, low_paise=settings.float_low * PAISE_PER_RUPEE
    )
    add_float_schedule(jobs, floats, settings.cron_float_balances)
    add_validation_schedule(jobs, Validations(parts.pool, parts.clock))
    LedgerJobs(settings, parts.clock).add_schedules(jobs)
    add_callback_handlers(jobs, parts.directory, mailer_of(settings, parts.client), settings.app_brand_name)
    loops = (
        CallbackWorker(parts.pool, parts.listener, delivery, parts.outbox, patience=patience),
        EndpointWorker(parts.pool, parts.listener, endpoints, parts.clock, patience=patience),
        poller,
        WebhookWorker(parts.pool, parts.listener, Processing(parts.directory, parts.gateway, parts.words)),
        jobs,
        LedgerSealer(parts.pool, parts.clock, settings.cron_ledger_sealer),
        LedgerMetrics(parts.pool, parts.clock),
        SandboxWorker(SandboxStore(parts.redis), delivery, parts.clock),
    )
    for loop in loops:
        await loop.start()
    try:
        yield
    finally:
        await asyncio.gather(*(loop.stop() for loop in loops))


async def work(settings: Settings, stop: asyncio.Event) -> None:
    """Work until `stop` is set."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_NAME_LOOKUPS, thread_name_prefix="dns"))
    async with engine(settings, "worker") as parts, working(parts):
        with metrics_port(settings, settings.worker_metrics_port):
            settle_memory()
            _log.info("service.started")
            await stop.wait()
    _log.info("service.stopped")


async def _work_until_signal(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await work(settings, stop)


def run(settings: Settings) -> None:
    """Work until SIGTERM, then finish what is in flight."""
    configure_logging(settings, "worker")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work_until_signal(settings))
