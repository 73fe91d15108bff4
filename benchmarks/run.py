"""`make bench`: measures everything on one server in one run, and prints it.

Decides how much is measured and where the results go. The figures and their meaning: `figures.py`.
"""

import argparse
import asyncio
import sys
from pathlib import Path

import asyncpg
import msgspec
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import figures, report
from benchmarks.stack import running_bench
from wisipay.entrypoints.known_errors import is_known

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance.md"


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            done = runner.run(_run(arguments))
    except Exception as error:
        if is_known(error):
            raise SystemExit(str(error)) from error
        raise
    print(report.text(done))
    if arguments.json is not None:
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(done)) + b"\n")
    if arguments.write_docs:
        DOCUMENT.write_text(report.page(done), encoding="utf-8")


async def _run(arguments: argparse.Namespace) -> report.Report:
    payments = 120 if arguments.quick else arguments.payments
    plan = figures.Plan(
        payments=payments,
        connections=arguments.concurrency,
        window=arguments.concurrency * 8,
        warm_up=max(100, payments // 5),
        ledger_seconds=0.5 if arguments.quick else 5.0,
        pgbench_seconds=3 if arguments.quick else 5,
    )
    async with running_bench(
        data_parent=arguments.data,
        port_base=arguments.port_base,
        payment_processes=arguments.payment_processes,
        worker_processes=arguments.worker_processes,
    ) as bench:
        connection = await asyncpg.connect(bench.database_url)
        version = str(await connection.fetchval("SHOW server_version"))
        await connection.close()
        measured = await figures.measure(bench, plan)
    options = {
        "payments": payments,
        "concurrency": arguments.concurrency,
        "payment processes": arguments.payment_processes,
        "worker processes": arguments.worker_processes,
    }
    return report.Report(machine=report.machine(version), options=options, measured=measured)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="half a minute: shows that it works, measures little")
    parser.add_argument("--payments", type=_positive, default=8000, help="payments per figure")
    parser.add_argument("--concurrency", type=_positive, default=64, help="connections of the closed loops")
    parser.add_argument("--payment-processes", type=_positive, default=1)
    parser.add_argument("--worker-processes", type=_positive, default=1)
    parser.add_argument("--data", type=Path, default=Path(".data"), help="a folder is made in it and removed again")
    parser.add_argument("--port-base", type=_positive, default=4500)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--write-docs", action="store_true", help="write docs/performance.md")
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("wants a number above zero")
    return number


if __name__ == "__main__":
    main()
