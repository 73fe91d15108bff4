"""The ledger as its history grows, from ten thousand lines to fifty million: batches, reads, pages; table and plot.

Usage: `python benchmarks/ledger_growth.py DATABASE_URL [--lines 10000,100000,1000000] [--json FILE] [--write]`

The URL's user must be allowed to create databases: every size gets one of its own, which is dropped after it. Fifty
million lines take about 12 GB of disk. `--write` writes docs/ledger/growth.md, .json and .svg.
"""

import argparse
import asyncio
import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.growth import loader, measures, report  # noqa: E402 - found by the line before

SIZES = (10_000, 100_000, 1_000_000, 10_000_000, 50_000_000)
_DATABASE = "wisipay_growth"


async def _one_size(url: str, lines: int) -> dict[str, Any]:
    """Load, measure and drop one size."""
    server = await asyncpg.connect(url)
    await server.execute(f"DROP DATABASE IF EXISTS {_DATABASE} WITH (FORCE)")
    await server.execute(f"CREATE DATABASE {_DATABASE}")
    own = f"{url.rpartition('/')[0]}/{_DATABASE}"
    started = time.monotonic()
    try:
        made = await loader.load(own, lines, datetime.now(UTC))
        loaded = time.monotonic() - started
        reads = await measures.reading(own, made)
        return {
            "lines": lines,
            "accounts": made.quiet + loader.BUSY + 3,
            "bytes": await server.fetchval("SELECT pg_database_size($1)", _DATABASE),
            "load_seconds": round(loaded, 1),
            "writing": asdict(await measures.writing(own, made)),
            "reads": reads,
        }
    finally:
        await server.execute(f"DROP DATABASE {_DATABASE} WITH (FORCE)")
        await server.close()


async def _run(url: str, sizes: Sequence[int], json: Path | None, *, write: bool) -> None:
    server = await asyncpg.connect(url)
    version = await server.fetchval("SHOW server_version")
    await server.close()
    result: dict[str, Any] = {
        "machine": f"{os.cpu_count()} cores, PostgreSQL {version}, Python {platform.python_version()}",
        "sizes": [],
    }
    print(result["machine"])
    for lines in sizes:
        size = await _one_size(url, lines)
        result["sizes"].append(size)
        print(report.lines_of(size), flush=True)
        _keep(result, json, write=write)


def _keep(result: dict[str, Any], json: Path | None, *, write: bool) -> None:
    """Write what is known after each size, so that a run that is cut off was not for nothing."""
    if json is not None:
        json.write_bytes(msgspec.json.format(msgspec.json.encode(result)) + b"\n")
    if write:
        report.write(result, ROOT / "docs" / "ledger")


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--lines", default=",".join(map(str, SIZES)), help="sizes, by comma")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--write", action="store_true", help="write docs/ledger/growth.md, .json and .svg")
    arguments = parser.parse_args()
    sizes = [int(size) for size in arguments.lines.split(",")]
    asyncio.run(_run(arguments.url, sizes, arguments.json, write=arguments.write))


if __name__ == "__main__":
    main()
