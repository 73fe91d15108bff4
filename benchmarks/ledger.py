"""The ledger alone: entries per second by size of batch, spread and hot, and what sealing beside costs.

Usage: `python benchmarks/ledger.py DATABASE_URL [--seconds 3] [--batches 1,16,256,1024] [--rounds 3]`

The same as `make bench ARGS="--only ledger"`, on any PostgreSQL. Every figure comes from the same server in one run,
and its ratio is to pgbench's debit-credit before and after it. Processor microseconds per entry are those of this
process and of PostgreSQL's backends: they tell more than the rate where others use the machine.
"""

import argparse
import asyncio
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import ledger_batches, ledger_beside, pgbench
from benchmarks.ledger_batches import Load, Rate
from benchmarks.ledger_beside import Done
from wisipay.core.memory import settle_memory

BATCHES = (1, 16, 64, 256, 1024)
LINES = (2, 4)
_PGBENCH_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Sized:
    """Entries of so many lines, in batches of so many."""

    lines: int
    batch: int
    rate: Rate


@dataclass(frozen=True, slots=True)
class Round:
    """Hot accounts, first with nothing beside and then with the sealer and the snapshots."""

    alone: Rate
    beside: Rate
    done: Done

    @property
    def loss(self) -> float:
        """The part of the rate that is lost."""
        return 1 - self.beside.entries_per_second / self.alone.entries_per_second


async def by_size(load: Load, batches: Sequence[int] = BATCHES) -> list[Sized]:
    """Measure every size, one after the other on one ledger."""
    async with ledger_batches.new_ledger(load):
        return [
            Sized(lines, batch, await measure(replace(load, batch=batch, lines=lines)))
            for lines in LINES
            for batch in batches
            for measure in (ledger_batches.spread, ledger_batches.hot)
        ]


async def with_jobs(load: Load, rounds: int) -> list[Round]:
    """Measure hot accounts without and with the ledger's jobs beside, in turns, on one ledger."""
    measured = []
    async with ledger_batches.new_ledger(load):
        for _ in range(rounds):
            alone = await ledger_batches.hot(load)
            await ledger_beside.beside(load.url, 0.1)  # what was written meanwhile is not this turn's to seal
            beside, done = await asyncio.gather(ledger_batches.hot(load), ledger_beside.beside(load.url, load.seconds))
            measured.append(Round(alone, beside, done))
    return measured


def median_loss(rounds: Sequence[Round]) -> float:
    """Return the part of the rate that the jobs cost."""
    return statistics.median(each.loss for each in rounds)


async def _run(arguments: argparse.Namespace) -> None:
    load = Load(arguments.url, seconds=arguments.seconds)
    connection = await asyncpg.connect(load.url)
    await connection.execute(f"DROP DATABASE IF EXISTS {pgbench.DATABASE}")
    await pgbench.prepare(load.url)
    try:
        before = await pgbench.transactions_per_second(load.url, _PGBENCH_SECONDS)
        sizes = await by_size(load, [int(batch) for batch in arguments.batches.split(",")])
        rounds = await with_jobs(load, arguments.rounds)
        debit_credit = (before + await pgbench.transactions_per_second(load.url, _PGBENCH_SECONDS)) / 2
    finally:
        await connection.execute(f"DROP DATABASE {pgbench.DATABASE} WITH (FORCE)")
        await connection.close()
    print(f"pgbench debit-credit {debit_credit:,.0f}/s")
    for size in sizes:
        print(f"{size.lines} lines, batch {size.batch:4}  {_told(size.rate, debit_credit)}")
    for each in rounds:
        print(f"nothing beside       {_told(each.alone, debit_credit)}")
        print(f"sealing, snapshots   {_told(each.beside, debit_credit)}   {-each.loss:+.1%}")
    print(f"cost of sealing and snapshots beside: {median_loss(rounds):.1%}")


def _told(rate: Rate, debit_credit: float) -> str:
    return (
        f"{rate.name:6} {rate.entries_per_second:8,.0f} entries/s = {rate.entries_per_second / debit_credit:5.2f} x"
        f"   client {rate.client_microseconds:6.1f} us   server {rate.server_microseconds:6.1f} us"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each figure")
    parser.add_argument("--batches", default=",".join(map(str, BATCHES)), help="entries in a batch, by comma")
    parser.add_argument("--rounds", type=int, default=3, help="without and with sealing and snapshots beside")
    settle_memory()  # as every process of the product does
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
