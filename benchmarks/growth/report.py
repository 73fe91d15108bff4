"""Figures of growth as lines for a terminal, a page of documentation and a plot."""

from collections.abc import Sequence
from math import log10
from pathlib import Path
from typing import Any

import msgspec

PLOTTED = ("opening balance", "newest entries, three pages", "statement of a day, 100 lines", "entry by id")
_COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#444444")
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 720, 400, 60, 30, 50
_INTRODUCTION = """# How the ledger grows

Written by `python benchmarks/ledger_growth.py DATABASE_URL --write`, which loads a ledger of each size (payins of four
lines over 24 months, five busy merchants and thousands of quiet ones), measures and drops it. Times are of one
connection on a machine that may do other work as well, so look at how a row changes from left to right. Pages are those
of 8 KB that all statements of a read touch, by `EXPLAIN (ANALYZE, BUFFERS)`, with the plan that serves any arguments.

"""


def lines_of(size: dict[str, Any]) -> str:
    """Return what was measured at one size, for a terminal."""
    writing = size["writing"]
    head = (
        f"{size['lines']:,} lines, {size['accounts']:,} accounts, {size['bytes'] / 1e6:,.0f} MB, loaded in"
        f" {size['load_seconds']:,.0f} s; batches {writing['entries_per_second']:,.0f} entries/s, client"
        f" {writing['client_microseconds']} us, server {writing['server_microseconds']} us"
    )
    return "\n".join(
        [
            head,
            *(
                f"  {read['name']:36} p50 {read['p50_milliseconds']:9.2f} ms  p95 {read['p95_milliseconds']:9.2f} ms"
                f"  {read['pages']:8,} pages for {read['rows']:,} rows {' '.join(read['scanned'])}"
                for read in size["reads"]
            ),
        ]
    )


def write(result: dict[str, Any], folder: Path) -> None:
    """Write growth.md, growth.json and growth.svg."""
    (folder / "growth.json").write_bytes(msgspec.json.format(msgspec.json.encode(result)) + b"\n")
    (folder / "growth.svg").write_text(_plot(result["sizes"]), encoding="utf-8")
    (folder / "growth.md").write_text(_page(result), encoding="utf-8")


def _page(result: dict[str, Any]) -> str:
    sizes = result["sizes"]
    heads = [f"{size['lines']:,} lines" for size in sizes]
    writing = [
        [
            "four-line entries a second, batches of 256",
            *(f"{size['writing']['entries_per_second']:,.0f}" for size in sizes),
        ],
        ["client µs per entry", *(f"{size['writing']['client_microseconds']}" for size in sizes)],
        ["server µs per entry", *(f"{size['writing']['server_microseconds']}" for size in sizes)],
        ["MB", *(f"{size['bytes'] / 1e6:,.0f}" for size in sizes)],
        ["accounts", *(f"{size['accounts']:,}" for size in sizes)],
    ]
    names = [read["name"] for read in sizes[0]["reads"]]
    times = [[name, *(_times(_read(size, name)) for size in sizes)] for name in names]
    pages = [[name, *(f"{_read(size, name)['pages']:,}" for size in sizes)] for name in names]
    scanned = sorted({table for size in sizes for read in size["reads"] for table in read["scanned"]})
    whole = f"Read from end to end: {', '.join(scanned)}." if scanned else "No read goes through a table of history."
    return (
        f"{_INTRODUCTION}{result['machine']}.\n\n![Milliseconds by lines](growth.svg)\n\n## Writing\n\n"
        f"{_table(['', *heads], writing)}\n\n## Reads, milliseconds (p50 · p95)\n\n{_table(['', *heads], times)}\n\n"
        f"## Reads, pages touched\n\n{_table(['', *heads], pages)}\n\n{whole} Reads of all accounts touch pages in\n"
        "proportion to accounts; no read touches them in proportion to lines. What was changed in reads\n"
        "since a run, and how tests hold their pages: [design.md](design.md#pages-of-reads).\n"
    )


def _read(size: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(read for read in size["reads"] if read["name"] == name)
    return found


def _times(read: dict[str, Any]) -> str:
    return f"{read['p50_milliseconds']:,.1f} · {read['p95_milliseconds']:,.1f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---", *("---:" for _ in head[1:])], *rows])


def _plot(sizes: Sequence[dict[str, Any]]) -> str:
    """Return an SVG of p50 by lines, both logarithmic, a curve per read."""
    values = {name: [_read(size, name)["p50_milliseconds"] for size in sizes] for name in PLOTTED}
    lowest = min(value for each in values.values() for value in each)
    decades = (int(log10(max(lowest, 0.01)) // 1), int(-(-log10(max(max(each) for each in values.values())) // 1)))
    first, last = log10(sizes[0]["lines"]), max(log10(sizes[-1]["lines"]), log10(sizes[0]["lines"]) + 1)

    def x(lines: int) -> float:
        return _LEFT + (_WIDTH - 2 * _LEFT) * (log10(lines) - first) / (last - first)

    def y(milliseconds: float) -> float:
        share = (log10(milliseconds) - decades[0]) / max(1, decades[1] - decades[0])
        return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * share

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif"',
        ' font-size="11"><rect width="100%" height="100%" fill="white"/>',
    ]
    for decade in range(decades[0], decades[1] + 1):
        height = y(10.0**decade)
        parts.append(f'<path d="M{_LEFT} {height:.1f}H{_WIDTH - _LEFT}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{height + 4:.1f}" text-anchor="end">{10.0**decade:g} ms</text>')
    below = f'y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle"'
    parts += [f'<text x="{x(size["lines"]):.1f}" {below}>{size["lines"]:,}</text>' for size in sizes]
    for place, (name, each) in enumerate(values.items()):
        colour = _COLOURS[place]
        points = " ".join(f"{x(size['lines']):.1f},{y(value):.1f}" for size, value in zip(sizes, each, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{_LEFT + 10 + 170 * place}" y="{_TOP - 12}" fill="{colour}">{name}</text>')
    parts.append(f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 12}" text-anchor="middle">lines in the ledger</text></svg>')
    return "\n".join(parts) + "\n"
