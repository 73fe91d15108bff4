"""What is measured at each size: batches of payins, and every read, by time and by the pages it touches."""

from __future__ import annotations

import json
import secrets
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias, cast
from uuid import UUID, uuid4

import asyncpg

from benchmarks import ledger_batches
from benchmarks.growth.loader import BUSY, PROVIDER, Made, merchant
from wisipay import ledger
from wisipay.ledger import LineFilter, PostedBy, ValuedBy, checks, daily, months, seals
from wisipay.ledger.periods import lowest_id
from wisipay.ledger.store import Connection

BATCH = 256
BATCHES = 40
WARM_UP = 10
REPEATS = 15
HISTORY = ("ledger_entries", "ledger_lines", "ledger_operations", "ledger_resolutions")
SIZES_OF_HISTORY = 64 * 8_192
"""A table up to so many bytes may be read as a whole: nothing is gained by an index."""


@dataclass(frozen=True, slots=True)
class Writing:
    """Entries of four lines in batches: rate, and processor microseconds per entry here and in PostgreSQL."""

    entries_per_second: float
    client_microseconds: float
    server_microseconds: float


@dataclass
class Recorder:
    """Stands in for a connection and notes every statement that is read with it."""

    connection: Connection
    asked: list[tuple[str, tuple[object, ...], int]]

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


async def writing(url: str, made: Made) -> Writing:
    """Post payins of busy and quiet merchants in turn, all of them through the same three shared accounts."""
    connection = await _connected(url)
    shared = PROVIDER.id, ledger.INCOME.id, ledger.GST_PAYABLE.id

    async def run(batches: int) -> None:
        for _ in range(batches):
            merchants = [secrets.randbelow(BUSY if n % 2 else made.quiet + BUSY) for n in range(BATCH)]
            commands = [ledger_batches.transfer((shared[0], merchant(number).id, *shared[1:])) for number in merchants]
            async with connection.transaction():
                await ledger.apply(connection, commands, datetime.now(UTC))

    await run(WARM_UP)
    backend = connection.get_server_pid()
    server, here, started = ledger_batches.backend_seconds(backend), time.process_time(), time.monotonic()
    await run(BATCHES)
    count = BATCHES * BATCH
    result = Writing(
        round(count / (time.monotonic() - started), 1),
        round((time.process_time() - here) / count * 1e6, 1),
        round((ledger_batches.backend_seconds(backend) - server) / count * 1e6, 1),
    )
    await connection.close()
    return result


Read: TypeAlias = Callable[[ledger.Reading], Awaitable[object]]


