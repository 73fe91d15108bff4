"""What SabioPay is sent, the golden vectors of its hashes, and the corners that the contract tests do not reach."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest
from msgspec import structs

from support.loopback import Loopback, WireAnswer, running_loopback
from support.provider_bench import REFERENCE, payin_order, payout_order
from wisipay.core.http_client import HttpClient
from wisipay.core.money import Paise
from wisipay.providers import (
    Accepted,
    HttpPolicy,
    NotFound,
    ProviderHttp,
    ProviderStatus,
    StatusReport,
    Unknown,
    WebhookUnreadable,
)
from wisipay.providers.adapters.sabiopay.adapter import SabioPayAdapter, SabioPayCredentials
from wisipay.providers.adapters.sabiopay.hashing import json_hash, request_hash

KEY = "11111111-2222-3333-4444-555555555555"
SALT = "SALT"
PAYOUT_NEWS = (
    b'{"transaction_reference_number":"abc","status":"SUCCESS","error_message":null,"bank_reference_number":'
    b'207517810965,"merchant_reference_number":"TXN-3002","transaction_date":"2026-01-02 10:11:12",'
    b'"transaction_amount":"250.00","api_key":"11111111-2222-3333-4444-555555555555"}'
)
PAYOUT_HASH = (
    "0E6616D3E1092620335B7B32879E3D589941389DA50BD07CAEF8FD6B621B57D1"
    "17D20F0FDA5BE5BEC8DAD0C6B7A1C491EDD5F09FAE26E88F5C1778611C79CBBF"
)


@pytest.fixture
async def loopback() -> AsyncIterator[Loopback]:
    async with running_loopback() as loopback:
        loopback.will_answer(WireAnswer(500, b"{}"))
        yield loopback


@pytest.fixture
async def adapter(loopback: Loopback) -> AsyncIterator[SabioPayAdapter]:
    async with HttpClient(private_addresses_allowed=True) as client:
        policy = HttpPolicy(timeout_seconds=20, https_only=False)
        http = ProviderHttp(client, provider="sabiopay", channel_id="sabiopay_a", policy=policy)
        yield SabioPayAdapter(SabioPayCredentials(api_key=KEY, api_salt=SALT, base_url=f"{loopback.url}/"), http)


def form(loopback: Loopback) -> dict[str, str]:
    (request,) = loopback.received
    assert request.method == "POST"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    return dict(parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True))


def with_hash(body: bytes, told: str) -> bytes:
    return body[:-1] + f',"hash":"{told}"}}'.encode()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (
            {
                "amount": "100.00",
                "api_key": KEY,
                "city": "Mumbai",
                "country": "IND",
                "currency": "INR",
                "description": "Payment",
                "email": "asha@example.com",
                "mode": "LIVE",
                "name": "Asha Rao",
                "order_id": "TXN-3001",
                "phone": "9999999999",
                "return_url": "https://example.com/r",
                "zip_code": "400001",
            },
            (
                "A50A6D31A530C524B69425946D5ED8BBA272E6E25A7B3A34A3F7FEEE740673B1"
                "9110684C1E3D3548B512D6A993278E631825084F53506C5663A69C885AA48152"
            ),
        ),
        (
            {
                "account_name": "Asha Rao",
                "account_number": "000123456789",
                "amount": "250.00",
                "api_key": KEY,
                "bank_name": "HDFC Bank",
                "ifsc_code": "HDFC0000001",
                "merchant_reference_number": "TXN-3002",
                "transfer_type": "IMPS",
            },
            (
                "9C33BF8EF88B5D13D30B5453F1B2456BA00DBD423296CB01C9021EF7F38BCA89"
                "8B8908C8957E9415A1C5719B4E8E190A70B392027BDD90DF8C72A639CC9DFEBF"
            ),
        ),
        (
            {"api_key": KEY, "merchant_reference_number": "TXN-3002"},
            (
                "35380A1968F620FDAFA62C5E590C570AB9338E598B6D59C1D40F7847348CFE7C"
                "34F13363E51DD4661F2C2562722B2C4A88CA35C73B6A2C35BCA1FE4B959DCDDC"
            ),
        ),
    ],
)
def test_requests_hash_as_the_golden_vectors(values: dict[str, str], told: str) -> None:
    assert request_hash(SALT, values) == told
    backwards = dict(reversed(values.items()))
    assert request_hash(SALT, {**backwards, "udf1": "", "hash": "not itself"}) == told


def test_webhooks_hash_as_the_golden_vector(adapter: SabioPayAdapter) -> None:
    assert json_hash(SALT, PAYOUT_NEWS) == PAYOUT_HASH
    (word,) = adapter.parse_webhook("payout", {}, with_hash(PAYOUT_NEWS, PAYOUT_HASH))
    assert word.authentic
    assert (word.reference, word.provider_reference, word.utr) == ("TXN-3002", "abc", "207517810965")
    assert (word.status, word.amount) == (ProviderStatus.SUCCESS, Paise(25_000))


def test_the_hash_may_stand_anywhere_in_any_case_and_the_body_be_laid_out_anew(adapter: SabioPayAdapter) -> None:
    members = msgspec.json.decode(PAYOUT_NEWS)
    first = b'{"hash": "' + PAYOUT_HASH.lower().encode() + b'", ' + PAYOUT_NEWS[1:]
    spaced = msgspec.json.format(msgspec.json.encode({**members, "hash": PAYOUT_HASH}), indent=2)
    for body in (first, spaced, with_hash(PAYOUT_NEWS, PAYOUT_HASH) + b"\n"):
        assert adapter.parse_webhook("payout", {}, body)[0].authentic


def test_a_slash_is_hashed_as_php_writes_it(adapter: SabioPayAdapter) -> None:
    php = b'{"order_id":"TXN-1","response_code":0,"amount":"100.00","description":"a\\/b \\u00e9"}'
    plain = msgspec.json.encode(msgspec.json.decode(php))
    assert b"a/b" in plain
    assert adapter.parse_webhook("payin", {}, with_hash(plain, json_hash(SALT, php)))[0].authentic


@pytest.mark.parametrize(
    ("name", "value"),
    [("phone", "1000"), ("payment_datetime", "UPI"), ("currency", "rupees"), ("name", "a|b"), ("x_name", "x")],
)
def test_the_looser_hash_is_believed_only_where_values_cannot_have_been_moved(
    adapter: SabioPayAdapter, name: str, value: str
) -> None:
    good = {"order_id": "TXN-1", "response_code": "0", "amount": "100.00", "phone": "9999999999", "currency": "INR"}
    for values, believed in ((good, True), ({**good, name: value}, False)):
        body = urlencode({**values, "hash": request_hash(SALT, values)}).encode()
        assert adapter.parse_webhook("payin", {}, body)[0].authentic == believed


def test_two_hashes_in_one_body_vouch_for_nothing(adapter: SabioPayAdapter) -> None:
    body = with_hash(with_hash(PAYOUT_NEWS.replace(b"250.00", b"950.00"), PAYOUT_HASH), PAYOUT_HASH)
    assert not adapter.parse_webhook("payout", {}, body)[0].authentic


async def test_a_payin_as_it_goes_over_the_wire(adapter: SabioPayAdapter, loopback: Loopback) -> None:
    await adapter.create_payin(structs.replace(payin_order(), remarks=" books | and more "))
    assert loopback.received[0].path == "/v2/getpaymentrequestintenturl"
    values = {
        "amount": "100.10",
        "api_key": KEY,
        "city": "Mumbai",
        "country": "IND",
        "currency": "INR",
        "description": "books   and more",
        "email": "asha@example.com",
        "mode": "LIVE",
        "name": "Asha Rao",
        "order_id": REFERENCE,
        "phone": "9876543210",
        "return_url": "https://shop.example.com/done",
        "zip_code": "400001",
    }
    assert form(loopback) == {**values, "hash": request_hash(SALT, values)}


async def test_what_an_order_does_not_bring_is_not_sent_empty(adapter: SabioPayAdapter, loopback: Loopback) -> None:
    await adapter.create_payin(structs.replace(payin_order(), remarks=None, redirect_url=None, webhook_url=None))
    sent = form(loopback)
    assert "return_url" not in sent
    assert sent["description"] == f"Order {REFERENCE}"
    loopback.received.clear()
    await adapter.create_payin(structs.replace(payin_order(), redirect_url=None))
    assert form(loopback)["return_url"] == "https://pay.example.com/webhook/payin/x/y"


async def test_a_payout_as_it_goes_over_the_wire(adapter: SabioPayAdapter, loopback: Loopback) -> None:
    await adapter.create_payout(payout_order())
    assert loopback.received[0].path == "/v3/fundtransfer"
    values = {
        "account_name": "Asha Rao",
        "account_number": "000123456789",
        "amount": "100.10",
        "api_key": KEY,
        "bank_name": "HDFC Bank",
        "ifsc_code": "HDFC0000001",
        "merchant_reference_number": REFERENCE,
        "transfer_type": "IMPS",
    }
    assert form(loopback) == {**values, "hash": request_hash(SALT, values)}


@pytest.mark.parametrize(
    ("mode", "paise", "rail"),
    [
        ("IMPS", 20_000_000, "IMPS"),
        ("IMPS", 20_000_001, "NEFT"),
        ("NEFT", 100, "NEFT"),
        ("RTGS", 20_000_000, "NEFT"),
    ],
)
async def test_what_imps_cannot_carry_goes_by_neft(
    adapter: SabioPayAdapter, loopback: Loopback, mode: str, paise: int, rail: str
) -> None:
    await adapter.create_payout(structs.replace(payout_order(), mode=mode, amount=Paise(paise)))
    assert form(loopback)["transfer_type"] == rail


async def test_questions_as_they_go_over_the_wire(adapter: SabioPayAdapter, loopback: Loopback) -> None:
    for kind, path, name in (
        ("payin", "/v2/paymentstatus", "order_id"),
        ("payout", "/v3/fundtransferstatus", "merchant_reference_number"),
    ):
        loopback.received.clear()
        await adapter.check_status("payin" if kind == "payin" else "payout", REFERENCE, "FT100")
        assert loopback.received[0].path == path
        values = {"api_key": KEY, name: REFERENCE}
        assert form(loopback) == {**values, "hash": request_hash(SALT, values)}


@pytest.mark.parametrize("status", [200, 400, 409, 422])
@pytest.mark.parametrize(
    "body",
    [
        b'{"error":{"code":1003,"message":"order id should be unique"}}',
        b'{"error":{"code":"1024","message":"The Merchant Reference Number should be unique."}}',
        b'{"error":"Merchant reference number should be unique"}',
        b'{"message":"merchant reference number should be unique"}',
        b'{"data":{"error_message":"Merchant reference number should be unique"}}',
        b'{"error_code":1003,"message":"used"}',
    ],
)
async def test_a_payout_sent_before_counts_under_every_http_status(
    adapter: SabioPayAdapter, loopback: Loopback, body: bytes, status: int
) -> None:
    loopback.will_answer(WireAnswer(status, body))
    outcome = await adapter.create_payout(payout_order())
    assert isinstance(outcome, Accepted)
    assert outcome.status is ProviderStatus.PENDING


async def test_a_payin_sent_before_is_unknown_for_it_has_no_address(
    adapter: SabioPayAdapter, loopback: Loopback
) -> None:
    loopback.will_answer(WireAnswer(200, b'{"error":{"code":1003}}'))
    assert await adapter.create_payin(payin_order()) == Unknown("error 1003")


@pytest.mark.parametrize("code", [1000, 1005, 1006, 1027, 1028, 1030, 1050, 1086, 1999, "TRANSACTION-IN-PROGRESS"])
async def test_an_error_that_leaves_open_what_happened_is_unknown(
    adapter: SabioPayAdapter, loopback: Loopback, code: object
) -> None:
    loopback.will_answer(WireAnswer(200, msgspec.json.encode({"error": {"code": code, "message": "?"}})))
    assert await adapter.create_payout(payout_order()) == Unknown(f"error {code}")


@pytest.mark.parametrize("code", [1001, 1006, 1023, 1026])
async def test_an_error_in_answer_to_a_question_says_nothing_about_the_payment(
    adapter: SabioPayAdapter, loopback: Loopback, code: int
) -> None:
    loopback.will_answer(WireAnswer(200, msgspec.json.encode({"error": {"code": code, "message": "?"}})))
    assert await adapter.check_status("payout", REFERENCE, None) == Unknown(f"error {code}")
    assert await adapter.check_status("payin", REFERENCE, None) == Unknown(f"error {code}")


@pytest.mark.parametrize("code", [1028, 1050])
async def test_what_is_not_found_is_told_as_such(adapter: SabioPayAdapter, loopback: Loopback, code: int) -> None:
    loopback.will_answer(WireAnswer(200, msgspec.json.encode({"error": {"code": code, "message": "none"}})))
    assert await adapter.check_status("payout", REFERENCE, None) == NotFound("none")
    assert not adapter.capabilities.not_found_is_definite


@pytest.mark.parametrize(
    ("codes", "status"),
    [
        ((1000, 0, 1006), ProviderStatus.SUCCESS),
        ((1000, 1006), ProviderStatus.PENDING),
        ((1000, 1009), ProviderStatus.FAILED),
    ],
)
async def test_of_several_tries_of_an_order_the_best_counts(
    adapter: SabioPayAdapter, loopback: Loopback, codes: tuple[int, ...], status: ProviderStatus
) -> None:
    tries = [{"order_id": REFERENCE, "response_code": code, "amount": "100.10"} for code in codes]
    other = {"order_id": "WPOTHER", "response_code": 0}
    loopback.will_answer(WireAnswer(200, msgspec.json.encode({"data": [other, *tries], "hash": "AB"})))
    report = await adapter.check_status("payin", REFERENCE, None)
    assert isinstance(report, StatusReport)
    assert report.status is status


async def test_a_surcharge_is_not_part_of_the_amount(adapter: SabioPayAdapter, loopback: Loopback) -> None:
    entry = {"order_id": REFERENCE, "response_code": 0, "amount": "27.36", "amount_orig": "2.00", "tdr_amount": 21.49}
    loopback.will_answer(WireAnswer(200, msgspec.json.encode({"data": [{**entry, "bank_ref_id": "4123"}]})))
    report = await adapter.check_status("payin", REFERENCE, None)
    assert isinstance(report, StatusReport)
    assert (report.amount, report.utr) == (Paise(200), "4123")
    (word,) = adapter.parse_webhook("payin", {}, msgspec.json.encode(entry))
    assert word.amount == Paise(200)


async def test_a_transfer_under_way_has_no_bank_reference_yet(adapter: SabioPayAdapter, loopback: Loopback) -> None:
    data = {"status": "SUCCESS", "merchant_reference_number": REFERENCE, "transaction_id": "412345678901"}
    loopback.will_answer(WireAnswer(200, msgspec.json.encode({"data": data})))
    report = await adapter.check_status("payout", REFERENCE, None)
    assert report == StatusReport(ProviderStatus.SUCCESS, utr="412345678901")


def test_what_the_body_is_about_comes_before_the_route(adapter: SabioPayAdapter) -> None:
    assert adapter.parse_webhook("payin", {}, b"payout_id=7&status=SUCCESS")[0].kind == "payout"
    assert adapter.parse_webhook("payout", {}, b"order_id=TXN-1&response_code=0")[0].kind == "payin"
    (word,) = adapter.parse_webhook("payout", {}, b"order_id=TXN-1&status=SUCCESS&transaction_id=7")
    assert (word.kind, word.reference, word.provider_reference) == ("payout", "TXN-1", "7")
    (bare,) = adapter.parse_webhook("payin", {}, b"transaction_id=7")
    assert (bare.kind, bare.status) == ("payin", ProviderStatus.PENDING)


@pytest.mark.parametrize("body", [b"transaction_id=7&response_code=0", b"status=SUCCESS"])
def test_on_the_common_route_the_kind_must_be_told(adapter: SabioPayAdapter, body: bytes) -> None:
    with pytest.raises(WebhookUnreadable, match="payin from payout"):
        adapter.parse_webhook("common", {}, body)


@pytest.mark.parametrize("route", ["payin", "payout"])
def test_a_word_about_no_payment_is_unreadable(adapter: SabioPayAdapter, route: str) -> None:
    with pytest.raises(WebhookUnreadable, match="no payment"):
        adapter.parse_webhook("payin" if route == "payin" else "payout", {}, b"status=SUCCESS")
