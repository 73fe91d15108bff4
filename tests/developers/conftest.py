"""A merchant's developer at a running payment instance, with the sandbox's sender beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from support.installation import installation
from support.merchants import FixedClock, ReadyMerchant, ready_merchant
from support.shop import Shop, open_shop
from wisipay.callbacks import Delivery
from wisipay.core.clock import SystemClock
from wisipay.core.config import Settings
from wisipay.core.crypto import SecretBox
from wisipay.core.database import Pool
from wisipay.core.http_serve import running
from wisipay.entrypoints.engine import engine
from wisipay.entrypoints.payment import build
from wisipay.merchants import Author
from wisipay.sandbox import SandboxStore
from wisipay.sandbox.worker import SandboxWorker


@pytest.fixture
async def installed(database: Pool, redis: Redis, settings: Settings) -> Settings:
    """Return settings of an installation with no provider at all."""
    del database, redis
    return installation(settings, system_tps=100_000)


@pytest.fixture
async def merchants(installed: Settings, database: Pool) -> tuple[ReadyMerchant, ReadyMerchant]:
    """Return two merchants without callback URLs."""
    author, box = Author("tests", SystemClock().now(), reason="test"), SecretBox.from_settings(installed)
    async with database.acquire() as conn, conn.transaction():
        return (
            await ready_merchant(conn, box, author),
            await ready_merchant(conn, box, author, email="other@shop.example"),
        )


@pytest.fixture
async def served(installed: Settings) -> AsyncIterator[str]:
    """Serve the merchant API; return its address."""
    async with build(installed) as app, running(app, port=installed.payment_port) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
async def shop(served: str, merchants: tuple[ReadyMerchant, ReadyMerchant]) -> AsyncIterator[Shop]:
    """Return the first merchant."""
    async with open_shop(served, merchants[0].id, merchants[0].secret) as shop:
        yield shop


@pytest.fixture
async def other(served: str, merchants: tuple[ReadyMerchant, ReadyMerchant]) -> AsyncIterator[Shop]:
    """Return the second merchant."""
    async with open_shop(served, merchants[1].id, merchants[1].secret) as shop:
        yield shop


@pytest.fixture
async def sender(installed: Settings) -> AsyncIterator[SandboxWorker]:
    """Run what sends the sandbox's callbacks."""
    async with engine(installed, "test") as parts:
        delivery = Delivery(parts.directory, parts.client, parts.clock, unit="RUPEES", https_only=False)
        # Its clock runs ahead, so that everything that is to be sent is due at once.
        ahead = FixedClock(parts.clock.now() + timedelta(minutes=5))
        worker = SandboxWorker(SandboxStore(parts.redis), delivery, ahead)
        await worker.start()
        yield worker
        await worker.stop()
