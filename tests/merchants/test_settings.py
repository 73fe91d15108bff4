"""The switches of a merchant and of its services."""

import pytest

from wisipay.core.crypto import SecretBox
from wisipay.core.database import Pool
from wisipay.core.money import Paise
from wisipay.merchants import (
    Author,
    InvalidValue,
    Limits,
    MerchantChange,
    MerchantStatus,
    ServiceChange,
    ServiceOwner,
    UnknownChannel,
    UnknownMerchant,
    change_merchant,
    change_service,
    create_merchant,
    read_merchants,
)


async def test_only_what_is_given_changes_and_the_audit_log_tells_what(
    database: Pool, box: SecretBox, author: Author
) -> None:
    async with database.acquire() as conn:
        merchant_id = await create_merchant(conn, author, name="Shop", email="a@shop.example")
        change = MerchantChange(
            display_name="The Shop",
            status=MerchantStatus.INACTIVE,
            v2_only=True,
            panel_ip_allowlist=("203.0.113.9/24",),
            panel_ip_allowlist_enabled=True,
        )
        await change_merchant(conn, author, merchant_id, change)
        merchant = (await read_merchants(conn, box, [merchant_id], author.moment))[merchant_id]
        record = await conn.fetchrow("SELECT * FROM audit_log WHERE action = 'merchant.change'")
    assert not merchant.is_active
    assert (merchant.display_name, merchant.v2_only, merchant.legacy_hash_enabled) == ("The Shop", True, False)
    assert (merchant.panel_ip_allowlist, merchant.panel_ip_allowlist_enabled) == (("203.0.113.0/24",), True)
    assert merchant.secret_enabled
    assert record is not None
    assert record["state_before"]["status"] == "ACTIVE"
    assert record["state_after"]["status"] == "INACTIVE"
    assert "isKeyEnabled" not in record["state_after"]


async def test_a_service_keeps_what_is_not_named_and_loses_a_limit_named_as_none(
    database: Pool, box: SecretBox, author: Author
) -> None:
    async with database.acquire() as conn:
        merchant_id = await create_merchant(conn, author, name="Shop", email="a@shop.example")
        owner = ServiceOwner(merchant_id=merchant_id)
        first = ServiceChange(
            is_active=True,
            tps=50,
            min_paise=Paise(100),
            max_paise=Paise(20_000_000),
            monthly_paise=Paise(9_000_000_000),
            ip_allowlist=("203.0.113.7", "2001:db8::/32"),
            ip_allowlist_enabled=True,
            callback_url="https://shop.example/callback",
            poll_immediately=True,
        )
        await change_service(conn, author, owner, "payin", first)
        await change_service(conn, author, owner, "payin", ServiceChange(daily_paise=None))
        await change_service(conn, author, owner, "payin", ServiceChange())
        merchant = (await read_merchants(conn, box, [merchant_id], author.moment))[merchant_id]
    assert merchant.payin.limits == Limits(50, Paise(100), Paise(20_000_000), None, Paise(9_000_000_000))
    assert merchant.payin.is_active
    assert merchant.payin.ip_allowlist == ("203.0.113.7", "2001:db8::/32")
    assert merchant.payin.ip_allowlist_enabled
    assert merchant.payin.callback_url == "https://shop.example/callback"
    assert merchant.payin.poll_immediately
    assert merchant.service("payin") is merchant.payin
    assert not merchant.service("payout").is_active


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (ServiceChange(tps=0), "tps"),
        (ServiceChange(tps=1_000_001), "tps"),
        (ServiceChange(min_paise=Paise(-1)), "minAmount"),
        (ServiceChange(max_paise=Paise(0)), "maxAmount"),
        (ServiceChange(min_paise=Paise(200), max_paise=Paise(100)), "minAmount"),
        (ServiceChange(daily_paise=Paise(10**18)), "dailyLimit"),
        (ServiceChange(monthly_paise=Paise(-1)), "monthlyLimit"),
        (ServiceChange(ip_allowlist=("nowhere",)), "ipWhitelist"),
        (ServiceChange(callback_url="ftp://shop.example"), "callbackUrl"),
    ],
)
async def test_a_value_out_of_bounds_is_refused_with_its_field(
    database: Pool, author: Author, change: ServiceChange, field: str
) -> None:
    async with database.acquire() as conn:
        merchant_id = await create_merchant(conn, author, name="Shop", email="a@shop.example")
        with pytest.raises(InvalidValue) as refusal:
            await change_service(conn, author, ServiceOwner(merchant_id=merchant_id), "payout", change)
    assert set(refusal.value.details) == {field}


async def test_what_does_not_exist_cannot_be_changed(database: Pool, author: Author) -> None:
    async with database.acquire() as conn:
        with pytest.raises(UnknownMerchant):
            await change_merchant(conn, author, "MER-0", MerchantChange(v2_only=True))
        with pytest.raises(UnknownMerchant):
            await change_service(conn, author, ServiceOwner(merchant_id="MER-0"), "payin", ServiceChange())
        with pytest.raises(UnknownChannel):
            await change_service(conn, author, ServiceOwner(channel_id="a_b"), "payin", ServiceChange())


async def test_a_bad_panel_allowlist_is_refused(database: Pool, author: Author) -> None:
    async with database.acquire() as conn:
        with pytest.raises(InvalidValue, match="panelIpWhitelist"):
            await change_merchant(conn, author, "MER-0", MerchantChange(panel_ip_allowlist=("x",)))
