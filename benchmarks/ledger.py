"""The ledger alone: four-line entries in turns with debit-credit and with its jobs beside, and by size of batch.

Usage: `python benchmarks/ledger.py DATABASE_URL [--seconds 3] [--batches 1,16,256,1024] [--rounds 5] [--batch 4096]`

The same as `make bench ARGS="--only ledger"`, on any PostgreSQL; `--batches ""` leaves the sizes out. Every figure
comes from the same server in one run, and its ratio is to pgbench's debit-credit of the same round. Processor
microseconds per entry are those of this process and of PostgreSQL's backends: they tell more than the rate where others
use the machine.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import ledger_batches, pgbench
from benchmarks.ledger_batches import Load, Rate
from benchmarks.ledger_turns import in_turns, middle_and_range
from wisipay.core.memory import settle_memory

BATCHES = (1, 16, 64, 256, 1024, 4096)
LINES = (2, 4)


@dataclass(frozen=True, slots=True)
class Sized:
    """Entries of so many lines, in batches of so many."""

    lines: int
    batch: int
    rate: Rate


async def by_size(load: Load, batches: Sequence[int] = BATCHES) -> list[Sized]:
    """Measure every size, one after the other on one ledger."""
    async with ledger_batches.new_ledger(load):
        return [
            Sized(lines, batch, await measure(replace(load, batch=batch, lines=lines)))
            for lines in LINES
            for batch in batches
            for measure in (ledger_batches.spread, ledger_batches.hot)
        ]


async def _run(arguments: argparse.Namespace) -> None:
    load = Load(arguments.url, batch=arguments.batch, seconds=arguments.seconds)
    connection = await asyncpg.connect(load.url)
    await connection.execute(f"DROP DATABASE IF EXISTS {pgbench.DATABASE}")
    try:
        await pgbench.prepare(load.url)
        await _rounds(load, arguments.rounds)
        sizes = [int(size) for size in arguments.batches.split(",") if size]
        for size in await by_size(load, sizes) if sizes else []:
            print(f"{size.lines} lines, batch {size.batch:4}  {_told(size.rate)}")
    finally:
        await connection.execute(f"DROP DATABASE {pgbench.DATABASE} WITH (FORCE)")
        await connection.close()


async def _rounds(load: Load, count: int) -> None:
    rounds = []
    async for each in in_turns(load, count):
        rounds.append(each)
        print(f"debit-credit         {each.debit_credit:15,.0f} /s")
        print(f"spread               {_told(each.spread)} = {each.spread_ratio:5.2f} x")
        print(f"hot                  {_told(each.hot)} = {each.hot_ratio:5.2f} x")
        print(f"hot, nothing beside  {_told(each.alone)}")
        print(f"sealing, snapshots   {_told(each.beside)} = {-each.loss:+.1%}", flush=True)
    print(f"entries x debit-credit, spread: {middle_and_range(rounds, lambda each: each.spread_ratio)}")
    print(f"entries x debit-credit, hot:    {middle_and_range(rounds, lambda each: each.hot_ratio)}")
    print(f"cost of sealing and snapshots:  {middle_and_range(rounds, lambda each: each.loss, '.1%')}")


def _told(rate: Rate) -> str:
    return (
        f"{rate.name:6} {rate.entries_per_second:8,.0f} entries/s"
        f"   client {rate.client_microseconds:6.1f} us   server {rate.server_microseconds:6.1f} us"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each figure")
    parser.add_argument("--batches", default=",".join(map(str, BATCHES)), help="entries in a batch, by comma")
    parser.add_argument("--batch", type=int, default=4096, help="entries in a batch of the rounds")
    parser.add_argument("--rounds", type=int, default=5, help="of debit-credit, spread, hot, and hot with jobs beside")
    settle_memory()  # as every process of the product does
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
