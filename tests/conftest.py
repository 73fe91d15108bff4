"""Fixtures of all tests: real PostgreSQL and Valkey, started once per run, empty before each test, loopback only."""

from __future__ import annotations

import asyncio
import ipaddress
import sys
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from redis.asyncio import Redis
from xdist.remote import Producer

sys.path.insert(0, str(Path(__file__).parent))

from support import run_folder, skipped, stores
from support.failing import server_activity
from support.grouping import GroupScheduling
from support.waiting import until
from wisipay.core.config import Settings
from wisipay.core.database import Pool, connect_pool

_RETURN_SECONDS = 30
_REDIS_SECONDS = 60

# How fast examples are made says how busy the machine is, and nothing about the product.
hypothesis_settings.register_profile("wisipay", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("wisipay")


def pytest_configure() -> None:
    """Open the run's folder and forbid connections to anywhere but this machine."""
    run_folder.enter()
    sys.addaudithook(_loopback_only)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the stores when the whole run is over."""
    if not hasattr(config, "workerinput"):
        run_folder.leave()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling:
    """Keep tests together that share what takes long to start."""
    return GroupScheduling(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell loudly which tests did not run."""
    skipped.tell(terminalreporter)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a failure what the database server was doing."""
    report = yield
    if report.failed:
        report.sections.append(("PostgreSQL at that moment", server_activity()))
    return report


def _loopback_only(event: str, arguments: tuple[object, ...]) -> None:
    if event != "socket.connect" or not isinstance(address := arguments[1], tuple):
        return
    try:
        allowed = ipaddress.ip_address(address[0]).is_loopback
    except ValueError:
        allowed = address[0] == "localhost"
    if not allowed:
        raise ConnectionRefusedError(f"tests connect to this machine only, not to {address}")


@pytest.fixture(scope="session")
async def run_stores() -> stores.Stores:
    """Return the addresses of the run's PostgreSQL and Valkey servers, without a database."""
    return await stores.started_stores()


@pytest.fixture(scope="session")
async def database_url(run_stores: stores.Stores) -> str:
    """Return the URL of this worker's migrated database. Ask for `database` to have it emptied before the test."""
    return await stores.create_database(run_stores, f"wisipay_{stores.worker_name()}")


@pytest.fixture(scope="session")
def redis_url(run_stores: stores.Stores) -> str:
    """Return the URL of this worker's Redis database. Ask for `redis` to have it emptied before the test."""
    return stores.redis_database(run_stores)


@pytest.fixture(scope="session")
def settings(database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return settings for a test process on this worker's stores; private addresses are allowed."""
    return Settings(
        wisipay_env="test",
        database_url=database_url,
        redis_url=redis_url,
        data_dir=tmp_path_factory.mktemp("data"),
        jwt_secret="an-obvious-secret-of-the-tests-0123456789abcdef",
        private_addresses_allowed=True,
    )


@pytest.fixture(scope="session")
async def _worker_pool(settings: Settings) -> AsyncIterator[Pool]:
    pool = await connect_pool(settings, application_name="wisipay tests")
    yield pool
    await asyncio.wait_for(pool.close(), _RETURN_SECONDS)


@pytest.fixture(scope="session")
async def _tables(_worker_pool: Pool) -> list[str]:
    return await stores.table_names(_worker_pool)


@pytest.fixture
async def database(_worker_pool: Pool, _tables: list[str]) -> AsyncIterator[Pool]:
    """Return a pool on this worker's database, every table of which is empty.

    Fails a test that keeps a connection to itself: the next one would wait for it.
    """
    await stores.empty_tables(_worker_pool, _tables)
    yield _worker_pool
    await until(lambda: _worker_pool.get_idle_size() == _worker_pool.get_size(), timeout_seconds=_RETURN_SECONDS)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """Return a client of this worker's Redis database, which is empty."""
    seconds = _REDIS_SECONDS
    async with Redis.from_url(redis_url, socket_timeout=seconds, socket_connect_timeout=seconds) as client:
        await client.flushdb()
        yield client
