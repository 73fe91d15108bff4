"""The stores of payments, ledger, callbacks and webhooks under one set of names: in memory, and in PostgreSQL.

Each operation is one transaction. `now` is the database's clock: in PostgreSQL a function of that name, found before
the server's own, tells it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from support.memory_ledger import MemoryLedger
from support.memory_payments import MemoryPayments
from support.memory_queues import MemoryInbox, MemoryOutbox
from wisipay import callbacks, ledger
from wisipay.callbacks import CallbackEvent
from wisipay.callbacks import store as outbox_store
from wisipay.callbacks.enqueue import NO_LEASE
from wisipay.callbacks.model import Attempt, ClaimedCallback
from wisipay.core.database import Connection, Pool
from wisipay.core.queue import Lease
from wisipay.payments import Rules, Transaction, store
from wisipay.payments.book import PaymentBook
from wisipay.payments.commands import Command, Result
from wisipay.payments.express import Express
from wisipay.payments.machine import decide
from wisipay.webhooks import history as inbox_history
from wisipay.webhooks import store as inbox_store
from wisipay.webhooks.model import ClaimedWebhook, Look, ReceivedWebhook

RULES = Rules()
Meddle = Callable[[PaymentBook], None]
"""What a test does to a book before it is written."""

_CLOCK = """
CREATE SCHEMA IF NOT EXISTS simulated;
SET simulated.now = '2026-11-22T06:30:00+00:00';
CREATE OR REPLACE FUNCTION simulated.now() RETURNS timestamptz LANGUAGE sql STABLE
AS $$ SELECT current_setting('simulated.now')::timestamptz $$;
SET search_path TO simulated, public, pg_catalog;
"""


@dataclass
class MemoryStores:
    """All stores in memory."""

    books: MemoryLedger = field(default_factory=MemoryLedger)
    outbox: MemoryOutbox = field(default_factory=MemoryOutbox)
    inbox: MemoryInbox = field(default_factory=MemoryInbox)

    def __post_init__(self) -> None:
        self.payments = MemoryPayments(self.books)
        self._counter = Express(self._write_if_unchanged, RULES)

    async def _write_if_unchanged(self, book: PaymentBook, versions: Mapping[str, int]) -> int:
        return self.payments.write_if_unchanged(book, versions)

    async def express(self, commands: Sequence[Command], now: datetime) -> list[Result]:
        results, _ = await self._counter.apply(commands, now)
        return results

    async def open_accounts(self, specs: Sequence[ledger.AccountSpec]) -> None:
        self.books.open_accounts(specs)

    async def set_account_status(self, account_id: str, status: ledger.AccountStatus) -> None:
        self.books.set_account_status(account_id, status)

    async def book(self, commands: Sequence[ledger.Command], now: datetime) -> list[ledger.Result]:
        book = self.books.load(ledger.wanted_by(commands))
        results = [book.apply(command, now) for command in commands]
        self.books.check(book)
        self.books.write(book)
        return results

    async def add_counters(self, keys: Sequence[tuple[str, str]]) -> None:
        self.payments.add_counters(keys)

    async def load(self, commands: Sequence[Command], now: datetime) -> PaymentBook:
        return self.payments.load(commands, now)

    async def commit(self, commands: Sequence[Command], now: datetime, meddle: Meddle | None = None) -> list[Result]:
        book = self.payments.load(commands, now)
        results = [decide(book, command, now, RULES) for command in commands]
        if meddle is not None:
            meddle(book)
        self.payments.check(book)
        self._counter.remember(book, self.payments.write(book))
        return results

    async def claim_due(self, now: datetime, limit: int, lease: Lease) -> list[Transaction]:
        return self.payments.claim_due(now, limit, lease)

    async def renew_leases(self, now: datetime, ids: Sequence[str], lease: Lease) -> None:
        self.payments.renew_leases(now, ids, lease)

    async def wake_forgotten(self, now: datetime) -> list[str]:
        return self.payments.wake_forgotten(now)

    async def enqueue(
        self, events: Sequence[CallbackEvent], now: datetime, own: Sequence[UUID] = (), lease: Lease = NO_LEASE
    ) -> frozenset[UUID]:
        return self.outbox.enqueue(events, now, own, lease)

    async def claim_callbacks(
        self, places: Mapping[str, int], token: UUID, seconds: int, now: datetime
    ) -> list[ClaimedCallback]:
        return self.outbox.claim(places, token, seconds, now)

    async def renew_callbacks(self, event_ids: Sequence[UUID], token: UUID, seconds: int, now: datetime) -> None:
        self.outbox.renew(event_ids, token, seconds, now)

    async def record_attempts(self, attempts: Sequence[Attempt], now: datetime) -> list[bool]:
        return self.outbox.record(attempts, now)

    async def switch_on(self, merchant_id: str, type_: str) -> None:
        self.outbox.switch_on(merchant_id, type_)

    async def replay_callbacks(self, event_ids: Sequence[UUID], now: datetime) -> None:
        self.outbox.replay(event_ids, now)

    async def insert_webhooks(self, webhooks: Sequence[ReceivedWebhook], now: datetime) -> None:
        self.inbox.insert(webhooks, now)

    async def lock_webhooks(self, limit: int, now: datetime) -> list[ClaimedWebhook]:
        return self.inbox.lock_due(limit, now)

    async def claim_webhooks(self, limit: int, token: UUID, seconds: int, now: datetime) -> list[ClaimedWebhook]:
        return self.inbox.claim(limit, token, seconds, now)

    async def renew_webhooks(self, webhook_ids: Sequence[UUID], token: UUID, seconds: int, now: datetime) -> None:
        self.inbox.renew(webhook_ids, token, seconds, now)

    async def record_looks(self, looks: Sequence[Look], now: datetime) -> list[bool]:
        return self.inbox.record(looks, now)

    async def replay_webhooks(self, webhook_ids: Sequence[UUID], now: datetime) -> None:
        self.inbox.replay(webhook_ids, now)

    async def state(self) -> dict[str, Any]:
        """Return everything that is stored, in one form for both."""
        payments = self.payments
        return {
            "transactions": sorted(payments.transactions.values(), key=lambda each: each.id),
            "attempts": sorted(
                (each.transaction_id, each.number) for some in payments.attempts.values() for each in some
            ),
            "events": [each for name in sorted(payments.events) for each in payments.events[name]],
            "usage": {key: (use.amount_paise, use.count) for key, use in payments.usage.items()},
            "accounts": {each.id: (each.status, each.state()) for each in self.books.accounts.values()},
            "entries": sorted((entry_id, entry.kind.value) for entry_id, entry in self.books.entries.items()),
            "ended": {target: end[0] for target, end in self.books.ended.items()},
            "outbox": [
                (row.event, row.state.value, row.due_at, row.lease_token, row.attempts, row.last_error)
                for row in self.outbox.rows.values()
            ],
            "inbox": sorted(
                (row.webhook.webhook_id, row.state.value, row.due_at, row.lease_token, row.attempts, row.result)
                for row in self.inbox.rows.values()
            ),
        }


class PostgresStores:
    """The product's stores, on one connection whose clock the caller sets."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._counter = Express(partial(store.write_if_unchanged, self._pool), RULES)

    @property
    def _pool(self) -> Any:  # noqa: ANN401 - stands in for a pool
        return _OneConnection(self._conn)

    async def open_accounts(self, specs: Sequence[ledger.AccountSpec]) -> None:
        await ledger.open_accounts(self._conn, specs)

    async def set_account_status(self, account_id: str, status: ledger.AccountStatus) -> None:
        await ledger.set_account_status(self._conn, account_id, status)

    async def book(self, commands: Sequence[ledger.Command], now: datetime) -> list[ledger.Result]:
        async with self._conn.transaction():
            return await ledger.apply(self._conn, commands, now)

    async def add_counters(self, keys: Sequence[tuple[str, str]]) -> None:
        await store.add_counters(self._conn, keys)

    async def load(self, commands: Sequence[Command], now: datetime) -> PaymentBook:
        async with self._conn.transaction():
            return await store.load(self._conn, commands, now)

    async def commit(self, commands: Sequence[Command], now: datetime, meddle: Meddle | None = None) -> list[Result]:
        async with self._conn.transaction():
            book = await store.load(self._conn, commands, now)
            results = [decide(book, command, now, RULES) for command in commands]
            if meddle is not None:
                meddle(book)
            version = await store.write(self._conn, book)
        self._counter.remember(book, version)
        return results

    async def express(self, commands: Sequence[Command], now: datetime) -> list[Result]:
        results, _ = await self._counter.apply(commands, now)
        return results

    async def claim_due(self, now: datetime, limit: int, lease: Lease) -> list[Transaction]:
        return await store.claim_due(self._conn, now, limit, lease)

    async def renew_leases(self, now: datetime, ids: Sequence[str], lease: Lease) -> None:
        await store.renew_leases(self._conn, now, ids, lease)

    async def wake_forgotten(self, now: datetime) -> list[str]:
        return await store.wake_forgotten(self._conn, now)

    async def enqueue(
        self, events: Sequence[CallbackEvent], now: datetime, own: Sequence[UUID] = (), lease: Lease = NO_LEASE
    ) -> frozenset[UUID]:
        await self._at(now)
        return await callbacks.enqueue(self._conn, events, own=own, lease=lease)

    async def claim_callbacks(
        self, places: Mapping[str, int], token: UUID, seconds: int, now: datetime
    ) -> list[ClaimedCallback]:
        await self._at(now)
        return await outbox_store.claim(self._pool, places, token, seconds)

    async def renew_callbacks(self, event_ids: Sequence[UUID], token: UUID, seconds: int, now: datetime) -> None:
        await self._at(now)
        await outbox_store.renew(self._pool, event_ids, token, seconds)

    async def record_attempts(self, attempts: Sequence[Attempt], now: datetime) -> list[bool]:
        await self._at(now)
        return await outbox_store.record(self._pool, attempts)

    async def switch_on(self, merchant_id: str, type_: str) -> None:
        await callbacks.switch_on(self._conn, merchant_id, type_)

    async def replay_callbacks(self, event_ids: Sequence[UUID], now: datetime) -> None:
        await self._at(now)
        await callbacks.replay(self._conn, event_ids)

    async def insert_webhooks(self, webhooks: Sequence[ReceivedWebhook], now: datetime) -> None:
        await self._at(now)
        await inbox_store.insert(self._pool, webhooks)

    async def lock_webhooks(self, limit: int, now: datetime) -> list[ClaimedWebhook]:
        await self._at(now)
        return await inbox_store.lock_due(self._conn, limit)

    async def claim_webhooks(self, limit: int, token: UUID, seconds: int, now: datetime) -> list[ClaimedWebhook]:
        await self._at(now)
        return await inbox_store.claim(self._pool, limit, token, seconds)

    async def renew_webhooks(self, webhook_ids: Sequence[UUID], token: UUID, seconds: int, now: datetime) -> None:
        await self._at(now)
        await inbox_store.renew(self._pool, webhook_ids, token, seconds)

    async def record_looks(self, looks: Sequence[Look], now: datetime) -> list[bool]:
        await self._at(now)
        return await inbox_store.record(self._conn, looks)

    async def replay_webhooks(self, webhook_ids: Sequence[UUID], now: datetime) -> None:
        await self._at(now)
        await inbox_history.replay(self._conn, webhook_ids)

    async def state(self) -> dict[str, Any]:
        """Return everything that is stored, in one form for both."""
        fetch = self._conn.fetch
        ids = [row["id"] for row in await fetch("SELECT id FROM payments_transactions ORDER BY id")]
        accounts = [row["id"] for row in await fetch("SELECT id FROM ledger_accounts")]
        balances = await ledger.balances(self._conn, accounts)
        attempts = await fetch("SELECT transaction_id, number FROM payments_attempts ORDER BY 1, 2")
        usage = await fetch("SELECT subject, period, amount_paise, count FROM payments_usage")
        return {
            "transactions": [await store.by_id(self._conn, each) for each in ids],
            "attempts": [tuple(row) for row in attempts],
            "events": [event for each in ids for event in await store.timeline(self._conn, each)],
            "usage": {tuple(row)[:2]: tuple(row)[2:] for row in usage},
            "accounts": {name: (each.status, each.state()) for name, each in balances.items()},
            "entries": [tuple(row) for row in await fetch("SELECT id, kind::text FROM ledger_entries ORDER BY id")],
            "ended": {row[0]: row[1] for row in await fetch("SELECT target_id, entry_id FROM ledger_resolutions")},
            "outbox": [
                (
                    outbox_store.event_of(row),
                    row["state"],
                    row["due_at"],
                    row["lease_token"],
                    row["attempts"],
                    row["last_error"],
                )
                for row in await fetch("SELECT * FROM callbacks_outbox ORDER BY position")
            ],
            "inbox": [
                (row["webhook_id"], row["state"], row["due_at"], row["lease_token"], row["attempts"], row["result"])
                for row in await fetch("SELECT * FROM webhooks_inbox ORDER BY webhook_id")
            ],
        }

    async def _at(self, now: datetime) -> None:
        await self._conn.execute("SELECT set_config('simulated.now', $1, false)", now.isoformat())


class _OneConnection:
    """A pool of the one connection that knows the clock."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self.fetch = conn.fetch
        self.fetchrow = conn.fetchrow
        self.fetchval = conn.fetchval
        self.execute = conn.execute

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Connection]:
        yield self._conn


Stores = MemoryStores | PostgresStores


@asynccontextmanager
async def postgres_stores(pool: Pool) -> AsyncIterator[PostgresStores]:
    """Return the stores of an empty database, with a clock of their own."""
    async with pool.acquire() as conn:
        await conn.execute(_CLOCK)
        try:
            yield PostgresStores(conn)
        finally:
            await conn.execute("RESET search_path; DROP SCHEMA simulated CASCADE")
