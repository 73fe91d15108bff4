"""The gate: what it admits, each refusal, and the order they come in."""

from dataclasses import replace

import pytest
import redis.asyncio
from msgspec import structs

from support.gate_bench import PATH, GateBench
from support.parties import SECRET, channel
from support.waiting import until
from wisipay.access import sign, v1_message
from wisipay.core.config import Settings
from wisipay.merchants import GatePolicy, Limits, MerchantStatus, Refusal, ServiceConfig, SignedRequest
from wisipay.merchants.gate import DEVELOPER_TPS

VECTOR_BODY = b'{"event":"payout.processed"}'


@pytest.fixture
def bench(redis: redis.asyncio.Redis) -> GateBench:
    return GateBench(redis)


async def test_a_signed_request_is_admitted_and_gives_its_merchant(bench: GateBench) -> None:
    merchant = await bench.gate.admit(bench.request(), "payin", tps=True)
    assert merchant is bench.merchant


@pytest.mark.parametrize("prefix", ["", "sha256=", "SHA256="])
async def test_a_v1_signature_may_have_its_prefix_and_space_around_it(bench: GateBench, prefix: str) -> None:
    signature = sign(SECRET, v1_message(VECTOR_BODY, bench.timestamp()))
    headers = {
        "x-signature": f" {prefix}{signature} ",
        "x-merchant-id": " MER-1 ",
        "x-timestamp": f" {bench.timestamp()} ",
    }
    assert await bench.reason(bench.request(body=VECTOR_BODY, headers=headers)) == (200, "")


async def test_a_get_signs_an_empty_body_and_needs_no_content_type(bench: GateBench) -> None:
    request = bench.request(method="GET", path="/api/payment/payin/status/ORDER1", body=b"")
    assert await bench.reason(request) == (200, "")


async def test_v2_binds_method_path_and_query(bench: GateBench) -> None:
    request = bench.request(method="GET", path="/api/payment/ORDER1?a=1", body=b"", version="v2")
    assert await bench.reason(request) == (200, "")
    elsewhere = structs.replace(request, path_and_query="/api/payment/ORDER2?a=1")
    for changed in (elsewhere, structs.replace(request, method="PUT")):
        assert await bench.reason(changed) == (403, Refusal.SIGNATURE_MISMATCH)


async def test_a_merchant_set_to_v2_only_has_its_v1_signatures_refused(bench: GateBench) -> None:
    bench.put(replace(bench.merchant, v2_only=True))
    assert await bench.reason(bench.request()) == (403, Refusal.SIGNATURE_V2_REQUIRED)
    assert await bench.reason(bench.request(version="v2")) == (200, "")


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ({"x-merchant-id": None}, "x-merchant-id"),
        ({"x-merchant-id": "  "}, "x-merchant-id"),
        ({"x-merchant-id": "MER 1"}, "x-merchant-id"),
        ({"x-timestamp": None}, "x-timestamp"),
        ({"x-timestamp": "now"}, "x-timestamp"),
        ({"x-timestamp": "-1"}, "x-timestamp"),
        ({"x-timestamp": "1" * 17}, "x-timestamp"),
        ({"x-signature": None}, "x-signature"),
        ({"content-type": None}, "content-type"),
        ({"x-merchant-id": None, "x-timestamp": None, "x-signature": ""}, "x-merchant-id,x-signature,x-timestamp"),
    ],
)
async def test_missing_and_malformed_headers_are_all_named(
    bench: GateBench, headers: dict[str, str | None], fields: str
) -> None:
    assert await bench.reason(bench.request(headers=headers)) == (400, fields)


async def test_a_post_that_is_not_json_is_refused(bench: GateBench) -> None:
    assert await bench.reason(bench.request(headers={"content-type": "text/plain"})) == (415, "content-type")
    typed = bench.request(headers={"content-type": "Application/JSON; charset=utf-8"})
    assert await bench.reason(typed) == (200, "")


async def test_a_merchant_nobody_knows_is_unauthorized(bench: GateBench) -> None:
    assert await bench.reason(bench.request(headers={"x-merchant-id": "MER-2"})) == (401, "x-merchant-id")


