"""A year of a busy account, written set-based, and plans of the statements that are run on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import asyncpg

from wisipay.ledger.sql import QUERIES
from wisipay.ledger.store import Connection

LINES = 50_000
"""Lines of each of the two accounts, ten minutes apart: a year. Other numbers of them fill the same year."""

HISTORY = {
    "ledger_entries",
    "ledger_lines",
    "ledger_operations",
    "ledger_resolutions",
    "ledger_snapshots",
    "ledger_value_dated_lines",
}
"""The tables that grow."""

MAKE = (
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL lock_timeout = '60s'",  # ANALYZE waits for an autovacuum of the same table
    """
    INSERT INTO ledger_accounts (kind, entity, entity_id, purpose, id, currency, stripes, parent_number)
    SELECT 'ASSET', 'LARGE', n::text, 'CASH', 'ASSET:LARGE:' || n || ':CASH', 'INR', 1, NULL
    FROM generate_series(1, 3000) AS made (n)
    """,
    """
    INSERT INTO ledger_balances (account_number, stripe)
    SELECT number, 0 FROM ledger_accounts WHERE entity = 'LARGE'
    """,
    """
    CREATE TEMPORARY TABLE made ON COMMIT DROP AS
    SELECT
        n,
        lpad(to_hex(n), 32, '0')::uuid AS id,
        '2025-01-01 00:00+05:30'::timestamptz + n * (interval '500000 minutes' / $LINES) AS posted_at,
        (SELECT b.number FROM ledger_balances b JOIN ledger_accounts a ON a.number = b.account_number
         WHERE a.id = 'ASSET:LARGE:1:CASH') AS debit,
        (SELECT b.number FROM ledger_balances b JOIN ledger_accounts a ON a.number = b.account_number
         WHERE a.id = 'ASSET:LARGE:2:CASH') AS credit
    FROM generate_series(1, $LINES) AS series (n)
    """,
    "ANALYZE made, ledger_balances",
    """
    INSERT INTO ledger_entries (
        id, posted_at, kind, value_date, currency, narration, external_reference, balance_numbers, amounts
    )
    SELECT
        id, posted_at, 'TRANSFER', CASE WHEN n % 100 = 0 THEN (posted_at - interval '3 days')::date END, 'INR', 'x',
        'UTR' || n, ARRAY[debit, credit], ARRAY[1, -1]
    FROM made
    """,
    """
    INSERT INTO ledger_lines (
        balance_number, posted_at, account_line, amount, balance_after, entry_id, number, pending
    )
    SELECT debit, posted_at, n, 1, n, id, 0, FALSE FROM made
    UNION ALL
    SELECT credit, posted_at, n, -1, -n, id, 1, FALSE FROM made
    """,
    """
    INSERT INTO ledger_snapshots (balance_number, posted_at, account_line, debits_posted, credits_posted)
    SELECT debit, posted_at, n, n, 0 FROM made WHERE n % 100 = 0
    UNION ALL
    SELECT credit, posted_at, n, 0, n FROM made WHERE n % 100 = 0
    """,
    """
    INSERT INTO ledger_resolutions (target_id, entry_id, kind)
    SELECT id, gen_random_uuid(), 'REVERSAL' FROM made WHERE n % 10 = 0
    """,
    """
    INSERT INTO ledger_operations (
        id, entry_id, recorded_at, name, amount, currency, actor, reason, debit_account_id, credit_account_id,
        merchant_id, pending, narration, order_id, back_dated, idempotency_key, metadata
    )
    SELECT 'OP' || n, id, posted_at, 'TRANSFER', 1, 'INR', 'a', '', '', '', 'M' || n % 20, FALSE, '', 'O' || n, FALSE,
        'key' || n, '{}'
    FROM made WHERE n % 5 = 0
    """,
    """
    UPDATE ledger_balances SET
        debits_posted = CASE WHEN number = made.debit THEN $LINES ELSE 0 END,
        credits_posted = CASE WHEN number = made.credit THEN $LINES ELSE 0 END,
        line_count = $LINES,
        last_posted_at = made.posted_at
    FROM made WHERE made.n = $LINES AND number IN (made.debit, made.credit)
    """,
    """
    INSERT INTO ledger_seal_blocks
    SELECT 1, 1, 1, max(sequence) - 10, now(), hash, hash, hash, substring(hash FOR 16), hash
    FROM ledger_entries, decode(repeat('00', 32), 'hex') AS zeros (hash) GROUP BY hash
    """,
    "INSERT INTO ledger_closed_days VALUES ('2025-11-30', now())",
    QUERIES["summarize_order"],
    "ANALYZE",
)


async def vacuum(connection: Connection) -> None:
    """Give back the pages of what was rolled back before: they would be walked through, and counted."""
    await connection.execute(f"VACUUM {', '.join(sorted(HISTORY))}")


async def make(connection: Connection, lines: int = LINES) -> None:
    """Fill the ledger within the transaction in progress; whoever rolls it back leaves nothing behind."""
    for statement in MAKE:
        await connection.execute(statement.replace("$LINES", str(lines)))


@dataclass
class Recorder:
    """Stands in for a connection and notes every statement that is read with it."""

    connection: Connection
    asked: list[tuple[str, tuple[object, ...], int]] = field(default_factory=list)

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Read, and note the statement and how many rows it gave."""
        rows: list[asyncpg.Record] = await self.connection.fetch(query, *arguments)
        self.asked.append((query, arguments, len(rows)))
        return rows

    async def fetchrow(self, query: str, *arguments: object) -> asyncpg.Record | None:
        """Read the first row."""
        rows = await self.fetch(query, *arguments)
        return rows[0] if rows else None

    async def fetchval(self, query: str, *arguments: object) -> object:
        """Read the first value of the first row."""
        row = await self.fetchrow(query, *arguments)
        return None if row is None else row[0]


@dataclass(frozen=True)
class Plan:
    """What a statement did: tables that it read from end to end, and pages it touched."""

    scanned: set[str]
    pages: int


async def plan_of(connection: Connection, query: str, arguments: tuple[object, ...], *, generic: bool) -> Plan:
    """Run a statement under its own plan, or under the one that serves any arguments."""
    mode = "force_generic_plan" if generic else "force_custom_plan"
    await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
    await connection.execute(f"PREPARE looked_at AS {query}")
    given = f"({', '.join(map(_literal, arguments))})" if arguments else ""
    text = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE looked_at{given}")
    await connection.execute("DEALLOCATE looked_at")
    top = (json.loads(text) if isinstance(text, str) else text)[0]["Plan"]
    scanned = {
        node["Relation Name"]
        for node in _nodes(top)
        # The plan for any arguments names every month; those without a page were left out or are empty.
        if node["Node Type"] == "Seq Scan" and node["Shared Hit Blocks"] + node["Shared Read Blocks"]
    }
    return Plan(scanned, top["Shared Hit Blocks"] + top["Shared Read Blocks"])


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list | tuple):
        return f"'{{{', '.join(_element(each) for each in value)}}}'"
    return f"'{_element(value)}'"


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
