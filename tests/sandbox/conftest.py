"""A merchant at the sandbox of a running payment instance, with an endpoint for its callbacks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from support.merchant_endpoint import MerchantEndpoint, merchant_endpoint
from support.merchants import FixedClock, ReadyMerchant, ready_merchant
from support.ports import free_port
from support.shop import Shop, open_shop
from wisipay.callbacks import Delivery
from wisipay.core.clock import SystemClock
from wisipay.core.config import Settings
from wisipay.core.crypto import SecretBox
from wisipay.core.database import Pool, connect_pool
from wisipay.core.http_serve import running
from wisipay.entrypoints.engine import engine
from wisipay.entrypoints.payment import build
from wisipay.merchants import SERVICE_KINDS, Author, ServiceChange, ServiceOwner, change_service
from wisipay.sandbox import SandboxStore
from wisipay.sandbox.worker import SandboxWorker


@pytest.fixture
async def endpoint() -> AsyncIterator[MerchantEndpoint]:
    """Run the merchant's callback endpoint."""
    async with merchant_endpoint() as endpoint:
        yield endpoint


@pytest.fixture
async def installed(database: Pool, redis: Redis, settings: Settings) -> Settings:
    """Return settings of an installation with no provider at all."""
    del database, redis
    port = free_port()
    own = {"payment_port": port, "app_base_url": f"http://127.0.0.1:{port}", "metrics_enabled": False}
    return settings.model_copy(update={**own, "system_tps": 100_000})


@pytest.fixture
async def merchant(installed: Settings, endpoint: MerchantEndpoint) -> ReadyMerchant:
    """Return a merchant that is told at the endpoint of what happens."""
    author = Author("tests", SystemClock().now(), reason="test")
    pool = await connect_pool(installed, application_name="test", max_size=1)
    async with pool.acquire() as conn, conn.transaction():
        ready = await ready_merchant(conn, SecretBox.from_settings(installed), author)
        for kind in SERVICE_KINDS:
            change = ServiceChange(callback_url=f"{endpoint.url}/{kind}")
            await change_service(conn, author, ServiceOwner(merchant_id=ready.id), kind, change)
    await pool.close()
    return ready


@pytest.fixture
async def shop(installed: Settings, merchant: ReadyMerchant) -> AsyncIterator[Shop]:
    """Return the merchant at a running payment instance; `/api/payment/uat/...` is its to call."""
    async with (
        build(installed) as app,
        running(app, port=installed.payment_port) as port,
        open_shop(f"http://127.0.0.1:{port}", merchant.id, merchant.secret) as shop,
    ):
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