@pytest.mark.parametrize("off_ms", [-60_000, 60_000])
async def test_a_timestamp_at_the_edge_of_the_window_is_taken(bench: GateBench, off_ms: int) -> None:
    assert await bench.reason(bench.request(timestamp=bench.timestamp(off_ms=off_ms))) == (200, "")


@pytest.mark.parametrize("off_ms", [-60_001, 60_001, -1_000_000_000])
async def test_a_timestamp_outside_the_window_is_refused_with_our_time(bench: GateBench, off_ms: int) -> None:
    error = await bench.outcome(bench.request(timestamp=bench.timestamp(off_ms=off_ms)))
    assert error is not None
    assert error.details == {"reason": Refusal.TIMESTAMP_OUT_OF_WINDOW, "serverTime": int(bench.timestamp())}


async def test_a_timestamp_in_seconds_is_told_to_be_in_milliseconds(bench: GateBench) -> None:
    error = await bench.outcome(bench.request(timestamp=bench.timestamp()[:-3]))
    assert error is not None
    assert "milliseconds" in error.message


@pytest.mark.parametrize("signature", ["wrong", "0" * 64, "v2=" + "0" * 64])
async def test_a_signature_that_does_not_fit_is_refused(bench: GateBench, signature: str) -> None:
    assert await bench.reason(bench.request(headers={"x-signature": signature})) == (403, Refusal.SIGNATURE_MISMATCH)


async def test_another_body_or_another_secret_does_not_fit(bench: GateBench) -> None:
    changed = structs.replace(bench.request(), body=b'{"amount":999,"orderId":"ORDER1"}')
    assert await bench.reason(changed) == (403, Refusal.SIGNATURE_MISMATCH)
    assert await bench.reason(bench.request(secret=b"another")) == (403, Refusal.SIGNATURE_MISMATCH)


async def test_a_signature_is_taken_once_for_post_and_again_for_get(bench: GateBench) -> None:
    post, get = bench.request(), bench.request(method="GET", body=b"")
    assert await bench.reason(post) == (200, "")
    assert await bench.reason(post) == (403, Refusal.SIGNATURE_REPLAYED)
    assert await bench.reason(post, "payout") == (403, Refusal.SIGNATURE_REPLAYED)
    assert [await bench.reason(get) for _ in range(2)] == [(200, "")] * 2


async def test_a_signature_is_remembered_as_long_as_its_timestamp_is_taken(
    bench: GateBench, redis: redis.asyncio.Redis
) -> None:
    await bench.reason(bench.request(timestamp=bench.timestamp(off_ms=60_000)))
    keys = [key async for key in redis.scan_iter("wisipay:access:replay:MER-1:*")]
    assert len(keys) == 1
    assert 119_000 < await redis.pttl(keys[0]) <= 121_000


async def test_a_service_that_is_switched_off_is_refused(bench: GateBench) -> None:
    bench.put(replace(bench.merchant, payout=ServiceConfig()))
    assert await bench.reason(bench.request(), "payout") == (403, Refusal.SERVICE_DISABLED)
    assert await bench.reason(bench.request(body=b"{}"), "payin") == (200, "")
    assert await bench.reason(bench.request(method="GET", body=b""), None) == (200, "")


async def test_only_addresses_on_an_enabled_allowlist_come_in(bench: GateBench) -> None:
    listed = replace(bench.merchant.payin, ip_allowlist=("203.0.113.0/24", "2001:db8::/32"))
    bench.put(replace(bench.merchant, payin=listed))
    get = bench.request(method="GET", body=b"", peer="198.51.100.1")
    assert await bench.reason(get) == (200, "")
    bench.put(replace(bench.merchant, payin=replace(listed, ip_allowlist_enabled=True)))
    error = await bench.outcome(get)
    assert error is not None
    assert error.details == {"reason": Refusal.ADDRESS_NOT_ALLOWED, "address": "198.51.100.1"}
    for peer in ("203.0.113.9", "::ffff:203.0.113.9", "2001:db8::1"):
        assert await bench.reason(structs.replace(get, peer_address=peer)) == (200, "")
    assert await bench.reason(structs.replace(get, peer_address="")) == (403, Refusal.ADDRESS_NOT_ALLOWED)
    assert await bench.reason(get, "payout") == (200, "")
    assert await bench.reason(get, None) == (200, "")


