"""Payments in PostgreSQL: load and lock what a batch needs, write what it changed, in the caller's transaction.

One statement reads each kind of row, one writes them all. Rows are locked in one order everywhere, so that batches of
any number of processes wait for each other but never deadlock: payments by id, the ledger's accounts, limit counters
by key, new payments by merchant and order id. A batch that asks for a limit locks all counters that it may touch
before it decides; one that does not adds to them when it writes, in the same place of that order. A counter that does
not exist yet can't be locked in its place: it is added first, by a transaction that holds nothing else.
It decides nothing about payments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any, Final, TypeAlias

import asyncpg

from wisipay import ledger
from wisipay.core.database import Connection, Pool
from wisipay.core.queue import Lease
from wisipay.core.sql import load_queries, together
from wisipay.payments.book import PaymentBook
from wisipay.payments.commands import Command, CreateAnswered, Looked, Open, ProviderWord
from wisipay.payments.model import Attempt, Event, Kind, Source, Status, Transaction
from wisipay.payments.needs import ledger_needs, other_attempts, usage_needs
from wisipay.payments.usage import UsageKey, Use
from wisipay.providers import Accepted, StatusReport, Unknown

QUERIES = load_queries(__file__, "queries.sql")

Changes: TypeAlias = dict[str, list[list[Any]]]
"""The parameters of what is to be written, by the name of the statement that writes it; empty ones write nothing."""


class CountersMissing(Exception):  # noqa: N818 - not an error: the first payment of a day or month meets it
    """Some limit counters do not exist yet. Roll back, add them with `add_counters`, and load again."""

    def __init__(self, keys: Sequence[UsageKey]) -> None:
        super().__init__(f"{len(keys)} limit counters do not exist yet")
        self.keys = keys


class RowsChanged(Exception):  # noqa: N818 - not an error: somebody else was quicker
    """A payment is no longer as it was believed to be. Nothing was written: load and decide again."""


_VERSION = "SELECT pg_current_xact_id()::xid"
# Payments that changed are missing from change_0: an error is the one way in which a statement undoes its own changes.
_VERSION_IF_UNCHANGED = f"{_VERSION}, 1 / (count(*) = cardinality($1))::int FROM change_0"
_MOVING = [
    "id",
    "status",
    "channel_id",
    "provider_id",
    "legal_entity_id",
    "provider_fee_paise",
    "provider_tax_paise",
    "updated_at",
    "attempt_started_at",
    "due_at",
    "attempt",
    "provider_reference",
    "payment_url",
    "utr",
    "flags",
    "error_code",
    "error_message",
    "polls",
    "not_found",
    "event_count",
    "callback_count",
    "lease_token",
    "lease_until",
]
_FIELDS = len(Transaction.__struct_fields__)
_KINDS = {kind.value: kind for kind in Kind}
_STATUSES = {status.value: status for status in Status}
_ORDER = attrgetter("merchant_id", "order_id")
_ANSWERS: Final = (CreateAnswered, Looked)
_NAMING: Final = (Accepted, StatusReport, Unknown)


async def load(conn: Connection, commands: Sequence[Command], now: datetime) -> PaymentBook:
    """Lock and load every row that the commands may touch. Raises `CountersMissing`."""
    opens = {(command.merchant_id, command.order_id) for command in commands if isinstance(command, Open)}
    spoken = {pair for command in commands if (pair := _spoken_reference(command)) is not None}
    named = {command.transaction_id for command in commands if not isinstance(command, Open)} - {None}
    transactions = await _lock_transactions(conn, named, sorted(opens), sorted(spoken))
    orders = {pair: each.id for each in transactions.values() if (pair := (each.merchant_id, each.order_id)) in opens}
    references = {
        (each.provider_id, each.provider_reference): each.id
        for each in transactions.values()
        if each.provider_reference is not None
    }
    attempts = await _attempts(conn, other_attempts(commands, transactions))
    pairs = [(command, transactions.get(_names(command, references) or "")) for command in commands]
    ledger_book = await ledger.load(conn, ledger_needs(pairs, attempts))
    counters = usage_needs(pairs, attempts, now)
    return PaymentBook(
        ledger=ledger_book,
        transactions=transactions,
        orders=orders,
        references=references,
        attempts=attempts,
        usage=await _lock_usage(conn, counters),
        counters=counters,
    )


async def add_counters(conn: Connection, keys: Iterable[UsageKey]) -> None:
    """Add limit counters at zero; those that exist stay as they are. In a transaction that has locked nothing."""
    wanted = sorted(keys)
    await conn.execute(QUERIES["add_counters"], [subject for subject, _ in wanted], [period for _, period in wanted])


async def write(conn: Connection, book: PaymentBook) -> int | None:
    """Write the effects of the decided commands; callbacks are the caller's to enqueue.

    Returns the version that the rows of payments bear from now on, None when none was written.
    """
    changes = _changes_of(book)
    version = await _carry_out(conn, changes, _VERSION) if changes else None
    await ledger.write(conn, book.ledger)
    return version


async def write_if_unchanged(pool: Pool, book: PaymentBook, versions: Mapping[str, int]) -> int:
    """Write a book that moves no money and tells nobody, in one round trip that is a transaction of its own.

    `versions` are those of the payments that it is based on though nobody loaded them. Raises `RowsChanged` when one of
    them is another by now, and `asyncpg.UniqueViolationError` when a new payment's order, or a reference that a
    provider gave, is taken; then nothing is written. Returns the version of what was.
    """
    known = sorted(versions)
    locks: Changes = {"lock_unchanged": [known, [versions[each] for each in known]]} if known else {}
    try:
        return await _carry_out(pool, locks | _changes_of(book), _VERSION_IF_UNCHANGED if known else _VERSION)
    except asyncpg.DivisionByZeroError as error:
        raise RowsChanged from error


def _changes_of(book: PaymentBook) -> Changes:
    created = {transaction.id for transaction in book.created}
    changed = [transaction for transaction in book.changed.values() if transaction.id not in created]
    latest = sorted((book.transactions[each.id] for each in book.created), key=_ORDER)
    uses = [(*key, use.amount_paise, use.count) for key, use in sorted(book.usage_changes.items())]
    moved = [use for use in uses if any(use[2:])]
    changes: Changes = {
        "insert_transactions": [latest],
        "update_transactions": [list(map(_plain(name), changed)) for name in _MOVING],
        "insert_attempts": [book.new_attempts],
        "insert_events": [book.events],
        # Carried out before the others, since it stands last: counters are changed before payments are added.
        "add_usage": [[use[column] for use in moved] for column in range(4)],
    }
    return {name: values for name, values in changes.items() if values[0]}


async def _carry_out(database: Pool | Connection, changes: Changes, answer: str) -> int:
    statement = together(*(QUERIES[name] for name in changes), answer=answer)
    return int(await database.fetchval(statement, *chain.from_iterable(changes.values())))


async def claim_due(conn: Connection, now: datetime, limit: int, lease: Lease) -> list[Transaction]:
    """Lease up to `limit` payments that are due, the longest waiting first."""
    rows = await conn.fetch(QUERIES["claim_due"], lease.token, now, lease.seconds, limit)
    return [transaction_of(row) for row in rows]


async def renew_leases(conn: Connection, now: datetime, ids: Sequence[str], lease: Lease) -> None:
    """Keep leased payments for as long again."""
    await conn.execute(QUERIES["renew_leases"], ids, lease.token, now, lease.seconds)


async def wake_forgotten(conn: Connection, now: datetime, limit: int = 1000) -> list[str]:
    """Make open payments due that nothing would look at; returns their ids. There should never be any."""
    rows = await conn.fetch(QUERIES["wake_forgotten"], now, limit)
    return [row["id"] for row in rows]


async def by_order(conn: Connection, merchant_id: str, order_id: str) -> Transaction | None:
    """Return a merchant's payment by its order id."""
    row = await conn.fetchrow(QUERIES["transaction_by_order"], merchant_id, order_id)
    return None if row is None else transaction_of(row)


