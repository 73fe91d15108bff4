"""The sealer at the full posting rate: what a record costs to seal, and what sealing costs the writers.

Usage: `python benchmarks/ledger_sealing.py DATABASE_URL [--seconds 15] [--rounds 3] [--batch 256] [--groups 250]`

Works in a schema of its own, which it drops. Writers post four-line entries on spread accounts, in turns without and
with a sealer beside them that seals every five seconds. Prints entries per second and processor microseconds per entry
of the writers and of the sealer, here and in PostgreSQL's backends: where others use the machine, these tell more than
the rates.
"""

import argparse
import asyncio
import secrets
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import msgspec

from benchmarks import ledger_batches
from wisipay import ledger
from wisipay.ledger import seals

_EVERY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Records of one pass, its wall-clock seconds, and processor seconds here and in PostgreSQL."""

    records: int
    seconds: float
    here: float
    server: float

    def __str__(self) -> str:
        here, server = (1e6 * each / max(self.records, 1) for each in (self.here, self.server))
        return f"{self.records / self.seconds:8,.0f} /s   here {here:5.1f} us   server {server:5.1f} us"


async def _seal_for(url: str, seconds: float) -> Cost:
    connection = await ledger_batches.connect(url)
    process_id = connection.get_server_pid()
    started, here, server = time.monotonic(), time.process_time(), ledger_batches.backend_seconds(process_id)
    records, busy = 0, 0.0
    while time.monotonic() < started + seconds:
        begun = time.monotonic()
        records += (await seals.seal(connection, datetime.now(UTC))).records
        busy += time.monotonic() - begun
        await asyncio.sleep(max(0.0, begun + _EVERY_SECONDS - time.monotonic()))
    server = ledger_batches.backend_seconds(process_id) - server
    await connection.close()
    return Cost(records, busy, time.process_time() - here, server)


def _beside(url: str, seconds: float) -> "subprocess.Popen[bytes]":
    """Start a sealer in a process of its own, as it runs beside the writers."""
    return subprocess.Popen(  # noqa: S603 - this very file
        [sys.executable, __file__, url, "--sealer", "--seconds", str(seconds)], stdout=subprocess.PIPE
    )


async def _write_for(url: str, load: ledger_batches.Load, *, sealed: bool) -> tuple[ledger_batches.Rate, Cost | None]:
    names = [tuple(spec.id for spec in ledger_batches.accounts_of(group)) for group in range(load.groups)]
    sealer = _beside(url, load.seconds) if sealed else None
    rate = await ledger_batches.measure("", load, lambda: names[secrets.randbelow(load.groups)])
    if sealer is None:
        return rate, None
    answer, _ = await asyncio.to_thread(sealer.communicate)
    return rate, msgspec.json.decode(answer, type=Cost)


async def _prepare(load: ledger_batches.Load) -> None:
    connection = await ledger_batches.connect(load.url)
    schema = ledger_batches.SCHEMA
    await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}")
    await connection.execute(ledger.schema_sql())
    specs = [spec for group in range(load.groups) for spec in ledger_batches.accounts_of(group)]
    await ledger.open_accounts(connection, specs)
    await connection.execute("ANALYZE")
    await connection.close()


async def _measured(url: str, work: Any) -> tuple[Any, Cost]:  # noqa: ANN401 - sealing or verifying, with their answers
    connection = await ledger_batches.connect(url)
    process_id = connection.get_server_pid()
    started, here, server = time.monotonic(), time.process_time(), ledger_batches.backend_seconds(process_id)
    answer = await work(connection)
    server = ledger_batches.backend_seconds(process_id) - server
    cost = Cost(answer.records, time.monotonic() - started, time.process_time() - here, server)
    await connection.close()
    return answer, cost


async def _run(load: ledger_batches.Load, rounds: int) -> None:
    await _prepare(load)
    ratios = []
    for _ in range(rounds):
        alone, _none = await _write_for(load.url, load, sealed=False)
        _, rest = await _measured(load.url, lambda each: seals.seal(each, datetime.now(UTC)))
        beside, sealing = await _write_for(load.url, load, sealed=True)
        ratios.append(1 - beside.entries_per_second / alone.entries_per_second)
        for name, rate in (("alone", alone), ("sealed", beside)):
            print(
                f"writers {name:7} {rate.entries_per_second:8,.0f} /s   here {rate.client_microseconds:5.1f} us"
                f"   server {rate.server_microseconds:5.1f} us"
            )
        print(f"sealer beside   {sealing}")
        print(f"sealer alone    {rest}")
    print(f"writers lose    {100 * statistics.median(ratios):8.1f} %")
    await _drop(load.url)


async def _drop(url: str) -> None:
    connection = await ledger_batches.connect(url)
    await connection.execute(f"DROP SCHEMA {ledger_batches.SCHEMA} CASCADE")
    await connection.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--seconds", type=float, default=15.0, help="of each turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--groups", type=int, default=250)
    parser.add_argument("--sealer", action="store_true", help="only seal, and print what it cost as JSON")
    arguments = parser.parse_args()
    if arguments.sealer:
        cost = asyncio.run(_seal_for(arguments.url, arguments.seconds))
        sys.stdout.buffer.write(msgspec.json.encode(cost))
        return
    load = ledger_batches.Load(arguments.url, batch=arguments.batch, seconds=arguments.seconds, groups=arguments.groups)
    asyncio.run(_run(load, arguments.rounds))


if __name__ == "__main__":
    main()
