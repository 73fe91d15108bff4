"""What the dummy adapter sends, and the corners of what it reads that the contract tests do not reach."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from support.loopback import Loopback, WireAnswer, running_loopback
from support.provider_bench import REFERENCE, payin_order, payout_order
from wisipay.core.http_client import HttpClient
from wisipay.providers import HttpPolicy, ProviderHttp, ProviderStatus, Rejected, Unknown, WebhookUnreadable
from wisipay.providers.adapters.dummy import DummyAdapter, DummyCredentials


@pytest.fixture
async def loopback() -> AsyncIterator[Loopback]:
    async with running_loopback() as loopback:
        loopback.will_answer(WireAnswer(500, b"{}"))
        yield loopback


@pytest.fixture
async def adapter(loopback: Loopback) -> AsyncIterator[DummyAdapter]:
    async with HttpClient(private_addresses_allowed=True) as client:
        policy = HttpPolicy(timeout_seconds=20, https_only=False)
        http = ProviderHttp(client, provider="dummy", channel_id="dummy_a", policy=policy)
        yield DummyAdapter(DummyCredentials(base_url=f"{loopback.url}/", api_key="key"), http)


async def test_a_payin_as_it_goes_over_the_wire(adapter: DummyAdapter, loopback: Loopback) -> None:
    await adapter.create_payin(payin_order())
    (request,) = loopback.received
    assert (request.method, request.path) == ("POST", "/dummy/v1/payins")
    assert request.headers["authorization"] == "Bearer key"
    assert request.headers["content-type"] == "application/json"
    assert msgspec.json.decode(request.body) == {
        "ref_id": REFERENCE,
        "amount": "100.10",
        "currency": "INR",
        "mode": "UPI",
        "customer": {"name": "Asha Rao", "email": "asha@example.com", "phone": "9876543210"},
        "callback_url": "https://pay.example.com/webhook/payin/x/y",
        "redirect_url": "https://shop.example.com/done",
        "remarks": "books",
    }


async def test_a_payout_as_it_goes_over_the_wire(adapter: DummyAdapter, loopback: Loopback) -> None:
    await adapter.create_payout(payout_order())
    (request,) = loopback.received
    assert (request.method, request.path) == ("POST", "/dummy/v1/payouts")
    assert msgspec.json.decode(request.body) == {
        "ref_id": REFERENCE,
        "amount": "100.10",
        "currency": "INR",
        "mode": "IMPS",
        "beneficiary": {
            "name": "Asha Rao",
            "account_number": "000123456789",
            "ifsc": "HDFC0000001",
            "bank_name": "HDFC Bank",
            "vpa": None,
            "phone": "9876543210",
        },
        "callback_url": "https://pay.example.com/webhook/payout/x/y",
        "remarks": "salary",
    }


async def test_a_question_as_it_goes_over_the_wire(adapter: DummyAdapter, loopback: Loopback) -> None:
    await adapter.check_status("payin", REFERENCE, "DUMMY_PY_1")
    (request,) = loopback.received
    assert (request.method, request.path, request.body) == ("GET", f"/dummy/v1/payins/{REFERENCE}", b"")


async def test_maintenance_is_an_outage_and_throttling_is_not(adapter: DummyAdapter, loopback: Loopback) -> None:
    for status, code, outage in ((503, "MAINTENANCE", True), (429, "THROTTLED", False)):
        loopback.will_answer(WireAnswer(status, f'{{"success":false,"error":{{"code":"{code}"}}}}'.encode()))
        assert await adapter.create_payin(payin_order()) == Rejected(code, code, sent=True, outage=outage)


@pytest.mark.parametrize("status", [403, 404, 409, 500, 503])
async def test_an_undocumented_refusal_is_unknown(adapter: DummyAdapter, loopback: Loopback, status: int) -> None:
    loopback.will_answer(WireAnswer(status, b'{"success":false,"error":{"code":"SURPRISE","message":"?"}}'))
    assert await adapter.create_payout(payout_order()) == Unknown(f"HTTP {status} SURPRISE")
    assert await adapter.check_status("payout", REFERENCE, None) == Unknown(f"HTTP {status} SURPRISE")


async def test_a_duplicate_without_the_first_order_is_unknown(adapter: DummyAdapter, loopback: Loopback) -> None:
    loopback.will_answer(WireAnswer(409, b'{"success":false,"error":{"code":"DUPLICATE_REFERENCE"}}'))
    assert isinstance(await adapter.create_payout(payout_order()), Unknown)


def test_without_a_webhook_secret_every_webhook_is_a_hint(adapter: DummyAdapter) -> None:
    headers = {"X-Dummy-Timestamp": "1770323283897", "X-Dummy-Signature": "0" * 64}
    (word,) = adapter.parse_webhook("payin", headers, b'{"ref_id":"WP1","status":"SUCCESS"}')
    assert not word.authentic
    assert (word.kind, word.reference, word.provider_reference) == ("payin", "WP1", None)


def test_an_array_under_one_signature_is_several_words(adapter: DummyAdapter) -> None:
    body = b'[{"payment_id":"DUMMY_PY_1","status":"SUCCESS"},{"payment_id":"DUMMY_PO_2","status":"REVERSED"}]'
    words = adapter.parse_webhook("common", {}, body)
    assert [(word.kind, word.status) for word in words] == [
        ("payin", ProviderStatus.SUCCESS),
        ("payout", ProviderStatus.REVERSED),
    ]


def test_on_the_common_route_the_kind_must_be_told(adapter: DummyAdapter) -> None:
    with pytest.raises(WebhookUnreadable, match="payin from payout"):
        adapter.parse_webhook("common", {}, b'{"ref_id":"WP1","status":"SUCCESS"}')


def test_a_word_about_no_payment_is_unreadable(adapter: DummyAdapter) -> None:
    with pytest.raises(WebhookUnreadable, match="neither payment_id nor ref_id"):
        adapter.parse_webhook("payin", {}, b'{"status":"SUCCESS"}')


def test_a_word_without_a_status_asks_for_a_look(adapter: DummyAdapter) -> None:
    (word,) = adapter.parse_webhook("payin", {}, b'{"ref_id":"WP1"}')
    assert word.status is ProviderStatus.PENDING
