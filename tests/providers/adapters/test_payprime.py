"""What the Payprime adapter sends, and the corners of what it reads that the contract tests do not reach."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
from msgspec import structs

from support.loopback import Loopback, WireAnswer, running_loopback
from support.provider_bench import REFERENCE, payin_order, payout_order
from wisipay.core.http_client import HttpClient
from wisipay.providers import (
    Accepted,
    HttpPolicy,
    ProviderHttp,
    ProviderStatus,
    Rejected,
    StatusReport,
    Unknown,
    WebhookUnreadable,
)
from wisipay.providers.adapters.payprime import PayprimeAdapter, PayprimeCredentials


@pytest.fixture
async def loopback() -> AsyncIterator[Loopback]:
    async with running_loopback() as loopback:
        loopback.will_answer(WireAnswer(500, b"{}"))
        yield loopback


@pytest.fixture
async def adapter(loopback: Loopback) -> AsyncIterator[PayprimeAdapter]:
    async with HttpClient(private_addresses_allowed=True) as client:
        policy = HttpPolicy(timeout_seconds=20, https_only=False)
        http = ProviderHttp(client, provider="payprime", channel_id="payprime_a", policy=policy)
        yield PayprimeAdapter(PayprimeCredentials(base_url=f"{loopback.url}/api/payout/", api_token="tkn"), http)


def answers(loopback: Loopback, content: object, status: int = 200) -> None:
    loopback.will_answer(WireAnswer(status, msgspec.json.encode(content)))


async def test_a_payout_as_it_goes_over_the_wire(adapter: PayprimeAdapter, loopback: Loopback) -> None:
    await adapter.create_payout(payout_order())
    (request,) = loopback.received
    assert (request.method, request.path) == ("POST", "/api/payout/initiate")
    assert msgspec.json.decode(request.body) == {
        "token": "tkn",
        "pay_type": "transfer",
        "clientRefId": REFERENCE,
        "amount": 100.1,
        "mode": "IMPS",
        "note": "salary",
        "beneDetails": {
            "accountNumber": "000123456789",
            "name": "Asha Rao",
            "bankName": "HDFC Bank",
            "ifsc": "HDFC0000001",
            "mobile": "9876543210",
        },
    }


async def test_what_is_not_known_is_left_out(adapter: PayprimeAdapter, loopback: Loopback) -> None:
    await adapter.create_payout(structs.replace(payout_order(), phone=None, remarks=None))
    content = msgspec.json.decode(loopback.received[0].body)
    assert content["note"] == "Payprime"
    assert "mobile" not in content["beneDetails"]


@pytest.mark.parametrize(("number", "asked"), [("PP_1", "PP_1"), (None, REFERENCE)])
async def test_a_question_is_a_get_with_a_body(
    adapter: PayprimeAdapter, loopback: Loopback, number: str | None, asked: str
) -> None:
    await adapter.check_status("payout", REFERENCE, number)
    (request,) = loopback.received
    assert (request.method, request.path) == ("GET", "/api/payout/check-status")
    assert msgspec.json.decode(request.body) == {"token": "tkn", "order_id": asked}


async def test_it_takes_no_payins(adapter: PayprimeAdapter, loopback: Loopback) -> None:
    outcome = await adapter.create_payin(payin_order())
    assert isinstance(outcome, Rejected)
    assert not outcome.sent
    assert loopback.received == []


async def test_the_outermost_status_is_that_of_the_call(adapter: PayprimeAdapter, loopback: Loopback) -> None:
    answers(loopback, {"status": "SUCCESS", "orderId": 17})
    assert await adapter.create_payout(payout_order()) == Accepted(ProviderStatus.PENDING, provider_reference="17")
    answers(loopback, {"status": "SUCCESS", "order_id": "17"})
    assert isinstance(await adapter.check_status("payout", REFERENCE, "17"), Unknown)


@pytest.mark.parametrize(
    "content",
    [
        {"status": False, "order_id": "PP_1", "message": "Insufficient balance"},
        {"status": False},
        {"data": {"status": False}, "message": "Please try again"},
        {"code": 200, "status": True, "message": "ok"},
        {"order_id": "PP_1", "clientRefId": "WPANOTHER"},
    ],
    ids=["refused with a number", "without a reason", "vague", "taken without a number", "another payment"],
)
async def test_an_order_whose_fate_is_not_told_is_unknown(
    adapter: PayprimeAdapter, loopback: Loopback, content: object
) -> None:
    answers(loopback, content)
    assert isinstance(await adapter.create_payout(payout_order()), Unknown)


@pytest.mark.parametrize(
    "content",
    [
        {"code": 500, "txn_status": "FAILED"},
        {"status": False, "txn_status": "FAILED", "message": "lookup failed"},
        {"txn_status": "SUCCESS", "order_id": "PP_2"},
        {"txn_status": "SUCCESS", "clientRefId": "WPANOTHER"},
    ],
    ids=["a code", "a flag", "another number", "another reference"],
)
async def test_a_question_that_failed_is_no_word_about_the_payout(
    adapter: PayprimeAdapter, loopback: Loopback, content: object
) -> None:
    answers(loopback, content)
    assert isinstance(await adapter.check_status("payout", REFERENCE, "PP_1"), Unknown)


async def test_the_words_of_inner_levels_are_read_and_the_utr_found(
    adapter: PayprimeAdapter, loopback: Loopback
) -> None:
    answers(loopback, {"data": [{"status": "PROCESSED", "transaction_id": "UTR1", "orderId": "PP_1"}]})
    report = StatusReport(ProviderStatus.SUCCESS, provider_reference="PP_1", utr="UTR1")
    assert await adapter.check_status("payout", REFERENCE, "PP_1") == report
    answers(loopback, {"data": {"status": "PENDING", "data": {"status": "FAILED", "utr": "UTR2"}}})
    assert await adapter.check_status("payout", REFERENCE, None) == StatusReport(ProviderStatus.FAILED, utr="UTR2")


def test_every_payment_of_an_array_is_read(adapter: PayprimeAdapter) -> None:
    items = [{"clientRefId": f"WP{number}", "status": "SUCCESS"} for number in range(3)]
    words = adapter.parse_webhook("payout", {}, msgspec.json.encode({"data": items}))
    assert [word.reference for word in words] == ["WP0", "WP1", "WP2"]
    assert not any(word.authentic for word in words)


def test_its_order_number_comes_before_its_payid(adapter: PayprimeAdapter) -> None:
    body = {"payid": "PAYID_1", "data": {"order_id": "PP_1", "txn_status": "SUCCESS"}, "clientRef": "WP1"}
    (word,) = adapter.parse_webhook("common", {}, msgspec.json.encode(body))
    assert (word.reference, word.provider_reference, word.status) == ("WP1", "PP_1", ProviderStatus.SUCCESS)


def test_a_word_about_no_payment_is_unreadable(adapter: PayprimeAdapter) -> None:
    with pytest.raises(WebhookUnreadable, match="neither clientRefId"):
        adapter.parse_webhook("payout", {}, b'{"status":"SUCCESS","data":{}}')
