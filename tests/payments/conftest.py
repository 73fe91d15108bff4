"""What tests of payments on real stores start from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis

from support.desk_bench import DeskBench
from support.installation import installation
from support.shop import Shop, open_shop
from support.simulator import Simulator, running_simulator
from wisipay.core.config import Settings
from wisipay.core.database import Pool
from wisipay.core.http_serve import running
from wisipay.entrypoints.engine import Engine, engine
from wisipay.entrypoints.payment import build
from wisipay.entrypoints.seed import seed
from wisipay.entrypoints.worker import working


@pytest.fixture
async def bench(database: Pool) -> DeskBench:
    """Return desks over an empty database with two channels and one merchant, who has no money."""
    bench = DeskBench(database)
    await bench.open_accounts()
    return bench


@pytest.fixture(scope="session")
async def _simulator() -> AsyncIterator[Simulator]:
    async with running_simulator("--complete-after-ms", "50") as simulator:
        yield simulator


@pytest.fixture
async def simulator(_simulator: Simulator) -> Simulator:
    """Return a provider with an empty book."""
    await _simulator.call("POST", "/control/reset?all=1")
    return _simulator


@pytest.fixture
async def seeded(database: Pool, redis: Redis, settings: Settings, simulator: Simulator) -> Settings:
    """Return settings of an installation with the seed's merchants and channels; nothing runs yet."""
    del database, redis
    own = installation(settings, simulator, system_tps=100_000, provider_timeout_seconds=2)
    await seed(own)
    return own


@pytest.fixture
async def parts(seeded: Settings) -> AsyncIterator[Engine]:
    """Return the wired parts of a process, without HTTP and without loops."""
    async with engine(seeded, "test") as wired:
        yield wired


@pytest.fixture
async def shop(seeded: Settings) -> AsyncIterator[Shop]:
    """Return the seed's first merchant at a running payment instance."""
    async with serving(seeded) as shop:
        yield shop


@pytest.fixture
async def worker(seeded: Settings) -> AsyncIterator[Engine]:
    """Run a worker's loops."""
    async with engine(seeded, "worker") as wired, working(wired):
        yield wired


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Shop]:
    """Run a payment instance and let the seed's first merchant speak to it."""
    merchant = (await seed(settings))[0]
    async with (
        build(settings) as app,
        running(app, port=settings.payment_port) as port,
        open_shop(f"http://127.0.0.1:{port}", merchant["id"], merchant["secret"]) as shop,
    ):
        yield shop
