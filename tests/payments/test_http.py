"""The merchant API over real HTTP: answers, errors, duplicates, idempotency, clients that hang up."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import suppress

import aiohttp
import pytest
from litestar.types import Receive, Scope, Send

from support.shop import Shop, open_shop, payin_body, payout_body
from support.simulator import Simulator
from support.waiting import until
from wisipay.core.config import Settings
from wisipay.core.database import Pool
from wisipay.core.http_lane import FastLane
from wisipay.entrypoints.engine import Engine
from wisipay.entrypoints.seed import seed


async def _end_of(shop: Shop, order_id: str) -> str:
    async def ended() -> bool:
        return (await shop.status(order_id)).data["status"] not in {"PENDING", "PROCESSING"}

    await until(ended, timeout_seconds=30)
    return str((await shop.status(order_id)).data["status"])


async def test_payin_is_answered_with_its_payment_link(shop: Shop) -> None:
    told = await shop.payin("ORDER-1", "sim:pending")
    assert told.status == 200
    assert told.headers["x-request-id"]
    assert told.data["transactionId"].startswith("WP")
    assert told.data["paymentUrl"].startswith("http://")
    assert (told.data["orderId"], told.data["amount"], told.data["status"]) == ("ORDER-1", 500, "PENDING")


async def test_payout_is_answered_with_its_state(shop: Shop) -> None:
    told = await shop.payout("ORDER-1", "sim:pending")
    assert told.status == 200
    assert {name: told.data[name] for name in ("orderId", "status", "utr")} == {
        "orderId": "ORDER-1",
        "status": "PROCESSING",
        "utr": None,
    }


async def test_a_slash_behind_the_address_changes_nothing(shop: Shop) -> None:
    """Such a request goes past the fast lane."""
    told = await shop.call("POST", "/api/payment/payin/initiate/", payin_body("ORDER-1", "sim:pending"))
    assert (told.status, told.data["status"]) == (200, "PENDING")
    told = await shop.call("POST", "/api/payment/payout/initiate/", payout_body("ORDER-2", "sim:pending"))
    assert (told.status, told.data["status"]) == (200, "PROCESSING")


async def test_litestar_would_answer_what_the_fast_lane_answers(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    async def past_the_lane(lane: FastLane, scope: Scope, receive: Receive, send: Send) -> None:
        await lane._litestar(scope, receive, send)  # noqa: SLF001 - every request of these routes takes the lane

    await shop.payout("ORDER-1", "sim:pending")
    fast = await shop.status("ORDER-1")
    monkeypatch.setattr(FastLane, "__call__", past_the_lane)
    slow = await shop.status("ORDER-1")
    assert (slow.status, slow.data) == (fast.status, fast.data)


async def test_both_ways_of_money_reach_their_end_by_webhook(shop: Shop, worker: Engine) -> None:
    del worker
    await shop.payin("ORDER-1")
    await shop.payout("ORDER-2", "sim:fail")
    assert await _end_of(shop, "ORDER-1") == "SUCCESS"
    assert await _end_of(shop, "ORDER-2") == "FAILED"
    told = await shop.status("ORDER-1", "payin")
    assert {"utr", "createdAt", "updatedAt", "type"} <= set(told.data)


async def test_status_by_type_asks_the_provider_while_the_payment_is_open(shop: Shop, simulator: Simulator) -> None:
    """No worker runs: nobody but the status call learns of the outcome."""
    for kind, told in {"payin": await shop.payin("ORDER-1"), "payout": await shop.payout("ORDER-2")}.items():
        reference = told.data["transactionId"]

        async def has_moved(reference: str = reference) -> bool:
            book = (await simulator.call("GET", f"/control/book/{reference}")).body
            return bool(book["payments"][0]["status"] == "SUCCESS")

        await until(has_moved)
        order_id = told.data["orderId"]
        assert (await shop.status(order_id)).data["status"] in {"PENDING", "PROCESSING"}
        assert (await shop.status(order_id, kind)).data["status"] == "SUCCESS"
        assert (await shop.status(order_id, kind)).data["status"] == "SUCCESS"


async def test_orders_of_another_type_or_merchant_are_not_found(shop: Shop, seeded: Settings) -> None:
    await shop.payin("ORDER-1")
    assert (await shop.status("ORDER-1", "payout")).status == 404
    assert (await shop.status("ORDER-2")).status == 404
    other = (await seed(seeded))[1]
    async with open_shop(shop.url, other["id"], other["secret"]) as stranger:
        told = await stranger.status("ORDER-1")
    assert (told.status, told.code, told.body["details"]) == (404, "NOT_FOUND", {"orderId": "ORDER-1"})


async def test_a_wrong_body_names_every_field_at_fault(shop: Shop) -> None:
    told = await shop.payin("x", amount=0, customerPhone="123")
    assert (told.status, told.code) == (400, "BAD_REQUEST")
    assert set(told.body["details"]) == {"orderId", "amount", "customerPhone"}
    assert (await shop.payout("ORDER-1", beneficiaryIfsc="nope")).body["details"].keys() == {"beneficiaryIfsc"}


async def test_a_hundred_duplicates_at_once_are_one_payment_and_one_call(
    shop: Shop, simulator: Simulator, database: Pool
) -> None:
    told = await asyncio.gather(*(shop.payin("ORDER-1", "sim:pending") for _ in range(100)))
    assert Counter(each.status for each in told) == {200: 1, 409: 99}
    assert {each.code for each in told if each.status == 409} == {"CONFLICT"}
    assert await database.fetchval("SELECT count(*) FROM payments_transactions") == 1
    book = (await simulator.call("GET", "/control/book")).body
    assert len(book["payments"]) == 1


async def test_first_answer_is_given_again_under_its_key(shop: Shop, simulator: Simulator) -> None:
    first = await shop.payout("ORDER-1", "sim:pending", key="K1")
    again = await shop.payout("ORDER-1", "sim:pending", key=" K1 ")
    assert (again.status, again.body) == (first.status, first.body) == (200, first.body)
    other = await shop.payout("ORDER-2", "sim:pending", key="K1")
    assert (other.status, other.code) == (422, "UNPROCESSABLE")
    as_payin = await shop.payin("ORDER-1", key="K1")
    assert as_payin.status == 422
    assert len((await simulator.call("GET", "/control/book")).body["payments"]) == 1


async def test_errors_are_given_again_under_their_key_too(shop: Shop) -> None:
    for kind, expected in {"payout": (400, "PAY_1303"), "payin": (400, "PAY_1303")}.items():
        initiate = shop.payout if kind == "payout" else shop.payin
        first = await initiate(f"ORDER-{kind}", "sim:reject", key=f"K-{kind}")
        again = await initiate(f"ORDER-{kind}", "sim:reject", key=f"K-{kind}")
        assert (first.status, first.code) == (again.status, again.code) == expected
    await shop.payin("ORDER-1")
    duplicates = [await shop.payin("ORDER-1", key="K2") for _ in range(2)]
    assert [(each.status, each.code) for each in duplicates] == [(409, "CONFLICT")] * 2


async def test_while_the_first_is_running_the_same_key_is_told_so(shop: Shop, simulator: Simulator) -> None:
    first = asyncio.create_task(shop.payout("ORDER-1", "sim:pending sim:latency=1500", key="K1"))

    async def is_running() -> bool:
        return bool((await simulator.call("GET", "/control/book")).body["payments"]) or first.done()

    await until(is_running)
    second = await shop.payout("ORDER-1", "sim:pending sim:latency=1500", key="K1")
    if not first.done():
        assert (second.status, second.code, second.headers["retry-after"]) == (409, "CONFLICT", "1")
    assert (await first).status == 200


async def test_a_key_whose_first_request_died_is_taken_over_and_answered_with_what_it_made(
    shop: Shop, database: Pool
) -> None:
    made = await shop.payout("ORDER-1", "sim:pending", key="K1")
    await database.execute(
        "UPDATE payments_idempotency SET status = NULL, body = NULL, started_at = started_at - interval '61 seconds'"
    )
    again = await shop.payout("ORDER-1", "sim:pending", key="K1")
    assert (again.status, again.data["transactionId"]) == (200, made.data["transactionId"])


async def test_a_malformed_key_is_refused(shop: Shop) -> None:
    told = await shop.payin("ORDER-1", key="two words")
    assert (told.status, told.code) == (400, "BAD_REQUEST")


async def test_a_client_that_hangs_up_changes_nothing(shop: Shop, simulator: Simulator) -> None:
    """The connection breaks while the provider is working; the payment goes on to its answer all the same."""
    body = json.dumps(payin_body("ORDER-1", "sim:latency=800 sim:pending")).encode()
    path = "/api/payment/payin/initiate"
    async with aiohttp.ClientSession() as session:
        call = asyncio.create_task(
            session.post(shop.url + path, data=body, headers=shop.signed("POST", path, body)),
        )

        async def is_stored() -> bool:
            return (await shop.status("ORDER-1")).status == 200

        await until(is_stored)
        call.cancel()
        with suppress(asyncio.CancelledError):
            await call

    async def is_answered() -> bool:
        answer = await shop.status("ORDER-1", "payin")
        timeline = (await simulator.call("GET", f"/control/book/{answer.data['transactionId']}")).body
        return bool(timeline["payments"])

    await until(is_answered)
    assert (await shop.status("ORDER-1")).data["status"] == "PENDING"
    assert (await shop.payin("ORDER-1")).status == 409
