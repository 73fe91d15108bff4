"""What we aim for, and whether the measured figures reach it.

Decides the aims. One that was not measured is not shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from benchmarks.figures import JOBS_BESIDE, Figure, Section, Table

_FLAT_MEBIBYTES_A_MINUTE = 0.2
_OWN_PROCESSES = ("payment", "worker", "api")
_HEADS = ("aim", "wanted", "measured", "reached")


def aims(sections: Iterable[Section]) -> Table:
    """Compare the figures with the aims."""
    by_name = {section.name: section for section in sections}
    found = {figure.name: figure for section in by_name.values() for figure in section.figures}
    rows = [*_rates(found), *_jobs(by_name), *_latencies(found), *_rows(by_name), *_memory(by_name)]
    return Table("Aims", _HEADS, rows)


def _row(aim: str, wanted: str, measured: str, *, is_reached: bool) -> Sequence[str]:
    return (aim, wanted, measured, "yes" if is_reached else "no")


def _rates(found: dict[str, Figure]) -> Iterator[Sequence[str]]:
    spread, hot = found.get("ledger entries, spread"), found.get("ledger entries, hot")
    if spread and hot:
        yield _row("ledger entries, spread", "6 x debit-credit", f"{spread.ratio:.2f}", is_reached=spread.ratio >= 6)  # noqa: PLR2004 - the aim
        yield _row("ledger entries, hot", "8 x debit-credit", f"{hot.ratio:.2f}", is_reached=hot.ratio >= 8)  # noqa: PLR2004 - the aim
        share = hot.per_second / spread.per_second
        yield _row("ledger entries on a hot account", "0.9 of spread", f"{share:.2f}", is_reached=share >= 0.9)  # noqa: PLR2004 - the aim
    if initiations := found.get("payin initiations"):
        ratio = initiations.ratio
        yield _row("payin initiations", "1 x debit-credit", f"{ratio:.2f}", is_reached=ratio >= 1)
    for name, wanted in (("payin lifecycles", 1000), ("payout lifecycles", 700)):
        if figure := found.get(name):
            rate = figure.per_second
            yield _row(name, f"{wanted:,}/s", f"{rate:,.0f}/s", is_reached=rate >= wanted)


def _jobs(by_name: dict[str, Section]) -> Iterator[Sequence[str]]:
    for table in by_name.get("ledger", Section(name="ledger")).tables:
        if table.title == JOBS_BESIDE:
            cost = table.rows[-1][-1]
            yield _row("cost of sealing and snapshots beside", "less than 15 %", cost, is_reached=float(cost[:-1]) < 15)  # noqa: PLR2004 - the aim


def _latencies(found: dict[str, Figure]) -> Iterator[Sequence[str]]:
    for capacity in ("payin lifecycle capacity", "initiation capacity"):
        half = found.get(f"initiate at 50 % of {capacity}")
        if half and half.latency:
            p99 = half.latency.p99_ms
            yield _row(f"p99 of initiate at 50 % of {capacity}", "under 50 ms", f"{p99:.1f} ms", is_reached=p99 < 50)  # noqa: PLR2004 - the aim
    full, beyond = found.get("initiate, arrivals 100 %"), found.get("initiate, arrivals 300 %")
    if full and beyond and full.latency and beyond.latency:
        times = beyond.latency.p99_ms / max(full.latency.p99_ms, 0.01)
        wanted = "at most 1.25 x that at 100 %"
        yield _row("p99 of those accepted at 300 %", wanted, f"{times:.2f}", is_reached=times <= 1.25)  # noqa: PLR2004 - the aim


def _rows(by_name: dict[str, Section]) -> Iterator[Sequence[str]]:
    """Compare each load on the most stored payments with the same on the fewest."""
    figures = [figure for figure in by_name.get("rows", Section(name="rows")).figures if figure.stored]
    loads: dict[str, list[Figure]] = {}
    for figure in figures:
        loads.setdefault(figure.name.partition(" on ")[0], []).append(figure)
    for load, each in loads.items():
        fewest, most = each[0], each[-1]
        if most.stored != fewest.stored and fewest.per_second:
            change = most.per_second / fewest.per_second - 1
            aim = f"{load}, on {most.stored:,} against {fewest.stored:,} stored payments"
            yield _row(aim, "less than 10 % slower", f"{change:+.1%}", is_reached=change > -0.1)  # noqa: PLR2004 - the aim


def _memory(by_name: dict[str, Section]) -> Iterator[Sequence[str]]:
    for table in by_name.get("soak", Section(name="soak")).tables:
        for process, *_, slope in table.rows:
            if process in _OWN_PROCESSES:
                is_flat = float(slope) < _FLAT_MEBIBYTES_A_MINUTE
                wanted = f"under {_FLAT_MEBIBYTES_A_MINUTE} MiB/minute"
                yield _row(f"memory of {process} in the soak", wanted, slope, is_reached=is_flat)
