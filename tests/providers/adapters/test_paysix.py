"""What the Paysix adapter sends and signs, and the corners of what it reads that the contract tests do not reach."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from time import time

import msgspec
import pytest
from msgspec import structs

from support.loopback import Loopback, WireAnswer, running_loopback
from support.provider_bench import REFERENCE, payin_order, payout_order
from wisipay.core.http_client import HttpClient
from wisipay.core.money import Paise
from wisipay.core.signing import hmac_sha256_hex
from wisipay.providers import HttpPolicy, NotFound, ProviderHttp, ProviderStatus, Rejected, Unknown, WebhookUnreadable
from wisipay.providers.adapters.paysix import PaysixAdapter, PaysixCredentials

SECRET = "a-secret"


@pytest.fixture
async def loopback() -> AsyncIterator[Loopback]:
    async with running_loopback() as loopback:
        loopback.will_answer(WireAnswer(500, b"{}"))
        yield loopback


@pytest.fixture
async def adapter(loopback: Loopback) -> AsyncIterator[PaysixAdapter]:
    async with HttpClient(private_addresses_allowed=True) as client:
        policy = HttpPolicy(timeout_seconds=20, https_only=False)
        http = ProviderHttp(client, provider="paysix", channel_id="paysix_a", policy=policy)
        credentials = PaysixCredentials(base_url=f"{loopback.url}/", merchant_id="MER-OURS", api_secret=SECRET)
        yield PaysixAdapter(credentials, http)


def assert_signed(loopback: Loopback) -> None:
    (request,) = loopback.received
    timestamp = request.headers["x-timestamp"]
    signed = hmac.new(SECRET.encode(), request.body + b"|" + timestamp.encode(), hashlib.sha256).hexdigest()
    assert request.headers["x-signature"] == signed
    assert request.headers["x-merchant-id"] == "MER-OURS"
    assert abs(int(timestamp) / 1_000 - time()) < 600


def test_the_vector_of_the_signature() -> None:
    message = b'{"event":"payout.processed"}|1770323283897'
    assert hmac_sha256_hex("secret", message) == "afea291dbbe10f0622ac2190dd7f4503f0f621f63cfe83df5ed058b2d836b819"


def test_a_callback_signed_as_in_the_vector_is_verified(adapter: PaysixAdapter) -> None:
    body, timestamp = b'{"type":"PAYOUT","orderId":"WP1","status":"SUCCESS"}', "1770323283897"
    headers = {"X-Timestamp": timestamp, "X-Signature": hmac_sha256_hex(SECRET, body + b"|" + timestamp.encode())}
    (word,) = adapter.parse_webhook("payout", headers, body)
    assert (word.authentic, word.kind, word.status) == (True, "payout", ProviderStatus.SUCCESS)
    headers["X-Signature"] = f"sha256={headers['X-Signature'].upper()}".replace("SHA256", "sha256")
    assert adapter.parse_webhook("payin", headers, body) == (word,)


async def test_a_payin_as_it_goes_over_the_wire(adapter: PaysixAdapter, loopback: Loopback) -> None:
    await adapter.create_payin(payin_order("QR", Paise(10_000)))
    assert_signed(loopback)
    assert loopback.received[0].path == "/api/payment/payin/initiate"
    assert msgspec.json.decode(loopback.received[0].body) == {
        "amount": 100,
        "orderId": REFERENCE,
        "paymentMode": "QR",
        "customerName": "Asha Rao",
        "customerEmail": "asha@example.com",
        "customerPhone": "9876543210",
        "remarks": "books",
        "redirectUrl": "https://shop.example.com/done",
    }


async def test_a_payout_as_it_goes_over_the_wire(adapter: PaysixAdapter, loopback: Loopback) -> None:
    await adapter.create_payout(structs.replace(payout_order("NEFT", Paise(10_000)), phone=None))
    assert_signed(loopback)
    assert loopback.received[0].path == "/api/payment/payout/initiate"
    assert msgspec.json.decode(loopback.received[0].body) == {
        "amount": 100,
        "orderId": REFERENCE,
        "paymentMode": "NEFT",
        "beneficiaryName": "Asha Rao",
        "beneficiaryAccountNumber": "000123456789",
        "beneficiaryIfsc": "HDFC0000001",
        "beneficiaryBankName": "HDFC Bank",
        "remarks": "salary",
    }


async def test_a_question_signs_an_empty_body(adapter: PaysixAdapter, loopback: Loopback) -> None:
    await adapter.check_status("payout", REFERENCE, "PSX1")
    assert_signed(loopback)
    assert (loopback.received[0].method, loopback.received[0].body) == ("GET", b"")
    assert loopback.received[0].path == f"/api/payment/payout/status/{REFERENCE}"


async def test_an_amount_with_paise_is_never_cut(adapter: PaysixAdapter, loopback: Loopback) -> None:
    outcome = await adapter.create_payout(payout_order())
    assert outcome == Rejected("AMOUNT_NOT_WHOLE", "Paysix takes whole rupees only", sent=False)
    assert loopback.received == []


@pytest.mark.parametrize(
    ("code", "message", "retryable"),
    [
        ("PROVIDER_TIMEOUT", "no", "false"),
        ("INTERNAL_ERROR", "no", "false"),
        ("VALIDATION_ERROR", "no", "true"),
        ("VALIDATION_ERROR", "orderId already exists", "false"),
    ],
)
async def test_trouble_of_theirs_is_no_rejection(
    adapter: PaysixAdapter, loopback: Loopback, code: str, message: str, retryable: str
) -> None:
    error = f'{{"code":"{code}","message":"{message}","retryable":{retryable}}}'
    loopback.will_answer(WireAnswer(400, f'{{"success":false,"error":{error}}}'.encode()))
    assert isinstance(await adapter.create_payout(payout_order(amount=Paise(10_000))), Unknown)


async def test_not_found_is_told_by_code_or_words(adapter: PaysixAdapter, loopback: Loopback) -> None:
    for error in ('{"code":"TXN_NOT_FOUND"}', '{"code":"E404","description":"No such payment"}'):
        loopback.will_answer(WireAnswer(404, f'{{"success":false,"error":{error}}}'.encode()))
        assert isinstance(await adapter.check_status("payin", REFERENCE, None), NotFound)
    loopback.will_answer(WireAnswer(404, b'{"success":false,"error":{"code":"E404"}}'))
    assert isinstance(await adapter.check_status("payin", REFERENCE, None), Unknown)


def test_on_the_common_route_the_kind_must_be_told(adapter: PaysixAdapter) -> None:
    with pytest.raises(WebhookUnreadable, match="payin from payout"):
        adapter.parse_webhook("common", {}, b'{"orderId":"WP1","status":"SUCCESS"}')


def test_a_word_about_no_payment_is_unreadable(adapter: PaysixAdapter) -> None:
    with pytest.raises(WebhookUnreadable, match="neither orderId"):
        adapter.parse_webhook("payin", {}, b'{"type":"payin","status":"SUCCESS"}')
