"""The gate and a merchant's secrets: in rotation, retired, and the legacy hash."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
import redis.asyncio
from msgspec import structs

from support.gate_bench import GateBench
from support.parties import SECRET
from wisipay.access import legacy_hash
from wisipay.merchants import ApiSecret, Refusal, SignedRequest

NEW_SECRET = b"the-secret-that-took-its-place-0"


@pytest.fixture
def bench(redis: redis.asyncio.Redis) -> GateBench:
    return GateBench(redis)


async def test_both_secrets_of_a_rotation_are_taken_until_the_old_one_retires(bench: GateBench) -> None:
    start = bench.clock.moment
    old = replace(bench.merchant.secrets[0], retires_at=start + timedelta(hours=1))
    bench.put(replace(bench.merchant, secrets=(ApiSecret("new", NEW_SECRET, start), old)))
    assert await bench.reason(bench.request(secret=SECRET)) == (200, "")
    assert await bench.reason(bench.request(secret=NEW_SECRET)) == (200, "")
    bench.clock.moment = start + timedelta(hours=1)
    assert await bench.reason(bench.request(secret=SECRET)) == (403, Refusal.SIGNATURE_MISMATCH)
    assert await bench.reason(bench.request(secret=NEW_SECRET)) == (200, "")


async def test_a_merchant_without_a_valid_secret_is_refused(bench: GateBench) -> None:
    retired = replace(bench.merchant.secrets[0], retires_at=bench.clock.moment)
    bench.put(replace(bench.merchant, secrets=(retired,)))
    assert await bench.reason(bench.request()) == (403, Refusal.SECRET_DISABLED)


def _legacy(bench: GateBench, *, digest: str | None = None, **changed: object) -> SignedRequest:
    right = legacy_hash(amount=100, currency="INR", order_id="ORDER1", secret=SECRET)
    body = {"amount": 100, "orderId": "ORDER1", "hash": digest or right, **changed}
    return bench.request(body=json.dumps(body).encode(), headers={"x-signature": None})


async def test_a_legacy_hash_is_taken_where_there_is_no_signature(bench: GateBench) -> None:
    assert await bench.reason(_legacy(bench)) == (200, "")
    assert await bench.reason(_legacy(bench)) == (403, Refusal.SIGNATURE_REPLAYED)


async def test_a_legacy_hash_covers_amount_currency_and_order(bench: GateBench) -> None:
    for request in (
        _legacy(bench, amount=101),
        _legacy(bench, currency="USD"),
        _legacy(bench, orderId="ORDER2"),
        _legacy(bench, digest="wrong"),
    ):
        assert await bench.reason(request) == (403, Refusal.SIGNATURE_MISMATCH)


async def test_a_signature_goes_before_the_legacy_hash(bench: GateBench) -> None:
    wrong = structs.replace(_legacy(bench), headers={**_legacy(bench).headers, "x-signature": "0" * 64})
    assert await bench.reason(wrong) == (403, Refusal.SIGNATURE_MISMATCH)


async def test_without_the_legacy_hash_enabled_the_signature_is_missing(bench: GateBench) -> None:
    bench.put(replace(bench.merchant, legacy_hash_enabled=False))
    assert await bench.reason(_legacy(bench)) == (400, "x-signature")


async def test_a_merchant_set_to_v2_only_has_no_legacy_hash(bench: GateBench) -> None:
    bench.put(replace(bench.merchant, v2_only=True))
    assert await bench.reason(_legacy(bench)) == (403, Refusal.SIGNATURE_V2_REQUIRED)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"hash":"x"}', b'{"hash":1,"amount":1,"orderId":"x"}', b"\xff"])
async def test_a_body_without_a_readable_hash_is_an_unsigned_request(bench: GateBench, body: bytes) -> None:
    request = bench.request(body=body, headers={"x-signature": None})
    assert await bench.reason(request) == (400, "x-signature")


async def test_a_get_has_no_legacy_hash(bench: GateBench) -> None:
    request = structs.replace(_legacy(bench), method="GET")
    assert await bench.reason(request) == (400, "x-signature")