def reads(made: Made) -> dict[str, Read]:
    """Return every kind of read, of a busy account a year ago unless its name says otherwise."""
    moment = max(made.start, made.end - timedelta(days=365))
    quiet = merchant(BUSY + made.quiet // 2).id
    return _of_an_account(made, moment, quiet) | _of_entries(moment, quiet) | _of_all_accounts(moment)


def _of_an_account(made: Made, moment: datetime, quiet: str) -> dict[str, Read]:
    busy, day, last = PROVIDER.id, moment.date(), made.end.date()

    async def both_ways(books: ledger.Reading) -> None:
        page = await ledger.account_entries(books, busy, limit=20)
        page = await ledger.account_entries(books, busy, limit=20, cursor=page.older)
        await ledger.account_entries(books, busy, limit=20, cursor=page.newer)

    async def some_lines(books: ledger.Reading, last: date, *, valued: bool) -> None:
        found = await (ledger.statement_by_value_date if valued else ledger.statement)(books, busy, day, last)
        await _first_of(found.lines, 100)

    days = LineFilter(since=moment - timedelta(days=1), until=moment)
    of_one = LineFilter(counter_account_id=quiet, since=moment - timedelta(days=7), until=moment)
    return {
        "opening balance": lambda books: ledger.balances_at(books, [busy], PostedBy(moment)),
        "opening balance, quiet": lambda books: ledger.balances_at(books, [quiet], PostedBy(moment)),
        "balance by value date": lambda books: ledger.balances_at(books, [busy], ValuedBy(day)),
        "newest entries, three pages": both_ways,
        "newest entries, quiet": lambda books: ledger.account_entries(books, quiet, limit=20),
        "entries with a counter account, a week": lambda books: ledger.account_entries(books, busy, of_one, limit=20),
        "lines of an account": lambda books: ledger.account_lines(books.connection, busy, limit=20),
        "statement of a day, 100 lines": lambda books: some_lines(books, day, valued=False),
        "statement of a year, 100 lines": lambda books: some_lines(books, last, valued=False),
        "statement by value date, 100 lines": lambda books: some_lines(books, day, valued=True),
        "totals by month of a year": lambda books: ledger.account_totals(books, busy, day, last, every="month"),
        "daily balances of a year": lambda books: daily.daily_balances(books, busy, day, last, by_value_date=True),
        "a thousand lines of a day, streamed": lambda books: _first_of(ledger.stream_lines(books, busy, days), 1000),
        "balances now": lambda books: ledger.balances(books.connection, [busy, quiet]),
        "account and those below it": lambda books: ledger.account_tree(books, busy),
    }


def _of_entries(moment: datetime, quiet: str) -> dict[str, Read]:
    async def entry_then(books: ledger.Reading) -> UUID:
        found = await books.connection.fetch(
            "SELECT id FROM ledger_entries WHERE id >= $1 ORDER BY id LIMIT 1", lowest_id(moment)
        )
        return cast("UUID", found[0]["id"])

    async def an_entry(books: ledger.Reading) -> None:
        await ledger.entry(books.connection, await entry_then(books))

    async def of_a_batch(books: ledger.Reading) -> None:
        lines = ledger.Line(PROVIDER.id, 1), ledger.Line(quiet, -1)
        command = ledger.Transfer(uuid4(), lines, idempotency_key="a key of nobody")
        await ledger.load(books.connection, ledger.wanted_by([command, ledger.Void(uuid4(), await entry_then(books))]))

    async def an_operation(books: ledger.Reading) -> None:
        await ledger.operation(books.connection, "OP100")
        await ledger.operation_of_entry(books.connection, await entry_then(books))

    async def some_operations(books: ledger.Reading) -> None:
        page = await ledger.operations_page(books.connection, limit=20)
        await ledger.operations_page(books.connection, limit=20, merchant_id="M5", before=page[-1].sequence)

    async def of_the_jobs(books: ledger.Reading) -> None:
        await checks.ledger_state(books.connection)
        await _first_of(checks.findings(books.connection, also_gone=True), 10)
        await seals.chain_tail(books.connection)
        await months.archives(books.connection)

    return {
        "entry by id": an_entry,
        "what a batch of two looks up": of_a_batch,
        "operation by id and by entry": an_operation,
        "newest operations, two pages": some_operations,
        "states of jobs, findings, seals, archives": of_the_jobs,
    }


def _of_all_accounts(moment: datetime) -> dict[str, Read]:
    day = moment.date()
    return {
        "trial balance": lambda books: ledger.trial_balance(books.connection),
        "trial balance a year ago": lambda books: ledger.trial_balance_at(books, PostedBy(moment)),
        "balance sheet a year ago": lambda books: ledger.balance_sheet(books, PostedBy(moment)),
        "income statement of a day": lambda books: ledger.income_statement(books, day, day),
        "general ledger of a day": lambda books: _first_of(ledger.general_ledger(books, day, day), 1_000_000),
    }


async def reading(url: str, made: Made) -> list[dict[str, Any]]:
    """Time every read, and look at the plans of what it asked.

    Milliseconds, pages that its statements touch, rows that they give, and tables of history read without an index.
    """
    connection = await _connected(url)
    done: list[dict[str, Any]] = []
    for name, read in reads(made).items():
        books = ledger.Reading(connection)
        took: list[float] = []
        repeats = 3 if "general" in name or "trial" in name or "sheet" in name else REPEATS
        for _ in range(repeats + 1):
            started = time.perf_counter()
            await read(books)
            took.append((time.perf_counter() - started) * 1000)
        took = sorted(took[1:])  # the first one plans
        recorder = Recorder(connection, [])
        await read(ledger.Reading(cast("Connection", recorder)))
        plans = [await _plan_of(connection, query, arguments) for query, arguments, _ in recorder.asked]
        done.append(
            {
                "name": name,
                "p50_milliseconds": round(statistics.median(took), 2),
                "p95_milliseconds": round(took[min(len(took) - 1, round(len(took) * 0.95))], 2),
                "pages": sum(pages for pages, _ in plans),
                "rows": sum(rows for _, _, rows in recorder.asked),
                "scanned": sorted({table for _, scanned in plans for table in scanned}),
            }
        )
    await connection.close()
    return done


async def _connected(url: str) -> Connection:
    """Connect as the product does: with plans made once, for any arguments."""
    return await asyncpg.connect(url, server_settings={"plan_cache_mode": "force_generic_plan", "jit": "off"})


async def _first_of(stream: AsyncIterator[object], limit: int) -> None:
    count = 0
    async for _ in stream:
        count += 1
        if count == limit:
            return


async def _plan_of(connection: Connection, query: str, arguments: tuple[object, ...]) -> tuple[int, set[str]]:
    """Return the pages that a statement touches and the large tables of history that it reads from end to end."""
    async with connection.transaction():
        await connection.execute(f"PREPARE looked_at AS {query}")
        given = f"({', '.join(map(_literal, arguments))})" if arguments else ""
        text = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE looked_at{given}")
        await connection.execute("DEALLOCATE looked_at")
        top = json.loads(text)[0]["Plan"]
        names = {
            node["Relation Name"]
            for node in _nodes(top)
            if node["Node Type"] == "Seq Scan" and node["Relation Name"].startswith(HISTORY) and node["Actual Loops"]
        }
        large = {
            name
            for name in names
            if await connection.fetchval("SELECT pg_relation_size($1::text::regclass)", name) > SIZES_OF_HISTORY
        }
    return top["Shared Hit Blocks"] + top["Shared Read Blocks"], large


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _literal(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, list | tuple):
        elements = ("NULL" if each is None else f'"{_word(each)}"' for each in value)
        return f"'{{{', '.join(elements)}}}'"
    return f"'{_word(value)}'"


def _word(value: object) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
