"""Providers, legal entities, channels with sealed credentials, and routes over them."""

from collections.abc import Mapping

import pytest

from support.merchants import ready_channel, ready_merchant
from wisipay.core.crypto import SecretBox
from wisipay.core.database import Connection, Pool
from wisipay.merchants import (
    AlreadyExists,
    Author,
    BankAccount,
    InvalidValue,
    LegalEntity,
    Provider,
    ProviderType,
    UnknownChannel,
    UnknownLegalEntity,
    UnknownMerchant,
    UnknownProvider,
    change_channel,
    create_channel,
    create_legal_entity,
    create_provider,
    read_channels,
    read_legal_entities,
    read_merchants,
    read_providers,
    set_credentials,
    set_routing,
)
from wisipay.merchants.store import read_credentials


async def _pair(conn: Connection, author: Author) -> tuple[str, str]:
    provider = await create_provider(conn, author, name="Axis Bank", provider_type=ProviderType.BANK)
    entity = await create_legal_entity(conn, author, name="Wisi Pvt. Ltd.", identifier="aaacw1234a")
    return provider, entity


async def test_providers_and_legal_entities_are_known_by_the_slug_of_their_name(database: Pool, author: Author) -> None:
    account = BankAccount("123456789012", "hdfc0001234", "HDFC Bank", "Wisi Two")
    async with database.acquire() as conn:
        await _pair(conn, author)
        await create_provider(
            conn, author, name="Dummy", provider_type=ProviderType.GATEWAY, adapter="dummy", does_payout=False
        )
        await create_legal_entity(
            conn, author, name="Wisi Two", identifier="AAACW9999A", gstin="29aaacw9999a1z5", bank_account=account
        )
        providers = await read_providers(conn)
        entities = await read_legal_entities(conn)
    assert providers == [
        Provider("axis-bank", "Axis Bank", ProviderType.BANK, "axis-bank"),
        Provider("dummy", "Dummy", ProviderType.GATEWAY, "dummy", does_payout=False),
    ]
    stored = BankAccount("123456789012", "HDFC0001234", "HDFC Bank", "Wisi Two")
    assert entities == [
        LegalEntity("wisi-pvt-ltd", "Wisi Pvt. Ltd.", "AAACW1234A"),
        LegalEntity("wisi-two", "Wisi Two", "AAACW9999A", "29AAACW9999A1Z5", stored),
    ]


async def test_names_are_taken_once_and_adapters_must_be_known(database: Pool, author: Author) -> None:
    async with database.acquire() as conn:
        await _pair(conn, author)
        with pytest.raises(AlreadyExists):
            await create_provider(conn, author, name="AXIS bank", provider_type=ProviderType.BANK)
        with pytest.raises(AlreadyExists):
            await create_legal_entity(conn, author, name="wisi pvt ltd", identifier="AAACW1234A")
        with pytest.raises(InvalidValue, match="no adapter 'other'"):
            await create_provider(
                conn, author, name="Other", provider_type=ProviderType.BANK, is_known_adapter={"dummy"}.__contains__
            )


async def test_a_channel_joins_the_two_and_keeps_its_credentials_sealed(
    database: Pool, box: SecretBox, author: Author
) -> None:
    seen: list[tuple[str, Mapping[str, str]]] = []
    async with database.acquire() as conn:
        provider, entity = await _pair(conn, author)
        channel_id = await create_channel(
            conn,
            box,
            author,
            provider_id=provider,
            legal_entity_id=entity,
            credentials={"apiKey": "value-of-the-key"},
            check=lambda adapter, credentials: seen.append((adapter, credentials)),
        )
        channel = (await read_channels(conn))[channel_id]
        credentials = await read_credentials(conn, box, channel_id)
        sealed = await conn.fetchval("SELECT sealed FROM merchants_channel_credentials")
        audited = await conn.fetchval("SELECT string_agg(state_after::text, ' ') FROM audit_log")
    assert channel_id == "axis-bank_wisi-pvt-ltd"
    assert seen == [("axis-bank", {"apiKey": "value-of-the-key"})]
    assert (channel.provider_id, channel.legal_entity_id) == (provider, entity)
    assert (channel.provider_name, channel.provider_type) == ("Axis Bank", ProviderType.BANK)
    assert channel.is_active
    assert not channel.is_paused
    assert channel.service("payin").is_active
    assert channel.service("payout").is_active
    assert credentials == ("axis-bank", {"apiKey": "value-of-the-key"})
    assert b"value-of-the-key" not in sealed
    assert "apiKey" in audited
    assert "value-of-the-key" not in audited


