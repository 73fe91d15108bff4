"""Everything `wisipay up` and `wisipay demo` run: stores, schema, simulator, first data, instances.

Decides the order in which they start and what each is told through its environment. Must never be used with real money:
callbacks may go to private addresses, and the simulator plays the provider.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from wisipay.core.config import Settings, load_settings
from wisipay.core.database import wait_until_ready
from wisipay.core.embedded import mongo, postgres, valkey
from wisipay.core.embedded.folders import make_folder
from wisipay.core.embedded.logs import rotate
from wisipay.core.embedded.server import require_free_port
from wisipay.core.logging import configure_logging
from wisipay.core.migrations import migrate
from wisipay.entrypoints.data_lock import data_lock
from wisipay.entrypoints.instance import inherited_environment, stop_orphans
from wisipay.entrypoints.instances import InstancesOf, instances_of
from wisipay.entrypoints.ports import Ports, ports_from
from wisipay.entrypoints.reachable import require_reachable
from wisipay.entrypoints.seeding import Merchants, Seed, Seeding
from wisipay.entrypoints.store_unit import StoreUnit
from wisipay.entrypoints.supervisor import Say, Supervisor

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
    *,
    data: Path,
    port_base: int,
    say: Say,
    seed: Seed | None = None,
    instances: InstancesOf = instances_of,
    environ: Mapping[str, str] | None = None,
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
    with data_lock(data_dir), ExitStack() as streams:
        await _clean(data_dir, say)
        _require_free_ports(ports)
        supervisor = Supervisor(say)
        try:
            environment |= await _start_stores(supervisor, given, ports, data_dir, say)
            settings = load_settings(environment)
            streams.enter_context(_log_to_file(settings, data_dir))
            await wait_until_ready(settings.database_url, timeout_seconds=_EXTERNAL_TIMEOUT_SECONDS)
            await migrate(settings.database_url)
            seeding = Seeding(seed, settings)
            for instance in instances(settings, ports, data_dir, environment, seeding):
                await supervisor.start(instance)
                say(f"{instance.name} is ready")
            yield Stack(settings, seeding.merchants, supervisor)
        finally:
            say("stopping …")
            await supervisor.stop()


@contextmanager
def _log_to_file(settings: Settings, data_dir: Path) -> Iterator[None]:
    """Send this process's own log lines to a file, so that the terminal stays for the person in front of it."""
    log_file = make_folder(data_dir / "log") / "up.log"
    rotate(log_file)
    with log_file.open("ab") as stream:
        configure_logging(settings, "up", stream=stream)
        yield


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


def _require_free_ports(ports: Ports) -> None:
    """Look at the instances' ports before anything is started; the stores look at theirs, which they may hold."""
    stores = {name for _, name, _, _ in _STORES}
    for name, port in asdict(ports).items():
        if name not in stores:
            require_free_port(name, port)


async def _start_stores(
    supervisor: Supervisor, given: Settings, ports: Ports, data_dir: Path, say: Say
) -> dict[str, str]:
    """Start the stores that are not given by URL, check the others; return the variables with the embedded URLs."""
    urls = {}
    for setting, name, start, stop in _STORES:
        if not getattr(given, setting):
            unit = StoreUnit(name, start, stop, data_dir=data_dir, port=getattr(ports, name))
            await supervisor.start(unit)
            say(f"{name} is ready")
            urls[setting.upper()] = unit.url
        else:
            await require_reachable(setting.upper(), getattr(given, setting))
    return urls
