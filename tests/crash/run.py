"""`make crash`: load, faults, an end to the faults, and the comparison of everybody's books.

Decides the exit status: 0 only when nothing is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from crash import report, verdict
from crash.faults import SHORT_FAULTS, Fault, random_faults
from crash.inflict import Inflicter
from crash.load import Load
from crash.settle import free_keys, settle
from crash.world import World, running_world
from support import lease_log
from support.pulse import Pulse
from wisipay.core.database import Connection
from wisipay.entrypoints.demonstration.books import compare_books

_GRACE_SECONDS = 30
"""What a provider said last may still be on its way when everything looks quiet."""
_CROOKED = """
SELECT count(*)
FROM ledger_balances AS b
LEFT JOIN LATERAL (
    SELECT l.balance_after FROM ledger_lines AS l
    WHERE l.balance_number = b.number
    ORDER BY l.posted_at DESC, l.account_line DESC
    LIMIT 1
) AS last ON true
WHERE b.debits_posted - b.credits_posted <> coalesce(last.balance_after, 0)
"""
_ORDERS = "SELECT merchant_id, order_id, status FROM payments_transactions"


async def crash(
    *,
    faults: Sequence[Fault],
    seed: int,
    data: Path,
    port_base: int,
    rate_per_second: float,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Run the faults under load on an installation of its own; return the figures, with what is wrong."""
    async with running_world(data, port_base, seed, say) as world:
        with Pulse() as pulse:
            load = Load(world.shops, Random(seed), rate_per_second=rate_per_second)  # noqa: S311 - a run is replayed
            inflicter = Inflicter(world.targets, world.proxies)
            begun = monotonic()
            async with _loaded(world, load):
                await inflicter.carry_out(faults)
            load_seconds = monotonic() - begun
            say("nothing is hurt any more; waiting until everything is settled")
            await free_keys(world.pool)
            await load.ask_again()
            left = await settle(world.pool, world.play, say)
        async with world.pool.acquire() as conn:
            comparison = await _compared(world, conn)
            found = {(row["merchant_id"], row["order_id"]): row["status"] for row in await conn.fetch(_ORDERS)}
            crooked = await conn.fetchval(_CROOKED)
            taken_over = lease_log.take_overs(await lease_log.read(conn))
    taken = verdict.taken_from_workers(taken_over, inflicter.done)
    wrong = verdict.wrong(
        inflicted=inflicter.done,
        orders=load.orders,
        found=found,
        left=left,
        comparison=comparison,
        crooked_counters=crooked,
        taken=taken,
        pulse=pulse,
    )
    return report.figures(
        seed=seed,
        load_seconds=load_seconds,
        inflicted=inflicter.done,
        missed=len(inflicter.missed),
        orders=load.orders,
        comparison=comparison,
        taken=taken,
        errors=_errors(data / "log"),
        faults_found=wrong,
    )


@asynccontextmanager
async def _loaded(world: World, load: Load) -> AsyncIterator[None]:
    """Let merchants order meanwhile; fail at once when something cannot be kept running."""
    stop = asyncio.Event()
    async with AsyncExitStack() as tasks:
        guard = asyncio.create_task(world.stack.wait())
        tasks.callback(guard.cancel)
        ordering = asyncio.create_task(load.run(stop))
        tasks.callback(ordering.cancel)
        yield
        stop.set()
        await ordering
        if guard.done():
            guard.result()


async def _compared(world: World, conn: Connection) -> Any:  # noqa: ANN401 - the demo's own comparison
    deadline = monotonic() + _GRACE_SECONDS
    while True:
        comparison = await compare_books(conn, world.play.simulator)
        if comparison.agree or monotonic() > deadline:
            return comparison
        await asyncio.sleep(1)


def _errors(folder: Path) -> Counter[str]:
    """Count the lines of level error in the logs, by process and event."""
    found: Counter[str] = Counter()
    for file in sorted(folder.glob("*.log")):
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            if '"level":"error"' in line:
                found[f"{file.stem} {json.loads(line)['event']}"] += 1
    return found


def main() -> None:
    """Run as the arguments say and print the figures."""
    arguments = _arguments()
    faults = SHORT_FAULTS if arguments.short else random_faults(arguments.seed, arguments.seconds)
    data = arguments.data or Path(tempfile.mkdtemp(prefix="wisipay-crash-")).resolve()
    for fault in faults:
        _say(str(fault))
    told = asyncio.run(
        crash(
            faults=faults,
            seed=arguments.seed,
            data=data,
            port_base=arguments.port_base,
            rate_per_second=arguments.rate,
            say=_say,
        )
    )
    sys.stdout.write(f"{report.text(told)}\n")
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    if told["wrong"]:
        raise SystemExit(f"seed {arguments.seed}; data and logs are in {data}")
    if arguments.data is None:
        shutil.rmtree(data, ignore_errors=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make crash", description="Hurt a running installation and compare its books."
    )
    parser.add_argument("--seconds", type=float, default=120, help="how long faults begin (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which faults, and when (default %(default)s)")
    parser.add_argument("--rate", type=float, default=12, help="orders per second (default %(default)s)")
    parser.add_argument("--short", action="store_true", help="the half minute of faults that `make test` runs")
    parser.add_argument("--port-base", type=int, default=5300, help="first of ten free ports (default %(default)s)")
    parser.add_argument(
        "--data", type=Path, help="a data folder to keep (default: one that is removed when all is well)"
    )
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
