"""What runs beside the writers of a ledger: the sealer and the snapshots, in a process of their own.

Usage: `python benchmarks/ledger_beside.py DATABASE_URL SECONDS`

Works in the schema of `ledger_batches.py`. Seals every second and takes snapshots as often, which is 5 and 3,600 times
as often as the product does. Prints what was done as JSON.
"""

import asyncio
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import ledger_batches
from wisipay import ledger
from wisipay.core.memory import settle_memory
from wisipay.ledger import seals

_EVERY_SECONDS = 1.0


class Done(msgspec.Struct, frozen=True):
    """Records sealed, snapshots taken, and the processor seconds of both, here and in PostgreSQL."""

    records: int
    snapshots: int
    client_seconds: float
    server_seconds: float


async def seal_and_snapshot(url: str, seconds: float) -> Done:
    """Seal and take snapshots for so many seconds."""
    connection = await ledger_batches.connect(url)
    process_id = connection.get_server_pid()
    deadline, here = time.monotonic() + seconds, time.process_time()
    server = ledger_batches.backend_seconds(process_id)
    records = snapshots = 0
    while (begun := time.monotonic()) < deadline:
        records += (await seals.seal(connection, datetime.now(UTC))).records
        snapshots += await ledger.take_snapshots(connection)
        await asyncio.sleep(max(0.0, begun + _EVERY_SECONDS - time.monotonic()))
    server = ledger_batches.backend_seconds(process_id) - server
    await connection.close()
    return Done(records, snapshots, time.process_time() - here, server)


async def beside(url: str, seconds: float) -> Done:
    """Do the same in another process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, url, str(seconds)), stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    return msgspec.json.decode(printed, type=Done)


if __name__ == "__main__":
    settle_memory()  # as the worker does
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(seal_and_snapshot(sys.argv[1], float(sys.argv[2])))))