async def by_id(conn: Connection, transaction_id: str) -> Transaction | None:
    """Return a payment by its id."""
    row = await conn.fetchrow(QUERIES["transaction_by_id"], transaction_id)
    return None if row is None else transaction_of(row)


async def by_provider_reference(conn: Connection, provider_id: str, provider_reference: str) -> Transaction | None:
    """Return a payment by what its provider calls it."""
    row = await conn.fetchrow(QUERIES["transaction_by_provider_reference"], provider_id, provider_reference)
    return None if row is None else transaction_of(row)


async def timeline(conn: Connection, transaction_id: str) -> list[Event]:
    """Return a payment's events, first to last (at most 1,000)."""
    rows = await conn.fetch(QUERIES["timeline"], transaction_id)
    return [_event_of(row) for row in rows]


async def attempts_of(conn: Connection, transaction_id: str) -> list[Attempt]:
    """Return the provider calls begun for a payment, first to last."""
    found = await _attempts(conn, {transaction_id})
    return [found[key] for key in sorted(found)]


def transaction_of(row: asyncpg.Record) -> Transaction:
    """Build a payment from its row: the table's columns are the fields of `Transaction`, in their order."""
    transaction = Transaction(*row[:_FIELDS])
    transaction.kind, transaction.status = _KINDS[transaction.kind], _STATUSES[transaction.status]
    transaction.flags = frozenset(transaction.flags)
    return transaction


