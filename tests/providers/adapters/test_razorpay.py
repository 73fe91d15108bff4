"""What Razorpay is sent, and the corners of what it answers that the contract tests do not reach."""

from __future__ import annotations

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
from wisipay.core.signing import hmac_sha256_hex
from wisipay.providers import (
    Accepted,
    HttpPolicy,
    InvalidCredentials,
    NotFound,
    PaymentKind,
    ProviderHttp,
    ProviderStatus,
    Rejected,
    StatusReport,
    Unknown,
    WebhookUnreadable,
    check_credentials,
)
from wisipay.providers.adapters.razorpay.adapter import RazorpayAdapter, RazorpayCredentials

CREDENTIALS = RazorpayCredentials(
    key_id="rzp_test_1DP5mmOlF5G5ag", key_secret="secret", webhook_secret="whsec", account_number="7878780080316316"
)
LINK = {"id": "plink_1", "reference_id": REFERENCE, "status": "paid", "amount": 10_010, "short_url": "https://rzp.io/1"}
PAYOUT = {"id": "pout_1", "reference_id": REFERENCE, "status": "processing", "amount": 10_010}


@pytest.fixture
async def loopback() -> AsyncIterator[Loopback]:
    async with running_loopback() as loopback:
        loopback.will_answer(WireAnswer(500, b"{}"))
        yield loopback


@pytest.fixture
async def http() -> AsyncIterator[ProviderHttp]:
    async with HttpClient(private_addresses_allowed=True) as client:
        policy = HttpPolicy(timeout_seconds=20, https_only=False)
        yield ProviderHttp(client, provider="razorpay", channel_id="razorpay_a", policy=policy)


@pytest.fixture
def adapter(loopback: Loopback, http: ProviderHttp) -> RazorpayAdapter:
    return RazorpayAdapter(structs.replace(CREDENTIALS, base_url=f"{loopback.url}/v1/"), http)


def answer(status: int, content: object) -> WireAnswer:
    return WireAnswer(status, msgspec.json.encode(content))


def event(**payload: object) -> bytes:
    entities = {name: {"entity": entity} for name, entity in payload.items()}
    return msgspec.json.encode({"entity": "event", "event": "x.y", "payload": entities})


async def test_a_payin_as_it_goes_over_the_wire(adapter: RazorpayAdapter, loopback: Loopback) -> None:
    expires_at = datetime(2026, 1, 2, tzinfo=UTC)
    await adapter.create_payin(structs.replace(payin_order(), expires_at=expires_at))
    (request,) = loopback.received
    assert (request.method, request.path) == ("POST", "/v1/payment_links")
    assert request.headers["authorization"] == "Basic cnpwX3Rlc3RfMURQNW1tT2xGNUc1YWc6c2VjcmV0"
    assert msgspec.json.decode(request.body) == {
        "amount": 10_010,
        "currency": "INR",
        "accept_partial": False,
        "reference_id": REFERENCE,
        "description": "books",
        "customer": {"name": "Asha Rao", "contact": "9876543210", "email": "asha@example.com"},
        "notify": {"sms": False, "email": False},
        "reminder_enable": False,
        "notes": {"reference_id": REFERENCE},
        "callback_url": "https://shop.example.com/done",
        "callback_method": "get",
        "expire_by": 1_767_312_000 + 900,
    }


async def test_live_links_are_for_upi_and_what_is_not_given_is_not_sent(loopback: Loopback, http: ProviderHttp) -> None:
    live = structs.replace(CREDENTIALS, key_id="rzp_live_1DP5mmOlF5G5ag", base_url=loopback.url)
    await RazorpayAdapter(live, http).create_payin(structs.replace(payin_order(), remarks=None, redirect_url=None))
    sent = msgspec.json.decode(loopback.received[0].body)
    assert sent["upi_link"] is True
    assert sent["description"] == f"Order {REFERENCE}"
    assert sent.keys().isdisjoint({"callback_url", "callback_method", "expire_by"})


async def test_a_payout_to_an_account_as_it_goes_over_the_wire(adapter: RazorpayAdapter, loopback: Loopback) -> None:
    order = structs.replace(
        payout_order(), beneficiary_name="Zoë O'Rao & Sons", remarks="June's salary: the second part"
    )
    await adapter.create_payout(order)
    (request,) = loopback.received
    assert (request.method, request.path) == ("POST", "/v1/payouts")
    assert request.headers["x-payout-idempotency"] == REFERENCE
    assert msgspec.json.decode(request.body) == {
        "account_number": "7878780080316316",
        "amount": 10_010,
        "currency": "INR",
        "mode": "IMPS",
        "purpose": "payout",
        "fund_account": {
            "account_type": "bank_account",
            "bank_account": {"name": "Zoe O'Rao Sons", "ifsc": "HDFC0000001", "account_number": "000123456789"},
            "contact": {"name": "Zoe O'Rao Sons", "contact": "9876543210", "type": "customer"},
        },
        "queue_if_low_balance": False,
        "reference_id": REFERENCE,
        "narration": "June s salary the second part",
    }


