"""The ledger in turns with pgbench's debit-credit, and with its own jobs beside: what drifts meets all of them alike.

Decides the order of the turns. A round is debit-credit, entries on spread accounts, on hot ones, and hot ones again in
smaller batches with and without sealing and snapshots beside; every second round begins with the jobs.
"""

import asyncio
import statistics
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace

from benchmarks import ledger_batches, ledger_beside, pgbench
from benchmarks.ledger_batches import Load, Rate
from benchmarks.ledger_beside import Done

JOBS_BATCH = 256
"""Entries of a batch beside the jobs: what a busy payment instance writes at a time."""


@dataclass(frozen=True, slots=True)
class Round:
    """One turn of each; `alone` and `beside` are hot accounts without and with sealing and snapshots."""

    debit_credit: float
    spread: Rate
    hot: Rate
    alone: Rate
    beside: Rate
    done: Done

    @property
    def spread_ratio(self) -> float:
        """Entries on spread accounts for one debit-credit."""
        return self.spread.entries_per_second / self.debit_credit

    @property
    def hot_ratio(self) -> float:
        """Entries on hot accounts for one debit-credit."""
        return self.hot.entries_per_second / self.debit_credit

    @property
    def loss(self) -> float:
        """The part of the rate that is lost to the jobs."""
        return 1 - self.beside.entries_per_second / self.alone.entries_per_second


async def in_turns(load: Load, rounds: int) -> AsyncIterator[Round]:
    """Measure so many rounds on one ledger, and yield each; pgbench's database is there (`pgbench.prepare`)."""
    jobs = replace(load, batch=JOBS_BATCH)
    async with ledger_batches.new_ledger(load):
        for number in range(rounds):
            debit_credit = await pgbench.transactions_per_second(load.url, max(1, round(load.seconds)))
            spread, hot = await ledger_batches.spread(load), await ledger_batches.hot(load)
            if number % 2:
                beside, done = await _beside(jobs)
                alone = await ledger_batches.hot(jobs)
            else:
                alone = await ledger_batches.hot(jobs)
                beside, done = await _beside(jobs)
            yield Round(debit_credit, spread, hot, alone, beside, done)


async def _beside(load: Load) -> tuple[Rate, Done]:
    await ledger_beside.beside(load.url, 0.1)  # what was written meanwhile is not this turn's to seal
    return await asyncio.gather(ledger_batches.hot(load), ledger_beside.beside(load.url, load.seconds))


def middle_and_range(rounds: Sequence[Round], of: Callable[[Round], float], form: str = ".2f") -> str:
    """Return the median of a figure, with the lowest and the highest of all rounds."""
    figures = [of(each) for each in rounds]
    return f"{statistics.median(figures):{form}} ({min(figures):{form}} to {max(figures):{form}})"
