"""What is measured, in which order, and what each figure means.

Decides the loads. Every figure comes with the processor time of each process and with what bounded it; nothing is
left out because it looks bad. Source of the list: docs/performance.md is generated from it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

import asyncpg
import msgspec

from benchmarks import ledger_batches, pgbench, processes
from benchmarks.load import Outcome
from benchmarks.orders import Kind
from benchmarks.stack import Bench

CORES: Final = os.cpu_count() or 1

_PAYS: Final = {"complete_after_ms": {"kind": "uniform", "from_ms": 100, "to_ms": 300}}
_NEVER_PAYS: Final = {"outcome": {"success": 0, "pending": 1}}
_BUSY_PROCESS: Final = 0.85
_BUSY_MACHINE: Final = 0.92
_WHAT_FOR: Final = ("payment", "worker", "api", "simulator", "postgres", "valkey", "mongodb", "load", "others")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; `payments` per figure."""

    payments: int
    connections: int
    window: int
    warm_up: int
    ledger_seconds: float
    pgbench_seconds: int


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds from the moment a request was due to the end of its answer."""

    p50_ms: float
    p95_ms: float
    p99_ms: float


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured rate. `cpu_ms` is processor time per unit by process, `cores` how many it kept busy."""

    name: str
    per_second: float
    unit: str
    count: int
    ratio: float | None = None
    bound: str | None = None
    statuses: dict[int, int] = {}
    latency: Latency | None = None
    connections: int | None = None
    cpu_ms: dict[str, float] = {}
    cores: dict[str, float] = {}
    wal_bytes: int | None = None


class Measured(msgspec.Struct, kw_only=True):
    """All figures of one run."""

    pgbench: list[float]
    figures: list[Figure]
    memory_mebibytes: dict[str, list[float]]
    seconds: float


async def measure(bench: Bench, plan: Plan) -> Measured:
    """Measure everything, one after the other."""
    started = time.monotonic()
    meter = Meter(bench, plan)
    await pgbench.prepare(bench.database_url)
    baseline = [await pgbench.transactions_per_second(bench.database_url, plan.pgbench_seconds)]
    await bench.set_provider(_PAYS)
    for kind in ("payin", "payout"):
        await bench.send(kind, plan.warm_up, plan.connections, window=plan.window)
    payins = await meter.lifecycles("payin")
    payouts = await meter.lifecycles("payout")
    half = payins.per_second / 2
    at_half = await meter.arrivals("initiate at 50 % of payin lifecycle capacity", half, window=plan.window)
    memory = processes.memory_mebibytes()
    await bench.set_provider(_NEVER_PAYS)
    initiations = await meter.initiations()
    alone = await meter.arrivals("initiate at 50 % of initiation capacity", initiations.per_second / 2, window=None)
    entries = await _ledger(bench.database_url, plan.ledger_seconds)
    baseline.append(await pgbench.transactions_per_second(bench.database_url, plan.pgbench_seconds))
    figures = [initiations, payins, payouts, at_half, alone, *entries]
    return Measured(
        pgbench=[round(tps, 1) for tps in baseline],
        figures=[msgspec.structs.replace(each, ratio=round(each.per_second / fmean(baseline), 3)) for each in figures],
        memory_mebibytes=memory,
        seconds=round(time.monotonic() - started, 1),
    )


class Meter:
    """Runs a load and looks at what it cost."""

    def __init__(self, bench: Bench, plan: Plan) -> None:
        self._bench = bench
        self._plan = plan

    async def lifecycles(self, kind: Kind) -> Figure:
        """As many payments as complete, from initiate to the verified callback, with a bounded number under way."""
        plan = self._plan
        return await self._figure(
            f"{kind} lifecycles",
            lambda: self._bench.send(kind, plan.payments, plan.connections, window=plan.window),
            lambda outcome: outcome.callback_seconds or outcome.answer_seconds,
        )

    async def initiations(self) -> Figure:
        """As many payins as can be initiated while none is paid."""
        plan = self._plan
        return await self._figure(
            "payin initiations",
            lambda: self._bench.send("payin", plan.payments, plan.connections),
            lambda outcome: outcome.answer_seconds,
        )

    async def arrivals(self, name: str, rate: float, *, window: int | None) -> Figure:
        """Payins that arrive at a rate, whether or not earlier ones are answered."""
        plan = self._plan
        return await self._figure(
            name,
            lambda: self._bench.send("payin", plan.payments // 2, plan.connections, rate=rate, window=window),
            lambda outcome: outcome.answer_seconds,
        )

    async def _figure(
        self, name: str, load: Callable[[], Awaitable[Outcome]], seconds_of: Callable[[Outcome], float]
    ) -> Figure:
        _say(name)
        wal_before, before, started = await _wal_bytes(self._bench.database_url), processes.now(), time.monotonic()
        outcome = await load()
        seconds, used = time.monotonic() - started, processes.now().since(before)
        count = outcome.answered
        cores = {each: round(used.get(each, 0.0) / seconds, 3) for each in _WHAT_FOR}
        return Figure(
            name=name,
            per_second=round(count / seconds_of(outcome), 1),
            unit="payments",
            count=count,
            bound=_bound(cores),
            statuses=outcome.statuses,
            latency=Latency(outcome.p50_ms, outcome.p95_ms, outcome.p99_ms),
            connections=outcome.connections,
            cpu_ms={each: round(used.get(each, 0.0) / max(count, 1) * 1000, 3) for each in _WHAT_FOR},
            cores=cores,
            wal_bytes=(await _wal_bytes(self._bench.database_url) - wal_before) // max(count, 1),
        )


async def _ledger(url: str, seconds: float) -> Sequence[Figure]:
    _say("ledger entries")
    before, started = processes.now(), time.monotonic()
    rates = await ledger_batches.spread_and_hot(ledger_batches.Load(url, seconds=seconds))
    others = processes.now().since(before)["others"] / (time.monotonic() - started)
    return [
        Figure(
            name=f"ledger entries, {rate.name}",
            per_second=round(rate.entries_per_second, 1),
            unit="entries",
            count=round(rate.entries_per_second * seconds),
            cpu_ms={"client": rate.client_microseconds / 1000, "postgres": rate.server_microseconds / 1000},
            bound=_bound(
                {
                    "client": rate.client_microseconds * rate.entries_per_second / 1e6,
                    "postgres": rate.server_microseconds * rate.entries_per_second / 1e6,
                    "others": others,
                }
            ),
        )
        for rate in rates
    ]


def _bound(cores: Mapping[str, float]) -> str:
    """Say what a load was bounded by, from how many cores each process kept busy."""
    single = {name: busy for name, busy in cores.items() if name not in {"postgres", "others"}}
    name, busiest = max(single.items(), key=lambda item: item[1])
    most, used = max(cores.items(), key=lambda item: item[1])
    total = sum(cores.values())
    if total >= _BUSY_MACHINE * CORES:
        return f"all {CORES} cores busy; most by {most} ({used / total:.0%})"
    if busiest >= _BUSY_PROCESS:
        return f"the one thread of {name} ({busiest:.0%} of a core)"
    return f"the rate of arrivals or waiting: {total:.2f} of {CORES} cores busy, most by {most} ({used / total:.0%})"


async def _wal_bytes(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"))
    finally:
        await connection.close()


def _say(line: str) -> None:
    sys.stderr.write(f"measuring: {line}\n")
