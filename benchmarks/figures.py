"""What a figure is, and what it says about its own limits.

Decides how the cause of a limit is told from the processor time of each process. Must never leave a figure out because
it looks bad.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

JOBS_BESIDE: Final = "Sealing and snapshots beside, hot accounts"
"""Title of the table whose last cell is what the ledger's jobs cost its writers."""
CORES: Final = os.cpu_count() or 1
PROCESSES: Final = ("payment", "worker", "api", "simulator", "postgres", "valkey", "mongodb", "load", "others")

_BUSY_PROCESS: Final = 0.85
_BUSY_MACHINE: Final = 0.92
_BUSY_OTHERS: Final = 0.1
_SINGLE_THREADS: Final = frozenset(PROCESSES) - {"postgres", "others"} | {"client"}
_LIFTS: Final = {
    "payment": "a second payment process on a core of its own",
    "worker": "a second worker on a core of its own",
    "simulator": "nothing of the product: a second simulator",
    "load": "nothing of the product: a second load generator",
    "client": "a second writer on a core of its own",
}


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds from the moment a request was due to the end of its answer, of those answered 200."""

    p50_ms: float
    p95_ms: float
    p99_ms: float


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured rate. `cpu_ms` is processor time per unit by process, `cores` how many it kept busy.

    `ratio` is to pgbench's debit-credit, of the whole run where the figure has none of its own; `stored` is how many
    payments the database held.
    """

    name: str
    per_second: float
    unit: str
    count: int
    ratio: float = 0.0
    bound: str = ""
    lift: str = ""
    statuses: dict[int, int] = {}
    latency: Latency | None = None
    connections: int | None = None
    cpu_ms: dict[str, float] = {}
    cores: dict[str, float] = {}
    wal_bytes: int | None = None
    stored: int | None = None


class Table(msgspec.Struct, frozen=True):
    """Facts that are no rates, as they are shown."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


class Section(msgspec.Struct, kw_only=True):
    """What one part of the run found.

    `pgbench` are debit-credit transactions a second before and after the run, bounded by `pgbench_bound`.
    """

    name: str
    figures: list[Figure] = []
    tables: list[Table] = []
    at: str = ""
    pgbench: list[float] = []
    pgbench_bound: str = ""


def bound_and_lift(cores: Mapping[str, float], *, given_rate: float | None = None) -> tuple[str, str]:
    """Say what a load was bounded by and what would lift it, from how many cores each process kept busy.

    `given_rate` is the rate of an open loop, which bounds what keeps up with it.
    """
    total = sum(cores.values())
    most, used = max(((name, busy) for name, busy in cores.items() if name != "others"), key=lambda item: item[1])
    name, busiest = max(
        ((each, busy) for each, busy in cores.items() if each in _SINGLE_THREADS),
        key=lambda item: item[1],
        default=("none", 0.0),
    )
    disturbed = f"; {cores['others']:.2f} taken by others" if cores.get("others", 0.0) > _BUSY_OTHERS else ""
    if total >= _BUSY_MACHINE * CORES:
        bound = f"all {CORES} cores busy, most by {most} ({used / total:.0%}){disturbed}"
        return bound, f"more cores: per payment most is spent by {most}"
    if busiest >= _BUSY_PROCESS:
        return f"the one thread of {name} ({busiest:.0%} of a core){disturbed}", _LIFTS.get(name, "a faster core")
    if given_rate is not None:
        return f"the rate of arrivals: {total:.2f} of {CORES} cores busy{disturbed}", "more arrivals"
    bound = f"waiting: {total:.2f} of {CORES} cores busy, most by {most} ({used / total:.0%}){disturbed}"
    return bound, "more at once, or faster commits (fsync)"
