"""The ledger alone, in batches: what it takes of entries, by size, and what its jobs beside cost.

Decides the names of the figures; how they are measured is `benchmarks/ledger.py`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import TypeVar

from benchmarks import ledger, ledger_batches, processes
from benchmarks.figures import JOBS_BESIDE, Figure, Section, Table, bound_and_lift
from benchmarks.ledger_batches import Load, Rate
from benchmarks.meter import Meter, say
from wisipay.core.memory import settle_memory

BATCH = 1_024
"""Entries of a batch where as many are wanted as the ledger takes; the table by size shows what smaller ones give."""

JOBS_BATCH = 256
"""Entries of a batch beside the jobs: what a busy payment instance writes at a time."""

_ROUNDS = 3
_T = TypeVar("_T")


async def measure(meter: Meter) -> Section:
    """Measure four-line entries on spread and hot accounts, every size of batch, and the jobs beside."""
    settle_memory()  # as every process of the product does
    seconds = meter.plan.ledger_seconds
    load = Load(meter.bench.database_url, batch=BATCH, seconds=seconds)
    say(f"ledger entries, spread and hot, batches of {BATCH:,}: {2 * seconds:.0f} s")
    rates, others = await _with_others(ledger_batches.spread_and_hot(load))
    figures = [_figure(f"ledger entries, {rate.name}", rate, seconds, others) for rate in rates]
    say(f"ledger entries with sealing and snapshots beside: {2 * _ROUNDS * seconds:.0f} s")
    rounds, others = await _with_others(ledger.with_jobs(replace(load, batch=JOBS_BATCH), _ROUNDS))
    usual = sorted(rounds, key=lambda each: each.loss)[_ROUNDS // 2]
    figures.append(_figure("ledger entries, hot, sealing and snapshots beside", usual.beside, seconds, others))
    say("ledger entries by size of batch")
    sizes = await ledger.by_size(Load(meter.bench.database_url, seconds=seconds / 2))
    return Section(name="ledger", figures=figures, tables=[_jobs(rounds), _sizes(sizes)])


async def _with_others(work: Awaitable[_T]) -> tuple[_T, float]:
    """Return what the work returns, and how many cores others took meanwhile."""
    before, started = processes.now(), time.monotonic()
    return await work, processes.now().since(before)["others"] / (time.monotonic() - started)


def _figure(name: str, rate: Rate, seconds: float, others: float) -> Figure:
    microseconds = {"client": rate.client_microseconds, "postgres": rate.server_microseconds}
    cores = {each: spent * rate.entries_per_second / 1e6 for each, spent in microseconds.items()} | {"others": others}
    bound, lift = bound_and_lift(cores)
    return Figure(
        name=name,
        per_second=round(rate.entries_per_second, 1),
        unit="entries",
        count=round(rate.entries_per_second * seconds),
        cpu_ms={each: spent / 1000 for each, spent in microseconds.items()},
        cores=cores,
        bound=bound,
        lift=lift,
    )


def _jobs(rounds: Sequence[ledger.Round]) -> Table:
    rows = [
        (
            f"{each.alone.entries_per_second:,.0f}",
            f"{each.beside.entries_per_second:,.0f}",
            f"{each.done.records:,}",
            f"{(each.done.client_seconds + each.done.server_seconds) / max(each.done.records, 1) * 1e6:.1f}",
            f"{each.loss:.1%}",
        )
        for each in rounds
    ]
    cost = ledger.median_loss(rounds)
    heads = ("entries/s alone", "with both beside", "sealed", "microseconds per sealed record", "cost")
    return Table(JOBS_BESIDE, heads, [*rows, ("median", "", "", "", f"{cost:.1%}")])


def _sizes(sizes: Sequence[ledger.Sized]) -> Table:
    rows = [
        (
            size.rate.name,
            str(size.lines),
            f"{size.batch:,}",
            f"{size.rate.entries_per_second:,.0f}",
            f"{size.rate.client_microseconds:.1f}",
            f"{size.rate.server_microseconds:.1f}",
        )
        for size in sizes
    ]
    heads = ("accounts", "lines", "batch", "entries/s", "client microseconds per entry", "PostgreSQL microseconds")
    return Table("Entries by size of batch", heads, rows)
