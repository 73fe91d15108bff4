"""The ledger's own load: batches of transfers on spread accounts or on hot ones, in a schema of its own.

Decides what is posted. Spread: every entry moves one of `groups` groups of four accounts. Hot: all entries move the
same four. Rates go with microseconds of processor time per entry, here and (when the server runs on this machine) in
PostgreSQL's backends.
"""

import asyncio
import os
import random
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

import asyncpg
from asyncpg.pgproto.pgproto import UUID as DriverUUID  # noqa: N811 - a class, named like a constant there

from benchmarks import processes
from wisipay import ledger
from wisipay.ledger import months

SCHEMA = "ledger_benchmark"

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@dataclass(frozen=True, slots=True)
class Load:
    """How entries are written."""

    url: str
    batch: int = 256
    seconds: float = 5.0
    connections: int = 2
    groups: int = 250
    lines: int = 4


@dataclass(frozen=True, slots=True)
class Rate:
    """What was measured; microseconds are of processor time per entry, in this process and in PostgreSQL.

    `others_cores` is how many cores everything else on this machine kept busy.
    """

    name: str
    entries_per_second: float
    client_microseconds: float
    server_microseconds: float
    others_cores: float


def new_entry_id() -> UUID:
    """Return a version 7 UUID, as the driver's own class: it is made, hashed and sent in a third of the time."""
    some = random.getrandbits(74)  # a load's ids are no secrets
    number = time.time_ns() // 1_000_000 << 80 | 7 << 76 | (some >> 62) << 64 | 2 << 62 | some & (1 << 62) - 1
    return DriverUUID(number.to_bytes(16, "big"))


def accounts_of(group: int) -> tuple[ledger.AccountSpec, ...]:
    """Return the four accounts of a payin."""
    return tuple(
        ledger.AccountSpec(kind, "BENCHMARK", str(group), purpose)
        for kind, purpose in (
            (ledger.AccountType.ASSET, "PAYIN"),
            (ledger.AccountType.LIABILITY, "PAYIN"),
            (ledger.AccountType.INCOME, "INCOME"),
            (ledger.AccountType.LIABILITY, "GST"),
        )
    )


def transfer(accounts: tuple[str, ...]) -> ledger.Transfer:
    """Return a payin of 1,000 rupees: with its fee and tax over four accounts, plain over two."""
    return ledger.Transfer(new_entry_id(), _lines(accounts), narration="Payin order-00001", correlation_id="T1")


@lru_cache(maxsize=4096)
def _lines(accounts: tuple[str, ...]) -> tuple[ledger.Line, ...]:
    amounts = (100_000, -97_640, -2_000, -360) if len(accounts) > 2 else (100_000, -100_000)  # noqa: PLR2004 - sides
    return tuple(map(ledger.Line, accounts, amounts))


async def connect(url: str) -> Connection:
    """Connect to the benchmark's schema, with plans made once and for any size, as the product does."""
    settings = {"search_path": SCHEMA, "plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
    return await asyncpg.connect(url, server_settings=settings)


def backend_seconds(process_id: int) -> float:
    """Return the processor seconds of a server process; 0 when it is not on this machine."""
    path = Path(f"/proc/{process_id}/stat")
    if not path.exists():
        return 0.0
    times = path.read_text(encoding="utf-8").rpartition(")")[2].split()[11:13]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


async def write_batch(connection: Connection, batch: int, pick: Callable[[], tuple[str, ...]]) -> int:
    """Write one batch in a transaction of its own; returns the entries it made."""
    commands = [transfer(pick()) for _ in range(batch)]
    async with connection.transaction():
        results = await ledger.apply(connection, commands, datetime.now(UTC))
    return sum(isinstance(result, ledger.Accepted) for result in results)


async def write_until(
    connection: Connection, deadline: float, batch: int, pick: Callable[[], tuple[str, ...]]
) -> tuple[int, float]:
    """Write batches, one at least, until the monotonic moment `deadline`; returns entries and the server's seconds."""
    process_id = connection.get_server_pid()
    before = backend_seconds(process_id)
    entries = await write_batch(connection, batch, pick)
    while time.monotonic() < deadline:
        entries += await write_batch(connection, batch, pick)
    return entries, backend_seconds(process_id) - before


async def measure(name: str, load: Load, pick: Callable[[], tuple[str, ...]]) -> Rate:
    """Run one kind of load. Connections are open and statements planned before the clock runs, as in a server."""
    connections = [await connect(load.url) for _ in range(load.connections)]
    try:
        for connection in connections:
            await write_batch(connection, load.batch, pick)
        machine, started, here = processes.now(), time.monotonic(), time.process_time()
        deadline = started + load.seconds
        done = await asyncio.gather(*(write_until(each, deadline, load.batch, pick) for each in connections))
        wall_seconds, here_seconds = time.monotonic() - started, time.process_time() - here
        others_seconds = processes.now().since(machine)["others"]
    finally:
        for connection in connections:
            await connection.close()
    entries = sum(count for count, _ in done)
    return Rate(
        name,
        entries / wall_seconds,
        here_seconds / entries * 1e6,
        sum(seconds for _, seconds in done) / entries * 1e6,
        others_seconds / wall_seconds,
    )


async def spread(load: Load) -> Rate:
    """Measure entries that each move one of many groups of accounts."""
    groups = [_group(number, load) for number in range(load.groups)]
    return await measure("spread", load, lambda: groups[secrets.randbelow(load.groups)])


async def hot(load: Load) -> Rate:
    """Measure entries that all move the same accounts."""
    accounts = _group(0, load)
    return await measure("hot", load, lambda: accounts)


def _group(number: int, load: Load) -> tuple[str, ...]:
    return tuple(spec.id for spec in accounts_of(number)[: load.lines])


@asynccontextmanager
async def new_ledger(load: Load) -> AsyncIterator[None]:
    """Make the schema and the accounts; check the books at the end, and drop all of it."""
    connection = await connect(load.url)
    await connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
    try:
        await connection.execute(ledger.schema_sql())
        await months.create_months(connection, datetime.now(UTC))
        await ledger.open_accounts(connection, [spec for group in range(load.groups) for spec in accounts_of(group)])
        # Not the history: a plan made for tables that are known to be empty would read them from end to end.
        await connection.execute("ANALYZE ledger_accounts, ledger_balances")
        yield
        if any((await ledger.trial_balance(connection)).net_by_currency.values()):
            raise RuntimeError("debits are not credits: a rate of wrong books is none")
    finally:
        await connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
        await connection.close()
