"""The same rates with more payment and worker processes on the same machine.

Decides nothing else; how many there are is the installation's shape.
"""

from __future__ import annotations

from benchmarks.figures import Section
from benchmarks.meter import Meter
from benchmarks.stack import Shape


async def measure(meter: Meter, shape: Shape) -> Section:
    """Measure lifecycles and initiations with the processes there are."""
    await meter.warm_up()
    suffix = f", {shape.payments} payment and {shape.workers} worker processes"
    return Section(
        name="scaling",
        figures=[
            await meter.initiations(name=f"payin initiations{suffix}"),
            await meter.lifecycles("payin", name=f"payin lifecycles{suffix}"),
            await meter.lifecycles("payout", name=f"payout lifecycles{suffix}"),
        ],
    )
