"""The desk where commands become commits: one batch, one transaction, one result for each caller.

It loads, lets the machine decide, writes, and enqueues the merchants' callbacks, all in one database transaction. What
needs no loading is served at a counter of its own (`express`). No provider is called here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache, partial
from typing import Final, TypeAlias

from prometheus_client import Counter

from wisipay import audit, callbacks
from wisipay.core.batch import Batcher
from wisipay.core.clock import Clock
from wisipay.core.crypto import SealBroken
from wisipay.core.database import Connection, Pool
from wisipay.core.logging import get_logger
from wisipay.core.metrics import PAYMENTS, counter
from wisipay.merchants import Directory
from wisipay.payments import store
from wisipay.payments.book import AuditDue, CallbackDue, PaymentBook
from wisipay.payments.commands import Command, Result
from wisipay.payments.express import Express, NotForExpressError
from wisipay.payments.machine import RETURNED, decide
from wisipay.payments.model import FINAL, Event, Kind, Source, Status, Transaction
from wisipay.payments.postings import derived_id
from wisipay.payments.rules import Rules

Begin: TypeAlias = Callable[[Connection], Awaitable[Sequence[Command]]]
End: TypeAlias = Callable[[Connection, Sequence[Result]], Awaitable[None]]
Ended: TypeAlias = Callable[[Transaction, Status], None]
"""Hears of each payment that its provider brought to an end; routing goes by it."""

GAP_SECONDS: Final = 0.008
"""Between batches of a counter: a commit costs as much as ten commands in it, so they may wait for company."""

_FAILED_BY_PROVIDER: Final = frozenset({"PROVIDER_FAILED", RETURNED})

_log = get_logger("payments.desk")
_ALERTS = counter("payment_alerts_total", "Payments that need an operator", ("what",))


class Desk:
    """Takes commands from any task of this process and decides them in batches."""

    def __init__(
        self,
        pool: Pool,
        directory: Directory,
        clock: Clock,
        rules: Rules,
        *,
        outbox: callbacks.Outbox | None = None,
        ended: Ended | None = None,
        max_batch: int = 256,
    ) -> None:
        self._pool = pool
        self._outbox = outbox or callbacks.Outbox()
        self._directory = directory
        self._ended = ended
        self._clock = clock
        self._rules = rules
        self._express = Express(partial(store.write_if_unchanged, pool), rules)
        self._batcher = Batcher[Command, Result](
            self._apply, name="payments", max_batch=max_batch, gap_seconds=GAP_SECONDS
        )
        self._express_batcher = Batcher[Command, Result](
            self._apply_express, name="payments_express", max_batch=max_batch, gap_seconds=GAP_SECONDS
        )

    async def submit(self, command: Command) -> Result:
        """Decide one command and return its result once it is committed. Raises `Overloaded` when too many wait."""
        batcher = self._express_batcher if self._express.takes(command, self._clock.now()) else self._batcher
        return await batcher.submit(command)

    async def drain(self) -> None:
        """Finish what was submitted."""
        await asyncio.gather(self._express_batcher.drain(), self._batcher.drain())

    async def decide_within(self, begin: Begin, end: End) -> None:
        """Decide the commands that `begin` brings and have `end` write what came of them, all in one transaction.

        For commands that are rows of somebody else's queue: taken, decided and done with in a single commit. `begin`
        may be called twice. What fails, fails as a whole: who calls must be able to submit each command by itself.
        """
        try:
            with self._outbox.writing() as outbox:
                async with self._pool.acquire() as conn, conn.transaction():
                    results, book, _ = await self._decide(conn, await begin(conn), outbox)
                    await end(conn, results)
        except store.CountersMissing as missing:
            await self._add_counters(missing)
            return await self.decide_within(begin, end)
        self._tell(book)
        return None

    async def _apply(self, commands: Sequence[Command]) -> list[Result]:
        try:
            with self._outbox.writing() as outbox:
                async with self._pool.acquire() as conn, conn.transaction():
                    results, book, version = await self._decide(conn, commands, outbox)
        except store.CountersMissing as missing:
            await self._add_counters(missing)
            return await self._apply(commands)
        self._express.remember(book, version)
        self._tell(book)
        return results

    async def _apply_express(self, commands: Sequence[Command]) -> list[Result]:
        try:
            results, book = await self._express.apply(commands, self._clock.now())
        except NotForExpressError:
            return await self._apply(commands)
        self._tell(book)
        return results

    def _tell(self, book: PaymentBook) -> None:
        _tell(book)
        if self._ended is not None:
            for event in book.events:
                transaction = book.transactions[event.transaction_id]
                if event.before is not None and _is_providers_end(event, transaction):
                    self._ended(transaction, event.after)

    async def _add_counters(self, missing: store.CountersMissing) -> None:
        async with self._pool.acquire() as conn:
            await store.add_counters(conn, missing.keys)

    async def _decide(
        self, conn: Connection, commands: Sequence[Command], outbox: callbacks.Writing
    ) -> tuple[list[Result], PaymentBook, int | None]:
        now = self._clock.now()
        book = await store.load(conn, commands, now)
        results = [decide(book, command, now, self._rules) for command in commands]
        version = await store.write(conn, book)
        if book.callbacks:
            events = [callback_event(due, await self._callback_url(due.transaction)) for due in book.callbacks]
            await outbox.enqueue(conn, events)
        for due in book.audits:
            await _record(conn, due)
        return results, book, version

    async def _callback_url(self, transaction: Transaction) -> str | None:
        """Return where the merchant wants to be told; a merchant that can't be read must not stop money."""
        try:
            merchant = await self._directory.merchant(transaction.merchant_id)
        except SealBroken:
            _log.exception("payment.merchant_unreadable", merchant_id=transaction.merchant_id)
            return None
        if merchant is None:
            return None
        return (merchant.payin if transaction.kind is Kind.PAYIN else merchant.payout).callback_url


