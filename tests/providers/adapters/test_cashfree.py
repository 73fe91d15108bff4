"""What Cashfree is sent, and the corners of what it answers that the contract tests do not reach."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import msgspec
import pytest
from msgspec import structs

from support.loopback import Loopback, WireAnswer, running_loopback
from support.provider_bench import REFERENCE, payin_order, payout_order
from wisipay.core.http_client import HttpClient
from wisipay.core.money import Paise
from wisipay.core.signing import hmac_sha256
from wisipay.providers import (
    Accepted,
    HttpPolicy,
    PaymentKind,
    ProviderHttp,
    ProviderStatus,
    Rejected,
    StatusReport,
    Unknown,
    WebhookUnreadable,
)
from wisipay.providers.adapters.cashfree.adapter import CashfreeAdapter, CashfreeCredentials

CREDENTIALS = CashfreeCredentials(
    client_id="TEST430329ae80",
    client_secret="pg-secret",
    payout_client_id="CF430329CDVF",
    payout_client_secret="payout-secret",
)
LINK = {"cf_link_id": 7, "link_id": REFERENCE, "link_status": "PAID", "link_amount": 100.5, "link_url": "https://x.y/1"}
TIMESTAMP = "1617695238078"


@pytest.fixture
async def loopback() -> AsyncIterator[Loopback]:
    async with running_loopback() as loopback:
        loopback.will_answer(WireAnswer(500, b"{}"))
        yield loopback


@pytest.fixture
async def http() -> AsyncIterator[ProviderHttp]:
    async with HttpClient(private_addresses_allowed=True) as client:
        policy = HttpPolicy(timeout_seconds=20, https_only=False)
        yield ProviderHttp(client, provider="cashfree", channel_id="cashfree_a", policy=policy)


@pytest.fixture
def adapter(loopback: Loopback, http: ProviderHttp) -> CashfreeAdapter:
    return CashfreeAdapter(structs.replace(CREDENTIALS, base_url=f"{loopback.url}/"), http)


def answer(status: int, content: object) -> WireAnswer:
    return WireAnswer(status, msgspec.json.encode(content))


def error(status: int, code: str, kind: str = "invalid_request_error") -> WireAnswer:
    return answer(status, {"type": kind, "code": code, "message": "told"})


def event(name: str, data: object) -> bytes:
    return msgspec.json.encode({"type": name, "event_time": "2026-01-02T10:11:12", "data": data})


def signed(body: bytes, secret: str) -> dict[str, str]:
    told = hmac.new(secret.encode(), TIMESTAMP.encode() + body, hashlib.sha256).digest()
    return {"x-webhook-timestamp": TIMESTAMP, "x-webhook-signature": base64.b64encode(told).decode()}


async def test_a_payin_as_it_goes_over_the_wire(adapter: CashfreeAdapter, loopback: Loopback) -> None:
    await adapter.create_payin(structs.replace(payin_order(), expires_at=datetime(2026, 1, 2, 10, tzinfo=UTC)))
    (request,) = loopback.received
    assert (request.method, request.path) == ("POST", "/pg/links")
    assert (request.headers["x-client-id"], request.headers["x-client-secret"]) == ("TEST430329ae80", "pg-secret")
    assert request.headers["x-api-version"] == "2025-01-01"
    assert b'"link_amount":100.1,' in request.body
    assert msgspec.json.decode(request.body) == {
        "link_id": REFERENCE,
        "link_amount": 100.1,
        "link_currency": "INR",
        "link_purpose": "books",
        "link_partial_payments": False,
        "link_auto_reminders": False,
        "link_notify": {"send_sms": False, "send_email": False},
        "link_expiry_time": "2026-01-02T10:15:00+00:00",
        "customer_details": {
            "customer_phone": "9876543210",
            "customer_email": "asha@example.com",
            "customer_name": "Asha Rao",
        },
        "link_meta": {
            "return_url": "https://shop.example.com/done",
            "notify_url": "https://pay.example.com/webhook/payin/x/y",
            "upi_intent": "false",
            "payment_methods": "upi",
        },
    }


async def test_what_does_not_fit_or_is_not_given_is_not_sent(adapter: CashfreeAdapter, loopback: Loopback) -> None:
    redirect_url = f"https://shop.example.com/{'x' * 250}"
    order = structs.replace(payin_order("INTENT"), remarks=None, redirect_url=redirect_url, webhook_url=None)
    await adapter.create_payin(order)
    sent = msgspec.json.decode(loopback.received[0].body)
    assert sent["link_meta"] == {"upi_intent": "true", "payment_methods": "upi"}
    assert sent["link_purpose"] == f"Order {REFERENCE}"
    assert "link_expiry_time" not in sent


async def test_a_payout_to_an_account_as_it_goes_over_the_wire(adapter: CashfreeAdapter, loopback: Loopback) -> None:
    await adapter.create_payout(structs.replace(payout_order("NEFT"), remarks="June's salary"))
    (request,) = loopback.received
    assert (request.method, request.path) == ("POST", "/payout/transfers")
    assert (request.headers["x-client-id"], request.headers["x-client-secret"]) == ("CF430329CDVF", "payout-secret")
    assert request.headers["x-api-version"] == "2024-01-01"
    assert msgspec.json.decode(request.body) == {
        "transfer_id": REFERENCE,
        "transfer_amount": 100.1,
        "transfer_currency": "INR",
        "transfer_mode": "neft",
        "beneficiary_details": {
            "beneficiary_name": "Asha Rao",
            "beneficiary_instrument_details": {"bank_account_number": "000123456789", "bank_ifsc": "HDFC0000001"},
            "beneficiary_contact_details": {"beneficiary_phone": "9876543210"},
        },
        "transfer_remarks": "June s salary",
    }


async def test_a_payout_to_a_vpa_as_it_goes_over_the_wire(adapter: CashfreeAdapter, loopback: Loopback) -> None:
    await adapter.create_payout(structs.replace(payout_order("UPI"), vpa="asha@upi", phone=None, remarks=None))
    sent = msgspec.json.decode(loopback.received[0].body)
    details = {"beneficiary_name": "Asha Rao", "beneficiary_instrument_details": {"vpa": "asha@upi"}}
    assert (sent["transfer_mode"], sent["beneficiary_details"]) == ("upi", details)
    assert "transfer_remarks" not in sent


async def test_one_pair_of_keys_may_serve_both(loopback: Loopback, http: ProviderHttp) -> None:
    one = CashfreeCredentials(client_id="TEST430329ae80", client_secret="pg-secret", base_url=loopback.url)
    await CashfreeAdapter(one, http).create_payout(payout_order())
    headers = loopback.received[0].headers
    assert (headers["x-client-id"], headers["x-client-secret"]) == ("TEST430329ae80", "pg-secret")


@pytest.mark.parametrize(
    ("kind", "path", "secret"),
    [
        ("payin", f"/pg/links/{REFERENCE}", "pg-secret"),
        ("payout", f"/payout/transfers?transfer_id={REFERENCE}", "payout-secret"),
    ],
)
async def test_questions_as_they_go_over_the_wire(
    adapter: CashfreeAdapter, loopback: Loopback, kind: PaymentKind, path: str, secret: str
) -> None:
    await adapter.check_status(kind, REFERENCE, "7")
    (request,) = loopback.received
    assert (request.method, request.path, request.body) == ("GET", path, b"")
    assert request.headers["x-client-secret"] == secret


async def test_of_a_paid_link_the_amount_paid_counts(adapter: CashfreeAdapter, loopback: Loopback) -> None:
    for word, amount in (("PAID", 9_000), ("ACTIVE", 10_050), ("PARTIALLY_PAID", 10_050)):
        loopback.will_answer(answer(200, {**LINK, "link_status": word, "link_amount_paid": "90.00"}))
        report = await adapter.check_status("payin", REFERENCE, None)
        assert isinstance(report, StatusReport)
        assert report.amount == amount
    loopback.will_answer(answer(200, LINK))
    report = await adapter.check_status("payin", REFERENCE, None)
    assert report == StatusReport(ProviderStatus.SUCCESS, provider_reference="7", amount=Paise(10_050))


async def test_a_transfer_may_be_created_under_201(adapter: CashfreeAdapter, loopback: Loopback) -> None:
    loopback.will_answer(answer(201, {"transfer_id": REFERENCE, "status": "RECEIVED", "status_code": "RECEIVED"}))
    outcome = await adapter.create_payout(payout_order())
    assert outcome == Accepted(ProviderStatus.PENDING, message="RECEIVED")


async def test_a_refusal_has_their_code(adapter: CashfreeAdapter, loopback: Loopback) -> None:
    loopback.will_answer(error(422, "insufficient_balance"))
    assert await adapter.create_payout(payout_order()) == Rejected("INSUFFICIENT_BALANCE", "told", sent=True)
    loopback.will_answer(error(429, "too_many_requests", "rate_limit_error"))
    assert await adapter.create_payout(payout_order()) == Rejected("THROTTLED", "told", sent=True)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (409, "idempotency_error", "idempotency_error"),
        (422, "request_invalid", "idempotency_error"),
        (400, "transfer_id_already_exists", "invalid_request_error"),
        (400, "duplicate_transfer", "invalid_request_error"),
        (400, "internal_error", "api_error"),
        (404, "request_failed", "invalid_request_error"),
        (502, "bank_gateway_failure", "api_error"),
        (503, "transfer_amount_invalid", "invalid_request_error"),
    ],
)
async def test_what_may_have_been_executed_is_unknown(
    adapter: CashfreeAdapter, loopback: Loopback, status: int, code: str, kind: str
) -> None:
    loopback.will_answer(error(status, code, kind))
    assert await adapter.create_payout(payout_order()) == Unknown(f"HTTP {status} {code}: told")


async def test_a_transfer_made_before_counts_and_a_link_made_before_is_unknown(
    adapter: CashfreeAdapter, loopback: Loopback
) -> None:
    loopback.will_answer(error(409, "transfer_id_already_exists"))
    outcome = await adapter.create_payout(payout_order())
    assert isinstance(outcome, Accepted)
    assert outcome.status is ProviderStatus.PENDING
    loopback.will_answer(error(409, "link_already_exists"))
    assert isinstance(await adapter.create_payin(payin_order()), Unknown)


async def test_only_what_is_not_found_by_their_own_word_is_not_found(
    adapter: CashfreeAdapter, loopback: Loopback
) -> None:
    for status, code in ((404, "request_failed"), (400, "transfer_not_found")):
        loopback.will_answer(error(status, code))
        assert isinstance(await adapter.check_status("payout", REFERENCE, None), Unknown)


def test_the_signature_is_that_of_the_golden_vector() -> None:
    told = hmac_sha256("cfsecret", b'1617695238078{"event":"payout.processed"}')
    assert base64.b64encode(told) == b"gDIR1kod7IbUTUWc8KozXV0zKkn3PfDoe9Q2NuRRxOA="


def test_each_secret_of_the_channel_may_have_signed(http: ProviderHttp) -> None:
    adapter = CashfreeAdapter(structs.replace(CREDENTIALS, webhook_secret="older"), http)
    body = event("PAYMENT_LINK_EVENT", LINK)
    for secret, believed in (("pg-secret", True), ("payout-secret", True), ("older", True), ("else", False)):
        (word,) = adapter.parse_webhook("common", signed(body, secret), body)
        assert word.authentic == believed


@pytest.mark.parametrize("timestamp", ["", "161769523807\N{SUPERSCRIPT TWO}", "161769523807\N{DEVANAGARI DIGIT ONE}"])
def test_only_digits_tell_the_time_of_a_signature(adapter: CashfreeAdapter, timestamp: str) -> None:
    body = event("PAYMENT_LINK_EVENT", LINK)
    told = hmac.new(b"pg-secret", timestamp.encode() + body, hashlib.sha256).digest()
    headers = {"x-webhook-timestamp": timestamp, "x-webhook-signature": base64.b64encode(told).decode()}
    assert not adapter.parse_webhook("payin", headers, body)[0].authentic


@pytest.mark.parametrize("name", ["TRANSFER_SUCCESS", "TRANSFER_ACKNOWLEDGED", "TRANSFER_FAILED", "TRANSFER_APPROVED"])
def test_the_status_of_a_transfer_not_the_events_name_counts(adapter: CashfreeAdapter, name: str) -> None:
    data = {"transfer_id": REFERENCE, "cf_transfer_id": "12", "status": "SUCCESS", "transfer_utr": "N1"}
    (word,) = adapter.parse_webhook("payin", {}, event(name, data))
    assert (word.kind, word.status, word.utr) == ("payout", ProviderStatus.SUCCESS, "N1")


@pytest.mark.parametrize(
    ("payment", "status", "utr"),
    [
        ({"payment_status": "SUCCESS"}, ProviderStatus.PROCESSING, "4123"),
        ({"payment_status": "FAILED"}, ProviderStatus.PENDING, None),
        ({"payment_status": "USER_DROPPED"}, ProviderStatus.PENDING, None),
        ({}, ProviderStatus.PENDING, None),
    ],
)
def test_a_payment_of_a_link_ends_nothing(
    adapter: CashfreeAdapter, payment: dict[str, str], status: ProviderStatus, utr: str | None
) -> None:
    order = {"order_id": "CFPay_1", "order_currency": "INR", "order_tags": {"link_id": REFERENCE}}
    data = {"order": order, "payment": {"payment_amount": 100.5, "bank_reference": "4123", **payment}}
    (word,) = adapter.parse_webhook("payin", {}, event("PAYMENT_SUCCESS_WEBHOOK", data))
    assert (word.kind, word.reference, word.status, word.utr) == ("payin", REFERENCE, status, utr)
    assert (word.amount, word.currency) == (Paise(10_050), "INR")


@pytest.mark.parametrize(
    "body",
    [
        event("PAYMENT_FAILED_WEBHOOK", {"order": {"order_id": "1", "order_tags": None}, "payment": {}}),
        event("PAYMENT_FAILED_WEBHOOK", None),
        event("BULK_TRANSFER_REJECTED", {"batch_transfer_id": "1", "status": "REJECTED"}),
        event("LOW_BALANCE_ALERT", {}),
        event("REFUND_STATUS_WEBHOOK", {}),
    ],
)
def test_events_about_something_else_have_no_words(adapter: CashfreeAdapter, body: bytes) -> None:
    assert adapter.parse_webhook("common", {}, body) == ()


@pytest.mark.parametrize(
    "body",
    [
        event("TRANSFER_SUCCESS", {"status": "SUCCESS"}),
        event("TRANSFER_SUCCESS", {"transfer_id": "1"}),
        event("PAYMENT_LINK_EVENT", {"link_id": "1"}),
        b"event=TRANSFER_SUCCESS&transferId=1&signature=x",
    ],
)
def test_an_event_without_payment_or_state_is_unreadable(adapter: CashfreeAdapter, body: bytes) -> None:
    with pytest.raises(WebhookUnreadable):
        adapter.parse_webhook("payout", {}, body)
