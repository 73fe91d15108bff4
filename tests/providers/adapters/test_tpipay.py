"""What the TPIPay adapters send, and the corners of what they read that the contract tests do not reach."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from support.loopback import Loopback, WireAnswer, running_loopback
from support.provider_bench import REFERENCE, payin_order, payout_order
from wisipay.core.http_client import HttpClient
from wisipay.core.money import Paise
from wisipay.providers import (
    Accepted,
    HttpPolicy,
    NotFound,
    PaymentKind,
    ProviderHttp,
    ProviderStatus,
    StatusReport,
    Unknown,
    WebhookRoute,
    WebhookUnreadable,
)
from wisipay.providers.adapters.tpipay import TpipayAdapter, TpipayCredentials, TpipayV2Adapter, TpipayV2Credentials
from wisipay.providers.outgoing import numeric_name

NUMBER = numeric_name(REFERENCE)


@pytest.fixture
async def loopback() -> AsyncIterator[Loopback]:
    async with running_loopback() as loopback:
        loopback.will_answer(WireAnswer(500, b"{}"))
        yield loopback


@pytest.fixture
async def http() -> AsyncIterator[ProviderHttp]:
    async with HttpClient(private_addresses_allowed=True) as client:
        policy = HttpPolicy(timeout_seconds=20, https_only=False)
        yield ProviderHttp(client, provider="tpipay", channel_id="tpipay_a", policy=policy)


@pytest.fixture
def adapter(loopback: Loopback, http: ProviderHttp) -> TpipayAdapter:
    addresses = {"base_url": f"{loopback.url}/api/", "payout_base_url": f"{loopback.url}/v1/"}
    return TpipayAdapter(TpipayCredentials("tkn", payee_account_type="current", **addresses), http)


@pytest.fixture
def second(loopback: Loopback, http: ProviderHttp) -> TpipayV2Adapter:
    credentials = TpipayV2Credentials("tkn", "desk@example.com", "9000000001", loopback.url, f"{loopback.url}/v2")
    return TpipayV2Adapter(credentials, http)


def answers(loopback: Loopback, content: object, status: int = 200) -> None:
    loopback.will_answer(WireAnswer(status, msgspec.json.encode(content)))


async def test_a_payin_as_it_goes_over_the_wire(adapter: TpipayAdapter, loopback: Loopback) -> None:
    await adapter.create_payin(payin_order())
    (request,) = loopback.received
    assert (request.method, request.path) == ("POST", "/api/createorder")
    assert msgspec.json.decode(request.body) == {
        "api_token": "tkn",
        "amount": 100.1,
        "mobile": "9876543210",
        "name": "Asha Rao",
        "email": "asha@example.com",
        "order_id": NUMBER,
    }


async def test_a_payout_as_it_goes_over_the_wire(adapter: TpipayAdapter, loopback: Loopback) -> None:
    await adapter.create_payout(payout_order())
    (request,) = loopback.received
    assert (request.method, request.path) == ("POST", "/v1/createOrder")
    assert msgspec.json.decode(request.body) == {
        "api_token": "tkn",
        "amount": 100.1,
        "transfer_mode": "IMPS",
        "externalTxnId": REFERENCE,
        "payee_name": "Asha Rao",
        "payee_account": "000123456789",
        "payee_ifsc": "HDFC0000001",
        "payee_ac_type": "current",
        "payee_bank_name": "HDFC Bank",
    }


@pytest.mark.parametrize(("mode", "channel"), [("NEFT", "1"), ("IMPS", "2")])
async def test_a_payout_of_version_2_as_it_goes_over_the_wire(
    second: TpipayV2Adapter, loopback: Loopback, mode: str, channel: str
) -> None:
    await second.create_payout(payout_order(mode))
    (request,) = loopback.received
    assert (request.method, request.path) == ("POST", "/v2/transfer-now")
    assert msgspec.json.decode(request.body) == {
        "api_token": "tkn",
        "mobile_number": "9000000001",
        "email": "desk@example.com",
        "beneficiary_name": "Asha Rao",
        "ifsc_code": "HDFC0000001",
        "account_number": "000123456789",
        "amount": 100.1,
        "channel_id": channel,
        "client_id": REFERENCE,
    }


async def test_questions_as_they_go_over_the_wire(adapter: TpipayAdapter, loopback: Loopback) -> None:
    await adapter.check_status("payin", REFERENCE, None)
    await adapter.check_status("payout", REFERENCE, None)
    payin, payout = loopback.received
    assert (payin.method, payin.path) == ("POST", "/api/check-trxn-status")
    assert msgspec.json.decode(payin.body) == {"api_token": "tkn", "order_id": NUMBER}
    assert (payout.method, payout.body) == ("GET", b"")
    assert payout.path == f"/v1/status-check?api_token=tkn&type=status-check&externalRef={REFERENCE}"


async def test_version_2_asks_about_payins_only(second: TpipayV2Adapter, loopback: Loopback) -> None:
    assert isinstance(await second.check_status("payout", REFERENCE, None), Unknown)
    assert loopback.received == []
    answers(loopback, {"status": "failed", "message": "No such order"})
    assert await second.check_status("payin", REFERENCE, None) == NotFound("No such order")


async def test_a_collection_in_the_other_spelling(adapter: TpipayAdapter, loopback: Loopback) -> None:
    data = {"order_id": int(NUMBER), "gatewayOrderId": "G1", "qr_string": "upi://pay?pa=x", "amount": "100.10"}
    answers(loopback, {"data": data})
    taken = Accepted(
        ProviderStatus.PENDING, provider_reference=NUMBER, payment_url="upi://pay?pa=x", amount=Paise(10_010)
    )
    assert await adapter.create_payin(payin_order()) == taken


@pytest.mark.parametrize(
    "content",
    [
        {"status": "validation_error", "qrString": "upi://pay"},
        {"status": "failed", "message": "order_id already exists"},
        {"status": "failed", "message": "Something went wrong"},
        {"status": "success", "message": "ok"},
        {"status": "failed"},
    ],
    ids=["refused with a code", "used before", "vague", "without a code", "without a reason"],
)
async def test_a_collection_whose_fate_is_not_told_is_unknown(
    adapter: TpipayAdapter, loopback: Loopback, content: object
) -> None:
    answers(loopback, content)
    outcome = await adapter.create_payin(payin_order())
    assert isinstance(outcome, Unknown)
    assert outcome.provider_reference == NUMBER


async def test_the_outer_status_of_a_question_is_that_of_the_call(adapter: TpipayAdapter, loopback: Loopback) -> None:
    for content in (
        {"status": "failed", "externalRef": REFERENCE},
        {"status": "success", "externalRef": REFERENCE, "message": "ok"},
        {"status": "success", "txnStatus": "SUCCESS", "externalRef": "WPANOTHER"},
    ):
        answers(loopback, content)
        assert isinstance(await adapter.check_status("payout", REFERENCE, None), Unknown), content
    answers(loopback, {"status": "SUCCESS", "externalRef": REFERENCE, "utr": "412345678901", "amount": 100.1})
    moved = StatusReport(ProviderStatus.SUCCESS, utr="412345678901", amount=Paise(10_010))
    assert await adapter.check_status("payout", REFERENCE, None) == moved
    answers(loopback, {"status": "failed", "txnStatus": "PENDING", "externalRef": REFERENCE})
    assert await adapter.check_status("payout", REFERENCE, None) == StatusReport(ProviderStatus.PENDING)


async def test_a_collection_that_could_not_be_looked_up_has_not_failed(
    adapter: TpipayAdapter, loopback: Loopback
) -> None:
    answers(loopback, {"status": "failed", "data": {"status": "failed", "order_id": NUMBER}, "message": "try later"})
    assert isinstance(await adapter.check_status("payin", REFERENCE, None), Unknown)
    answers(loopback, {"status": "success", "data": {"status": "credit", "order_id": "1"}})
    assert isinstance(await adapter.check_status("payin", REFERENCE, None), Unknown)


@pytest.mark.parametrize(
    ("route", "content", "kind", "reference", "number"),
    [
        ("payin", {"order_id": NUMBER}, "payin", None, NUMBER),
        ("common", {"type": "payin", "orderId": NUMBER}, "payin", None, NUMBER),
        ("payin", {"externalTxnId": "WP1", "order_id": "9"}, "payout", "WP1", None),
        ("common", {"client_id": "WP1", "payid": "PAYID_1"}, "payout", "WP1", "PAYID_1"),
        ("payout", {"payid": "PAYID_1"}, "payout", None, "PAYID_1"),
    ],
)
def test_its_webhooks_name_payments_in_many_ways(
    adapter: TpipayAdapter,
    *,
    route: WebhookRoute,
    content: dict[str, str],
    kind: PaymentKind,
    reference: str | None,
    number: str | None,
) -> None:
    (word,) = adapter.parse_webhook(route, {}, msgspec.json.encode({**content, "status": "credit"}))
    assert (word.kind, word.reference, word.provider_reference) == (kind, reference, number)
    assert (word.status, word.authentic) == (ProviderStatus.SUCCESS, False)


def test_on_the_common_route_the_kind_must_be_told(adapter: TpipayAdapter) -> None:
    with pytest.raises(WebhookUnreadable, match="payin from payout"):
        adapter.parse_webhook("common", {}, b'{"order_id":"1","status":"credit"}')


def test_a_word_about_no_payment_is_unreadable(adapter: TpipayAdapter) -> None:
    with pytest.raises(WebhookUnreadable, match="no number"):
        adapter.parse_webhook("payout", {}, b'{"order_id":"1","status":"credit"}')


def test_version_2_is_answered_as_it_insists(second: TpipayV2Adapter) -> None:
    assert second.webhook_reply() == (200, "application/json", b'{"status":"success","message":"received"}')
