"""`make bench`: measures everything on one server in one run, and prints it.

Decides how much is measured, in which order, and where the results go. Each part runs on its own if asked for; a part
that fails is told of and leaves the others alone. What the figures mean: `report.py`.
"""

import argparse
import asyncio
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path

import asyncpg
import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import pgbench, processes, report
from benchmarks.figures import Section, bound_and_lift
from benchmarks.meter import Meter, Plan, say
from benchmarks.parts import latency, ledger, overload, profile, rates, routing, rows, scaling, soak
from benchmarks.run_state import RunState
from benchmarks.stack import Bench, Shape, running_bench
from wisipay.core.embedded.folders import make_folder
from wisipay.entrypoints.known_errors import is_known

PARTS = ("rates", "ledger", "routing", "latency", "overload", "soak", "profile", "scaling", "rows")
_PART_SECONDS_MAX = 600
_FILLED_ROWS_A_SECOND = 1000

Measure = Callable[[Meter], Awaitable[Section]]


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            done = runner.run(Run(arguments).measure())
    except Exception as error:
        if is_known(error):
            raise SystemExit(str(error)) from error
        raise
    print(report.text(done))
    if arguments.json is not None:
        report.write(arguments.json, done)
    if arguments.write_docs:
        report.write_docs(done)
    if done.failed:
        raise SystemExit(f"not measured: {'; '.join(done.failed)}")