async def test_a_request_for_either_service_needs_one_list_that_lets_it_in(bench: GateBench) -> None:
    one = replace(bench.merchant.payin, ip_allowlist=("203.0.113.7",), ip_allowlist_enabled=True)
    two = replace(bench.merchant.payin, ip_allowlist=("203.0.113.8",), ip_allowlist_enabled=True)
    bench.put(replace(bench.merchant, payin=one, payout=two))
    get = bench.request(method="GET", body=b"")
    for peer, status in (("203.0.113.7", 200), ("203.0.113.8", 200), ("203.0.113.9", 403)):
        assert (await bench.reason(structs.replace(get, peer_address=peer), None))[0] == status


async def test_a_forwarded_address_counts_behind_a_trusted_proxy_only(redis: redis.asyncio.Redis) -> None:
    bench = GateBench(redis, trusted_proxies=("10.0.0.0/8",))
    listed = replace(bench.merchant.payin, ip_allowlist=("203.0.113.7",), ip_allowlist_enabled=True)
    bench.put(replace(bench.merchant, payin=listed))
    headers = {"x-forwarded-for": "198.51.100.9, 203.0.113.7, 10.0.0.2"}
    get = bench.request(method="GET", body=b"", peer="10.0.0.1", headers=headers)
    assert await bench.reason(get) == (200, "")
    assert await bench.reason(structs.replace(get, peer_address="198.51.100.1")) == (403, Refusal.ADDRESS_NOT_ALLOWED)


async def test_the_merchants_rate_is_kept_apart_for_reads_writes_and_services(bench: GateBench) -> None:
    limited = replace(bench.merchant.payin, limits=Limits(tps=2))
    bench.put(replace(bench.merchant, payin=limited, payout=limited))
    posts = [bench.request(body=b"%d" % number) for number in range(3)]
    assert [await bench.reason(post) for post in posts] == [(200, ""), (200, ""), (429, "merchant")]
    assert await bench.reason(bench.request(method="GET", body=b"")) == (200, "")
    assert await bench.reason(bench.request(body=b"other"), "payout") == (200, "")


async def test_a_rate_limit_says_when_to_come_back_and_opens_again(bench: GateBench) -> None:
    bench.put(replace(bench.merchant, payin=replace(bench.merchant.payin, limits=Limits(tps=1))))
    get = bench.request(method="GET", body=b"")
    assert await bench.outcome(get) is None
    error = await bench.outcome(get)
    assert error is not None
    assert (error.code, error.retry_after_seconds) == ("TOO_MANY_REQUESTS", 1)
    assert error.details == {"scope": "merchant", "limit": 1}

    async def admitted() -> bool:
        return await bench.outcome(get) is None

    await until(admitted)


async def test_the_systems_rate_holds_for_all_merchants_together(redis: redis.asyncio.Redis) -> None:
    bench = GateBench(redis, system_tps=2)
    posts = [bench.request(body=b"%d" % number) for number in range(3)]
    outcomes = [await bench.reason(posts[0]), await bench.reason(posts[1], "payout"), await bench.reason(posts[2])]
    assert outcomes == [(200, ""), (200, ""), (429, "system")]
    unlimited = bench.request(body=b"not counted")
    assert await bench.outcome(unlimited, tps=False) is None
    assert await bench.reason(bench.request(method="GET", body=b""), None) == (200, "")


async def test_what_is_for_no_service_has_a_rate_of_its_own(bench: GateBench) -> None:
    get = bench.request(method="GET", body=b"")
    outcomes = [await bench.outcome(get, None) for _ in range(DEVELOPER_TPS + 1)]
    assert [outcome and outcome.http_status for outcome in outcomes] == [*[None] * DEVELOPER_TPS, 429]
    assert await bench.outcome(bench.request()) is None


async def test_the_sandbox_takes_two_requests_a_second(bench: GateBench) -> None:
    get = bench.request(method="GET", body=b"")
    outcomes = [await bench.outcome(get, sandbox=True) for _ in range(3)]
    assert [outcome and outcome.http_status for outcome in outcomes] == [None, None, 429]
    assert await bench.outcome(get) is None


