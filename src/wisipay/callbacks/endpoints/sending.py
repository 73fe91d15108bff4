"""The worker that delivers to further endpoints: claims fairly, delivers concurrently, records in batches.

Every endpoint has a lane of its own, whoever its merchant is: one that is slow or dead delays no other, nor the
merchant's callback URL, which another worker serves. A crash between a delivery and its record means that the event is
delivered again, with the same event id. Must never hold a database connection while an endpoint is called.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from time import monotonic
from typing import Final

from wisipay.callbacks.attempts import tell
from wisipay.callbacks.endpoints import store
from wisipay.callbacks.endpoints.delivery import EndpointDelivery
from wisipay.callbacks.endpoints.model import ClaimedDelivery, EndpointStatus
from wisipay.callbacks.lanes import Lanes
from wisipay.callbacks.model import Attempt, AttemptOutcome
from wisipay.callbacks.switching import Patience
from wisipay.callbacks.turns import Turns
from wisipay.core.batch import Batcher
from wisipay.core.clock import Clock
from wisipay.core.database import Pool
from wisipay.core.listener import Listener
from wisipay.core.queue import ClaimLoop, Lease

CHANNEL: Final = "callbacks_deliveries_due"
CONCURRENCY: Final = 256
_QUEUE: Final = "callbacks_deliveries"
_TIDY_EVERY_SECONDS: Final = 15.0
_MORE_AFTER_SECONDS: Final = 0.5
_RECORD_GAP_SECONDS: Final = 0.02


class EndpointWorker:
    """One per process; any number of processes. `start` it, `stop` it to drain."""

    def __init__(
        self,
        pool: Pool,
        listener: Listener,
        delivery: EndpointDelivery,
        clock: Clock,
        *,
        patience: Patience,
        concurrency: int = CONCURRENCY,
    ) -> None:
        self._pool = pool
        self._delivery = delivery
        self._clock = clock
        self._lanes = Lanes(concurrency)
        self._turns = Turns(partial(store.endpoints_waiting, pool))
        self._tidy_at = 0.0
        self._records: Batcher[Attempt, bool] = Batcher(
            lambda attempts: store.record(pool, attempts, patience),
            name="callbacks_delivery_record",
            gap_seconds=_RECORD_GAP_SECONDS,
        )
        self._loop: ClaimLoop[ClaimedDelivery] = ClaimLoop(
            name=_QUEUE,
            claim=self._claim,
            handle=self._handle,
            renew=self._renew,
            channel=CHANNEL,
            listener=listener,
            concurrency=concurrency,
            depth=partial(store.depth, pool),
        )

    async def start(self) -> None:
        """Begin to deliver."""
        await self._loop.start()

    async def stop(self) -> None:
        """Claim nothing more, finish what is in flight within a bound, record it."""
        await self._loop.stop()
        await self._records.drain()

    async def _claim(self, free: int, lease: Lease) -> Sequence[ClaimedDelivery]:
        now = monotonic()
        if now >= self._tidy_at:
            self._lanes.forget_idle(now)
            is_more = await store.resume(self._pool) == store.MOVED_MAX
            self._tidy_at = now + (_MORE_AFTER_SECONDS if is_more else _TIDY_EVERY_SECONDS)
        endpoints = await self._turns.look(free, lambda each: self._lanes.may_send(each, now))
        places = self._lanes.share_out(endpoints, free, now)
        if not places:
            return ()
        claimed = await store.claim(self._pool, places, lease.token, int(lease.seconds), self._clock.now())
        taken = Counter(each.addressee.endpoint.id for each in claimed)
        for endpoint_id, wanted in places.items():
            if taken[endpoint_id] < wanted:
                self._lanes.note_served(endpoint_id)
        off = {
            each.addressee.endpoint.id
            for each in claimed
            if each.addressee.endpoint.status is not EndpointStatus.ENABLED
        }
        if off:
            await store.lay_aside(self._pool, sorted(off))
        to_send = [each for each in claimed if each.addressee.endpoint.id not in off]
        for each in to_send:
            self._lanes.begin(each.addressee.endpoint.id)
        return to_send

    async def _renew(self, deliveries: Sequence[ClaimedDelivery], lease: Lease) -> None:
        await store.renew(self._pool, [each.key for each in deliveries], lease.token, int(lease.seconds))

    async def _handle(self, claimed: ClaimedDelivery) -> None:
        delivered, latency_ms, hold_seconds = False, 0, 0
        try:
            attempt, verdict = await self._delivery.attempt(claimed)
            delivered = attempt.outcome is AttemptOutcome.DELIVERED
            latency_ms, hold_seconds = attempt.latency_ms, verdict.hold_merchant_seconds
            is_ours = await self._records.submit(attempt)
        finally:
            endpoint_id, now = claimed.addressee.endpoint.id, monotonic()
            self._lanes.end(endpoint_id, delivered=delivered, latency_ms=latency_ms, hold_seconds=hold_seconds, now=now)
            if self._lanes.is_behind(endpoint_id, now):
                self._loop.wake()
        tell(attempt, is_ours=is_ours)
