"""Sends the sandbox's callbacks: the same body, headers and signature as in earnest, a few attempts.

Decides that a callback is given up after some attempts: a test that nobody listens to needs no day of them. Must never
write to the outbox, which holds what real payments have to say.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from redis.exceptions import RedisError

from wisipay.callbacks import AttemptOutcome, ClaimedCallback, Delivery
from wisipay.core.clock import Clock
from wisipay.core.logging import get_logger
from wisipay.core.queue import ClaimLoop, Lease
from wisipay.sandbox.events import SandboxEvents, event_of
from wisipay.sandbox.store import TRIES_MAX, DueCallback, SandboxStore

_CONCURRENCY: Final = 32
_SWEEP_SECONDS: Final = 0.5
_LEASE_SECONDS: Final = 8.0

_log = get_logger(__name__)


class SandboxWorker:
    """One per process; any number of processes. `start` it, `stop` it to drain."""

    def __init__(self, store: SandboxStore, delivery: Delivery, clock: Clock) -> None:
        self._store = store
        self._events = SandboxEvents(store)
        self._delivery = delivery
        self._clock = clock
        self._loop = ClaimLoop[DueCallback](
            name="sandbox_callbacks",
            claim=self._claim,
            handle=self._send,
            renew=self._renew,
            channel=None,
            listener=None,
            concurrency=_CONCURRENCY,
            sweep_seconds=_SWEEP_SECONDS,
            lease_seconds=_LEASE_SECONDS,
        )

    async def start(self) -> None:
        """Begin to send."""
        await self._loop.start()

    async def stop(self) -> None:
        """Finish what is in flight and claim no more."""
        await self._loop.stop()

    async def _claim(self, limit: int, lease: Lease) -> Sequence[DueCallback]:
        try:
            return await self._store.claim(self._clock.now(), limit, lease.seconds)
        except RedisError as error:  # as everything else of a worker does, it bears Redis being away
            _log.warning("sandbox.store_unavailable", error=type(error).__name__)
            return ()

    async def _renew(self, callbacks: Sequence[DueCallback], lease: Lease) -> None:
        await self._store.renew(callbacks, self._clock.now(), lease.seconds)

    async def _send(self, callback: DueCallback) -> None:
        payment = await self._store.by_id(callback.payment_id)
        if payment is None or callback.step >= len(payment.steps):
            await self._store.done(callback)
            return
        await self._events.note(payment, callback, self._clock.now())
        attempt, verdict = await self._delivery.attempt(
            ClaimedCallback(event_of(payment, callback.step), callback.tries, UUID(int=0))
        )
        await self._events.add_attempt(attempt)
        _log.info(
            f"sandbox.callback.{attempt.outcome.lower()}",
            merchant_id=payment.merchant_id,
            transaction_id=payment.id,
            status=attempt.http_status,
            error=attempt.error,
            latency_ms=attempt.latency_ms,
        )
        may_again = attempt.url is not None and callback.tries + 1 < TRIES_MAX
        if attempt.outcome is AttemptOutcome.RETRY and may_again:
            await self._store.again(callback, self._clock.now() + timedelta(seconds=verdict.gap_seconds))
        else:
            await self._store.done(callback)
