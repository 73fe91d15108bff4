"""The same rates on ten thousand and on millions of stored payments.

Decides that history is made of payments which the product itself has just carried through: their rows, in every table,
are copied as often as it takes, each copy under ids, keys and times of its own, further in the past. Balances count the
copies. Only `balance_after` of copied lines does not continue. Filling goes past triggers and without waiting for
commits; then all is analysed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import asyncpg
import msgspec

from benchmarks.figures import Figure, Section, Table
from benchmarks.meter import Meter, say
from benchmarks.orders import Kind

_SAMPLE: Final = 2000
_PAYMENTS_A_STATEMENT: Final = 50_000
_CONNECTIONS: Final = 2
_SHIFT_BITS: Final = 20
"""A copy lies a power of two of milliseconds before the last one, so that in base 32 only the upper digits change.

Ids and UUIDs carry their time; the random part of the original makes those of a copy unique too.
"""

_KINDS: Final[tuple[Kind, ...]] = ("payin", "payout")
_FUNCTIONS: Final = """
CREATE FUNCTION bench_id(id text, upper_digits text) RETURNS text LANGUAGE sql IMMUTABLE
RETURN left(id, 2) || upper_digits || substr(id, 9);

CREATE FUNCTION bench_uuid(id uuid, copy integer) RETURNS uuid LANGUAGE sql IMMUTABLE
RETURN (
    lpad(to_hex(('x' || left(id::text, 8) || substr(id::text, 10, 4))::bit(48)::bigint - (copy::bigint << 20)), 12, '0')
    || substr(id::text, 14)
)::uuid;
"""
_ID: Final = "bench_id(s.{column}, c.upper_digits)"
_UUID: Final = "bench_uuid(s.{column}, c.copy)"
_TEXT: Final = "s.{column} || '-' || c.copy"
_CHANGED: Final[Mapping[str, Mapping[str, str]]] = {
    "payments_transactions": {"id": _ID, "order_id": _TEXT, "provider_reference": _TEXT},
    "payments_attempts": {"transaction_id": _ID},
    "payments_events": {"transaction_id": _ID},
    "ledger_entries": {"id": _UUID, "target_id": _UUID, "correlation_id": _ID, "idempotency_key": _TEXT},
    "ledger_lines": {"entry_id": _UUID},
    "ledger_resolutions": {"target_id": _UUID, "entry_id": _UUID},
    "ledger_keys": {"key": _TEXT, "entry_id": _UUID},
    "callbacks_outbox": {"event_id": _UUID, "transaction_id": _ID, "order_id": _TEXT},
    "callbacks_attempts": {"event_id": _UUID},
    "webhooks_inbox": {"webhook_id": _UUID},
}
_OF_A_PAYMENT: Final = "transaction_id IN (SELECT id FROM bench_payments_transactions)"
_CORRELATED: Final = "correlation_id IN (SELECT id FROM bench_payments_transactions)"
_HOLDS: Final = f"SELECT id FROM ledger_entries WHERE {_CORRELATED}"  # noqa: S608 - names of our own tables
_OF_AN_ENTRY: Final = "entry_id IN (SELECT id FROM bench_ledger_entries)"
_SAMPLED: Final[Mapping[str, str]] = {
    "payments_transactions": (
        f"status IN ('SUCCESS', 'FAILED') AND due_at IS NULL AND utr IS NOT NULL ORDER BY id DESC LIMIT {_SAMPLE}"
    ),
    "payments_attempts": _OF_A_PAYMENT,
    "payments_events": _OF_A_PAYMENT,
    # A hold is resolved by an entry that names the hold only.
    "ledger_entries": f"{_CORRELATED} OR target_id IN ({_HOLDS})",
    "ledger_lines": _OF_AN_ENTRY,
    "ledger_resolutions": _OF_AN_ENTRY,
    "ledger_keys": _OF_AN_ENTRY,
    "callbacks_outbox": f"state = 'DELIVERED' AND {_OF_A_PAYMENT}",
    "callbacks_attempts": "event_id IN (SELECT event_id FROM bench_callbacks_outbox)",
    "webhooks_inbox": f"state = 'DONE' ORDER BY webhook_id DESC LIMIT {_SAMPLE}",
}
_COLUMNS: Final = """
SELECT attname, format_type(atttypid, atttypmod) AS type FROM pg_attribute
WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped AND attidentity <> 'a' AND attgenerated = ''
ORDER BY attnum
"""
_BALANCES: Final = """
UPDATE ledger_balances AS b SET
    debits_posted = b.debits_posted + x.debits * $1, credits_posted = b.credits_posted + x.credits * $1,
    line_count = b.line_count + x.lines * $1
