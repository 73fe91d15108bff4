"""The installation that is measured: everything of `wisipay up` in a data folder of its own, removed afterwards.

Decides how further payment and worker processes are started, and starts the load generator beside them. Must never
change how the product runs: no setting differs from `wisipay up`.
"""

import asyncio
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.connection import HOST, Asking
from benchmarks.load import Job, Outcome
from benchmarks.orders import Kind, Sender
from wisipay.core.config import Settings
from wisipay.core.embedded.folders import make_folder
from wisipay.entrypoints.instance import Instance
from wisipay.entrypoints.instances import InstancesOf, Introduce, instances_of
from wisipay.entrypoints.ports import COUNT, Ports, ports_from
from wisipay.entrypoints.stack import running_stack

_LOAD = Path(__file__).with_name("load.py")
_CLI = (sys.executable, "-m", "wisipay.entrypoints.cli")


@dataclass
class Bench:
    """A running installation and its load generator."""

    database_url: str
    payment_ports: list[int]
    simulator_port: int
    senders: list[Sender]
    load: asyncio.subprocess.Process
    jobs: int = 0

    async def send(
        self, kind: Kind, payments: int, connections: int, *, rate: float | None = None, window: int | None = None
    ) -> Outcome:
        """Have the load generator send requests; see `Job`. Payouts are sent by the one merchant with funds."""
        self.jobs += 1
        job = Job(
            kind=kind,
            run=f"B{self.jobs:02d}",
            ports=self.payment_ports,
            senders=self.senders if kind == "payin" else self.senders[:1],
            payments=payments,
            connections=connections,
            simulator_port=self.simulator_port,
            rate=rate,
            window=window,
        )
        if self.load.stdin is None or self.load.stdout is None:
            raise RuntimeError("the load generator has no pipes")
        self.load.stdin.write(msgspec.json.encode(job) + b"\n")
        line = await self.load.stdout.readline()
        if not line:
            raise RuntimeError("the load generator ended; see its message above")
        return msgspec.json.decode(line, type=Outcome)

    async def set_provider(self, faults: Mapping[str, object]) -> None:
        """Set how the simulated provider behaves."""
        asking = Asking(self.simulator_port)
        await asking.ask("PUT", "/control/faults", msgspec.json.encode(faults))
        asking.close()


@asynccontextmanager
async def running_bench(
    *, data_parent: Path, port_base: int, payment_processes: int, worker_processes: int
) -> AsyncIterator[Bench]:
    """Start everything in a new folder below `data_parent`; stop it and remove the folder afterwards."""
    data = Path(tempfile.mkdtemp(prefix="benchmark-", dir=make_folder(data_parent)))
    more = _more_instances(payment_processes - 1, worker_processes - 1, port_base + COUNT)
    try:
        async with running_stack(data=data, port_base=port_base, say=_say, instances=more) as stack, _load() as load:
            ports = ports_from(port_base)
            yield Bench(
                database_url=stack.settings.database_url,
                payment_ports=[ports.payment, *range(port_base + COUNT, port_base + COUNT + payment_processes - 1)],
                simulator_port=ports.simulator,
                senders=[Sender(str(each["id"]), str(each["secret"])) for each in stack.merchants],
                load=load,
            )
    finally:
        shutil.rmtree(data, ignore_errors=True)


@asynccontextmanager
async def _load() -> AsyncIterator[asyncio.subprocess.Process]:
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, str(_LOAD), stdin=pipe, stdout=pipe)
    try:
        yield process
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


def _more_instances(payments: int, workers: int, first_port: int) -> InstancesOf:
    """Return what makes the usual processes and further payment and worker processes, on ports from `first_port`."""

    def make(
        settings: Settings, ports: Ports, data_dir: Path, environment: Mapping[str, str], introduce: Introduce
    ) -> Sequence[Instance]:
        port = first_port + payments
        more = []
        for number in range(payments):
            own = first_port + number
            variables = {
                "PAYMENT_PORT": str(own),
                "PAYMENT_METRICS_PORT": str(port + number),
                "APP_BASE_URL": f"http://{HOST}:{own}",
            }
            more.append(("payment", number, variables, f"{own}/health/ready"))
        for number in range(workers):
            own = port + payments + number
            more.append(("worker", number, {"WORKER_METRICS_PORT": str(own)}, f"{own}/metrics"))
        return (
            *instances_of(settings, ports, data_dir, environment, introduce),
            *(
                Instance(
                    f"{name}-{number + 2}",
                    (*_CLI, name),
                    data_dir=data_dir,
                    environment={**environment, **variables},
                    health_url=f"http://{HOST}:{health}",
                    ports=[int(value) for variable, value in variables.items() if variable.endswith("_PORT")],
                )
                for name, number, variables, health in more
            ),
        )

    return make


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
