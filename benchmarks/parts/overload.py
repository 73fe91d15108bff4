"""Beyond capacity: what is refused and how, what becomes of those accepted, and how soon all is as before.

Decides the course: full load, half as much again, three times as much, then half load, of which the first second is
looked at by itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.figures import Figure, Latency, Section, Table
from benchmarks.load import Phase, Told
from benchmarks.meter import NEVER_PAYS, Meter
from benchmarks.run_state import RunState

_AFTER = "the first second after, 50 %"
_COURSE = (("100 %", 1.0), ("150 %", 1.5), ("300 %", 3.0), (_AFTER, 0.5), ("then, 50 %", 0.5))
_HEADS = (
    *("arrivals, of initiation capacity", "arrivals/s", "accepted/s", "refused", "of them with retry-after"),
    *("accepted p50 ms", "p95 ms", "p99 ms", "refused p99 ms"),
)


async def measure(meter: Meter, state: RunState) -> Section:
    """Measure the whole course as one load."""
    capacity = await state.initiation_capacity(meter)
    seconds = meter.plan.seconds
    await meter.bench.set_provider(NEVER_PAYS)
    phases = [
        Phase(name, min(1.0, seconds) if name == _AFTER else seconds, capacity * times) for name, times in _COURSE
    ]
    figure, told = await meter.load("initiate, beyond capacity and back", "payin", phases)
    await meter.set_aside()
    rows = [_row(phase, each) for phase, each in zip(phases, told, strict=True)]
    by_phase = [_figure(figure, each) for each in told]
    return Section(name="overload", figures=[figure, *by_phase], tables=[Table("By share of capacity", _HEADS, rows)])


def _figure(whole: Figure, told: Told) -> Figure:
    """Give a phase's own rate and latency; what bounded it is known of the whole course only."""
    return Figure(
        name=f"initiate, arrivals {told.name}",
        per_second=round(told.accepted / told.seconds, 1),
        unit=whole.unit,
        count=told.accepted,
        bound=whole.bound,
        lift=whole.lift,
        statuses=told.statuses,
        latency=Latency(told.p50_ms, told.p95_ms, told.p99_ms),
        connections=whole.connections,
    )


def _row(phase: Phase, told: Told) -> Sequence[str]:
    arrived = sum(told.statuses.values())
    refused = arrived - told.accepted
    return (
        told.name,
        f"{phase.rate or 0:,.0f}",
        f"{told.accepted / told.seconds:,.0f}",
        f"{refused / max(arrived, 1):.1%}",
        f"{told.retry_after / refused:.0%}" if refused else "-",
        *(f"{each:.1f}" for each in (told.p50_ms, told.p95_ms, told.p99_ms)),
        f"{told.refused_p99_ms:.1f}" if refused else "-",
    )
