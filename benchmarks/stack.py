"""The installation that is measured: everything of `wisipay up`, in a folder that the run removes afterwards.

Decides how many payment and worker processes there are, and starts the load generator beside them. Must never change
how the product runs: no setting differs from `wisipay up`. Only where functions are profiled, payment and worker run
under a sampler.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from benchmarks.connection import HOST, Asking
from benchmarks.load import Job, Outcome, Phase
from benchmarks.orders import Kind, Sender
from wisipay.core.config import Settings
from wisipay.entrypoints.instance import Instance
from wisipay.entrypoints.instances import InstancesOf, Introduce, instances_of
from wisipay.entrypoints.ports import COUNT, Ports, ports_from
from wisipay.entrypoints.stack import running_stack

_LOAD = Path(__file__).with_name("load.py")
_PROFILED = Path(__file__).with_name("profiled.py")
_CLI = (sys.executable, "-m", "wisipay.entrypoints.cli")
_ANSWER_BYTES_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class Shape:
    """How many processes of a kind there are. `profile_folder`: they are sampled, and leave what was found there."""

    payments: int = 1
    workers: int = 1
    profile_folder: Path | None = None


@dataclass
class Bench:
    """A running installation and its load generator; `runs` goes on counting over all installations of a run."""

    database_url: str
    payment_ports: list[int]
    simulator_port: int
    senders: list[Sender]
    runs: Iterator[int]
    _load: asyncio.subprocess.Process | None = field(default=None)

    async def send(self, kind: Kind, phases: list[Phase], connections: int, *, window: int | None = None) -> Outcome:
        """Have the load generator send requests; see `Job`. Payouts are sent by the one merchant with funds."""
        job = Job(
            kind=kind,
            run=f"B{next(self.runs):04d}",
            ports=self.payment_ports,
            senders=self.senders if kind == "payin" else self.senders[:1],
            phases=phases,
            connections=connections,
            simulator_port=self.simulator_port,
            window=window,
        )
        self._load = self._load or await _start_load()
        if self._load.stdin is None or self._load.stdout is None:
            raise RuntimeError("the load generator has no pipes")
        self._load.stdin.write(msgspec.json.encode(job) + b"\n")
        line = await self._load.stdout.readline()
        if not line:
            self._load = None
            raise RuntimeError("the load generator ended; see its message above")
        return msgspec.json.decode(line, type=Outcome)

    async def set_provider(self, faults: Mapping[str, object]) -> None:
        """Set how the simulated provider behaves."""
        asking = Asking(self.simulator_port)
        await asking.ask("PUT", "/control/faults", msgspec.json.encode(faults))
        asking.close()

    async def stop_load(self) -> None:
        """End the load generator; the next load starts another."""
        load, self._load = self._load, None
        if load is not None and load.returncode is None:
            load.kill()
            await load.wait()


async def _start_load() -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, str(_LOAD), stdin=pipe, stdout=pipe, limit=_ANSWER_BYTES_MAX
    )


@asynccontextmanager
async def running_bench(*, data: Path, port_base: int, shape: Shape, runs: Iterator[int]) -> AsyncIterator[Bench]:
    """Start everything on what is in `data`; stop it afterwards."""
    instances = _instances(shape, port_base + COUNT)
    async with running_stack(data=data, port_base=port_base, say=_say_nothing, instances=instances) as stack:
        ports = ports_from(port_base)
        bench = Bench(
            database_url=stack.settings.database_url,
            payment_ports=[ports.payment, *range(port_base + COUNT, port_base + COUNT + shape.payments - 1)],
            simulator_port=ports.simulator,
            senders=[Sender(str(each["id"]), str(each["secret"])) for each in stack.merchants],
            runs=runs,
        )
        try:
            yield bench
        finally:
            await bench.stop_load()


def _instances(shape: Shape, first_port: int) -> InstancesOf:
    """Return what makes the processes: those of `wisipay up`, and further payments and workers from `first_port`."""

    def make(
        settings: Settings, ports: Ports, data_dir: Path, environment: Mapping[str, str], introduce: Introduce
    ) -> Sequence[Instance]:
        given = {each.name: each for each in instances_of(settings, ports, data_dir, environment, introduce)}
        free = iter(range(first_port, first_port + 2 * shape.payments + shape.workers))
        payments = [(ports.payment, ports.payment_metrics)]
        payments += [(next(free), 0) for _ in range(shape.payments - 1)]
        payments = [(port, metrics or next(free)) for port, metrics in payments]
        workers = [ports.worker_metrics, *(next(free) for _ in range(shape.workers - 1))]

        def instance(name: str, number: int, variables: Mapping[str, str], health: str) -> Instance:
            return Instance(
                name if number == 0 else f"{name}-{number + 1}",
                _command(name, shape.profile_folder),
                data_dir=data_dir,
                environment={**environment, **variables},
                health_url=f"http://{HOST}:{health}",
                ports=[int(value) for variable, value in variables.items() if variable.endswith("_PORT")],
            )

        return (
            given["simulator"],
            *(
                instance("worker", number, {"WORKER_METRICS_PORT": str(metrics)}, f"{metrics}/metrics")
                for number, metrics in enumerate(workers)
            ),
            *(
                instance(
                    "payment",
                    number,
                    {
                        "PAYMENT_PORT": str(port),
                        "PAYMENT_METRICS_PORT": str(metrics),
                        "APP_BASE_URL": f"http://{HOST}:{port}",
                    },
                    f"{port}/health/ready",
                )
                for number, (port, metrics) in enumerate(payments)
            ),
            given["api"],
        )

    return make


def _command(name: str, profile_folder: Path | None) -> tuple[str, ...]:
    if profile_folder is None:
        return (*_CLI, name)
    return (sys.executable, str(_PROFILED), name, str(profile_folder / f"{name}.json"))


def _say_nothing(_line: str) -> None:
    """Say nothing: what starts and stops is no figure."""
