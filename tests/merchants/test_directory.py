"""The directory: looked up from memory, at most five seconds old, and fresh at once after a change."""

import asyncio

import pytest

from support.merchants import FixedClock, ready_channel, ready_merchant
from wisipay.core.crypto import SecretBox
from wisipay.core.database import Pool
from wisipay.core.listener import Listener
from wisipay.merchants import (
    MERCHANTS_CHANGED,
    Author,
    Directory,
    MerchantChange,
    UnknownChannel,
    change_channel,
    change_merchant,
    set_credentials,
)


async def test_a_merchant_is_given_with_its_opened_secret(
    database: Pool, box: SecretBox, author: Author, clock: FixedClock
) -> None:
    async with database.acquire() as conn:
        ready = await ready_merchant(conn, box, author)
    directory = Directory(database, box, clock=clock)
    merchant = await directory.merchant(ready.id)
    assert merchant is not None
    assert merchant.secrets[0].value == ready.secret.encode()
    assert await directory.merchant(ready.id) is merchant
    assert await directory.merchant("MER-0") is None


async def test_a_copy_is_at_most_five_seconds_old(
    database: Pool, box: SecretBox, author: Author, clock: FixedClock
) -> None:
    now = 0.0
    directory = Directory(database, box, clock=clock, timer=lambda: now)
    async with database.acquire() as conn:
        ready = await ready_merchant(conn, box, author)
        assert await directory.merchant(ready.id)
        await change_merchant(conn, author, ready.id, MerchantChange(v2_only=True))
    now = 4.9
    early = await directory.merchant(ready.id)
    now = 5.0
    late = await directory.merchant(ready.id)
    assert early is not None
    assert late is not None
    assert (early.v2_only, late.v2_only) == (False, True)


async def test_a_change_is_heard_of_at_once(
    database: Pool, database_url: str, box: SecretBox, author: Author, clock: FixedClock
) -> None:
    directory = Directory(database, box, clock=clock, timer=lambda: 0.0)
    heard = asyncio.Event()

    def changed(payload: str) -> None:
        directory.invalidate(payload)
        heard.set()

    async with Listener(database_url) as listener:
        await listener.listen(MERCHANTS_CHANGED, changed)
        async with database.acquire() as conn:
            ready = await ready_merchant(conn, box, author)
            assert await directory.merchant(ready.id)
            await _until_quiet(heard)
            await change_merchant(conn, author, ready.id, MerchantChange(v2_only=True))
        await asyncio.wait_for(heard.wait(), 30)
        merchant = await directory.merchant(ready.id)
    assert merchant is not None
    assert merchant.v2_only


async def _until_quiet(heard: asyncio.Event) -> None:
    """Wait until the notifications of the setting-up have passed."""
    while True:
        heard.clear()
        try:
            await asyncio.wait_for(heard.wait(), 0.2)
        except TimeoutError:
            return


async def test_channels_and_credentials_are_given_by_id(
    database: Pool, box: SecretBox, author: Author, clock: FixedClock
) -> None:
    directory = Directory(database, box, clock=clock)
    async with database.acquire() as conn:
        first = await ready_channel(conn, box, author, provider="One")
        second = await ready_channel(conn, box, author, provider="Two")
        assert [channel.id for channel in await directory.channels()] == [first, second]
        assert [channel.id for channel in await directory.channels_of_provider("two")] == [second]
        assert await directory.channels_of_provider("three") == ()
        assert await directory.channel("a_b") is None
        adapter, credentials = await directory.credentials(first)
        assert (adapter, credentials["apiKey"]) == ("dummy", "key-of-the-channel")
        await change_channel(conn, author, first, is_paused=True)
        await set_credentials(conn, box, author, first, {"apiKey": "new"})
    directory.invalidate()
    channel = await directory.channel(first)
    assert channel is not None
    assert channel.is_paused
    assert await directory.credentials(first) == ("dummy", {"apiKey": "new"})
    with pytest.raises(UnknownChannel):
        await directory.credentials("a_b")