async def test_a_payout_to_a_vpa_as_it_goes_over_the_wire(adapter: RazorpayAdapter, loopback: Loopback) -> None:
    await adapter.create_payout(structs.replace(payout_order("UPI"), vpa="asha@upi", phone=None, remarks=None))
    sent = msgspec.json.decode(loopback.received[0].body)
    contact = {"name": "Asha Rao", "type": "customer"}
    assert sent["fund_account"] == {"account_type": "vpa", "vpa": {"address": "asha@upi"}, "contact": contact}
    assert "narration" not in sent


@pytest.mark.parametrize(
    ("kind", "known", "path"),
    [
        ("payin", "plink_1", "/v1/payment_links/plink_1"),
        ("payin", "plink_/../x?", "/v1/payment_links/plink_%2F..%2Fx%3F"),
        ("payin", None, f"/v1/payment_links?reference_id={REFERENCE}"),
        ("payin", "pay_1", f"/v1/payment_links?reference_id={REFERENCE}"),
        ("payout", "pout_1", "/v1/payouts/pout_1"),
        ("payout", None, f"/v1/payouts?account_number=7878780080316316&reference_id={REFERENCE}"),
    ],
)
async def test_questions_as_they_go_over_the_wire(
    adapter: RazorpayAdapter, loopback: Loopback, kind: PaymentKind, known: str | None, path: str
) -> None:
    await adapter.check_status(kind, REFERENCE, known)
    (request,) = loopback.received
    assert (request.method, request.path, request.body) == ("GET", path, b"")


def test_without_an_account_to_pay_from_there_are_no_payouts(http: ProviderHttp) -> None:
    capabilities = RazorpayAdapter(structs.replace(CREDENTIALS, account_number=None), http).capabilities
    assert capabilities.payin_modes
    assert not capabilities.payout_modes


def test_each_rail_needs_its_own_particulars(adapter: RazorpayAdapter) -> None:
    needs = adapter.capabilities.payout_rules.needs_by_mode
    assert ("UPI", "vpa") in needs
    assert {("NEFT", "ifsc"), ("RTGS", "account_number")} <= needs


@pytest.mark.parametrize("key_id", ["", "key", "rzp_prod_1DP5mmOlF5G5ag", "rzp_live_"])
def test_a_key_that_cannot_be_one_is_not_taken(key_id: str) -> None:
    with pytest.raises(InvalidCredentials):
        check_credentials("razorpay", {"keyId": key_id, "keySecret": "secret"})


async def test_one_payment_is_read_as_well_as_a_list_of_one(adapter: RazorpayAdapter, loopback: Loopback) -> None:
    for content in (LINK, {"payment_links": [LINK]}):
        loopback.will_answer(answer(200, content))
        report = await adapter.check_status("payin", REFERENCE, "plink_1")
        assert report == StatusReport(ProviderStatus.SUCCESS, provider_reference="plink_1", amount=Paise(10_010))


async def test_of_a_paid_link_the_amount_paid_counts(adapter: RazorpayAdapter, loopback: Loopback) -> None:
    for word, amount in (("paid", 9_000), ("created", 10_010), ("partially_paid", 10_010)):
        loopback.will_answer(answer(200, {**LINK, "status": word, "amount_paid": 9_000}))
        report = await adapter.check_status("payin", REFERENCE, "plink_1")
        assert isinstance(report, StatusReport)
        assert report.amount == amount


@pytest.mark.parametrize("items", [[PAYOUT, PAYOUT], [{**PAYOUT, "reference_id": "WPOTHER"}], [1]])
async def test_a_list_that_does_not_tell_one_payment_is_unknown(
    adapter: RazorpayAdapter, loopback: Loopback, items: list[object]
) -> None:
    loopback.will_answer(answer(200, {"items": items}))
    assert isinstance(await adapter.check_status("payout", REFERENCE, None), Unknown)


async def test_an_id_that_they_do_not_know_is_not_found(adapter: RazorpayAdapter, loopback: Loopback) -> None:
    told = "The id provided does not exist"
    loopback.will_answer(answer(400, {"error": {"code": "BAD_REQUEST_ERROR", "description": told}}))
    assert await adapter.check_status("payout", REFERENCE, "pout_1") == NotFound(told)
    loopback.will_answer(answer(401, {"error": {"code": "BAD_REQUEST_ERROR", "description": told}}))
    assert isinstance(await adapter.check_status("payout", REFERENCE, "pout_1"), Unknown)


async def test_a_payout_may_fail_at_once_and_says_why(adapter: RazorpayAdapter, loopback: Loopback) -> None:
    error = {"description": "IMPS is not enabled", "reason": "imps_not_allowed", "code": "NA"}
    for told in ({"error": error}, {"failure_reason": "IMPS is not enabled"}, {"status_details": error}):
        loopback.will_answer(answer(200, {**PAYOUT, "status": "failed", **told}))
        outcome = await adapter.create_payout(payout_order())
        assert isinstance(outcome, Accepted)
        assert (outcome.status, outcome.message) == (ProviderStatus.FAILED, "IMPS is not enabled")