FROM (
    SELECT balance_number, count(*) AS lines,
        coalesce(sum(amount) FILTER (WHERE amount > 0 AND NOT pending), 0) AS debits,
        coalesce(-sum(amount) FILTER (WHERE amount < 0 AND NOT pending), 0) AS credits
    FROM bench_ledger_lines GROUP BY balance_number
) AS x WHERE b.number = x.balance_number
"""
_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


async def measure(meter: Meter) -> Section:
    """Fill to each number of rows and measure the rates there."""
    await meter.warm_up()
    history = History(meter.bench.database_url)
    figures: list[Figure] = []
    for rows in sorted(meter.plan.rows):
        await history.fill(rows)
        stored = await history.stored()
        await meter.warm_up()
        for kind in _KINDS:
            figure = await meter.lifecycles(kind, name=f"{kind} lifecycles on {stored:,} stored payments")
            figures.append(msgspec.structs.replace(figure, stored=stored))
        figure = await meter.initiations(name=f"payin initiations on {stored:,} stored payments")
        figures.append(msgspec.structs.replace(figure, stored=stored))
    return Section(name="rows", figures=figures, tables=[_table(figures)])


class History:
    """Makes the past of an installation longer."""

    def __init__(self, database_url: str) -> None:
        self._url = database_url
        self._copies = 0
        self._newest = 0  # the upper digits' number from which copies count backwards, the same for every filling

    async def stored(self) -> int:
        """Return how many payments there are."""
        connection = await self._connect()
        count = await connection.fetchval("SELECT count(*) FROM payments_transactions")
        await connection.close()
        return int(count)

    async def fill(self, wanted: int) -> None:
        """Add copies until about so many payments are stored; more than that stay."""
        missing = wanted - await self.stored()
        connection = await self._connect()
        try:
            if missing > 0:
                await self._add(connection, missing)
            for table in _CHANGED:
                await connection.execute(f"VACUUM (ANALYZE) {table}")
            await connection.execute("CHECKPOINT")
        finally:
            await connection.close()

    async def _add(self, connection: asyncpg.Connection[asyncpg.Record], missing: int) -> None:
        if not self._copies:
            await connection.execute(_FUNCTIONS)
            self._newest = int(await connection.fetchval("SELECT extract(epoch FROM now()) * 1000")) >> _SHIFT_BITS
            for table, condition in _SAMPLED.items():
                select = f"SELECT * FROM {table} WHERE {condition}"  # noqa: S608 - names of our own tables
                await connection.execute(f"CREATE TABLE bench_{table} AS {select}")
        sampled = int(await connection.fetchval("SELECT count(*) FROM bench_payments_transactions"))
        copies = -(-missing // max(sampled, 1))
        first, self._copies = self._copies + 1, self._copies + copies
        at_once = max(1, _PAYMENTS_A_STATEMENT // max(sampled, 1))
        inserts = [await _insert(connection, table) for table in _CHANGED]
        for newest in range(self._copies, first - 1, -at_once):  # the oldest first, as they would have come
            numbers = range(newest, max(first - 1, newest - at_once), -1)
            digits = [_upper_digits(self._newest - number) for number in numbers]
            await self._copy(inserts, list(numbers), digits)
            say(f"history: {(self._copies - numbers[-1] + 1) * sampled:,} of {missing:,} payments")
        await connection.execute(_BALANCES, copies)

    async def _copy(self, inserts: list[str], numbers: list[int], digits: list[str]) -> None:
        """Copy every table's sample, on two connections: one would leave a core idle."""
        waiting = list(inserts)

        async def work() -> None:
            connection = await self._connect()
            try:
                while waiting:
                    await connection.execute(waiting.pop(), numbers, digits)
            finally:
                await connection.close()

        await asyncio.gather(*(work() for _ in range(_CONNECTIONS)))

    async def _connect(self) -> asyncpg.Connection[asyncpg.Record]:
        settings = {"session_replication_role": "replica", "synchronous_commit": "off", "wal_compression": "off"}
        return await asyncpg.connect(self._url, server_settings=settings)


async def _insert(connection: asyncpg.Connection[asyncpg.Record], table: str) -> str:
    """Build the statement that copies a table's sample; $1: the numbers of the copies, $2: their ids' upper digits."""
    columns = {row["attname"]: row["type"] for row in await connection.fetch(_COLUMNS, table)}
    changed = _CHANGED[table]
    if unknown := set(changed) - set(columns):
        raise RuntimeError(f"{table} has no {', '.join(unknown)}")
    shift = f"c.copy * interval '{1 << _SHIFT_BITS} milliseconds'"
    values = [
        changed[name].format(column=name)
        if name in changed
        else f"s.{name} - {shift}"
        if kind == "timestamp with time zone"
        else f"(s.{name} - {shift})::date"
        if kind == "date"
        else f"s.{name}"
        for name, kind in columns.items()
    ]
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} "  # noqa: S608 - names of our own tables
        f"FROM unnest($1::integer[], $2::text[]) WITH ORDINALITY AS c (copy, upper_digits, nth), bench_{table} AS s "
        f"ORDER BY c.nth"
    )


def _upper_digits(number: int) -> str:
    """Write the upper six base-32 digits of an id's milliseconds."""
    return "".join(_CROCKFORD[number >> 5 * place & 31] for place in range(5, -1, -1))


def _table(figures: list[Figure]) -> Table:
    """Put each figure beside that of the same load on the fewest rows."""
    each = len(_KINDS) + 1
    rows = []
    for number, figure in enumerate(figures):
        base = figures[number % each]
        rows.append(
            (
                f"{figure.stored:,}",
                figure.name.partition(" on ")[0],
                f"{figure.per_second:,.0f}",
                f"{figure.per_second / base.per_second - 1:+.1%}" if base.per_second else "-",
                f"{sum(ms for name, ms in figure.cpu_ms.items() if name not in {'load', 'others'}):.2f}",
                f"{figure.cpu_ms.get('postgres', 0):.2f}",
            )
        )
    heads = (
        "stored payments",
        "load",
        "per second",
        "against the fewest",
        "processor ms per payment",
        "of it PostgreSQL",
    )
    return Table("Rates by number of stored payments", heads, rows)
