"""The sandbox over HTTP: same checks, same shapes, its own rate, every outcome, and its callbacks."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

from redis.asyncio import Redis

from support.merchant_endpoint import MerchantEndpoint
from support.merchants import ReadyMerchant
from support.shop import Shop, Told, payin_body, payout_body
from wisipay.access import sign, v1_message
from wisipay.core.config import Settings
from wisipay.core.database import Pool
from wisipay.sandbox.worker import SandboxWorker

UAT = "/api/payment/uat"


async def ask(shop: Shop, redis: Redis, kind: str, order_id: str, rupees: int = 500, **fields: object) -> Told:
    """Start a sandbox payment; the sandbox's own rate is not in the way."""
    body = payin_body(order_id) if kind == "payin" else payout_body(order_id)
    headers = {"idempotency_key": str(fields.pop("key"))} if "key" in fields else {}
    for key in [each async for each in redis.scan_iter("*sandbox:*:write")]:
        await redis.delete(key)
    return await shop.call("POST", f"{UAT}/{kind}/initiate", body | {"amount": rupees} | fields, **headers)


async def test_a_payment_is_asked_for_and_found_as_in_earnest(
    shop: Shop, redis: Redis, database: Pool, installed: Settings
) -> None:
    payin = await ask(shop, redis, "payin", "ORDER-1")
    assert (payin.status, payin.data["status"], payin.data["amount"]) == (200, "PENDING", 500)
    assert payin.data["transactionId"].startswith("UAT_PAYIN_")
    assert payin.data["upiLink"].startswith("upi://pay?pa=success@uat&")
    payout = await ask(shop, redis, "payout", "ORDER-2", 103)
    assert (payout.data["status"], payout.data["utr"]) == ("PROCESSING", None)
    assert payout.data["transactionId"].startswith("UAT_PAYOUT_")
    assert (await shop.call("GET", f"{UAT}/ORDER-1")).data["type"] == "PAYIN"
    told = await shop.call("GET", f"{UAT}/payout/status/ORDER-2")
    assert (told.data["status"], told.data["amount"], told.data["type"]) == ("PROCESSING", 103, "PAYOUT")
    for path in (f"{UAT}/payout/status/ORDER-1", f"{UAT}/payin/status/ORDER-2", f"{UAT}/ORDER-3"):
        assert (await shop.call("GET", path)).code == "NOT_FOUND"
    assert (await shop.status("ORDER-1")).status == 404, "the real API knows nothing of it"
    assert await database.fetchval("SELECT count(*) FROM payments_transactions") == 0
    async with shop.session.get(payin.data["paymentUrl"]) as page:
        text = await page.text()
    assert payin.data["paymentUrl"].startswith(f"{installed.app_base_url}/pay/UAT_PAYIN_")
    assert "Test payment: no money moves" in text


async def test_duplicates_keys_and_wrong_bodies_are_told_of_as_in_earnest(shop: Shop, redis: Redis) -> None:
    first = await ask(shop, redis, "payin", "ORDER-1", key="K1")
    assert (await ask(shop, redis, "payin", "ORDER-1", key="K1")).body == first.body
    assert (await ask(shop, redis, "payin", "ORDER-2", key="K1")).status == 422
    duplicate = await ask(shop, redis, "payout", "ORDER-1")
    assert (duplicate.status, duplicate.code, duplicate.body["details"]) == (409, "CONFLICT", {"orderId": "ORDER-1"})
    assert set((await ask(shop, redis, "payin", "x", 0)).body["details"]) == {"orderId", "amount"}


async def test_a_beneficiary_that_cannot_be_right_is_refused_as_in_earnest(shop: Shop, redis: Redis) -> None:
    for rail, status in (("IMPS", 400), ("NEFT", 200)):
        told = await ask(shop, redis, "payout", f"ORDER-{rail}", paymentMode=rail, beneficiaryIfsc="RBIN0RTGS00")
        assert told.status == status, told.body


async def test_outcomes_that_answer_at_once(shop: Shop, redis: Redis) -> None:
    expected = {
        ("payin", 105): (504, "PAY_1302", "PENDING"),
        ("payin", 110): (400, "PAY_1303", "FAILED"),
        ("payout", 111): (402, "PAY_1205", None),
        ("payout", 112): (503, "PAY_1301", "FAILED"),
    }
    for (kind, rupees), (status, code, stands) in expected.items():
        order_id = f"ORDER-{rupees}"
        told = await ask(shop, redis, kind, order_id, rupees)
        assert (told.status, told.code) == (status, code)
        found = await shop.call("GET", f"{UAT}/{order_id}")
        assert (found.data["status"] if stands else found.status) == (stands or 404)
    assert (await ask(shop, redis, "payout", "ORDER-0", 113)).data["status"] == "SUCCESS"
    told = await ask(shop, redis, "payout", "ORDER-9", paymentMode="UPI", beneficiaryVpa="rejected@uat")
    assert told.code == "PAY_1303"


async def test_two_requests_a_second_of_each_type(shop: Shop) -> None:
    told = await asyncio.gather(
        *(shop.call("POST", f"{UAT}/payin/initiate", payin_body(f"ORDER-{number}")) for number in range(20)),
        shop.call("POST", f"{UAT}/payout/initiate", payout_body("PAYOUT-1")),
    )
    refused = [each for each in told[:20] if each.status == 429]
    assert len(refused) >= 10, Counter(each.status for each in told)
    assert refused[0].body["details"] == {"scope": "merchant", "limit": 2}
    assert int(refused[0].headers["retry-after"]) >= 1
    assert told[20].status == 200


async def test_callbacks_are_signed_and_come_as_the_table_says(
    shop: Shop, redis: Redis, sender: SandboxWorker, endpoint: MerchantEndpoint, merchant: ReadyMerchant
) -> None:
    del sender
    asked = {"ORDER-OK": ("payin", 500), "ORDER-TWICE": ("payin", 106), "ORDER-BACK": ("payout", 109)}
    for order_id, (kind, rupees) in asked.items():
        assert (await ask(shop, redis, kind, order_id, rupees)).status == 200
    received = await endpoint.wait_for(5)
    told = Counter((json.loads(each.body)["orderId"], json.loads(each.body)["status"]) for each in received)
    assert told == {
        ("ORDER-OK", "SUCCESS"): 1,
        ("ORDER-TWICE", "SUCCESS"): 2,
        ("ORDER-BACK", "SUCCESS"): 1,
        ("ORDER-BACK", "REVERSED"): 1,
    }
    twice = {each.event_id for each in received if json.loads(each.body)["orderId"] == "ORDER-TWICE"}
    assert len(twice) == 1
    for each in received:
        message = v1_message(each.body, each.headers["x-timestamp"])
        assert each.headers["x-signature"] == sign(merchant.secret.encode(), message)
        assert json.loads(each.body)["transactionId"].startswith("UAT_")
    assert {each.path for each in received} == {"/payin", "/payout"}
