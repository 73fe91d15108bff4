"""API secrets: made at onboarding, kept sealed, rotated with an overlap, never in the audit log."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from wisipay.core.crypto import SecretBox
from wisipay.core.database import Connection, Pool
from wisipay.merchants import (
    AlreadyExists,
    Author,
    InvalidValue,
    Merchant,
    NotOnboarded,
    UnknownMerchant,
    create_merchant,
    onboard_merchant,
    read_merchants,
    rotate_secret,
)

AuthorAt = Callable[[datetime], Author]


async def _read(conn: Connection, box: SecretBox, merchant_id: str, moment: datetime) -> Merchant:
    return (await read_merchants(conn, box, [merchant_id], moment))[merchant_id]


async def test_onboarding_makes_the_first_secret_once(database: Pool, box: SecretBox, author: Author) -> None:
    async with database.acquire() as conn:
        merchant_id = await create_merchant(conn, author, name="Shop", email="a@shop.example")
        secret = await onboard_merchant(conn, box, author, merchant_id)
        merchant = await _read(conn, box, merchant_id, author.moment)
        with pytest.raises(AlreadyExists):
            await onboard_merchant(conn, box, author, merchant_id)
    assert merchant.is_onboarded
    assert [(kept.id, kept.value) for kept in merchant.secrets] == [(secret.id, secret.value.encode())]
    assert secret.value not in repr(secret)
    assert secret.value not in repr(merchant)


async def test_a_secret_is_sealed_at_rest_and_not_audited(database: Pool, box: SecretBox, author: Author) -> None:
    async with database.acquire() as conn:
        merchant_id = await create_merchant(conn, author, name="Shop", email="a@shop.example")
        secrets = [
            await onboard_merchant(conn, box, author, merchant_id),
            await rotate_secret(conn, box, author, merchant_id),
        ]
        sealed = await conn.fetch("SELECT sealed FROM merchants_secrets")
        audited = await conn.fetch("SELECT action, state_after::text AS after FROM audit_log ORDER BY id")
    for secret in secrets:
        assert all(secret.value.encode() not in row["sealed"] for row in sealed)
        assert all(secret.value not in (row["after"] or "") for row in audited)
    assert {row["action"] for row in audited} == {"merchant.create", "merchant.onboard", "merchant.rotate_secret"}


async def test_the_old_secret_is_taken_until_the_overlap_ends(
    database: Pool, box: SecretBox, author: Author, author_at: AuthorAt
) -> None:
    start = author.moment
    async with database.acquire() as conn:
        merchant_id = await create_merchant(conn, author, name="Shop", email="a@shop.example")
        old = await onboard_merchant(conn, box, author, merchant_id)
        rotation = author_at(start + timedelta(days=1))
        new = await rotate_secret(conn, box, rotation, merchant_id, overlap=timedelta(hours=2))
        during = await _read(conn, box, merchant_id, start + timedelta(days=1, hours=1))
        after = await _read(conn, box, merchant_id, start + timedelta(days=1, hours=2))
    assert [secret.id for secret in during.secrets] == [new.id, old.id]
    assert [secret.id for secret in after.secrets] == [new.id]
    assert [secret.is_valid_at(start + timedelta(days=1, hours=2)) for secret in during.secrets] == [True, False]


async def test_another_rotation_never_prolongs_an_older_secret(
    database: Pool, box: SecretBox, author: Author, author_at: AuthorAt
) -> None:
    start = author.moment
    async with database.acquire() as conn:
        merchant_id = await create_merchant(conn, author, name="Shop", email="a@shop.example")
        await onboard_merchant(conn, box, author, merchant_id)
        second = await rotate_secret(conn, box, author, merchant_id, overlap=timedelta(hours=1))
        third = await rotate_secret(conn, box, author_at(start + timedelta(minutes=1)), merchant_id)
        late = await _read(conn, box, merchant_id, start + timedelta(hours=1))
    assert [secret.id for secret in late.secrets] == [third.id, second.id]


async def test_a_rotation_without_overlap_ends_the_old_secret_at_once(
    database: Pool, box: SecretBox, author: Author
) -> None:
    async with database.acquire() as conn:
        merchant_id = await create_merchant(conn, author, name="Shop", email="a@shop.example")
        await onboard_merchant(conn, box, author, merchant_id)
        new = await rotate_secret(conn, box, author, merchant_id, overlap=timedelta())
        merchant = await _read(conn, box, merchant_id, author.moment)
    assert [secret.id for secret in merchant.secrets] == [new.id]


async def test_what_cannot_be_rotated_is_refused(database: Pool, box: SecretBox, author: Author) -> None:
    async with database.acquire() as conn:
        with pytest.raises(UnknownMerchant):
            await rotate_secret(conn, box, author, "MER-0")
        with pytest.raises(UnknownMerchant):
            await onboard_merchant(conn, box, author, "MER-0")
        merchant_id = await create_merchant(conn, author, name="Shop", email="a@shop.example")
        with pytest.raises(NotOnboarded):
            await rotate_secret(conn, box, author, merchant_id)
        for overlap in (timedelta(days=31), timedelta(seconds=-1)):
            with pytest.raises(InvalidValue, match="30 days"):
                await rotate_secret(conn, box, author, merchant_id, overlap=overlap)
