"""A ledger of any size, written set-based and correct: payins over 24 months, all of it in closed form.

Entry n moves a provider's account, one merchant's, income and tax. The amounts never change, so number and balance of
every line follow from n alone and nothing has to be sorted or summed. Half of the entries go to five busy merchants,
the others go round thousands of quiet ones. Months are filled before they get their keys and become partitions.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

import asyncpg

from wisipay import ledger
from wisipay.ledger.months.tables import ENTRIES, LINES, TABLES, Table
from wisipay.ledger.periods import Period, month_of, months_from
from wisipay.ledger.sql import QUERIES

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

MONTHS = 24
LOADERS = 3
LINES_OF_AN_ENTRY = 4
BUSY = 5
AMOUNTS = (100_000, -97_640, -2_000, -360)
"""Of the provider's account, the merchant's, income and tax."""
SNAPSHOT_EVERY = 10
"""Lines of a quiet account between two snapshots; a busy one has them by the hour."""


@dataclass(frozen=True, slots=True)
class Made:
    """The ledger that was loaded: entries, and from when to when they were posted."""

    entries: int
    quiet: int
    start: datetime
    end: datetime


def merchant(number: int) -> ledger.AccountSpec:
    """Return a merchant's account; the first five are busy."""
    return ledger.merchant_account(f"MER-{number}", "PAYIN")


PROVIDER = ledger.channel_account("growth", "PAYIN")


