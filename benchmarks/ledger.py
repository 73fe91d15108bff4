"""The ledger alone: entries per second by batch size, spread and hot accounts, two and four lines, against pgbench.

Usage: `python benchmarks/ledger.py DATABASE_URL [--seconds 3] [--batches 1,16,256,1024] [--json FILE]`

Every figure comes from the same server in one run, and its ratio is to pgbench's debit-credit before and after it.
Processor microseconds per entry are those of this process and of PostgreSQL's backends: they tell more than the rate
where others use the machine.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import asyncpg
import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import ledger_batches, pgbench

BATCHES = (1, 16, 64, 256, 1024)
LINES = (2, 4)
_PGBENCH_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Figure:
    """Entries of so many lines, in batches of so many, over spread accounts or on hot ones."""

    accounts: str
    lines: int
    batch: int
    entries_per_second: float
    times_debit_credit: float
    client_microseconds: float
    server_microseconds: float


async def figures(url: str, seconds: float, batches: Sequence[int]) -> tuple[float, list[Figure]]:
    """Measure; returns debit-credit transactions per second (the mean of before and after), and the figures."""
    before = await pgbench.transactions_per_second(url, _PGBENCH_SECONDS)
    rates = [
        (lines, batch, rate)
        for lines in LINES
        for batch in batches
        for rate in await ledger_batches.spread_and_hot(
            replace(ledger_batches.Load(url, seconds=seconds), batch=batch, lines=lines)
        )
    ]
    debit_credit = (before + await pgbench.transactions_per_second(url, _PGBENCH_SECONDS)) / 2
    return debit_credit, [
        Figure(
            accounts=rate.name,
            lines=lines,
            batch=batch,
            entries_per_second=round(rate.entries_per_second, 1),
            times_debit_credit=round(rate.entries_per_second / debit_credit, 2),
            client_microseconds=round(rate.client_microseconds, 1),
            server_microseconds=round(rate.server_microseconds, 1),
        )
        for lines, batch, rate in rates
    ]


async def _run(url: str, seconds: float, batches: Sequence[int]) -> tuple[float, list[Figure]]:
    connection = await asyncpg.connect(url)
    await connection.execute(f"DROP DATABASE IF EXISTS {pgbench.DATABASE}")
    await pgbench.prepare(url)
    try:
        return await figures(url, seconds, batches)
    finally:
        await connection.execute(f"DROP DATABASE {pgbench.DATABASE} WITH (FORCE)")
        await connection.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each figure")
    parser.add_argument("--batches", default=",".join(map(str, BATCHES)), help="entries in a batch, by comma")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    arguments = parser.parse_args()
    batches = [int(batch) for batch in arguments.batches.split(",")]
    debit_credit, done = asyncio.run(_run(arguments.url, arguments.seconds, batches))
    print(f"pgbench debit-credit {debit_credit:,.0f}/s")
    for each in done:
        print(
            f"{each.accounts:6} {each.lines} lines, batch {each.batch:4}: {each.entries_per_second:8,.0f} entries/s"
            f" = {each.times_debit_credit:5.2f} x   client {each.client_microseconds:6.1f} us"
            f"   server {each.server_microseconds:6.1f} us"
        )
    if arguments.json is not None:
        result = {"debit_credit_per_second": round(debit_credit, 1), "figures": [asdict(each) for each in done]}
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(result)) + b"\n")


if __name__ == "__main__":
    main()
