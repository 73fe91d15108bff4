"""What an operator reads of payments: a list, and everything about one. It changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from wisipay.core.database import Connection
from wisipay.payments import store
from wisipay.payments.model import Attempt, Event, Status, Transaction

MOST_LISTED = 1_000


@dataclass(frozen=True, slots=True)
class PaymentFile:
    """One payment with its timeline and the provider calls that were begun for it."""

    transaction: Transaction
    events: list[Event]
    attempts: list[Attempt]


@dataclass(frozen=True, slots=True)
class PaymentFilter:
    """Which payments to list, the newest first; None means any. `before` is an id to page on from."""

    status: Status | None = None
    merchant_id: str | None = None
    asks_for_a_person: bool = False
    before: str | None = None


async def list_payments(conn: Connection, wanted: PaymentFilter, limit: int = 100) -> list[Transaction]:
    """Return up to `limit` (at most 1,000) payments."""
    rows = await conn.fetch(
        store.QUERIES["list_transactions"],
        wanted.status,
        wanted.merchant_id,
        wanted.asks_for_a_person,
        wanted.before,
        min(limit, MOST_LISTED),
    )
    return [store.transaction_of(row) for row in rows]


async def payment_file(conn: Connection, transaction_id: str) -> PaymentFile | None:
    """Return everything about one payment, None when there is none of that id."""
    transaction = await store.by_id(conn, transaction_id)
    if transaction is None:
        return None
    return PaymentFile(
        transaction,
        await store.timeline(conn, transaction_id),
        await store.attempts_of(conn, transaction_id),
    )
