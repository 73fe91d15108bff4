"""Runs a load on the running installation and looks at what it cost.

Decides what is counted: requests answered 200, over the time to the last answer or the last verified callback, so that
the end, when less and less is under way, counts too.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import asyncpg

from benchmarks import processes
from benchmarks.figures import PROCESSES, Figure, Latency, bound_and_lift
from benchmarks.load import Outcome, Phase, Told
from benchmarks.orders import Kind
from benchmarks.stack import Bench

PAYS = {"complete_after_ms": {"kind": "uniform", "from_ms": 100, "to_ms": 300}}
NEVER_PAYS = {"outcome": {"success": 0, "pending": 1}}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; `seconds` per load."""

    seconds: float
    connections: int
    window: int
    warm_up_seconds: float
    ledger_seconds: float
    pgbench_seconds: int
    soak_seconds: float
    rows: tuple[int, ...]


class Meter:
    """Measures one installation."""

    def __init__(self, bench: Bench, plan: Plan) -> None:
        self.bench = bench
        self.plan = plan

    async def warm_up(self) -> None:
        """Let both kinds of payment run until everything is compiled, cached and connected."""
        await self.bench.set_provider(PAYS)
        for kind in ("payin", "payout"):
            phase = Phase("warm-up", self.plan.warm_up_seconds)
            await self.bench.send(kind, [phase], self.plan.connections, window=self.plan.window)

    async def lifecycles(self, kind: Kind, *, seconds: float | None = None, name: str = "") -> Figure:
        """As many payments as complete, from initiate to the verified callback, with a bounded number under way."""
        await self.bench.set_provider(PAYS)
        figure, _ = await self.load(
            name or f"{kind} lifecycles", kind, [Phase("all", seconds or self.plan.seconds)], window=self.plan.window
        )
        return figure

    async def initiations(self, *, seconds: float | None = None, name: str = "payin initiations") -> Figure:
        """As many payins as can be initiated while none is paid."""
        await self.bench.set_provider(NEVER_PAYS)
        figure, _ = await self.load(name, "payin", [Phase("all", seconds or self.plan.seconds)])
        await self.set_aside()
        return figure

    async def load(
        self, name: str, kind: Kind, phases: list[Phase], *, window: int | None = None
    ) -> tuple[Figure, list[Told]]:
        """Run a load; its figure is of all phases together."""
        say(f"{name}: {sum(phase.seconds for phase in phases):.0f} s")
        wal_before, before, started = await self.wal_bytes(), processes.now(), time.monotonic()
        outcome = await self.bench.send(kind, phases, self.plan.connections, window=window)
        seconds, used = time.monotonic() - started, processes.now().since(before)
        count = outcome.accepted
        cores = {each: round(used.get(each, 0.0) / seconds, 3) for each in PROCESSES}
        bound, lift = bound_and_lift(cores, given_rate=phases[0].rate)
        figure = Figure(
            name=name,
            per_second=round(count / (outcome.callback_seconds or outcome.answer_seconds), 1),
            unit="payments",
            count=count,
            bound=bound,
            lift=lift,
            statuses=_statuses(outcome),
            latency=_latency(outcome.phases[0]) if len(phases) == 1 else None,
            connections=outcome.connections,
            cpu_ms={each: round(used.get(each, 0.0) / max(count, 1) * 1000, 3) for each in PROCESSES},
            cores=cores,
            wal_bytes=(await self.wal_bytes() - wal_before) // max(count, 1),
        )
        return figure, outcome.phases

    async def wal_bytes(self) -> int:
        """Return how many bytes the server has logged so far."""
        return int(await self.fetch("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"))

    async def set_aside(self) -> None:
        """Stop asking about payments that stay open on purpose, so that the next figure does not pay for it."""
        await self.fetch("UPDATE payments_transactions SET due_at = NULL WHERE due_at IS NOT NULL")

    async def fetch(self, statement: str) -> Any:  # noqa: ANN401 - whatever the statement gives
        """Run a statement and return its first value."""
        connection = await asyncpg.connect(self.bench.database_url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()


def say(line: str) -> None:
    """Tell the person at the terminal what goes on."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stderr.flush()


def _latency(told: Told) -> Latency:
    return Latency(told.p50_ms, told.p95_ms, told.p99_ms)


def _statuses(outcome: Outcome) -> dict[int, int]:
    counted: Counter[int] = Counter()
    for phase in outcome.phases:
        counted.update(phase.statuses)
    return dict(counted)
