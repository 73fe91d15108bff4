"""What the white-label adapter sends, its encryption, and what of it the contract tests do not reach."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from support.case_white_label import KEY, SALT, decrypted, encrypted
from support.loopback import Loopback, WireAnswer, running_loopback
from support.provider_bench import REFERENCE, payin_order, payout_order
from wisipay.core.http_client import HttpClient
from wisipay.core.money import Paise
from wisipay.providers import (
    HttpPolicy,
    InvalidCredentials,
    NotFound,
    PaymentKind,
    ProviderAdapter,
    ProviderHttp,
    ProviderStatus,
    Rejected,
    StatusReport,
    Unknown,
    WebhookRoute,
    WebhookUnreadable,
    build,
    check_credentials,
)
from wisipay.providers.adapters.easemyneeds import fitted

VECTOR = b'{"amount":500,"payment_mode":"INTENT","ref_id":"TXN-1"}'
SEALED_VECTOR = "n26P+XHnUbxnSbg4HLCjg93Pbs+t/RoeTp84uDPXbztyIZH4cEqANJYqP0u9Vx+tgq3fln2GvVN1vBfwqyjGUA=="


@pytest.fixture
async def loopback() -> AsyncIterator[Loopback]:
    async with running_loopback() as loopback:
        loopback.will_answer(WireAnswer(500, b"{}"))
        yield loopback


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    async with HttpClient(private_addresses_allowed=True) as client:
        yield client


def adapter_of(name: str, loopback: Loopback, client: HttpClient) -> ProviderAdapter:
    policy = HttpPolicy(timeout_seconds=20, https_only=False)
    http = ProviderHttp(client, provider=name, channel_id="a_b", policy=policy)
    return build(name, {"baseUrl": f"{loopback.url}/api/v1/", "apiKey": KEY, "apiSalt": SALT}, http)


@pytest.fixture
def adapter(loopback: Loopback, client: HttpClient) -> ProviderAdapter:
    return adapter_of("easemyneeds", loopback, client)


def sent(loopback: Loopback) -> dict[str, object]:
    (request,) = loopback.received
    body = msgspec.json.decode(request.body, type=dict[str, str])
    assert list(body) == ["payload"]
    content: dict[str, object] = msgspec.json.decode(decrypted(body["payload"]))
    return content


def test_the_golden_vector_of_the_encryption() -> None:
    assert encrypted(VECTOR) == SEALED_VECTOR
    assert decrypted(SEALED_VECTOR) == VECTOR


def test_the_adapter_reads_the_golden_vector(adapter: ProviderAdapter) -> None:
    (word,) = adapter.parse_webhook("payin", {}, msgspec.json.encode({"payload": SEALED_VECTOR}))
    assert (word.reference, word.amount, word.status) == ("TXN-1", 50_000, ProviderStatus.PENDING)
    assert not word.authentic


@pytest.mark.parametrize(
    ("text", "size", "key"),
    [
        (KEY, 32, KEY.encode()),
        ("00ff" * 16, 32, b"\x00\xff" * 16),
        ("0G" * 16, 16, b"0G" * 8),
        ("short", 16, b"short" + bytes(11)),
        ("x" * 40, 32, b"x" * 32),
        ("é", 16, "é".encode() + bytes(14)),
    ],
    ids=["fits", "hex", "no hex", "short", "long", "not ASCII"],
)
def test_a_key_is_made_to_fit(text: str, size: int, key: bytes) -> None:
    assert fitted(text, size) == key


def test_alphapay_takes_keys_of_the_right_size_only() -> None:
    check_credentials("alphapay", {"apiKey": KEY, "apiSalt": SALT})
    with pytest.raises(InvalidCredentials) as refused:
        check_credentials("alphapay", {"apiKey": KEY[1:], "apiSalt": f"{SALT}x"})
    assert refused.value.problems.keys() == {"apiKey", "apiSalt"}
    assert KEY[1:] not in str(refused.value)


async def test_a_payin_as_it_goes_over_the_wire(adapter: ProviderAdapter, loopback: Loopback) -> None:
    await adapter.create_payin(payin_order())
    (request,) = loopback.received
    assert (request.method, request.path) == ("POST", "/api/v1/create-payment")
    assert (request.headers["x-api-key"], request.headers["x-api-salt"]) == (KEY, SALT)
    assert request.headers["content-type"] == request.headers["accept"] == "application/json"
    assert sent(loopback) == {
        "amount": 100.1,
        "payment_mode": "INTENT",
        "callback_url": "https://pay.example.com/webhook/payin/x/y",
        "redirect_url": "https://shop.example.com/done",
        "customer_name": "Asha Rao",
        "customer_details": {"customer_email": "asha@example.com", "customer_phone": "9876543210"},
        "ref_id": REFERENCE,
        "remarks": "books",
    }


@pytest.mark.parametrize("name", ["easemyneeds", "alphapay"])
async def test_a_payout_as_it_goes_over_the_wire(name: str, loopback: Loopback, client: HttpClient) -> None:
    await adapter_of(name, loopback, client).create_payout(payout_order("NEFT", Paise(50_000)))
    assert loopback.received[0].path == "/api/v1/payout/request-payout"
    assert sent(loopback) == {
        "amount": 500,
        "payment_mode": "NEFT",
        "beneficiary_ifsc": "HDFC0000001",
        "beneficiary_acc_number": "000123456789",
        "beneficiary_bank_name": "HDFC Bank",
        "beneficiary_name": "Asha Rao",
        "ref_id": REFERENCE,
        "remarks": "salary",
        **({"beneficiary_address": ""} if name == "alphapay" else {}),
    }


@pytest.mark.parametrize(
    ("kind", "number", "path", "body"),
    [
        ("payin", "PAY_1", "/api/v1/get-status", b'{"payment_id":"PAY_1"}'),
        ("payin", None, "/api/v1/get-status", f'{{"ref_id":"{REFERENCE}"}}'.encode()),
        ("payout", "REQ_1", "/api/v1/payout/get-status", b'{"request_id":"REQ_1"}'),
        ("payout", None, "/api/v1/payout/get-status", f'{{"ref_id":"{REFERENCE}"}}'.encode()),
    ],
)
async def test_a_question_goes_out_in_clear(
    adapter: ProviderAdapter, loopback: Loopback, kind: PaymentKind, number: str | None, path: str, body: bytes
) -> None:
    await adapter.check_status(kind, REFERENCE, number)
    (request,) = loopback.received
    assert (request.method, request.path, request.body) == ("POST", path, body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"success":false,"message":"ref_id already exists"}',
        b'{"success":false,"message":"Something went wrong, please try again"}',
        b'{"success":false,"message":"Request timed out at bank"}',
        b'{"success":false,"message":"Failed","data":{"request_id":"REQ_1"}}',
        b'{"success":true,"data":{"ref_id":"WP01K9ABCDEF0123456789ABCD","status":"PENDING"}}',
    ],
    ids=["used before", "vague", "timed out", "with a number", "without a number"],
)
async def test_a_refusal_that_proves_nothing_is_unknown(
    adapter: ProviderAdapter, loopback: Loopback, body: bytes
) -> None:
    loopback.will_answer(WireAnswer(200, body))
    assert isinstance(await adapter.create_payout(payout_order()), Unknown)


async def test_a_payin_without_a_link_is_unknown(adapter: ProviderAdapter, loopback: Loopback) -> None:
    payment = f'{{"payment_id":"PAY_1","ref_id":"{REFERENCE}","status":"PENDING"}}'
    loopback.will_answer(WireAnswer(200, f'{{"success":true,"data":{payment}}}'.encode()))
    assert isinstance(await adapter.create_payin(payin_order()), Unknown)


async def test_a_refusal_tells_the_providers_words(adapter: ProviderAdapter, loopback: Loopback) -> None:
    loopback.will_answer(WireAnswer(400, b'{"success":false,"error":{"message":"Invalid IFSC"}}'))
    assert await adapter.create_payout(payout_order()) == Rejected("PROVIDER_REJECTED", "Invalid IFSC", sent=True)


async def test_a_question_refused_without_saying_not_found_is_unknown(
    adapter: ProviderAdapter, loopback: Loopback
) -> None:
    loopback.will_answer(WireAnswer(200, b'{"success":false,"message":"Invalid API key"}'))
    assert isinstance(await adapter.check_status("payout", REFERENCE, None), Unknown)
    loopback.will_answer(WireAnswer(200, b'{"success":false,"message":"No such transaction"}'))
    assert await adapter.check_status("payout", REFERENCE, None) == NotFound("No such transaction")


async def test_what_was_asked_for_counts_before_what_was_paid_out(adapter: ProviderAdapter, loopback: Loopback) -> None:
    data = f'{{"ref_id":"{REFERENCE}","status":"SUCCESS","amount":"95.10","requested_amount":100.10}}'
    loopback.will_answer(WireAnswer(200, f'{{"data":{data}}}'.encode()))
    report = await adapter.check_status("payout", REFERENCE, "REQ_1")
    assert isinstance(report, StatusReport)
    assert report.amount == 10_010


@pytest.mark.parametrize(
    "sealed",
    [
        encrypted(b'{"ref_id":"WP1"}', key="x" * 32),
        SEALED_VECTOR[:-4],
        "no base64!",
        "",
        encrypted(b"[1]"),
        encrypted(b""),
    ],
    ids=["another key", "cut off", "not Base64", "empty", "an array", "nothing in it"],
)
def test_a_payload_that_does_not_decrypt_is_not_read_in_clear(adapter: ProviderAdapter, sealed: str) -> None:
    body = msgspec.json.encode({"payload": sealed, "ref_id": "WP1", "status": "SUCCESS", "payment_id": "PAY_1"})
    with pytest.raises(WebhookUnreadable):
        adapter.parse_webhook("payin", {}, body)


def test_the_manual_form_of_another_system_is_no_webhook(adapter: ProviderAdapter) -> None:
    with pytest.raises(WebhookUnreadable, match="neither ref_id nor a number"):
        adapter.parse_webhook("payin", {}, b'{"manual":true,"status":"SUCCESS","orderId":"WP1","amount":100}')


@pytest.mark.parametrize(
    ("route", "number", "kind"),
    [
        ("payin", "request_id", "payout"),
        ("common", "request_id", "payout"),
        ("common", "payment_id", "payin"),
        ("payout", "payment_id", "payout"),
    ],
)
def test_its_numbers_tell_payouts_from_payins(
    adapter: ProviderAdapter, route: WebhookRoute, number: str, kind: PaymentKind
) -> None:
    (word,) = adapter.parse_webhook(route, {}, msgspec.json.encode({number: "1", "status": "SUCCESS"}))
    assert (word.kind, word.provider_reference) == (kind, "1")


def test_on_the_common_route_the_kind_must_be_told(adapter: ProviderAdapter) -> None:
    with pytest.raises(WebhookUnreadable, match="payin from payout"):
        adapter.parse_webhook("common", {}, b'{"ref_id":"WP1","status":"SUCCESS"}')