async def load(url: str, lines: int, now: datetime) -> Made:
    """Make the schema in an empty database, and a history of so many lines that ends a day before `now`."""
    connection = await _connected(url)
    await connection.execute(ledger.schema_sql())
    entries = lines // LINES_OF_AN_ENTRY
    quiet = max(10, min(5_000, entries // 100))
    specs = [PROVIDER, ledger.INCOME, ledger.GST_PAYABLE, *map(merchant, range(BUSY + quiet))]
    await ledger.open_accounts(connection, specs)
    first = month_of(now - timedelta(days=30 * (MONTHS - 1)))
    assert first.start is not None  # noqa: S101 - a month of the calendar has a beginning
    made = Made(entries, quiet, first.start, now - timedelta(days=1))
    numbers = await _numbers(connection, made)
    for table in TABLES:
        for period in months_from(first.start, MONTHS + 2):
            await connection.execute(
                f"CREATE TABLE {table.partition(period)} "
                f"(LIKE {table.name} INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY)"
            )
    waiting = months_from(first.start, MONTHS + 2)
    await asyncio.gather(*(_fill_some(url, made, waiting, numbers) for _ in range(LOADERS)))
    await _rest(connection, made, numbers)
    await connection.close()
    return made


async def _connected(url: str) -> Connection:
    """Connect for loading only: nothing here needs to outlive a crash."""
    return await asyncpg.connect(
        url, server_settings={"synchronous_commit": "off", "maintenance_work_mem": "256MB", "jit": "off"}
    )


async def _fill_some(url: str, made: Made, waiting: list[Period], numbers: dict[str, str]) -> None:
    connection = await _connected(url)
    while waiting:
        await _fill(connection, made, waiting.pop(0), numbers)
    await connection.close()


async def _numbers(connection: Connection, made: Made) -> dict[str, str]:
    """Return the counter rows' numbers as SQL: of the shared accounts, and of all merchants as one array."""
    rows = await connection.fetch(
        "SELECT a.id, b.number FROM ledger_accounts AS a JOIN ledger_balances AS b ON b.account_number = a.number"
    )
    found = {row["id"]: str(row["number"]) for row in rows}
    merchants = [found[merchant(number).id] for number in range(BUSY + made.quiet)]
    return {
        "PROVIDER": found[PROVIDER.id],
        "INCOME": found[ledger.INCOME.id],
        "GST": found[ledger.GST_PAYABLE.id],
        "MERCHANTS": f"'{{{','.join(merchants)}}}'::integer[]",
        "before": str(await connection.fetchval("SELECT last_value FROM ledger_entries_sequence_seq")),
    }


# The number of the merchant's line on its account: a busy one's every tenth entry, a quiet one's when its turn comes.
_ENTRY = """
SELECT
    n,
    '{start}'::timestamptz + n * interval '{step} microseconds' AS posted_at,
    CASE WHEN n % 2 = 0 THEN (n / 2) % {busy} ELSE {busy} + (n / 2) % {quiet} END AS merchant,
    CASE WHEN n % 2 = 0 THEN (n / 2) / {busy} ELSE (n / 2) / {quiet} END + 1 AS merchant_line
FROM generate_series({first}::bigint, {last}::bigint) AS series (n)
"""
_IDENTIFIED = """
SELECT
    made.*,
    (lpad(to_hex((extract(epoch FROM posted_at) * 1000)::bigint), 12, '0') || '70008000'
        || lpad(to_hex(n), 12, '0'))::uuid AS id,
    ({MERCHANTS})[merchant + 1] AS account
FROM ({entry}) AS made
"""
_ENTRIES = """
INSERT INTO {table} (
    id, sequence, posted_at, kind, value_date, currency, narration, correlation_id, balance_numbers, amounts
)
SELECT
    id, {before} + n + 1, posted_at, 'TRANSFER', NULL, 'INR', 'Payin order-' || n, 'PI' || n,
    ARRAY[{PROVIDER}, account, {INCOME}, {GST}], ARRAY[100000, -97640, -2000, -360]
FROM ({identified}) AS made
"""
_LINES = """
INSERT INTO {table} (balance_number, amount, balance_after, account_line, posted_at, entry_id, number, pending)
SELECT line.balance_number, line.amount, line.amount * line.account_line, line.account_line, posted_at, id, line.number,
    FALSE
FROM ({identified}) AS made
CROSS JOIN LATERAL (VALUES
    ({PROVIDER}, 100000::bigint, n + 1, 0::smallint),
    (account, -97640, merchant_line, 1),
    ({INCOME}, -2000, n + 1, 2),
    ({GST}, -360, n + 1, 3)
) AS line (balance_number, amount, account_line, number)
"""
_SNAPSHOTS = """
INSERT INTO ledger_snapshots (balance_number, posted_at, account_line, debits_posted, credits_posted)
SELECT balance_number, posted_at, account_line, greatest(balance_after, 0), greatest(-balance_after, 0)
FROM ledger_lines
WHERE account_line % CASE WHEN balance_number = any(({MERCHANTS})[{busy} + 1:]) THEN {every} ELSE {hourly} END = 0
"""
_OPERATIONS = """
INSERT INTO ledger_operations (
    id, entry_id, recorded_at, name, amount, currency, actor, reason, debit_account_id, credit_account_id,
    merchant_id, pending, narration, order_id, back_dated, idempotency_key, metadata
)
SELECT 'OP' || sequence, id, posted_at, 'TRANSFER', 100000, 'INR', 'a', '', '', '', 'M' || sequence / 100 % 20, FALSE,
    '', 'O' || sequence, FALSE, 'key' || sequence, '{{}}'
FROM ledger_entries WHERE sequence % {one_in} = 0
"""
"""The records of what people do by hand: one in a hundred entries."""
_SEALED = """
INSERT INTO ledger_seal_blocks
SELECT 1, 1, 1, max(sequence) - 10, now(), hash, hash, hash, substring(hash FOR 16), hash
FROM ledger_entries, decode(repeat('00', 32), 'hex') AS zeros (hash) GROUP BY hash
"""
"""One block that stands for all: reads look at where the seals end, never at what they say."""
_COUNTERS = """
UPDATE ledger_balances AS balances SET
    debits_posted = greatest(ends.balance_after, 0),
    credits_posted = greatest(-ends.balance_after, 0),
    line_count = ends.account_line,
    last_posted_at = ends.posted_at
FROM (SELECT number FROM ledger_balances) AS wanted
CROSS JOIN LATERAL (
    SELECT * FROM ledger_lines AS lines
    WHERE lines.balance_number = wanted.number
    ORDER BY lines.posted_at DESC, lines.account_line DESC LIMIT 1
) AS ends
WHERE balances.number = wanted.number
"""


def _span(made: Made, period: Period) -> tuple[int, int]:
    """Return the first and the last entry of a month."""
    step = _step(made)
    assert period.start is not None  # noqa: S101 - a month of the calendar has a beginning
    first, behind = (-((made.start - moment) // step) for moment in (period.start, period.end))
    return max(0, first), min(made.entries, behind) - 1


def _step(made: Made) -> timedelta:
    return (made.end - made.start) // made.entries


async def _fill(connection: Connection, made: Made, period: Period, numbers: dict[str, str]) -> None:
    first, last = _span(made, period)
    words = numbers | {"start": made.start.isoformat(), "busy": str(BUSY), "quiet": str(made.quiet)}
    words |= {"step": str(_step(made) // timedelta(microseconds=1)), "first": str(first), "last": str(last)}
    words["identified"] = _IDENTIFIED.format(entry=_ENTRY.format(**words), **words)
    for table in TABLES:
        partition = table.partition(period)
        statement = {ENTRIES: _ENTRIES, LINES: _LINES}.get(table)
        if statement is not None:
            await connection.execute(statement.format(table=partition, **words))
        await connection.execute(f"SELECT ledger_guard_partition('{partition}', '{table.name}')")
        await _attach(connection, table, period)
        await connection.execute(f"VACUUM (ANALYZE, FREEZE) {partition}")


async def _attach(connection: Connection, table: Table, period: Period) -> None:
    """Make the partition's key and attach it; PostgreSQL makes the small index that is left."""
    partition = table.partition(period)
    key = await connection.fetchval(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1::text::regclass AND contype = 'p'",
        table.name,
    )
    await connection.execute(f"ALTER TABLE {partition} ADD {key}")
    await connection.execute(f"ALTER TABLE {table.name} ATTACH PARTITION {partition} FOR VALUES {table.bounds(period)}")


async def _rest(connection: Connection, made: Made, numbers: dict[str, str]) -> None:
    hours = (made.end - made.start) // timedelta(hours=1)
    words = {"every": str(SNAPSHOT_EVERY), "busy": str(BUSY), "hourly": str(max(1, made.entries // hours))}
    await connection.execute(_SNAPSHOTS.format(**words, **numbers))
    await connection.execute(_OPERATIONS.format(one_in=100))
    await connection.execute(_SEALED)
    await connection.execute(QUERIES["summarize_order"])
    await connection.execute(_COUNTERS)
    await connection.execute(f"SELECT setval('ledger_entries_sequence_seq', {numbers['before']} + {made.entries})")
    total = await connection.fetchval("SELECT count(*) FROM ledger_lines")
    net = (await ledger.trial_balance(connection)).net_by_currency
    await connection.execute("VACUUM (ANALYZE) ledger_balances, ledger_accounts, ledger_snapshots, ledger_operations")
    assert (total, net) == (made.entries * LINES_OF_AN_ENTRY, {"INR": 0})  # noqa: S101 - a benchmark of wrong books is none
