"""The migrations bring a database to the very schema that the library makes, with the entries it had."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest

from support import stores
from support.books import BANK, SPECS, WALLET
from wisipay import ledger
from wisipay.core.database import Pool
from wisipay.core.migrations import migrate, upgrade_script
from wisipay.ledger.store import Connection

_MADE = """
SELECT attrelid::regclass::text, attname, format_type(atttypid, atttypmod), attnotnull::text, attidentity::text
FROM pg_attribute INNER JOIN pg_class ON pg_class.oid = attrelid
WHERE attnum > 0 AND NOT attisdropped AND relnamespace = current_schema()::regnamespace AND relname LIKE 'ledger%'
UNION ALL
SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), '', '' FROM pg_constraint
WHERE connamespace = current_schema()::regnamespace AND conrelid::regclass::text LIKE '%ledger%'
UNION ALL
SELECT tablename, indexname, replace(indexdef, current_schema() || '.', ''), '', '' FROM pg_indexes
WHERE schemaname = current_schema() AND tablename LIKE 'ledger%'
UNION ALL
SELECT tgrelid::regclass::text, tgname, replace(pg_get_triggerdef(pg_trigger.oid), current_schema() || '.', ''), '',
    ''
FROM pg_trigger INNER JOIN pg_class ON pg_class.oid = tgrelid
WHERE relnamespace = current_schema()::regnamespace AND relname LIKE 'ledger%' AND NOT tgisinternal
"""


@pytest.fixture
async def old_url(run_stores: stores.Stores) -> AsyncIterator[str]:
    """Return the URL of a database as the release before left it."""
    name = f"ledger_migration_{stores.worker_name()}"
    url = await stores.create_database(run_stores, name, migrated=False)
    await stores.execute(url, upgrade_script("pre", None, "0006_webhooks"))
    yield url
    await stores.execute(run_stores.postgres_url, f"DROP DATABASE {name} WITH (FORCE)")


async def test_the_migrated_schema_is_the_library_s_own(database: Pool) -> None:
    async with database.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("CREATE SCHEMA fresh; SET LOCAL search_path TO fresh")
        await connection.execute(ledger.schema_sql())
        fresh = {tuple(row) for row in await connection.fetch(_MADE)}
        await connection.execute("SET LOCAL search_path TO public")
        migrated = {tuple(row) for row in await connection.fetch(_MADE)}
        await transaction.rollback()
    assert fresh == migrated
    assert len(fresh) > 60  # columns, constraints, indexes and triggers


async def test_entries_of_the_release_before_keep_their_lines(old_url: str) -> None:
    held, now = uuid4(), datetime.now(UTC)
    connection = await asyncpg.connect(old_url)
    await _open_as_before(connection, SPECS)
    rows = await connection.fetch("SELECT id, number FROM ledger_accounts WHERE id = any($1)", [BANK.id, WALLET.id])
    numbers = {row["id"]: row["number"] for row in rows}
    await connection.execute(
        """
        INSERT INTO ledger_entries (id, posted_at, kind, currency, narration) VALUES ($1, $2, 'TRANSFER', 'INR', 'old')
        """,
        *(held, now),
    )
    await connection.execute(
        """
        INSERT INTO ledger_lines (
            amount, balance_after, account_line, posted_at, balance_number, number, entry_id, pending
        )
        SELECT amount, amount, 1, $1, balance_number, number, $2, FALSE
        FROM unnest($3::bigint [], $4::integer []) WITH ORDINALITY AS given (amount, balance_number, number)
        """,
        *(now, held, [7, -7], [numbers[WALLET.id], numbers[BANK.id]]),
    )
    await migrate(old_url)
    entry = await ledger.entry(connection, held)
    assert entry is not None
    assert entry.lines == (ledger.Line(WALLET.id, 7), ledger.Line(BANK.id, -7))
    lines = await ledger.account_lines(connection, BANK.id)
    assert [(line.entry_id, line.amount) for line in lines] == [(held, -7)]
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute("DELETE FROM ledger_entries")
    await connection.close()


async def test_accounts_of_the_release_before_get_their_history(old_url: str) -> None:
    connection = await asyncpg.connect(old_url)
    await _open_as_before(connection, SPECS)
    await migrate(old_url, "pre")
    await _open_as_before(connection, [ledger.GST_PAYABLE])  # by old code, which runs until all new code does
    await connection.execute(
        """
        UPDATE ledger_balances SET status = 'FROZEN'
        WHERE account_number = (SELECT number FROM ledger_accounts WHERE id = $1)
        """,
        WALLET.id,
    )
    await migrate(old_url, "post")
    events = await connection.fetch(
        """
        SELECT kind, account_id, currency, balance_numbers, status_before, status, min_balance
        FROM ledger_account_events ORDER BY sequence
        """
    )
    opened = [(event["account_id"], event["min_balance"]) for event in events if event["kind"] == "OPENED"]
    assert opened == [(spec.id, spec.min_balance) for spec in (*SPECS, ledger.GST_PAYABLE)]
    assert tuple(events[-1]) == ("STATUS_CHANGED", WALLET.id, None, None, "ACTIVE", "FROZEN", WALLET.min_balance)
    await migrate(old_url)
    assert len(events) == await connection.fetchval("SELECT count(*) FROM ledger_account_events")
    await connection.close()


async def _open_as_before(connection: Connection, specs: Iterable[ledger.AccountSpec]) -> None:
    for spec in specs:
        await connection.execute(
            """
            WITH opened AS (
                INSERT INTO ledger_accounts (id, kind, entity, entity_id, purpose, currency, stripes)
                VALUES ($1, $2, $3, $4, $5, $6, 1) RETURNING number
            )
            INSERT INTO ledger_balances (account_number, stripe, min_balance) SELECT number, 0, $7 FROM opened
            """,
            *(spec.id, spec.kind.value, spec.entity, spec.entity_id, spec.purpose, spec.currency, spec.min_balance),
        )
