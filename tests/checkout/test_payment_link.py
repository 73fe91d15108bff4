"""A payin whose provider gives a UPI link only: our page in the answer, shown to its payer until it is paid."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from msgspec.structs import replace
from redis.asyncio import Redis

from support.installation import installation
from support.merchants import NOW
from support.shop import Shop, open_shop
from support.simulator import Simulator, running_simulator
from wisipay.checkout import State, payable_of
from wisipay.core.config import Settings
from wisipay.core.database import Pool
from wisipay.core.http_serve import running
from wisipay.entrypoints.engine import engine
from wisipay.entrypoints.payment import build
from wisipay.entrypoints.seed import seed
from wisipay.payments import Status


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """Run a provider."""
    async with running_simulator() as simulator:
        yield simulator


@pytest.fixture
async def installed(database: Pool, redis: Redis, settings: Settings, simulator: Simulator) -> Settings:
    """Return settings of an installation whose payins go through a provider of UPI links."""
    del database, redis
    own = installation(settings, simulator)
    await seed(own, "tpipay")
    return own


@pytest.fixture
async def shop(installed: Settings) -> AsyncIterator[Shop]:
    """Return the seed's first merchant at a running payment instance."""
    merchant = (await seed(installed))[0]
    async with (
        build(installed) as app,
        running(app, port=installed.payment_port) as port,
        open_shop(f"http://127.0.0.1:{port}", merchant["id"], merchant["secret"]) as shop,
    ):
        yield shop


async def test_the_customer_is_sent_to_our_page_until_the_payment_ends(
    shop: Shop, installed: Settings, database: Pool
) -> None:
    told = await shop.payin("ORDER-1", "sim:pending", redirectUrl="https://shop.example.com/back")
    assert told.data["upiLink"].startswith("upi://pay?")
    url = told.data["paymentUrl"]
    assert url.startswith(f"{installed.app_base_url}/pay/{told.data['transactionId']}.")
    async with shop.session.get(url) as answer:
        text = await answer.text()
        assert (answer.status, answer.content_type) == (200, "text/html")
    assert 'data-state="open"' in text
    for hidden in ("Asha Rao", "asha@example.com", "9876543210", "tpipay", "MER-1"):
        assert hidden not in text.partition("Open a UPI app")[0]
    await database.execute(
        "UPDATE payments_transactions SET provider_reference = NULL, payment_url = 'https://x.example'"
    )
    async with shop.session.get(url) as answer:
        assert answer.status == 404, "a payment that is paid on its provider's page has none of ours"
    async with engine(installed, "test") as parts:
        found = await parts.asker.by_order(shop.merchant_id, "ORDER-1")
        assert found is not None
        merchant = await parts.directory.merchant(shop.merchant_id)
    found.payment_url = "UPI://PAY?pa=x@y"
    found.expires_at = NOW + timedelta(minutes=1)
    assert payable_of(found, merchant, NOW).state is State.OPEN
    assert payable_of(found, merchant, NOW).upi_link == "UPI://PAY?pa=x@y"
    late = payable_of(found, None, NOW + timedelta(minutes=2))
    assert (late.state, late.upi_link, late.merchant) == (State.WORKING, None, "the merchant")
    assert payable_of(replace(found, status=Status.SUCCESS), merchant, NOW).state is State.PAID
