"""How many payments and ledger entries a second: the capacities to which other parts relate.

Decides the order: lifecycles first, on few payments; what is never paid last.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from benchmarks import ledger_batches, processes
from benchmarks.figures import Figure, Section, Table, bound_and_lift
from benchmarks.meter import Meter, say
from benchmarks.run_state import RunState


async def measure(meter: Meter, state: RunState) -> Section:
    """Measure every capacity."""
    await meter.warm_up()
    payins = await meter.lifecycles("payin")
    payouts = await meter.lifecycles("payout")
    initiations = await meter.initiations()
    state.lifecycles, state.initiations = payins.per_second, initiations.per_second
    entries = await _ledger(meter)
    memory = [(name, ", ".join(map(str, each))) for name, each in sorted(processes.memory_mebibytes().items())]
    return Section(
        name="rates",
        figures=[initiations, payins, payouts, *entries],
        tables=[Table("Resident memory, MiB", ("process", "each"), memory)],
    )


async def _ledger(meter: Meter) -> Sequence[Figure]:
    seconds = meter.plan.ledger_seconds
    say(f"ledger entries, spread and hot: {2 * seconds:.0f} s")
    before, started = processes.now(), time.monotonic()
    rates = await ledger_batches.spread_and_hot(ledger_batches.Load(meter.bench.database_url, seconds=seconds))
    others = processes.now().since(before)["others"] / (time.monotonic() - started)
    figures = []
    for rate in rates:
        microseconds = {"client": rate.client_microseconds, "postgres": rate.server_microseconds}
        cores = {name: each * rate.entries_per_second / 1e6 for name, each in microseconds.items()} | {"others": others}
        bound, lift = bound_and_lift(cores)
        figures.append(
            Figure(
                name=f"ledger entries, {rate.name}",
                per_second=round(rate.entries_per_second, 1),
                unit="entries",
                count=round(rate.entries_per_second * seconds),
                cpu_ms={name: each / 1000 for name, each in microseconds.items()},
                cores=cores,
                bound=bound,
                lift=lift,
            )
        )
    return figures
