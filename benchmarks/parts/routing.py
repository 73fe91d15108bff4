"""Routing alone: what a decision costs. Needs nothing of what runs; how it is measured: `benchmarks/routing.py`."""

from __future__ import annotations

from benchmarks import routing
from benchmarks.figures import Section, Table
from benchmarks.meter import Meter, say


async def measure(_meter: Meter) -> Section:
    """Measure each way of ordering."""
    say("routing decisions")
    rows = [(name, f"{figure:.1f}") for name, figure in routing.measure()]
    title = f"Routing over {routing.CHANNELS} channels and {routing.RULES} rules (aim: {routing.AIM_MICROSECONDS} us)"
    return Section(name="routing", figures=[], tables=[Table(title, ("order", "processor us per decision"), rows)])
