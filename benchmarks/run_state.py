"""What one part of a run learns and later parts need.

Decides nothing. A part that is run alone measures for itself what it would have been told.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.meter import Meter


@dataclass
class RunState:
    """Capacities a second on one payment and one worker process; 0 while they are not known."""

    lifecycles: float = 0.0
    initiations: float = 0.0

    async def lifecycle_capacity(self, meter: Meter) -> float:
        """Return how many payins a second complete."""
        if not self.lifecycles:
            await meter.warm_up()
            self.lifecycles = (await meter.lifecycles("payin", name="capacity of payin lifecycles")).per_second
        return self.lifecycles

    async def initiation_capacity(self, meter: Meter) -> float:
        """Return how many payins a second can be initiated."""
        if not self.initiations:
            await meter.warm_up()
            self.initiations = (await meter.initiations(name="capacity of initiations")).per_second
        return self.initiations
