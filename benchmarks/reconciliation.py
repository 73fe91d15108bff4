"""A settlement file of a million rows against a million payments: seconds, processor time and peak memory.

Usage: `python benchmarks/reconciliation.py DATABASE_URL [--rows 1000000] [--xlsx]`

The URL's user must be allowed to create databases: it gets one of its own, which is dropped after it. The import runs
as a process of its own, so that its memory is nothing else's. One payment in a thousand is missing, and one differs.
"""

import argparse
import asyncio
import csv
import json
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import asyncpg

from wisipay.core.clock import ist_day
from wisipay.core.config import Settings
from wisipay.core.database import connect_pool
from wisipay.core.migrations import migrate
from wisipay.merchants import Author, ProviderType, create_provider
from wisipay.payments import Kind
from wisipay.reconciliation import Scope, import_file, read_mapping, save_mapping

_DATABASE: Final = "wisipay_reconciliation"
_MADE_AT: Final = datetime(2026, 1, 31, 6, 30, tzinfo=UTC)
_HEADING: Final = ("Reference", "Bank Id", "UTR", "Amount", "Charge", "GST", "State", "Name", "Account", "Remarks")
_MAPPING: Final = b"""{"columns": {"reference": "Reference", "providerReference": "Bank Id", "utr": "UTR",
    "amount": "Amount", "fee": "Charge", "tax": "GST", "status": "State"}, "statuses": {"Settled": "SUCCESS"}}"""
_ODD: Final = 1_000
_PAYMENTS: Final = """
INSERT INTO payments_transactions (
    id, merchant_id, order_id, kind, status, amount_paise, fee_paise, tax_paise, net_paise, currency, mode, party,
    channel_id, provider_id, legal_entity_id, provider_fee_paise, provider_tax_paise, usage_day, created_at, updated_at,
    attempt_started_at, attempt, provider_reference, utr
)
SELECT
    'WP' || lpad(n::text, 22, '0'), 'MER-1', 'ORDER' || n, 'PAYIN', 'SUCCESS', 10000 + n, 0, 0, 10000 + n, 'INR', 'UPI',
    '{}', 'bench_acme', 'bench', 'acme', 50, 9, '2026-01-31', $2, $2, $2, 1, 'P' || n, '6' || lpad(n::text, 11, '0')
FROM generate_series(1, $1::bigint) AS n
"""
_CALLS: Final = """
INSERT INTO payments_attempts
SELECT id, 1, channel_id, provider_id, legal_entity_id, id, 50, 9, 'primary', created_at FROM payments_transactions
"""


def _rows(count: int) -> Iterator[tuple[str, ...]]:
    """Yield the file's rows: a third known by each of reference, provider's reference, UTR; some odd, some left out."""
    yield _HEADING
    for number in range(1, count + 1):
        if number % _ODD == 1:
            continue
        names = [f"WP{number:022}", f"P{number}", f"6{number:011}"]
        known_by = number % 3
        named = [name if place >= known_by else "" for place, name in enumerate(names)]
        paise = 10_000 + number + (number % _ODD == 0)
        amount = f"{paise // 100}.{paise % 100:02}"
        yield (*named, amount, "0.50", "0.09", "Settled", "Asha Rao", "000123456789", "an order of some shop")


def _write(path: Path, count: int) -> None:
    if path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(_rows(count))
        return
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns:r="{relation}"><sheets><sheet name="A" r:id="1"/></sheets></workbook>'
        )
        archive.writestr("xl/_rels/workbook.xml.rels", '<x><Relationship Id="1" Target="worksheets/sheet1.xml"/></x>')
        with archive.open("xl/sharedStrings.xml", "w", force_zip64=True) as texts:
            texts.write(b"<sst>")
            for row in _rows(count):
                texts.write("".join(f"<si><t>{cell}</t></si>" for cell in row).encode())
            texts.write(b"</sst>")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(b"<worksheet><sheetData>")
            for number, row in enumerate(_rows(count)):
                first = number * len(row)
                cells = "".join(f'<c t="s"><v>{first + place}</v></c>' for place in range(len(row)))
                sheet.write(f"<row>{cells}</row>".encode())
            sheet.write(b"</sheetData></worksheet>")


async def _prepare(url: str, count: int) -> None:
    await migrate(url)
    pool = await connect_pool(_settings(url), application_name="bench", max_size=1)
    async with pool, pool.acquire() as conn:
        await conn.execute("SET statement_timeout = 0")
        await conn.execute(_PAYMENTS, count, _MADE_AT, timeout=1_800)
        await conn.execute(_CALLS, timeout=1_800)
        await conn.execute("ANALYZE payments_transactions, payments_attempts", timeout=600)
        author = Author("bench", _MADE_AT)
        await create_provider(conn, author, name="Bench", provider_type=ProviderType.GATEWAY, adapter="dummy")
        await save_mapping(conn, author, "bench", Kind.PAYIN, read_mapping(_MAPPING))


async def _import(url: str, path: Path) -> dict[str, object]:
    """Import in this process, and tell what it took."""
    started, day = time.monotonic(), ist_day(_MADE_AT)
    pool = await connect_pool(_settings(url), application_name="bench", max_size=1)
    async with pool:
        scope = Scope("bench_acme", "bench", Kind.PAYIN, day, day)
        summary = await import_file(pool, Author("bench", _MADE_AT), scope, path)
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": round(time.monotonic() - started, 1),
        "processor_seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak_mib": used.ru_maxrss // 1024,
        "rows": summary.run.row_count,
        "matched": summary.run.matched_count,
        "differences": dict(summary.differences),
    }


def _settings(url: str) -> Settings:
    return Settings(database_url=url, jwt_secret="a-secret-of-the-benchmark-0123456789abcdef")  # noqa: S106 - of no use


async def _measure(url: str, count: int, suffix: str) -> None:
    server = await asyncpg.connect(url)
    await server.execute(f"DROP DATABASE IF EXISTS {_DATABASE} WITH (FORCE)")
    await server.execute(f"CREATE DATABASE {_DATABASE}")
    own = f"{url.rpartition('/')[0]}/{_DATABASE}"
    try:
        await _prepare(own, count)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"settlement{suffix}"
            _write(path, count)
            print(f"{path.name}: {path.stat().st_size >> 20} MiB, {count} payments", flush=True)
            for heading in ("imported", "again"):
                done = await asyncio.create_subprocess_exec(
                    sys.executable, __file__, own, "--file", str(path), stdout=subprocess.PIPE
                )
                told, _ = await done.communicate()
                print(f"{heading}: {told.decode().strip()}", flush=True)
    finally:
        await server.execute(f"DROP DATABASE {_DATABASE} WITH (FORCE)")
        await server.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--xlsx", action="store_true", help="an XLSX whose texts are all shared ones")
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.file:
        print(json.dumps(asyncio.run(_import(arguments.url, arguments.file))))
    else:
        asyncio.run(_measure(arguments.url, arguments.rows, ".xlsx" if arguments.xlsx else ".csv"))


if __name__ == "__main__":
    main()
