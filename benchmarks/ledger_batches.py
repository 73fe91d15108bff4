"""Ledger entries per second in batches of four-line transfers, on spread accounts and on hot ones.

Usage: `python benchmarks/ledger_batches.py DATABASE_URL [--batch 256] [--seconds 5] [--connections 2] [--groups 250]
[--lines 4]`

Works in a schema of its own, which it drops. Spread: every entry moves one of `--groups` groups of four accounts. Hot:
all entries move the same four. Prints entries per second, and microseconds of processor time per entry here and (when
the server runs on this machine) in PostgreSQL's backends.
"""

import argparse
import asyncio
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import asyncpg

from wisipay import ledger

SCHEMA = "ledger_benchmark"


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
    """What was measured; microseconds are of processor time per entry, in this process and in PostgreSQL."""

    name: str
    entries_per_second: float
    client_microseconds: float
    server_microseconds: float


def new_entry_id() -> UUID:
    """Return a version 7 UUID."""
    milliseconds = time.time_ns() // 1_000_000
    bits = milliseconds << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
    return UUID(int=bits)


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
    amounts = (100_000, -97_640, -2_000, -360) if len(accounts) > 2 else (100_000, -100_000)  # noqa: PLR2004 - sides
    return ledger.Transfer(
        new_entry_id(), tuple(map(ledger.Line, accounts, amounts)), narration="Payin order-00001", correlation_id="T1"
    )


async def connect(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    """Connect to the benchmark's schema."""
    return await asyncpg.connect(url, server_settings={"search_path": SCHEMA})


def backend_seconds(process_id: int) -> float:
    """Return the processor seconds of a server process; 0 when it is not on this machine."""
    path = Path(f"/proc/{process_id}/stat")
    if not path.exists():
        return 0.0
    times = path.read_text(encoding="utf-8").rpartition(")")[2].split()[11:13]
    return sum(map(int, times)) / os.sysconf("SC_CLK_TCK")


async def write_until(url: str, deadline: float, batch: int, pick: Callable[[], tuple[str, ...]]) -> tuple[int, float]:
    """Write batches until the monotonic moment `deadline`; returns entries and the server's processor seconds."""
    connection = await connect(url)
    entries = 0
    process_id = connection.get_server_pid()
    before = backend_seconds(process_id)
    while time.monotonic() < deadline:
        commands = [transfer(pick()) for _ in range(batch)]
        async with connection.transaction():
            results = await ledger.apply(connection, commands, datetime.now(UTC))
        entries += sum(isinstance(result, ledger.Accepted) for result in results)
    seconds = backend_seconds(process_id) - before
    await connection.close()
    return entries, seconds


async def measure(name: str, load: Load, pick: Callable[[], tuple[str, ...]]) -> Rate:
    """Run one kind of load."""
    started, here = time.monotonic(), time.process_time()
    deadline = started + load.seconds
    writers = (write_until(load.url, deadline, load.batch, pick) for _ in range(load.connections))
    done = await asyncio.gather(*writers)
    entries = sum(count for count, _ in done)
    return Rate(
        name,
        entries / (time.monotonic() - started),
        (time.process_time() - here) / entries * 1e6,
        sum(seconds for _, seconds in done) / entries * 1e6,
    )


async def spread_and_hot(load: Load) -> tuple[Rate, Rate]:
    """Prepare the schema, measure both loads, check the books, drop the schema."""
    connection = await connect(load.url)
    await connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
    await connection.execute(ledger.schema_sql())
    groups = [accounts_of(group) for group in range(load.groups)]
    await ledger.open_accounts(connection, [spec for group in groups for spec in group])
    await connection.execute("ANALYZE")
    names = [tuple(spec.id for spec in group[: load.lines]) for group in groups]
    spread = await measure("spread", load, lambda: names[secrets.randbelow(load.groups)])
    hot = await measure("hot", load, lambda: names[0])
    assert (await ledger.trial_balance(connection)).net_by_currency == {"INR": 0}  # noqa: S101 - a benchmark of wrong books is none
    await connection.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
    await connection.close()
    return spread, hot


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--connections", type=int, default=2)
    parser.add_argument("--groups", type=int, default=250)
    parser.add_argument("--lines", type=int, default=4)
    for rate in await spread_and_hot(Load(**vars(parser.parse_args()))):
        print(
            f"{rate.name:7} {rate.entries_per_second:9,.0f} entries/s   client {rate.client_microseconds:5.1f} us/entry"
            f"   server {rate.server_microseconds:5.1f} us/entry"
        )


if __name__ == "__main__":
    asyncio.run(main())
