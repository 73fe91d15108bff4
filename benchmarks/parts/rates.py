"""How many payments a second: the capacities to which other parts relate.

Decides the order: lifecycles first, on few payments; what is never paid last.
"""

from __future__ import annotations

from benchmarks import processes
from benchmarks.figures import Section, Table
from benchmarks.meter import Meter
from benchmarks.run_state import RunState


async def measure(meter: Meter, state: RunState) -> Section:
    """Measure every capacity."""
    await meter.warm_up()
    payins = await meter.lifecycles("payin")
    payouts = await meter.lifecycles("payout")
    initiations = await meter.initiations()
    state.lifecycles, state.initiations = payins.per_second, initiations.per_second
    memory = [(name, ", ".join(map(str, each))) for name, each in sorted(processes.memory_mebibytes().items())]
    return Section(
        name="rates",
        figures=[initiations, payins, payouts],
        tables=[Table("Resident memory, MiB", ("process", "each"), memory)],
    )
