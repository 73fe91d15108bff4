"""How the figures are shown: tables for the terminal, the same as a page of the documentation, and as JSON beside it.

Decides words and layout only. The page shows each part as it was last measured: a run of some parts leaves the others
as they are. Must never show a figure that no run measured.
"""

import os
import platform
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean

import msgspec

from benchmarks.aims import aims
from benchmarks.figures import CORES, PROCESSES, Figure, Section, Table
from benchmarks.pgbench import CLIENTS, SCALE, THREADS
from benchmarks.report_words import ABOVE, TITLES

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
FIGURES = DOCUMENT.with_suffix(".json")

_SHOWN_PROCESSES = tuple(name for name in PROCESSES if name != "mongodb")


class Report(msgspec.Struct, kw_only=True):
    """One run: the machine, what was asked for, and what came out; `failed` says what did not."""

    machine: dict[str, str]
    options: dict[str, float]
    sections: list[Section]
    seconds: float
    failed: list[str] = []


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


def complete(sections: Iterable[Section], pgbench: Sequence[float], pgbench_bound: str = "") -> list[Section]:
    """Put parts of one name together, in their order, and each figure into proportion to debit-credit.

    A figure that was measured in turns with debit-credit has its proportion already.
    """
    debit_credit = fmean(pgbench)
    together: dict[str, Section] = {}
    for section in sections:
        one = together.setdefault(section.name, Section(name=section.name))
        one.at, one.pgbench, one.pgbench_bound = f"{datetime.now(UTC):%Y-%m-%d}", list(pgbench), pgbench_bound
        one.figures += [
            msgspec.structs.replace(figure, ratio=figure.ratio or round(figure.per_second / debit_credit, 3))
            for figure in section.figures
        ]
        one.tables += section.tables
    return [together[name] for name in TITLES if name in together]


def write(file: Path, report: Report) -> None:
    """Write the figures as JSON."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")


def write_docs(report: Report) -> None:
    """Write the page and its figures; parts that this run did not measure stay as they were."""
    measured = {section.name: section for section in report.sections}
    if FIGURES.exists():
        before = msgspec.json.decode(FIGURES.read_bytes(), type=Report)
        measured = {section.name: section for section in before.sections} | measured
    report.sections = [measured[name] for name in TITLES if name in measured]
    write(FIGURES, report)
    DOCUMENT.write_text(page(report), encoding="utf-8")


def text(report: Report) -> str:
    """Lay the tables out for a terminal."""
    titled = ((f"{TITLES[section.name].title}: " if section else "", table) for section, table in _tables(report))
    return "\n\n".join(f"{above}{table.title}\n{_aligned(table)}" for above, table in titled) + "\n"


def page(report: Report) -> str:
    """Lay the tables out as a page of the documentation."""
    parts = [ABOVE.format(clients=CLIENTS, threads=THREADS, scale=SCALE)]
    heading = None
    for section, table in _tables(report):
        if section is not heading and section is not None:
            tps = " and ".join(f"{each:,.0f}" for each in section.pgbench)
            part = TITLES[section.name]
            baseline = f"Measured on {section.at}, debit-credit before and after: {tps}/s."
            parts.append(f"## {part.title}\n\n{part.about}\n\n{baseline}")
        heading = section
        lines = (f"| {' | '.join(cells)} |" for cells in (table.heads, ["---"] * len(table.heads), *table.rows))
        parts.append(f"**{table.title}**\n\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def _tables(report: Report) -> Iterable[tuple[Section | None, Table]]:
    """Walk over every table, with the part it belongs to."""
    options = ", ".join(f"{name} {value:g}" for name, value in report.options.items())
    facts = [*report.machine.items(), ("options", options), ("seconds of the last run", f"{report.seconds:.0f}")]
    yield None, Table("Machine", ("", ""), facts)
    yield None, aims(report.sections)
    for section in report.sections:
        yield section, _rates(section)
        timed = [figure for figure in section.figures if figure.latency is not None]
        if timed:
            yield section, _latencies(timed)
        payments = [figure for figure in section.figures if figure.wal_bytes is not None]
        if payments:
            yield section, _processor(payments)
        for table in section.tables:
            yield section, table


def _rates(section: Section) -> Table:
    rows = [
        (figure.name, f"{figure.per_second:,.0f}", f"{figure.ratio:.2f}", figure.bound, figure.lift)
        for figure in section.figures
    ]
    if section.name == "rates":
        tps = ", ".join(f"{each:,.0f}" for each in section.pgbench)
        first = f"pgbench debit-credit, before and after: {tps}"
        rows.insert(
            0, (first, f"{fmean(section.pgbench):,.0f}", "1.00", section.pgbench_bound, "no part of the product")
        )
    return Table("Rates", ("figure", "per second", "x debit-credit", "bounded by", "lifted by"), rows)


def _latencies(figures: Sequence[Figure]) -> Table:
    heads = ("load", "p50 ms", "p95 ms", "p99 ms", "connections", "answers by status")
    return Table("Latency of initiate", heads, [_latency(figure) for figure in figures])


def _latency(figure: Figure) -> tuple[str, ...]:
    latency = figure.latency
    if latency is None:
        raise ValueError(f"{figure.name} has no latency")
    answers = ", ".join(f"{status or 'none'}: {count:,}" for status, count in sorted(figure.statuses.items()))
    marks = (f"{each:.1f}" for each in (latency.p50_ms, latency.p95_ms, latency.p99_ms))
    return (f"{figure.name} ({figure.per_second:,.0f}/s)", *marks, str(figure.connections), answers)


def _processor(figures: Sequence[Figure]) -> Table:
    """Show milliseconds per payment, the cores that were busy, and the bytes written."""
    rows = [
        (
            figure.name,
            *(f"{figure.cpu_ms.get(name, 0):.2f}" for name in _SHOWN_PROCESSES),
            f"{sum(figure.cores.values()):.2f}",
            f"{figure.wal_bytes:,}",
        )
        for figure in figures
    ]
    heads = ("load", *_SHOWN_PROCESSES, "cores busy", "WAL bytes")
    return Table("Processor milliseconds per payment, and bytes of write-ahead log", heads, rows)


def _aligned(table: Table) -> str:
    every = (table.heads, *table.rows)
    widths = [max(len(row[column]) for row in every) for column in range(len(table.heads))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in every)
    return "\n".join(line.rstrip() for line in lines)


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()
