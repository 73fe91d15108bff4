"""Fee tiers are added and removed one by one and never overlap, not even in a race."""

import asyncio

import asyncpg
import pytest

from wisipay.core.crypto import SecretBox
from wisipay.core.database import Pool
from wisipay.core.money import Paise
from wisipay.merchants import (
    Author,
    FeeCharge,
    FeeStrategy,
    FeeTier,
    InvalidValue,
    ServiceOwner,
    TiersOverlap,
    UnknownTier,
    add_tier,
    create_merchant,
    read_merchants,
    remove_tier,
)
from wisipay.merchants.fee_tiers import TIERS_MAX

CHARGE = FeeCharge(Paise(1000), 10_000, strategy=FeeStrategy.MAX)


def _tier(start: int, end: int | None, charge: FeeCharge = CHARGE) -> FeeTier:
    return FeeTier(Paise(start), None if end is None else Paise(end), charge)


@pytest.fixture
async def owner(database: Pool, author: Author) -> ServiceOwner:
    async with database.acquire() as conn:
        return ServiceOwner(merchant_id=await create_merchant(conn, author, name="Shop", email="a@shop.example"))


async def test_tiers_are_read_back_in_order_of_their_amounts(
    database: Pool, box: SecretBox, author: Author, owner: ServiceOwner
) -> None:
    assert owner.merchant_id is not None
    async with database.acquire() as conn:
        await add_tier(conn, author, owner, "payin", _tier(100_001, None))
        await add_tier(conn, author, owner, "payin", _tier(0, 100_000))
        await add_tier(conn, author, owner, "payout", _tier(0, None))
        merchant = (await read_merchants(conn, box, [owner.merchant_id], author.moment))[owner.merchant_id]
        await remove_tier(conn, author, owner, "payin", 0)
        changed = (await read_merchants(conn, box, [owner.merchant_id], author.moment))[owner.merchant_id]
        audited = [row["action"] for row in await conn.fetch("SELECT action FROM audit_log ORDER BY id")]
    assert merchant.payin.tiers == (_tier(0, 100_000), _tier(100_001, None))
    assert changed.payin.tiers == (_tier(100_001, None),)
    assert changed.payout.tiers == (_tier(0, None),)
    assert sorted(audited)[1:] == ["merchant.payin.add_fee"] * 2 + [
        "merchant.payin.remove_fee",
        "merchant.payout.add_fee",
    ]


async def test_an_overlap_is_refused_and_names_the_tier_in_the_way(
    database: Pool, author: Author, owner: ServiceOwner
) -> None:
    async with database.acquire() as conn:
        await add_tier(conn, author, owner, "payin", _tier(0, 100_000))
        with pytest.raises(TiersOverlap, match=r"1000\.00 to any overlaps the tier 0\.00 to 1000\.00"):
            await add_tier(conn, author, owner, "payin", _tier(100_000, None))


async def test_two_admins_at_the_same_moment_cannot_make_an_overlap(
    database: Pool, author: Author, owner: ServiceOwner
) -> None:
    async def add() -> None:
        async with database.acquire() as conn:
            await add_tier(conn, author, owner, "payin", _tier(0, None))

    outcomes = await asyncio.gather(add(), add(), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType", "TiersOverlap"]


async def test_the_database_itself_refuses_an_overlap(database: Pool, author: Author, owner: ServiceOwner) -> None:
    async with database.acquire() as conn:
        await add_tier(conn, author, owner, "payin", _tier(0, None))
        with pytest.raises(asyncpg.ExclusionViolationError):
            await conn.execute(
                "INSERT INTO merchants_fee_tiers SELECT service_id, 5, 9, 0, 0, 0, 'SUM' FROM merchants_fee_tiers"
            )


@pytest.mark.parametrize(
    ("tier", "field"),
    [
        (_tier(-1, None), "fromAmount"),
        (_tier(10, 9), "toAmount"),
        (_tier(10, 10**18), "toAmount"),
        (_tier(0, None, FeeCharge(Paise(-1), 0)), "flat"),
        (_tier(0, None, FeeCharge(Paise(0), 1_000_001)), "percentage"),
        (_tier(0, None, FeeCharge(Paise(0), 0, tax_ppm=-1)), "taxRate"),
    ],
)
async def test_a_tier_out_of_bounds_is_refused_with_its_field(
    database: Pool, author: Author, owner: ServiceOwner, tier: FeeTier, field: str
) -> None:
    async with database.acquire() as conn:
        with pytest.raises(InvalidValue) as refusal:
            await add_tier(conn, author, owner, "payin", tier)
    assert set(refusal.value.details) == {field}


async def test_the_number_of_tiers_is_bounded(database: Pool, author: Author, owner: ServiceOwner) -> None:
    async with database.acquire() as conn:
        for number in range(TIERS_MAX):
            await add_tier(conn, author, owner, "payin", _tier(number, number))
        with pytest.raises(InvalidValue, match="at most 50"):
            await add_tier(conn, author, owner, "payin", _tier(1000, None))


async def test_a_tier_that_is_not_there_cannot_be_removed(database: Pool, author: Author, owner: ServiceOwner) -> None:
    async with database.acquire() as conn:
        with pytest.raises(UnknownTier, match=r"starts at 5\.00"):
            await remove_tier(conn, author, owner, "payin", 500)
