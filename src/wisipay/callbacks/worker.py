"""The worker that empties the outbox: claims fairly, delivers concurrently, records in batches.

It also sends what its own process has just written (`handover`), without having to claim it. Decides how many
deliveries run at a time and in whose favour. A crash between a delivery and its record means that the event is
delivered again, with the same event id. Must never hold a database connection while a merchant is called.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from time import monotonic
from typing import Final

from wisipay.callbacks import store
from wisipay.callbacks.attempts import tell
from wisipay.callbacks.delivery import Delivery
from wisipay.callbacks.endpoints.sending import EndpointWorker
from wisipay.callbacks.handover import NOBODY, Outbox
from wisipay.callbacks.lanes import Lanes
from wisipay.callbacks.model import Attempt, AttemptOutcome, CallbackEvent, ClaimedCallback
from wisipay.callbacks.switching import Patience
from wisipay.callbacks.turns import Turns
from wisipay.core.batch import Batcher
from wisipay.core.database import Pool
from wisipay.core.listener import Listener
from wisipay.core.queue import ClaimLoop, Lease

__all__ = ["CallbackWorker", "EndpointWorker"]

CHANNEL: Final = "callbacks_due"
CONCURRENCY: Final = 512
_QUEUE: Final = "callbacks_outbox"
_TIDY_EVERY_SECONDS: Final = 15.0
_PATIENCE: Final = Patience()
_RECORD_GAP_SECONDS: Final = 0.02
"""Between commits that record attempts: nobody waits for them, apart from the merchant's lane."""


class CallbackWorker:
    """One per process; any number of processes. `start` it, `stop` it to drain."""

    def __init__(
        self,
        pool: Pool,
        listener: Listener,
        delivery: Delivery,
        outbox: Outbox,
        *,
        patience: Patience = _PATIENCE,
        concurrency: int = CONCURRENCY,
    ) -> None:
        self._pool = pool
        self._delivery = delivery
        self._outbox = outbox
        self._reserved = 0
        self._lanes = Lanes(concurrency)
        self._turns = Turns(partial(store.merchants_waiting, pool))
        self._tidy_at = 0.0
        self._records: Batcher[Attempt, bool] = Batcher(
            partial(store.record, pool, patience=patience), name="callbacks_record", gap_seconds=_RECORD_GAP_SECONDS
        )
        self._loop: ClaimLoop[ClaimedCallback] = ClaimLoop(
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
        self._outbox.sender = self

    async def stop(self) -> None:
        """Claim nothing more, finish what is in flight within a bound, record it."""
        self._outbox.sender = NOBODY
        await self._loop.stop()
        await self._records.drain()

    def new_lease(self) -> Lease:
        """Return the lease to write into events that this worker will send."""
        return self._loop.new_lease()

    def reserve(self, events: Sequence[CallbackEvent]) -> list[CallbackEvent]:
        """Keep places for events of merchants of whom none waits, as far as there is room; one per transaction."""
        room, now = self._loop.room - self._reserved, monotonic()
        firsts: dict[str, CallbackEvent] = {}
        for event in events:
            firsts.setdefault(event.transaction_id, event)
        chosen: list[CallbackEvent] = []
        for event in firsts.values():
            merchant_id = event.merchant_id
            if (
                len(chosen) < room
                and self._lanes.is_open(merchant_id, now)
                and not self._lanes.is_behind(merchant_id, now)
            ):
                self._lanes.begin(merchant_id)
                chosen.append(event)
        self._reserved += len(chosen)
        return chosen

    def release(self, events: Sequence[CallbackEvent]) -> None:
        """Take back the places of events that will not be handed over."""
        self._reserved -= len(events)
        for event in events:
            self._lanes.forgo(event.merchant_id)

    def send(self, callbacks: Sequence[ClaimedCallback], lease: Lease, leased_at: float) -> None:
        """Send committed events for which places were kept, leased since `leased_at`."""
        self._reserved -= len(callbacks)
        self._loop.adopt(callbacks, lease, leased_at)

    async def _claim(self, free: int, lease: Lease) -> Sequence[ClaimedCallback]:
        now = monotonic()
        self._tidy(now)
        merchants = await self._turns.look(free, lambda each: self._lanes.may_send(each, now))
        places = self._lanes.share_out(merchants, free, now)
        if not places:
            return ()
        claimed = await store.claim(self._pool, places, lease.token, int(lease.seconds))
        for callback in claimed:
            self._lanes.begin(callback.event.merchant_id)
        taken = Counter(callback.event.merchant_id for callback in claimed)
        for merchant_id, wanted in places.items():
            if taken[merchant_id] < wanted:
                self._lanes.note_served(merchant_id)
        return claimed

    async def _renew(self, callbacks: Sequence[ClaimedCallback], lease: Lease) -> None:
        event_ids = [callback.event.event_id for callback in callbacks]
        await store.renew(self._pool, event_ids, lease.token, int(lease.seconds))

    async def _handle(self, callback: ClaimedCallback) -> None:
        delivered, latency_ms, hold_seconds = False, 0, 0
        try:
            attempt, verdict = await self._delivery.attempt(callback)
            delivered = attempt.outcome is AttemptOutcome.DELIVERED
            latency_ms, hold_seconds = attempt.latency_ms, verdict.hold_merchant_seconds
            is_ours = await self._records.submit(attempt)
        finally:
            merchant_id, now = callback.event.merchant_id, monotonic()
            self._lanes.end(merchant_id, delivered=delivered, latency_ms=latency_ms, hold_seconds=hold_seconds, now=now)
            if self._lanes.is_behind(merchant_id, now):
                self._loop.wake()
        tell(attempt, is_ours=is_ours)

    def _tidy(self, now: float) -> None:
        if now >= self._tidy_at:
            self._tidy_at = now + _TIDY_EVERY_SECONDS
            self._lanes.forget_idle(now)
