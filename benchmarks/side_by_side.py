"""Processor time of the payment process per payin, for several source trees side by side, on one running `wisipay up`.

    python -m wisipay up --data .data/ab --port-base 5500 --ready-file ready.json
    python benchmarks/side_by_side.py ready.json old=../old/src new=src

Each tree's payment process runs against the same stores and simulator and gets short loads in turn, many times over,
so that what disturbs the machine disturbs all of them. Time on the processor is read from the scheduler, to the
nanosecond; the mean of the best quarter is compared. Must never be used to claim a rate: that is `run.py`'s.
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.connection import HOST
from benchmarks.load import Job, Load, Phase
from benchmarks.orders import Sender

_START_SECONDS = 60
_OK = 200


def main() -> None:
    """Start the processes, measure them in turn, print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ready_file", type=Path)
    parser.add_argument("trees", nargs="+", metavar="NAME=FOLDER", help="a folder that holds the package wisipay")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each load")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--port", type=int, default=5600, help="first port of the payment processes")
    arguments = parser.parse_args()
    ready = msgspec.json.decode(arguments.ready_file.read_bytes())
    environment = _environment_of_payment(urlsplit(ready["payment"]["url"]).port or 0)
    started: dict[str, tuple[subprocess.Popen[bytes], int]] = {}
    try:
        for number, tree in enumerate(arguments.trees):
            name, _, folder = tree.partition("=")
            port = arguments.port + 2 * number
            started[name] = _start(folder, port, environment), port
        _tell(_measure(arguments, ready, started))
    finally:
        for process, _ in started.values():
            process.terminate()
            process.wait()


def _measure(
    arguments: argparse.Namespace, ready: Mapping[str, Any], started: Mapping[str, tuple[subprocess.Popen[bytes], int]]
) -> dict[str, list[float]]:
    """Return the microseconds per payin of each load, by name; the first load of each process warms it up."""
    used: dict[str, list[float]] = {name: [] for name in started}
    run = time.time_ns() // 1_000_000_000 % 1_000_000
    for turn in range(arguments.rounds + 1):
        for place, (name, (process, port)) in enumerate(started.items()):
            job = Job(
                kind="payin",
                run=f"S{run:06d}{turn:03d}{place}",
                ports=[port],
                senders=[Sender(each["id"], each["secret"]) for each in ready["merchants"]],
                phases=[Phase(name="payins", seconds=arguments.seconds)],
                connections=arguments.connections,
                simulator_port=urlsplit(ready["simulator"]["url"]).port or 0,
            )
            before = _on_processor(process.pid)
            outcome = asyncio.run(Load(job).run())
            if set(outcome.phases[0].statuses) != {_OK}:
                raise SystemExit(f"{name}: {outcome.phases}")
            if turn:
                used[name].append((_on_processor(process.pid) - before) / outcome.accepted / 1_000)
    return used


def _tell(used: Mapping[str, list[float]]) -> None:
    best = {name: statistics.fmean(sorted(each)[: max(1, len(each) // 4)]) for name, each in used.items()}
    first = next(iter(best.values()))
    for name, each in used.items():
        print(
            f"{name}: {best[name]:.0f} us per payin (best quarter, {best[name] / first:.3f} of the first), "
            f"median {statistics.median(each):.0f}, worst {max(each):.0f}"
        )


def _start(folder: str, port: int, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    own = {
        "PAYMENT_PORT": str(port),
        "PAYMENT_METRICS_PORT": str(port + 1),
        "PYTHONPATH": str(Path(folder).resolve()),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [sys.executable, "-m", "wisipay.entrypoints.cli", "payment"]
    process = subprocess.Popen(command, env={**environment, **own}, stdout=subprocess.DEVNULL)  # noqa: S603 - ours
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/health/ready", timeout=2):
                return process
        except OSError:
            time.sleep(0.1)
    process.kill()
    raise SystemExit(f"the payment process of {folder} did not start")


def _environment_of_payment(port: int) -> dict[str, str]:
    """Return the environment of the running payment process: its stores and secrets."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if f"PAYMENT_PORT={port}".encode() in variables and b"payment" in (folder / "cmdline").read_bytes():
            return dict(os.fsdecode(each).split("=", 1) for each in variables if b"=" in each)
    raise SystemExit("no payment process of this ready file is running")


def _on_processor(pid: int) -> int:
    """Return the nanoseconds that all threads of a process have run."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))


if __name__ == "__main__":
    main()
