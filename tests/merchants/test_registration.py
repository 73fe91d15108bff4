"""Registering a merchant: its id, what it starts with, and what is refused."""

import pytest

from wisipay.core.clock import utc_now
from wisipay.core.crypto import SecretBox
from wisipay.core.database import Pool
from wisipay.merchants import (
    AlreadyExists,
    Author,
    InvalidValue,
    Limits,
    MerchantStatus,
    create_merchant,
    read_merchant_ids,
    read_merchants,
)


async def test_a_new_merchant_has_two_services_switched_off_and_no_secret(
    database: Pool, box: SecretBox, author: Author
) -> None:
    async with database.acquire() as conn:
        merchant_id = await create_merchant(conn, author, name=" Shop ", email=" Ops@Shop.example ")
        merchant = (await read_merchants(conn, box, [merchant_id], utc_now()))[merchant_id]
    assert merchant_id.startswith("MER-")
    assert (merchant.name, merchant.display_name, merchant.email) == ("Shop", "Shop", "ops@shop.example")
    assert merchant.status is MerchantStatus.ACTIVE
    assert not merchant.is_onboarded
    assert merchant.secrets == ()
    for service in (merchant.payin, merchant.payout):
        assert not service.is_active
        assert service.limits == Limits(tps=5, daily_paise=500_000_000)  # type: ignore[arg-type] # plain paise


async def test_numbers_go_up_and_pass_by_the_ones_that_merchants_brought_along(database: Pool, author: Author) -> None:
    async with database.acquire() as conn:
        first = int((await create_merchant(conn, author, name="One", email="1@x.example")).removeprefix("MER-"))
        brought = f"MER-{first + 5}"
        assert await create_merchant(conn, author, name="Two", email="2@x.example", merchant_id=brought) == brought
        third = await create_merchant(conn, author, name="Three", email="3@x.example")
        assert third == f"MER-{first + 6}"
        await create_merchant(conn, author, name="Four", email="4@x.example", merchant_id="shop_four")
        everyone = sorted([f"MER-{first}", brought, third, "shop_four"])
        assert await read_merchant_ids(conn, after=None, limit=10) == everyone
        assert await read_merchant_ids(conn, after=everyone[1], limit=1) == everyone[2:3]


async def test_an_id_or_an_address_is_taken_once(database: Pool, author: Author) -> None:
    async with database.acquire() as conn:
        await create_merchant(conn, author, name="One", email="1@x.example", merchant_id="one")
        with pytest.raises(AlreadyExists) as by_id:
            await create_merchant(conn, author, name="One", email="2@x.example", merchant_id="one")
        with pytest.raises(AlreadyExists) as by_email:
            await create_merchant(conn, author, name="One", email="1@X.example")
    assert by_id.value.details == {"merchantId": "is taken"}
    assert by_email.value.details == {"email": "is taken"}
    assert by_email.value.http_status == 409


async def test_nothing_is_kept_of_a_refused_merchant(database: Pool, author: Author) -> None:
    async with database.acquire() as conn:
        with pytest.raises(InvalidValue):
            await create_merchant(conn, author, name="One", email="nobody")
        assert await read_merchant_ids(conn, after=None, limit=10) == []
        assert await conn.fetchval("SELECT count(*) FROM audit_log") == 0
