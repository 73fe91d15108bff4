"""Looking after open payments: whatever has a due time is asked about, whoever began it and whatever died since.

One look per claimed payment; the machine decides what the answer means and when the next look is due. It never sends a
payment anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from wisipay.core.clock import Clock
from wisipay.core.database import Pool
from wisipay.core.logging import get_logger
from wisipay.core.queue import ClaimLoop, Lease
from wisipay.payments import store
from wisipay.payments.asking import Asker
from wisipay.payments.model import Source, Transaction

_log = get_logger("payments.poller")


class Poller:
    """Claims due payments and asks their providers."""

    def __init__(self, pool: Pool, asker: Asker, clock: Clock, *, concurrency: int = 64) -> None:
        self._pool = pool
        self._asker = asker
        self._clock = clock
        self._loop = ClaimLoop[Transaction](
            name="payments_due",
            claim=self._claim,
            handle=self._look,
            renew=self._renew,
            channel=None,
            listener=None,
            concurrency=concurrency,
        )

    async def start(self) -> None:
        """Begin to claim."""
        await self._loop.start()

    async def stop(self) -> None:
        """Finish the looks in flight and claim no more."""
        await self._loop.stop()

    async def wake_forgotten(self) -> int:
        """Make open payments due that have no due time; returns how many. There should never be any."""
        async with self._pool.acquire() as conn:
            ids = await store.wake_forgotten(conn, self._clock.now())
        if ids:
            _log.error("payment.forgotten", transactionIds=ids[:20], count=len(ids))
        return len(ids)

    async def _claim(self, limit: int, lease: Lease) -> Sequence[Transaction]:
        async with self._pool.acquire() as conn:
            return await store.claim_due(conn, self._clock.now(), limit, lease)

    async def _renew(self, rows: Sequence[Transaction], lease: Lease) -> None:
        async with self._pool.acquire() as conn:
            await store.renew_leases(conn, self._clock.now(), [row.id for row in rows], lease)

    async def _look(self, transaction: Transaction) -> None:
        await self._asker.ask(transaction, Source.STATUS_POLL, transaction.lease_token)