async def test_a_channels_rate_is_asked_for_by_routing(bench: GateBench) -> None:
    unlimited = channel()
    limited = replace(unlimited, payout=ServiceConfig(is_active=True, limits=Limits(tps=1)))
    assert [await bench.gate.channel_tps(limited, "payout") for _ in range(2)] == [True, False]
    assert [await bench.gate.channel_tps(unlimited, "payin") for _ in range(2)] == [True, True]


async def test_without_redis_payments_go_on_with_this_process_alone() -> None:
    bench = GateBench(redis.asyncio.Redis(host="127.0.0.1", port=1))
    bench.put(replace(bench.merchant, payin=replace(bench.merchant.payin, limits=Limits(tps=1))))
    post = bench.request()
    assert await bench.reason(post) == (200, "")
    assert await bench.reason(post) == (403, Refusal.SIGNATURE_REPLAYED)
    assert await bench.reason(bench.request(body=b"other")) == (429, "merchant")


def test_the_policy_is_taken_from_the_settings(settings: Settings) -> None:
    changed = settings.model_copy(update={"trusted_proxies": ("10.0.0.0/8",), "system_tps": 7, "system_tps_window": 3})
    assert GatePolicy.from_settings(changed) == GatePolicy(("10.0.0.0/8",), 7, 3)


def _break_everything(bench: GateBench) -> SignedRequest:
    """Give a request that every check refuses, over a merchant that every check refuses."""
    shut = ServiceConfig(limits=Limits(tps=1), ip_allowlist_enabled=True)
    changed = replace(bench.merchant, status=MerchantStatus.INACTIVE, is_onboarded=False, secret_enabled=False)
    bench.put(replace(changed, payin=shut))
    headers = {"x-merchant-id": None, "x-signature": "0" * 64}
    return bench.request(timestamp=bench.timestamp(off_ms=99_000), path=PATH, headers=headers)


async def test_the_checks_come_in_the_order_of_the_contract(redis: redis.asyncio.Redis) -> None:
    bench = GateBench(redis, system_tps=1)
    request = _break_everything(bench)
    seen = [await bench.reason(request)]
    request = structs.replace(request, headers={**request.headers, "x-merchant-id": "MER-2"})
    seen.append(await bench.reason(request))
    request = structs.replace(request, headers={**request.headers, "x-merchant-id": "MER-1"})
    for change in ({"status": MerchantStatus.ACTIVE}, {"is_onboarded": True}, {"secret_enabled": True}):
        seen.append(await bench.reason(request))
        bench.put(replace(bench.merchant, **change))
    seen.append(await bench.reason(request))
    request = bench.request(headers={"x-signature": "0" * 64})
    seen.append(await bench.reason(request))
    used = bench.request(body=b"used")
    seen.extend([await bench.reason(used) for _ in range(2)])
    bench.put(replace(bench.merchant, payin=replace(bench.merchant.payin, is_active=True)))
    seen.append(await bench.reason(used))
    seen.append(await bench.reason(bench.request(body=b"new")))
    bench.put(replace(bench.merchant, payin=replace(bench.merchant.payin, ip_allowlist_enabled=False)))
    seen.extend([await bench.reason(bench.request(body=b"%d" % number)) for number in range(2)])
    assert seen == [
        (400, "x-merchant-id"),
        (401, "x-merchant-id"),
        (403, Refusal.MERCHANT_INACTIVE),
        (403, Refusal.MERCHANT_NOT_ONBOARDED),
        (403, Refusal.SECRET_DISABLED),
        (403, Refusal.TIMESTAMP_OUT_OF_WINDOW),
        (403, Refusal.SIGNATURE_MISMATCH),
        (403, Refusal.SERVICE_DISABLED),
        (403, Refusal.SIGNATURE_REPLAYED),
        (403, Refusal.SIGNATURE_REPLAYED),
        (403, Refusal.ADDRESS_NOT_ALLOWED),
        (200, ""),
        (429, "system"),
    ]


async def test_the_systems_rate_is_named_before_the_merchants(redis: redis.asyncio.Redis) -> None:
    bench = GateBench(redis, system_tps=1)
    bench.put(replace(bench.merchant, payin=replace(bench.merchant.payin, limits=Limits(tps=1))))
    outcomes = [await bench.reason(bench.request(body=b"%d" % number)) for number in range(2)]
    assert outcomes == [(200, ""), (429, "system")]