async def test_credentials_are_replaced_and_refused_ones_leave_the_old(
    database: Pool, box: SecretBox, author: Author
) -> None:
    def refuse(_adapter: str, _credentials: Mapping[str, str]) -> None:
        raise ValueError("apiKey is missing")

    async with database.acquire() as conn:
        channel_id = await ready_channel(conn, box, author)
        await set_credentials(conn, box, author, channel_id, {"apiKey": "new"})
        with pytest.raises(InvalidValue, match="credentials: apiKey is missing"):
            await set_credentials(conn, box, author, channel_id, {}, check=refuse)
        assert await read_credentials(conn, box, channel_id) == ("dummy", {"apiKey": "new"})
        with pytest.raises(UnknownChannel):
            await set_credentials(conn, box, author, "a_b", {})


async def test_a_channel_needs_both_ends_and_exists_once(database: Pool, box: SecretBox, author: Author) -> None:
    async with database.acquire() as conn:
        provider, entity = await _pair(conn, author)
        with pytest.raises(UnknownProvider):
            await create_channel(conn, box, author, provider_id="none", legal_entity_id=entity)
        with pytest.raises(UnknownLegalEntity):
            await create_channel(conn, box, author, provider_id=provider, legal_entity_id="none")
        channel_id = await create_channel(conn, box, author, provider_id=provider, legal_entity_id=entity)
        assert await read_credentials(conn, box, channel_id) == ("axis-bank", {})
        assert await read_credentials(conn, box, "a_b") is None
        with pytest.raises(AlreadyExists):
            await create_channel(conn, box, author, provider_id=provider, legal_entity_id=entity)


async def test_a_channel_is_paused_and_switched_off_by_hand_or_with_either_end(
    database: Pool, box: SecretBox, author: Author
) -> None:
    async with database.acquire() as conn:
        channel_id = await ready_channel(conn, box, author)
        await change_channel(conn, author, channel_id, is_paused=True)
        paused = (await read_channels(conn))[channel_id]
        await change_channel(conn, author, channel_id, is_active=False, is_paused=False)
        off = (await read_channels(conn))[channel_id]
        await change_channel(conn, author, channel_id, is_active=True)
        await conn.execute("UPDATE merchants_providers SET is_active = false")
        provider_off = (await read_channels(conn))[channel_id]
        with pytest.raises(UnknownChannel):
            await change_channel(conn, author, "a_b", is_paused=True)
    assert (paused.is_active, paused.is_paused) == (True, True)
    assert (off.is_active, off.is_paused) == (False, False)
    assert not provider_off.is_active


async def test_a_service_the_provider_cannot_do_is_never_active(database: Pool, box: SecretBox, author: Author) -> None:
    async with database.acquire() as conn:
        provider = await create_provider(conn, author, name="In", provider_type=ProviderType.BANK, does_payout=False)
        entity = await create_legal_entity(conn, author, name="Owner", identifier="AAACW1234A")
        channel_id = await create_channel(conn, box, author, provider_id=provider, legal_entity_id=entity)
        channel = (await read_channels(conn))[channel_id]
    assert channel.payin.is_active
    assert not channel.payout.is_active


async def test_a_route_names_known_channels_each_once_in_order(database: Pool, box: SecretBox, author: Author) -> None:
    async with database.acquire() as conn:
        first = await ready_channel(conn, box, author, provider="One")
        second = await ready_channel(conn, box, author, provider="Two")
        merchant = await ready_merchant(conn, box, author, route=(second, first))
        stored = (await read_merchants(conn, box, [merchant.id], author.moment))[merchant.id]
        assert stored.payin.routing == (second, first)
        await set_routing(conn, author, merchant.id, "payin", [first])
        changed = (await read_merchants(conn, box, [merchant.id], author.moment))[merchant.id]
        assert (changed.payin.routing, changed.payout.routing) == ((first,), (second, first))
        with pytest.raises(InvalidValue, match="twice"):
            await set_routing(conn, author, merchant.id, "payin", [first, first])
        with pytest.raises(InvalidValue, match="at most 20"):
            await set_routing(conn, author, merchant.id, "payin", [f"c{number}" for number in range(21)])
        with pytest.raises(UnknownChannel):
            await set_routing(conn, author, merchant.id, "payin", ["a_b"])
        with pytest.raises(UnknownMerchant):
            await set_routing(conn, author, "MER-0", "payin", [first])
