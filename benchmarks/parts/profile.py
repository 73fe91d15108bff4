"""Where the time goes: processor time by function, and SQL by statement.

Decides what is looked at: payin lifecycles, with a sampler in payment and worker and with PostgreSQL's own counts
(pg_stat_statements, which the embedded server has loaded; another needs it in shared_preload_libraries).
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import asyncpg
import msgspec

from benchmarks import processes
from benchmarks.figures import Figure, Section, Table
from benchmarks.meter import Meter
from benchmarks.profiled import Found

_SAMPLED = ("payment", "worker")
_FUNCTIONS_SHOWN = 20
_PACKAGES_SHOWN = 10
_STATEMENTS_SHOWN = 20
_STATEMENT_LENGTH = 90
_WRITTEN_SECONDS = 5.0
_COMMENT = re.compile(r"--[^\n]*")
_STATEMENT_HEADS = ("statement", "calls", "ms", "rows", "WAL bytes", "blocks hit", "blocks read")
_STATEMENTS = """
SELECT query, calls, total_exec_time, rows, wal_bytes, shared_blks_hit, shared_blks_read
FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY total_exec_time DESC LIMIT $1
"""


async def measure(meter: Meter, folder: Path) -> Section:
    """Run payins and gather what was found; `folder` is where the samplers write."""
    await meter.warm_up()
    connection = await asyncpg.connect(meter.bench.database_url)
    try:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        await connection.execute("SELECT pg_stat_statements_reset()")
        _tell_samplers(signal.SIGUSR1)
        figure = await meter.lifecycles("payin", name="payin lifecycles under the sampler")
        found = {name: _written(folder / f"{name}.json") for name in _tell_samplers(signal.SIGUSR2)}
        statements = await connection.fetch(_STATEMENTS, _STATEMENTS_SHOWN)
        await connection.execute("DROP EXTENSION pg_stat_statements")
    finally:
        await connection.close()
    return Section(
        name="profile",
        figures=[figure],
        tables=[
            *(_functions(name, each, figure) for name, each in found.items()),
            *(_packages(name, each) for name, each in found.items()),
            Table("SQL by statement, per payin", _STATEMENT_HEADS, [_shown(row, figure.count) for row in statements]),
        ],
    )


def _tell_samplers(number: signal.Signals) -> Sequence[str]:
    """Send a signal to every sampled process; return their names."""
    for name in _SAMPLED:
        for pid in processes.pids(name):
            os.kill(pid, number)
    return _SAMPLED


def _written(file: Path) -> Found:
    """Wait for a sampler's file. Raises TimeoutError."""
    deadline = time.monotonic() + _WRITTEN_SECONDS
    while not file.exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the sampler did not write {file.name}")
        time.sleep(0.05)
    return msgspec.json.decode(file.read_bytes(), type=Found)


def _functions(name: str, found: Found, figure: Figure) -> Table:
    total = max(sum(found.functions.values()), 1)
    rows = [
        (function, f"{count / total:.1%}", f"{count / total * figure.cpu_ms[name] * 1000:.0f}")
        for function, count in _most(found.functions, _FUNCTIONS_SHOWN)
    ]
    title = f"Processor time of {name} by our function, with the libraries it calls"
    return Table(title, ("function", "share", "microseconds per payin"), rows)


def _packages(name: str, found: Found) -> Table:
    total = max(sum(found.packages.values()), 1)
    rows = [(package, f"{count / total:.1%}") for package, count in _most(found.packages, _PACKAGES_SHOWN)]
    return Table(f"Processor time of {name} by package, without what it calls", ("package", "share"), rows)


def _most(counts: Mapping[str, int], number: int) -> Sequence[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: -item[1])[:number]


def _shown(row: asyncpg.Record, payments: int) -> Sequence[str]:
    text = " ".join(_COMMENT.sub("", str(row["query"])).split()).replace("|", "/")
    shown = text if len(text) <= _STATEMENT_LENGTH else f"{text[:_STATEMENT_LENGTH]}…"
    per_payment = max(payments, 1)
    return (
        f"`{shown}`",
        f"{row['calls'] / per_payment:.3f}",
        f"{row['total_exec_time'] / per_payment:.3f}",
        f"{row['rows'] / per_payment:.2f}",
        *(
            f"{int(row[name]) / per_payment:,.0f}" if name == "wal_bytes" else f"{int(row[name]) / per_payment:.1f}"
            for name in ("wal_bytes", "shared_blks_hit", "shared_blks_read")
        ),
    )