def callback_event(due: CallbackDue, url: str | None) -> callbacks.CallbackEvent:
    """Return the event that tells a merchant, at `url`, of a final status. One `due` is one event."""
    transaction = due.transaction
    return callbacks.CallbackEvent(
        event_id=derived_id(transaction.id, f"callback:{due.sequence}"),
        merchant_id=transaction.merchant_id,
        transaction_id=transaction.id,
        order_id=transaction.order_id,
        type=transaction.kind.value,
        status=due.status.value,
        amount_paise=transaction.amount_paise,
        currency=transaction.currency,
        utr=transaction.utr,
        url=url,
        occurred_at=due.at,
    )


async def _record(conn: Connection, due: AuditDue) -> None:
    await audit.record(
        conn,
        due.actor,
        due.action,
        ("payment", due.transaction_id),
        due.before,
        due.after,
        happened_at=due.at,
        reason=due.reason,
    )


def _is_providers_end(event: Event, transaction: Transaction) -> bool:
    """Tell whether a payment ended so at a provider that had taken it: not by hand, and not for never being taken."""
    if event.after not in FINAL or event.source is Source.MANUAL_STATUS_UPDATE:
        return False
    return event.after is not Status.FAILED or transaction.error_code in _FAILED_BY_PROVIDER


@lru_cache(maxsize=1024)  # finding the child of a metric by its labels takes a lock and builds a key
def _moved(kind: Kind, status: Status, provider_id: str) -> Counter:
    return PAYMENTS.labels(kind.value, status.value, provider_id)


def _tell(book: PaymentBook) -> None:
    """Log and count what was committed: one line for each status moved, one for each payment that needs a person."""
    for what, transaction in book.alerts:
        _ALERTS.labels(what.split(",", maxsplit=1)[0][:40]).inc()
        _log.error("payment.alert", what=what, transaction_id=transaction.id, merchant_id=transaction.merchant_id)
    for event in book.events:
        if event.before is None:
            continue
        transaction = book.transactions[event.transaction_id]
        _moved(transaction.kind, event.after, transaction.provider_id).inc()
        _log.info(
            "payment.workflow.moved",
            transaction_id=transaction.id,
            merchant_id=transaction.merchant_id,
            order_id=transaction.order_id,
            provider_id=transaction.provider_id,
            before=event.before.value,
            status=event.after.value,
            by=event.source.value,
        )
