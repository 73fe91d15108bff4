"""The stress test for as long as you like: play after play, each on a new ledger in a PostgreSQL of its own.

Usage: `python tests/stress/run.py [--seconds 300] [--seed 1] [--processes 3] [--tasks 4] [--batches 40]`

Prints what was judged; ends with 1 and the seed when something is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import asyncpg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from stress.play import Play, play
from support.stores import database_at, execute
from wisipay import ledger
from wisipay.core.embedded import postgres

_DATABASE = "stress"


async def run(arguments: argparse.Namespace) -> int:
    """Play until the time is over; returns the exit status."""
    folder = Path(tempfile.mkdtemp(prefix="wisipay-stress-"))
    server = await postgres.start(folder, arguments.port)
    counts: Counter[str] = Counter()
    ends_at, seed = time.monotonic() + arguments.seconds, arguments.seed
    try:
        while time.monotonic() < ends_at:
            url = await _new_ledger(server.url)
            journals = folder / str(seed)
            journals.mkdir()
            verdict = await play(Play(url, journals, seed, arguments.processes, arguments.tasks, arguments.batches))
            counts += verdict.counts + Counter(plays=1)
            if verdict.faults:
                sys.stdout.write("\n  ".join([f"seed {seed}:", *verdict.faults]) + "\n")
                return 1
            seed += 1
    finally:
        await postgres.stop(server)
        shutil.rmtree(folder, ignore_errors=True)
    sys.stdout.writelines(f"{count:9,} {name}\n" for name, count in sorted(counts.items()))
    return 0


async def _new_ledger(server_url: str) -> str:
    await execute(server_url, f"DROP DATABASE IF EXISTS {_DATABASE} WITH (FORCE)")
    await execute(server_url, f"CREATE DATABASE {_DATABASE}")
    url = database_at(server_url, _DATABASE)
    connection = await asyncpg.connect(url)
    await connection.execute(ledger.schema_sql())
    await connection.close()
    return url


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=1, help="of the first play; the next one's is one more")
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--tasks", type=int, default=4, help="in each process")
    parser.add_argument("--batches", type=int, default=40, help="of each task")
    parser.add_argument("--port", type=int, default=5499)
    raise SystemExit(asyncio.run(run(parser.parse_args())))


if __name__ == "__main__":
    main()