class Run:
    """One run: starts the installations one after the other on the same PostgreSQL data, and measures each."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._parts: Sequence[str] = arguments.only
        self._plan = _plan(arguments)
        self._data = Path(tempfile.mkdtemp(prefix="benchmark-", dir=make_folder(arguments.data)))
        self._state = RunState()
        self._runs = count(1)
        self._pgbench: list[float] = []
        self._pgbench_bound = ""
        self._sections: list[Section] = []
        self._failed: list[str] = []

    async def measure(self) -> report.Report:
        """Measure everything asked for; remove what was stored."""
        started = time.monotonic()
        try:
            version = await self._all()
        finally:
            shutil.rmtree(self._data, ignore_errors=True)
        options = {
            "seconds per load": self._plan.seconds,
            "connections of closed loops": self._plan.connections,
            "payments under way in lifecycles": self._plan.window,
        }
        return report.Report(
            machine=report.machine(version),
            options=options,
            sections=report.complete(self._sections, self._pgbench, self._pgbench_bound),
            seconds=round(time.monotonic() - started, 1),
            failed=self._failed,
        )

    async def _all(self) -> str:
        version = ""
        installations = list(self._installations())
        for number, (shape, parts) in enumerate(installations):
            say(f"starting {shape.payments} payment and {shape.workers} worker processes")
            async with running_bench(
                data=self._data, port_base=self._arguments.port_base, shape=shape, runs=self._runs
            ) as bench:
                meter = Meter(bench, self._plan)
                if number == 0:
                    version = str(await meter.fetch("SHOW server_version"))
                    await pgbench.prepare(bench.database_url)
                    await self._debit_credit(bench)
                for name, part in parts:
                    await self._measure(name, part, meter)
                if number == len(installations) - 1:
                    await self._debit_credit(bench)
        return version

    def _installations(self) -> Iterator[tuple[Shape, list[tuple[str, Measure]]]]:
        """Walk over what is started, and what is measured on it; the rows last, since they stay."""
        state, folder = self._state, make_folder(self._data / "profile")
        if "profile" in self._parts:
            yield Shape(profile_folder=folder), [("profile", lambda meter: profile.measure(meter, folder))]
        if "scaling" in self._parts:
            for processes in self._arguments.processes:
                shape = Shape(processes, processes)
                yield shape, [("scaling", partial(scaling.measure, shape=shape))]
        usual: dict[str, Measure] = {
            "rates": lambda meter: rates.measure(meter, state),
            "ledger": ledger.measure,
            "routing": routing.measure,
            "latency": lambda meter: latency.measure(meter, state),
            "overload": lambda meter: overload.measure(meter, state),
            "soak": lambda meter: soak.measure(meter, state),
            "rows": rows.measure,
        }
        if wanted := [(name, part) for name, part in usual.items() if name in self._parts]:
            yield Shape(), wanted

    async def _measure(self, name: str, part: Measure, meter: Meter) -> None:
        filling = sum(self._plan.rows) / _FILLED_ROWS_A_SECOND if name == "rows" else 0
        longest = _PART_SECONDS_MAX + self._plan.soak_seconds + filling
        started = time.monotonic()
        try:
            async with asyncio.timeout(longest):
                section = await part(meter)
        except (TimeoutError, RuntimeError, OSError, asyncpg.PostgresError) as error:
            await meter.bench.stop_load()
            self._failed.append(f"{name} ({type(error).__name__}: {error})")
            say(f"{self._failed[-1]}: left out")
            return
        say(f"{name} took {time.monotonic() - started:.0f} s")
        self._sections.append(section)

    async def _debit_credit(self, bench: Bench) -> None:
        say(f"pgbench: {self._plan.pgbench_seconds} s")
        before, started, ended = processes.now(), time.monotonic(), _ended_seconds()
        rate = await pgbench.transactions_per_second(bench.database_url, self._plan.pgbench_seconds)
        seconds, used = time.monotonic() - started, processes.now().since(before)
        own = _ended_seconds() - ended  # pgbench has ended, so it was counted among the others
        spent = {"postgres": used["postgres"], "pgbench": own, "others": max(0.0, used["others"] - own)}
        self._pgbench.append(round(rate, 1))
        self._pgbench_bound, _ = bound_and_lift({name: each / seconds for name, each in spent.items()})


def _ended_seconds() -> float:
    """Return the processor seconds of processes that this one started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _plan(arguments: argparse.Namespace) -> Plan:
    quick = arguments.quick
    return Plan(
        seconds=0.5 if quick else arguments.seconds,
        connections=arguments.concurrency,
        window=arguments.concurrency * 8,
        warm_up_seconds=0.5 if quick else 3.0,
        ledger_seconds=0.5 if quick else 5.0,
        pgbench_seconds=1 if quick else 5,
        soak_seconds=2.0 if quick else arguments.soak_minutes * 60,
        rows=(1000,) if quick else arguments.rows,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute or two: shows that it works, measures little")
    parser.add_argument("--only", type=_parts, default=PARTS, metavar="PART[,PART]", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--seconds", type=_above_zero, default=10.0, help="per load (default %(default)s)")
    parser.add_argument("--concurrency", type=_positive, default=64, help="connections of closed loops (%(default)s)")
    parser.add_argument("--processes", type=_numbers, help="more payment and worker processes (2,4)")
    parser.add_argument("--soak-minutes", type=_above_zero, default=0.75, help="default %(default)s")
    parser.add_argument("--rows", type=_numbers, default=(10_000, 200_000), help="stored payments (10000,200000)")
    parser.add_argument("--data", type=Path, default=Path(".data"), help="a folder is made in it and removed again")
    parser.add_argument("--port-base", type=_positive, default=4500)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--write-docs", action="store_true", help="write docs/performance.md; other parts stay in it")
    arguments = parser.parse_args()
    if arguments.processes is None:
        arguments.processes = (2,) if arguments.quick else (2, 4)
    return arguments


def _parts(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := set(names) - set(PARTS):
        raise argparse.ArgumentTypeError(f"there is no {', '.join(sorted(unknown))}, only {', '.join(PARTS)}")
    return names


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(_positive(each) for each in text.split(","))


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("wants a number above zero")
    return number


def _above_zero(text: str) -> float:
    number = float(text)
    if number <= 0:
        raise argparse.ArgumentTypeError("wants a number above zero")
    return number


if __name__ == "__main__":
    main()
