"""Everything `wisipay up` and `wisipay demo` run: stores, schema, simulator, first data, instances.

Decides the order in which they start and what each is told through its environment. Must never be used with real money:
callbacks may go to private addresses, and the simulator plays the provider.
"""

import inspect
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from wisipay.core.config import Settings, load_settings
from wisipay.core.database import wait_until_ready
from wisipay.core.embedded import mongo, postgres, valkey
from wisipay.core.embedded.folders import make_folder
from wisipay.core.migrations import migrate
from wisipay.entrypoints.data_lock import data_lock
from wisipay.entrypoints.instance import Instance, inherited_environment, stop_orphans
from wisipay.entrypoints.ports import Ports, ports_from
from wisipay.entrypoints.store_unit import StoreUnit
from wisipay.entrypoints.supervisor import Say, Supervisor

Merchants = Sequence[Mapping[str, Any]]
Seed = Callable[[Settings], Merchants | Awaitable[Merchants]]

DEFAULT_DATA: Final = Path(".data")
DEFAULT_PORT_BASE: Final = 4000

_HOST: Final = "127.0.0.1"
_EXTERNAL_TIMEOUT_SECONDS: Final = 10.0
_SYSTEM_TPS: Final = "1000000"
_STORES: Final = (
    ("database_url", "postgres", postgres.start, postgres.stop),
    ("redis_url", "valkey", valkey.start, valkey.stop),
    ("mongodb_uri", "mongodb", mongo.start, mongo.stop),
)


@dataclass(frozen=True)
class Stack:
    """Everything runs: `settings` hold the addresses, `merchants` what the seed gave back."""

    settings: Settings
    merchants: Merchants
    supervisor: Supervisor

    async def wait(self) -> None:
        """Wait for ever; raises `SupervisorError` when something cannot be kept running."""
        await self.supervisor.wait()


@asynccontextmanager
async def running_stack(
    *, data: Path, port_base: int, say: Say, seed: Seed | None = None, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Stack]:
    """Start everything; stop all of it when the block ends, however it ends.

    Stores given by URL in the environment are used instead of embedded ones. `seed` makes the first merchants and tells
    their ids and secrets; by default it is `wisipay.entrypoints.seed.seed`. Raises `EmbeddedStoreError`,
    `SupervisorError`, `SettingsError`, `DatabaseUnavailable` or `MigrationError`.
    """
    ports = ports_from(port_base)
    data_dir = make_folder(data)
    environment = {**(inherited_environment() if environ is None else environ), **_own_environment(ports, data_dir)}
    environment.setdefault("SYSTEM_TPS", _SYSTEM_TPS)
    given = load_settings(environment)
    with data_lock(data_dir):
        await _clean(data_dir, say)
        supervisor = Supervisor(say)
        try:
            environment |= await _start_stores(supervisor, given, ports, data_dir, say)
            settings = load_settings(environment)
            await wait_until_ready(settings.database_url, timeout_seconds=_EXTERNAL_TIMEOUT_SECONDS)
            await migrate(settings.database_url)
            simulator, *instances = _instances(settings, ports, data_dir, environment)
            await _start(supervisor, simulator, say)
            merchants = await _seeded(seed, settings)
            for instance in instances:
                await _start(supervisor, instance, say)
            yield Stack(settings, merchants, supervisor)
        finally:
            say("stopping …")
            await supervisor.stop()


def _own_environment(ports: Ports, data_dir: Path) -> dict[str, str]:
    """Return the variables that `up` sets whatever the environment says."""
    return {
        "DATA_DIR": str(data_dir),
        "BIND_HOST": _HOST,
        "API_PORT": str(ports.api),
        "PAYMENT_PORT": str(ports.payment),
        "API_METRICS_PORT": str(ports.api_metrics),
        "PAYMENT_METRICS_PORT": str(ports.payment_metrics),
        "WORKER_METRICS_PORT": str(ports.worker_metrics),
        "APP_BASE_URL": f"http://{_HOST}:{ports.payment}",
        "SIMULATOR_URL": f"http://{_HOST}:{ports.simulator}",
        "PRIVATE_ADDRESSES_ALLOWED": "true",
        "PYTHONUNBUFFERED": "1",
    }


async def _clean(data_dir: Path, say: Say) -> None:
    stopped = await stop_orphans(data_dir)
    if stopped:
        say(f"stopped {stopped} processes that a killed run left behind")


async def _start_stores(
    supervisor: Supervisor, given: Settings, ports: Ports, data_dir: Path, say: Say
) -> dict[str, str]:
    """Start the stores that are not given by URL; return the environment variables with their URLs."""
    urls = {}
    for setting, name, start, stop in _STORES:
        if not getattr(given, setting):
            unit = StoreUnit(name, start, stop, data_dir=data_dir, port=getattr(ports, name))
            await supervisor.start(unit)
            say(f"{name} is ready")
            urls[setting.upper()] = unit.url
    return urls


def _instances(
    settings: Settings, ports: Ports, data_dir: Path, environment: Mapping[str, str]
) -> tuple[Instance, ...]:
    """Return the processes in the order of their start; they are stopped in the reverse order, the intake first."""
    home = make_folder(data_dir / "simulator")
    journal = home / "journal.jsonl"

    def instance(name: str, arguments: Sequence[str], health_url: str, *taken: int) -> Instance:
        command = (sys.executable, "-m", *arguments)
        return Instance(name, command, data_dir=data_dir, environment=environment, health_url=health_url, ports=taken)

    cli, host = "wisipay.entrypoints.cli", f"http://{settings.bind_host}"
    return (
        instance(
            "simulator",
            ("wisipay_simulator", "--port", str(ports.simulator), "--state-file", str(journal)),
            f"{settings.simulator_url}/control/summary",
            ports.simulator,
        ),
        instance("worker", (cli, "worker"), f"{host}:{ports.worker_metrics}/metrics", ports.worker_metrics),
        instance(
            "payment", (cli, "payment"), f"{host}:{ports.payment}/health/ready", ports.payment, ports.payment_metrics
        ),
        instance("api", (cli, "api"), f"{host}:{ports.api}/health/ready", ports.api, ports.api_metrics),
    )


async def _start(supervisor: Supervisor, instance: Instance, say: Say) -> None:
    await supervisor.start(instance)
    say(f"{instance.name} is ready")


async def _seeded(seed: Seed | None, settings: Settings) -> Merchants:
    if seed is None:
        from wisipay.entrypoints.seed import seed as default_seed  # noqa: PLC0415 - only needed where none is given

        seed = default_seed
    made = seed(settings)
    return await made if inspect.isawaitable(made) else made