async def test_a_refusal_has_their_reason_for_its_code(adapter: RazorpayAdapter, loopback: Loopback) -> None:
    for reason, code in (
        ("input_validation_failed", "INPUT_VALIDATION_FAILED"),
        ("NA", "BAD_REQUEST_ERROR"),
        ("null", "BAD_REQUEST_ERROR"),
        (None, "BAD_REQUEST_ERROR"),
    ):
        error = {"code": "BAD_REQUEST_ERROR", "description": "no", "reason": reason}
        loopback.will_answer(answer(400, {"error": error}))
        assert await adapter.create_payout(payout_order()) == Rejected(code, "no", sent=True)


@pytest.mark.parametrize(
    ("status", "code", "description"),
    [
        (400, "BAD_REQUEST_ERROR", "Different request body sent for the same Idempotency Header."),
        (400, "BAD_REQUEST_ERROR", "payment link creation with reference ID already attempted"),
        (400, "BAD_REQUEST_ERROR", "We are facing some trouble completing your request at the moment."),
        (400, "SERVER_ERROR", "?"),
        (400, "GATEWAY_ERROR", "?"),
        (404, "BAD_REQUEST_ERROR", "The requested URL was not found on the server."),
        (409, "BAD_REQUEST_ERROR", "another request is in progress"),
        (503, "BAD_REQUEST_ERROR", "?"),
    ],
)
async def test_what_may_have_been_executed_is_unknown(
    adapter: RazorpayAdapter, loopback: Loopback, status: int, code: str, description: str
) -> None:
    loopback.will_answer(answer(status, {"error": {"code": code, "description": description}}))
    assert await adapter.create_payout(payout_order()) == Unknown(f"HTTP {status} {code}: {description}")


def test_the_signature_is_that_of_the_golden_vector() -> None:
    told = "21999d58a39ac2e0e2c25783108624d6331a534c797e53fdd537e12b29467086"
    assert hmac_sha256_hex("whsec", b'{"event":"payout.processed"}') == told


def test_an_event_is_believed_by_its_signature_only(adapter: RazorpayAdapter) -> None:
    body = event(payout=PAYOUT)
    signature = hmac.new(b"whsec", body, hashlib.sha256).hexdigest()
    for told, believed in ((signature, True), (f" {signature.upper()} ", True), (signature[:-1], False)):
        (word,) = adapter.parse_webhook("common", {"x-razorpay-signature": told}, body)
        assert (word.kind, word.authentic) == ("payout", believed)


def test_without_a_webhook_secret_every_event_is_a_hint(http: ProviderHttp) -> None:
    adapter = RazorpayAdapter(structs.replace(CREDENTIALS, webhook_secret=None), http)
    headers = {"X-Razorpay-Signature": hmac.new(b"", event(payout=PAYOUT), hashlib.sha256).hexdigest()}
    assert not adapter.parse_webhook("payout", headers, event(payout=PAYOUT))[0].authentic


def test_a_paid_link_brings_the_banks_reference_of_its_payment(adapter: RazorpayAdapter) -> None:
    for acquirer, utr in (({"rrn": "4123"}, "4123"), ({"bank_transaction_id": "B1"}, "B1"), ({}, None), ([], None)):
        (word,) = adapter.parse_webhook("payin", {}, event(payment_link=LINK, payment={"acquirer_data": acquirer}))
        assert (word.reference, word.provider_reference, word.utr) == (REFERENCE, "plink_1", utr)


@pytest.mark.parametrize(
    ("payment", "status"),
    [
        ({"status": "captured"}, ProviderStatus.SUCCESS),
        ({"status": "captured", "fee_bearer": "customer"}, ProviderStatus.PROCESSING),
        ({"status": "authorized"}, ProviderStatus.PROCESSING),
        ({"status": "failed", "error_description": "declined"}, ProviderStatus.PENDING),
        ({"status": "created"}, ProviderStatus.PENDING),
        ({"status": "refunded"}, ProviderStatus.PENDING),
    ],
)
def test_a_payment_of_a_link_is_known_by_the_links_notes(
    adapter: RazorpayAdapter, payment: dict[str, object], status: ProviderStatus
) -> None:
    entity = {"id": "pay_1", "amount": 10_010, "currency": "INR", "notes": {"reference_id": REFERENCE}, **payment}
    (word,) = adapter.parse_webhook("payin", {}, event(payment=entity))
    assert (word.kind, word.reference, word.provider_reference) == ("payin", REFERENCE, None)
    assert (word.status, word.amount, word.currency) == (status, Paise(10_010), "INR")


@pytest.mark.parametrize(
    "body",
    [
        event(payment={"status": "captured", "notes": []}),
        event(payment={"status": "captured", "notes": {"other": "1"}}),
        event(settlement={"id": "setl_1"}),
        b'{"event":"payout.processed"}',
    ],
)
def test_events_about_something_else_have_no_words(adapter: RazorpayAdapter, body: bytes) -> None:
    assert adapter.parse_webhook("common", {}, body) == ()


def test_an_event_without_the_state_of_its_payment_is_unreadable(adapter: RazorpayAdapter) -> None:
    with pytest.raises(WebhookUnreadable):
        adapter.parse_webhook("common", {}, event(payout={"id": "pout_1"}))
