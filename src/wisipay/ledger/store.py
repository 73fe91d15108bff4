"""The ledger in PostgreSQL: locks and loads a `Book`, and writes what it accepted. Decides nothing about money.

Everything happens inside the caller's transaction, at READ COMMITTED: accounts are locked first, in one order for all
writers (so writers never deadlock on them), and entries are read after that. Two writers that use one entry id or key
at the same moment on different accounts meet on a unique key: `asyncpg.UniqueViolationError`; the caller's retry then
finds the first entry.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from wisipay.ledger.encoding import (
    ENTRY_COLUMNS,
    LINE_COLUMNS,
    columns_of_entries,
    columns_of_lines,
    copy_of_entries,
    copy_of_lines,
)
from wisipay.ledger.machine import Book
from wisipay.ledger.model import Command, Entry, Result, Transfer
from wisipay.ledger.periods import month_of
from wisipay.ledger.rows import account_of, entry_of
from wisipay.ledger.sql import QUERIES
from wisipay.ledger.wanted import Wanted, wanted_by

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

COPY_FROM = 48
"""So many entries are written by COPY; fewer go with everything else in one statement, which spares round trips."""


async def load(connection: Connection, wanted: Wanted, *, stripe: int = 0) -> Book:
    """Lock the wanted accounts and those of the targets, and return a book of them and of the entries that exist.

    `stripe` chooses the counter row of striped accounts: processes that pass different numbers do not wait for each
    other there. Where nothing is wanted nothing is asked.
    """
    if wanted == Wanted():
        return Book(scope=wanted)
    locked = await connection.fetch(QUERIES["lock_accounts"], list(wanted.account_ids), stripe, list(wanted.target_ids))
    accounts = [account_of(row) for row in locked]
    taken = await connection.fetch(QUERIES["taken_ids"], list(wanted.entry_ids), list(wanted.idempotency_keys))
    named = {row["id"] for row in taken}
    entries: list[Entry] = []
    if named or wanted.target_ids:
        names = {account.id for account in accounts}
        entries = [
            each
            for each in map(entry_of, await connection.fetch(QUERIES["read_entries"], list(named | wanted.target_ids)))
            # A target whose accounts are not locked was committed after we looked for them: it is not there yet for us.
            if each.command.entry_id in named or names.issuperset(line.account_id for line in each.lines)
        ]
    return Book(accounts, entries, wanted)


async def write(connection: Connection, book: Book) -> None:
    """Write everything that the book accepted, and the counters of the accounts that changed. Once per book."""
    added: Sequence[Entry] = book.added
    if not added:
        return
    if len(added) >= COPY_FROM:
        await _copy(connection, "ledger_entries", ENTRY_COLUMNS, copy_of_entries(added))
        await _copy(connection, await _lines_table(connection, added), LINE_COLUMNS, copy_of_lines(added))
    if book.below_floor:
        await connection.execute(QUERIES["note_below_floor"], list(book.below_floor))
    inline = added if len(added) < COPY_FROM else ()
    changed = tuple(book.changed)
    endings = [(entry, entry.command) for entry in added if not isinstance(entry.command, Transfer)]
    keyed = [entry.command for entry in added if entry.command.idempotency_key is not None]
    await connection.execute(
        QUERIES["write"],
        *columns_of_entries(inline),
        *columns_of_lines(inline),
        [account.key for account in changed],
        [account.debits_posted for account in changed],
        [account.credits_posted for account in changed],
        [account.debits_pending for account in changed],
        [account.credits_pending for account in changed],
        [account.line_count for account in changed],
        [account.last_posted_at for account in changed],
        [command.target_id for _, command in endings],
        [command.entry_id for _, command in endings],
        [entry.kind.value for entry, _ in endings],
        [command.idempotency_key for command in keyed],
        [command.entry_id for command in keyed],
    )


async def apply(connection: Connection, commands: Sequence[Command], now: datetime, *, stripe: int = 0) -> list[Result]:
    """Load, decide the commands in order at the moment `now`, and write; a result for each command."""
    book = await load(connection, wanted_by(commands), stripe=stripe)
    results = [book.apply(command, now) for command in commands]
    await write(connection, book)
    return results


async def apply_linked(
    connection: Connection, commands: Sequence[Command], now: datetime, *, stripe: int = 0
) -> list[Result]:
    """Like `apply`, but all commands are accepted or none."""
    book = await load(connection, wanted_by(commands), stripe=stripe)
    results = book.apply_linked(commands, now)
    await write(connection, book)
    return list(results)


async def _lines_table(connection: Connection, added: Sequence[Entry]) -> str:
    """Return the partition that all lines go to, if there is one; the check of their sums lets COPY write pages there.

    Into the parent, with such a check, PostgreSQL writes row by row: a fifth more log and a tenth more processor time.
    """
    moments = {entry.posted_at for entry in added}
    period = month_of(min(moments))
    if max(moments) >= period.end:
        return "ledger_lines"
    name: str = await connection.fetchval(QUERIES["lines_table"], f"ledger_lines_{period.name}")
    return name


async def _copy(connection: Connection, table: str, columns: Sequence[str], pieces: Iterator[bytes]) -> None:
    async def source() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece
            await asyncio.sleep(0)  # uvloop sends when it has its turn: so the server works while we pack the next

    await connection.copy_to_table(table, source=source(), columns=columns, format="binary")
