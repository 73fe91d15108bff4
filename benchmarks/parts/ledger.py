"""The ledger alone, in batches: what it takes of entries, by size, and what its jobs beside cost.

Decides the names of the figures; how they are measured is `benchmarks/ledger.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks import ledger
from benchmarks.figures import JOBS_BESIDE, Figure, Section, Table, bound_and_lift
from benchmarks.ledger_batches import Load, Rate
from benchmarks.ledger_turns import Round, in_turns, middle_and_range
from benchmarks.meter import Meter, say
from wisipay.core.memory import settle_memory

BATCH = 4_096
"""Entries of a batch where as many are wanted as the ledger takes; the table by size shows what smaller ones give."""

_ROUNDS = 5


async def measure(meter: Meter) -> Section:
    """Measure four-line entries on spread and hot accounts, the jobs beside, and every size of batch."""
    settle_memory()  # as every process of the product does
    seconds = meter.plan.ledger_seconds
    count = _ROUNDS if seconds >= 1 else 1
    say(f"ledger entries in turns with debit-credit and with the jobs beside: {5 * count * seconds:.0f} s")
    load = Load(meter.bench.database_url, batch=BATCH, seconds=seconds)
    rounds = [each async for each in in_turns(load, count)]
    spread = _usual(rounds, lambda each: each.spread_ratio)
    hot = _usual(rounds, lambda each: each.hot_ratio)
    beside = _usual(rounds, lambda each: each.loss)
    figures = [
        _figure("ledger entries, spread", spread.spread, seconds, spread),
        _figure("ledger entries, hot", hot.hot, seconds, hot),
        _figure("ledger entries, hot, sealing and snapshots beside", beside.beside, seconds, beside),
    ]
    say("ledger entries by size of batch")
    sizes = await ledger.by_size(Load(meter.bench.database_url, seconds=seconds / 2))
    return Section(name="ledger", figures=figures, tables=[_turns(rounds), _jobs(rounds), _sizes(sizes)])


def _usual(rounds: Sequence[Round], of: Callable[[Round], float]) -> Round:
    """Return the round in the middle."""
    return sorted(rounds, key=of)[len(rounds) // 2]


def _figure(name: str, rate: Rate, seconds: float, of: Round) -> Figure:
    microseconds = {"client": rate.client_microseconds, "postgres": rate.server_microseconds}
    cores = {each: spent * rate.entries_per_second / 1e6 for each, spent in microseconds.items()}
    cores["others"] = rate.others_cores
    bound, lift = bound_and_lift(cores)
    return Figure(
        name=name,
        per_second=round(rate.entries_per_second, 1),
        unit="entries",
        count=round(rate.entries_per_second * seconds),
        ratio=round(rate.entries_per_second / of.debit_credit, 3),
        cpu_ms={each: spent / 1000 for each, spent in microseconds.items()},
        cores=cores,
        bound=bound,
        lift=lift,
    )


def _turns(rounds: Sequence[Round]) -> Table:
    rows = [
        (
            f"{each.debit_credit:,.0f}",
            f"{each.spread.entries_per_second:,.0f}",
            f"{each.spread_ratio:.2f}",
            f"{each.hot.entries_per_second:,.0f}",
            f"{each.hot_ratio:.2f}",
        )
        for each in rounds
    ]
    middle = [middle_and_range(rounds, of) for of in (lambda each: each.spread_ratio, lambda each: each.hot_ratio)]
    heads = ("debit-credit/s", "entries/s, spread", "x debit-credit", "entries/s, hot", "x debit-credit")
    return Table("Rounds of debit-credit and entries", heads, [*rows, ("median (range)", "", middle[0], "", middle[1])])


def _jobs(rounds: Sequence[Round]) -> Table:
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
    cost = _usual(rounds, lambda each: each.loss).loss
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