def _event_of(row: asyncpg.Record) -> Event:
    values = dict(row)
    values["source"], values["after"] = Source(values["source"]), Status(values["after"])
    values["before"] = None if values["before"] is None else Status(values["before"])
    return Event(**values)


def _names(command: Command, references: dict[tuple[str, str], str]) -> str | None:
    if isinstance(command, Open):
        return None
    if isinstance(command, ProviderWord) and command.transaction_id is None:
        return references.get((command.provider_id, command.provider_reference or ""))
    return command.transaction_id


def _spoken_reference(command: Command) -> tuple[str, str] | None:
    if isinstance(command, ProviderWord):
        reference = command.provider_reference
        return None if reference is None else (command.provider_id, reference)
    if isinstance(command, _ANSWERS) and isinstance(command.outcome, _NAMING):
        reference = command.outcome.provider_reference
        return None if reference is None else (command.provider_id, reference)
    return None


async def _lock_transactions(
    conn: Connection,
    ids: Iterable[str | None],
    orders: Sequence[tuple[str, str]],
    references: Sequence[tuple[str, str]],
) -> dict[str, Transaction]:
    rows = await conn.fetch(
        QUERIES["lock_transactions"],
        list(ids),
        *([pair[side] for pair in orders] for side in (0, 1)),
        *([pair[side] for pair in references] for side in (0, 1)),
    )
    return {row["id"]: transaction_of(row) for row in rows}


async def _attempts(conn: Connection, transaction_ids: set[str]) -> dict[tuple[str, int], Attempt]:
    if not transaction_ids:
        return {}
    rows = await conn.fetch(QUERIES["attempts_of"], list(transaction_ids))
    return {(row["transaction_id"], row["number"]): Attempt(**dict(row)) for row in rows}


async def _lock_usage(conn: Connection, keys: set[UsageKey]) -> dict[UsageKey, Use]:
    if not keys:
        return {}
    wanted = sorted(keys)
    subjects, periods = [subject for subject, _ in wanted], [period for _, period in wanted]
    rows = await conn.fetch(QUERIES["lock_usage"], subjects, periods)
    found = {(row["subject"], row["period"]): Use(row["amount_paise"], row["count"]) for row in rows}
    if missing := keys - found.keys():
        raise CountersMissing(sorted(missing))
    return found


@cache
def _plain(name: str) -> Callable[[Any], Any]:
    getter = attrgetter(name)
    if name == "flags":
        return lambda row: ",".join(sorted(getter(row)))
    return getter
