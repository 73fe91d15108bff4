"""One installation to be hurt: `wisipay up` with two workers, its merchants, and proxies on its ways to the outside.

Decides the figures that make a run short: providers are waited for three seconds, payins expire after one minute. Two
workers, because what a dead one held is only taken up at once where somebody else lives.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from crash.faults import CONNECTIONS, MERCHANT, PROVIDER_A, PROVIDER_B
from crash.targets import Target, instance_target, postgres_target, valkey_target
from support import lease_log
from support.e2e_parties import Founder, Lane
from support.e2e_play import Play
from support.proxy import Proxy
from support.shop import Shop
from wisipay.core.database import Pool, connect_pool
from wisipay.core.http_client import HttpClient
from wisipay.entrypoints.instance import Instance, inherited_environment
from wisipay.entrypoints.instances import instances_of
from wisipay.entrypoints.ports import COUNT, Ports
from wisipay.entrypoints.stack import Stack, running_stack

MERCHANTS = 4
FUNDS_PAISE = 100_000_000_000
PORTS = COUNT + 1
"""Those of `wisipay up`, and the second worker's metrics."""

_SLOW_MERCHANT_MS = 1_000
"""Every other merchant is slow, so that a worker that dies has callbacks in its hands."""
_ENVIRONMENT = {"PAYIN_AUTO_EXPIRE_MINUTES": "1", "PROVIDER_TIMEOUT_SECONDS": "3"}


@dataclass(frozen=True)
class World:
    """Everything that runs. `shops` are the merchants, ready to order."""

    stack: Stack
    play: Play
    pool: Pool
    targets: Mapping[str, Target]
    proxies: Mapping[str, Proxy]
    shops: tuple[Shop, ...]


@asynccontextmanager
async def running_world(data: Path, port_base: int, seed: int, say: Callable[[str], None]) -> AsyncIterator[World]:
    """Start everything in `data`; stop all of it when the block ends. Raises the errors of `running_stack`."""
    started: list[Instance] = []
    second_worker_port = port_base + COUNT

    def two_workers(settings: Any, ports: Ports, data_dir: Path, environment: Any, introduce: Any) -> list[Instance]:  # noqa: ANN401 - what `instances_of` takes
        started.extend(instances_of(settings, ports, data_dir, environment, introduce))
        started.insert(2, _second_worker(settings.bind_host, second_worker_port, data_dir, environment))
        return started

    async with AsyncExitStack() as open_things:
        stack = await open_things.enter_async_context(
            running_stack(
                data=data,
                port_base=port_base,
                say=say,
                instances=two_workers,
                environ=inherited_environment() | _ENVIRONMENT,
            )
        )
        pool = await connect_pool(stack.settings, application_name="wisipay crash", max_size=3)
        open_things.push_async_callback(pool.close)
        await pool.execute(lease_log.INSTALL)
        client = await open_things.enter_async_context(HttpClient(private_addresses_allowed=True))
        simulator_url = stack.settings.simulator_url or ""
        proxies = {
            name: await open_things.enter_async_context(Proxy(simulator_url, Random(f"{seed} {name}")))  # noqa: S311 - a run is replayed from its seed
            for name in CONNECTIONS
        }
        play = Play(stack.settings, pool, client)
        lanes = await _found(pool, stack, proxies)
        for number, lane in enumerate(lanes):
            await play.introduce(lane, slow_ms=_SLOW_MERCHANT_MS * (number % 2))
        shops = [await open_things.enter_async_context(play.shop(lane)) for lane in lanes]
        yield World(stack, play, pool, _targets(stack, started, second_worker_port), proxies, tuple(shops))


def _second_worker(host: str, port: int, data_dir: Path, environment: Mapping[str, str]) -> Instance:
    program = (sys.executable, "-m", "wisipay.entrypoints.cli", "worker")
    return Instance(
        "worker-2",
        program,
        data_dir=data_dir,
        environment={**environment, "WORKER_METRICS_PORT": str(port)},
        health_url=f"http://{host}:{port}/metrics",
        ports=[port],
    )


async def _found(pool: Pool, stack: Stack, proxies: Mapping[str, Proxy]) -> list[Lane]:
    """Make the merchants. Payouts go to the second channel when it is certain that the first did nothing; payins don't.

    The simulator's payins pay themselves, so one that is asked for twice is paid twice, as no customer would.
    """
    async with pool.acquire() as conn, conn.transaction():
        founder = Founder(conn, stack.settings)
        entity_id = await founder.legal_entity("CRASH")
        first, second = [
            await founder.channel(entity_id, f"CRASH{name[-1]}", proxies[name].url) for name in (PROVIDER_A, PROVIDER_B)
        ]
        lanes = []
        for number in range(MERCHANTS):
            routes: dict[Any, list[str]] = {"payin": [(first, second)[number % 2]], "payout": [first, second]}
            name = f"CRASH{number}"
            secret = await founder.merchant(name, routes, proxies[MERCHANT].url, FUNDS_PAISE)
            lanes.append(Lane(name, secret, ()))
    return lanes


def _targets(stack: Stack, instances: list[Instance], second_worker_port: int) -> dict[str, Target]:
    settings = stack.settings
    host = f"http://{settings.bind_host}"
    health = {
        "simulator": f"{settings.simulator_url}/control/summary",
        "worker": f"{host}:{settings.worker_metrics_port}/metrics",
        "worker-2": f"{host}:{second_worker_port}/metrics",
        "payment": f"{host}:{settings.payment_port}/health/ready",
        "api": f"{host}:{settings.api_port}/health/ready",
    }
    targets = [instance_target(instance, health[instance.name]) for instance in instances]
    targets.append(postgres_target(settings.data_dir, settings.database_url))
    targets.append(valkey_target(settings.data_dir, settings.redis_url))
    return {target.name: target for target in targets}
