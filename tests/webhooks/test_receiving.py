"""Taking webhooks in, apart from HTTP: what is refused before anything is stored."""

import asyncio

import pytest

from support.inbox import Adapters, Channels
from wisipay.core.clock import SystemClock
from wisipay.core.database import Pool
from wisipay.core.errors import NotFound, PayloadTooLarge
from wisipay.core.http_wire import Reply
from wisipay.webhooks import Receiving, find
from wisipay.webhooks.model import BODY_MAX_BYTES


async def _receive(receiving: Receiving, *, provider: str = "dummy", body: bytes = b"{}") -> Reply:
    return await receiving.receive("payin", provider, "acme", headers={}, body=body, peer_address="127.0.0.1")


async def test_webhooks_that_come_together_are_all_stored(database: Pool) -> None:
    receiving = Receiving(database, Channels(), Adapters(), SystemClock())
    replies = await asyncio.gather(*(_receive(receiving, body=b"%d" % number) for number in range(100)))
    await receiving.drain()
    assert {reply.status for reply in replies} == {200}
    assert {record.webhook.body for record in await find(database)} == {b"%d" % number for number in range(100)}


async def test_what_is_refused_is_not_stored(database: Pool) -> None:
    receiving = Receiving(database, Channels(), Adapters(), SystemClock())
    with pytest.raises(NotFound):
        await _receive(receiving, provider="stranger")
    with pytest.raises(PayloadTooLarge):
        await _receive(receiving, body=b"x" * (BODY_MAX_BYTES + 1))
    await receiving.drain()
    assert await find(database) == []
