"""A flood at a payment instance: some are served, the others told when to come back, and nothing is half done."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from support.shop import Shop, Told
from support.simulator import Simulator
from support.waiting import until
from wisipay.core import admission
from wisipay.core.database import Pool

ORDERS = [f"ORDER-{number}" for number in range(60)]


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an instance hold three requests at once."""
    monkeypatch.setattr(admission, "START", 3)
    monkeypatch.setattr(admission, "FLOOR", 3)


async def test_who_is_refused_left_nothing_and_may_come_again(shop: Shop, database: Pool) -> None:
    told = await asyncio.gather(*(shop.payin(order, "sim:pending") for order in ORDERS))
    answers = dict(zip(ORDERS, told, strict=True))
    taken = {order for order, answer in answers.items() if answer.status == 200}
    refused = [answer for answer in told if answer.status != 200]
    assert taken
    assert refused
    assert {(each.status, each.code, each.headers["retry-after"]) for each in refused} == {(503, "OVERLOADED", "1")}
    assert all(each.headers["x-request-id"] for each in refused)
    assert await _stored(database) == taken
    assert {(await _until_taken(shop, order)).status for order in set(ORDERS) - taken} == {200}
    assert await _stored(database) == set(ORDERS)


async def test_more_may_wait_for_a_slow_provider_than_may_be_in_our_hands(shop: Shop, simulator: Simulator) -> None:
    await simulator.call("PUT", "/control/faults", {"latency": 1500})
    waiting = []
    for number, order in enumerate(ORDERS[:8], start=1):
        waiting.append(asyncio.create_task(shop.payin(order, "sim:pending")))
        await until(partial(_has_reached, simulator, number))
    assert {told.status for told in await asyncio.gather(*waiting)} == {200}


async def _has_reached(simulator: Simulator, number: int) -> bool:
    return bool((await simulator.call("GET", "/control/summary")).body["payments"] >= number)


async def _stored(database: Pool) -> set[str]:
    return {row["order_id"] for row in await database.fetch("SELECT order_id FROM payments_transactions")}


async def _until_taken(shop: Shop, order: str) -> Told:
    """Send it again and again, as a merchant does."""
    async with asyncio.timeout(30):
        while (told := await shop.payin(order, "sim:pending")).status == 503:
            pass
    return told
