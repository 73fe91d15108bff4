"""How the figures are shown: a table for the terminal, and the same as a page of the documentation.

Decides words and layout only. Must never show a figure that the run did not measure.
"""

import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from benchmarks.figures import CORES, Figure, Measured
from benchmarks.pgbench import CLIENTS, SCALE, THREADS

_PROCESSES = ("payment", "worker", "api", "simulator", "postgres", "valkey", "load", "others")


class Report(msgspec.Struct, kw_only=True):
    """One run: the machine, what was asked for, and what came out."""

    machine: dict[str, str]
    options: dict[str, int]
    measured: Measured


def machine(postgres_version: str) -> dict[str, str]:
    """Describe this machine."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if "model name" in line), "unknown"
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": f"{model}, {CORES} cores",
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "postgresql": postgres_version,
    }


def tables(report: Report) -> Iterable[tuple[str, Sequence[str], Sequence[Sequence[str]]]]:
    """Return each table: title, heads, rows."""
    measured = report.measured
    tps = ", ".join(f"{each:,.0f}" for each in measured.pgbench)
    yield (
        "Machine",
        ("", ""),
        [*report.machine.items(), ("options", _options(report)), ("seconds", f"{measured.seconds:.0f}")],
    )
    yield (
        "Rates",
        ("figure", "per second", "x debit-credit", "bounded by"),
        [
            (f"pgbench debit-credit, before and after: {tps}", f"{sum(measured.pgbench) / 2:,.0f}", "1.00", "commits"),
            *(
                (each.name, f"{each.per_second:,.0f}", f"{each.ratio:.2f}", each.bound or "")
                for each in measured.figures
            ),
        ],
    )
    payments = [each for each in measured.figures if each.latency is not None]
    yield (
        "Latency of initiate",
        ("load", "p50 ms", "p95 ms", "p99 ms", "connections", "answers by status"),
        [_latency(each) for each in payments],
    )
    yield (
        "Processor milliseconds per payment",
        ("load", *_PROCESSES, "WAL bytes"),
        [
            (each.name, *(f"{each.cpu_ms.get(name, 0):.2f}" for name in _PROCESSES), f"{each.wal_bytes:,}")
            for each in payments
        ],
    )
    yield (
        "Cores kept busy",
        ("load", *_PROCESSES),
        [(each.name, *(f"{each.cores.get(name, 0):.2f}" for name in _PROCESSES)) for each in payments],
    )
    yield (
        "Resident memory, MiB",
        ("process", "each"),
        [(name, ", ".join(map(str, each))) for name, each in sorted(measured.memory_mebibytes.items())],
    )


def text(report: Report) -> str:
    """Lay the tables out for a terminal."""
    return "\n\n".join(f"{title}\n{_aligned(heads, rows)}" for title, heads, rows in tables(report)) + "\n"


def page(report: Report) -> str:
    """Lay the tables out as a page of the documentation."""
    parts = [_ABOVE.format(clients=CLIENTS, threads=THREADS, scale=SCALE)]
    for title, heads, rows in tables(report):
        lines = (f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows))
        parts.append(f"## {title}\n\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _latency(figure: Figure) -> tuple[str, ...]:
    latency = figure.latency
    if latency is None:
        raise ValueError(f"{figure.name} has no latency")
    answers = ", ".join(f"{status or 'none'}: {count:,}" for status, count in sorted(figure.statuses.items()))
    marks = (f"{each:.1f}" for each in (latency.p50_ms, latency.p95_ms, latency.p99_ms))
    return (f"{figure.name} ({figure.per_second:,.0f}/s)", *marks, str(figure.connections), answers)


def _options(report: Report) -> str:
    return ", ".join(f"{name} {value:,}" for name, value in report.options.items())


def _aligned(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (heads, *rows))
    return "\n".join(line.rstrip() for line in lines)


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()


_ABOVE = """\
# Performance

Written by `make bench ARGS=--write-docs`; do not edit. One run, on one machine that also carries the load generator,
the simulated provider and the merchants' receiver. Compare the ratios to pgbench's debit-credit transaction, measured
on the same PostgreSQL server before and after ({clients} clients, {threads} threads, scale {scale}), not the figures.

- **payin initiations**: signed HTTP request, every check, stored intent, HTTP call to the provider, stored outcome,
  answer; closed loop; no payin is paid.
- **payin lifecycles**: the same, then the provider's webhook, ledger entries, and the callback verified by the
  merchant; counted when the callback was verified, with a bounded number of payments under way.
- **payout lifecycles**: hold, provider, webhook (or poll), posting, verified callback; counted the same way.
- **initiate at 50 %**: requests arrive at random moments (Poisson) at half of the capacity measured before, whether or
  not earlier ones are answered; time counts from the moment a request was due, so nothing is omitted.
- **ledger entries**: four-line entries in batches of 256, over 250 groups of accounts (spread), all on one group (hot).
- **others** is processor time that other programs and other virtual machines took: a run during which it is not near
  zero says little about anything but itself."""
