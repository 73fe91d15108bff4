"""Memory of each process while payments run for a long time at half of the capacity.

Decides how a trend is told: the least-squares slope over the samples of the last two thirds, since caches and pools
fill in the first.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Sequence

from benchmarks import processes
from benchmarks.figures import Section, Table
from benchmarks.load import Phase
from benchmarks.meter import PAYS, Meter
from benchmarks.run_state import RunState

_SAMPLES = 60
_HEADS = ("process", "at the start", "a third in", "at the end", "most", "slope of the last two thirds, MiB/minute")

Samples = dict[str, list[tuple[float, float]]]


async def measure(meter: Meter, state: RunState) -> Section:
    """Run payins at half load, and sample."""
    rate = await state.lifecycle_capacity(meter) / 2
    await meter.bench.set_provider(PAYS)
    seconds = meter.plan.soak_seconds
    samples: Samples = defaultdict(list)
    sampling = asyncio.create_task(_sample(samples, seconds / _SAMPLES))
    phase, window = Phase("all", seconds, rate), meter.plan.window
    try:
        figure, _ = await meter.load("soak at 50 % of payin lifecycle capacity", "payin", [phase], window=window)
    finally:
        sampling.cancel()
    title = f"Memory over {seconds / 60:.1f} minutes at {rate:,.0f} payins a second, MiB"
    rows = [_row(name, each) for name, each in sorted(samples.items())]
    return Section(name="soak", figures=[figure], tables=[Table(title, _HEADS, rows)])


async def _sample(samples: Samples, gap_seconds: float) -> None:
    started = time.monotonic()
    while True:
        for name, each in processes.memory_mebibytes().items():
            samples[name].append((time.monotonic() - started, sum(each)))
        await asyncio.sleep(gap_seconds)


def _row(name: str, samples: Sequence[tuple[float, float]]) -> Sequence[str]:
    rest = samples[len(samples) // 3 :]
    figures = (samples[0][1], rest[0][1], samples[-1][1], max(size for _, size in samples))
    return (name, *(f"{each:.1f}" for each in figures), f"{_slope(rest) * 60:+.2f}")


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope of the line that fits best; 0 of fewer than two points."""
    count = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / count, sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
