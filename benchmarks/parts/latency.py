"""Latency of initiate at shares of the capacity, with arrivals that do not wait for answers.

Decides the shares: 25, 50, 75 and 100 % of the lifecycles and of the initiations that can be done a second.
"""

from __future__ import annotations

import msgspec

from benchmarks.figures import Figure, Section
from benchmarks.load import Phase
from benchmarks.meter import NEVER_PAYS, PAYS, Meter
from benchmarks.run_state import RunState

_SHARES = (25, 50, 75, 100)


async def measure(meter: Meter, state: RunState) -> Section:
    """Measure each share of each capacity."""
    lifecycles = await state.lifecycle_capacity(meter)
    await meter.bench.set_provider(PAYS)
    figures = [
        await _at(meter, share, lifecycles, "payin lifecycle capacity", window=meter.plan.window) for share in _SHARES
    ]
    initiations = await state.initiation_capacity(meter)
    await meter.bench.set_provider(NEVER_PAYS)
    for share in _SHARES:
        figures.append(await _at(meter, share, initiations, "initiation capacity"))
        await meter.set_aside()
    return Section(name="latency", figures=figures)


async def _at(meter: Meter, share: int, capacity: float, of_what: str, *, window: int | None = None) -> Figure:
    rate = capacity * share / 100
    phase = Phase("all", meter.plan.seconds, rate)
    figure, _ = await meter.load(f"initiate at {share} % of {of_what}", "payin", [phase], window=window)
    return msgspec.structs.replace(figure, per_second=round(rate, 1))
