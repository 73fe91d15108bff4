"""Both clients against a scripted server: what is sent, what is tried again, what comes of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import httpx
import pytest

from wisipay.access import sign, v2_message
from wisipay_sdk import (
    AsyncWisipay,
    InvalidAnswer,
    NoAnswer,
    Payin,
    PayinOrder,
    PaymentRefused,
    PaymentState,
    PaymentType,
    Payout,
    PayoutOrder,
    Refused,
    Retries,
    Status,
    Wisipay,
)

PAYIN = PayinOrder(
    amount=500,
    order_id="ORDER-10001",
    payment_mode="UPI",
    customer_name="Aśa Rao",
    customer_email="asha@example.com",
    customer_phone="9876543210",
)
PAYOUT = PayoutOrder(
    amount=500, order_id="ORDER-10002", payment_mode="UPI", beneficiary_name="Asha Rao", beneficiary_vpa="asha@okaxis"
)
STARTED = {
    "orderId": "ORDER-10001",
    "transactionId": "WP1",
    "amount": 500,
    "status": "PENDING",
    "paymentUrl": "https://p",
}
STATE = {
    "orderId": "A/B 1",
    "transactionId": "WP1",
    "type": "PAYIN",
    "status": "SUCCESS",
    "amount": 500,
    "utr": "U1",
    "createdAt": "2026-01-05T10:00:00.000Z",
    "updatedAt": "2026-01-05T10:00:02.500Z",
}

Script = list[httpx.Response | Exception]
Started = Payin | Payout | PaymentState


@dataclass
class Server:
    """Answers what its script says, and keeps what it was asked and how long it was waited for."""

    script: Script
    requests: list[httpx.Request] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        told = self.script.pop(0)
        if isinstance(told, Exception):
            raise told
        return told

    def wait(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def wait_async(self, seconds: float) -> None:
        self.pauses.append(seconds)


async def ask(kind: str, server: Server, what: str = "payin", *, key: str | None = None, attempts: int = 4) -> Started:
    """Make one call with the sync or the async client."""
    url, transport, retries = "https://pay.example.com/in/", httpx.MockTransport(server), Retries(attempts=attempts)
    asked_type: PaymentType | None = "PAYIN" if what == "payin state" else None
    if kind == "sync":
        with Wisipay(
            url, merchant_id="MER-1", secret="s3cret", retries=retries, transport=transport, sleep=server.wait
        ) as wisipay:
            if what == "payin":
                return wisipay.start_payin(PAYIN, idempotency_key=key)
            if what == "payout":
                return wisipay.start_payout(PAYOUT, idempotency_key=key)
            return wisipay.state("A/B 1", asked_type)
    async with AsyncWisipay(
        url, merchant_id="MER-1", secret="s3cret", retries=retries, transport=transport, sleep=server.wait_async
    ) as wisipay:
        if what == "payin":
            return await wisipay.start_payin(PAYIN, idempotency_key=key)
        if what == "payout":
            return await wisipay.start_payout(PAYOUT, idempotency_key=key)
        return await wisipay.state("A/B 1", asked_type)


def success(data: object) -> httpx.Response:
    return httpx.Response(200, json={"success": True, "data": data})


def refusal(status: int, code: str = "CONFLICT", **headers: str) -> httpx.Response:
    body = {"success": False, "error": "No", "code": code, "details": {"amount": "is missing"}}
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def pay_refusal(status: int, code: str, *, retryable: bool) -> httpx.Response:
    error = {"code": code, "message": "No", "description": "No money", "retryable": retryable}
    return httpx.Response(status, json={"success": False, "error": error}, headers={"x-request-id": "req-7"})


CLIENTS = pytest.mark.parametrize("kind", ["sync", "async"])


@CLIENTS
async def test_a_payin_is_signed_as_the_server_checks_it(kind: str) -> None:
    server = Server([success(STARTED)])
    started = await ask(kind, server)
    assert started == Payin("ORDER-10001", "WP1", 500, Status.PENDING, "https://p")
    (request,) = server.requests
    assert str(request.url) == "https://pay.example.com/in/api/payment/payin/initiate"
    message = v2_message(
        method="POST",
        path_and_query="/in/api/payment/payin/initiate",
        body=request.content,
        timestamp=request.headers["x-timestamp"],
    )
    assert request.headers["x-signature"] == "v2=" + sign(b"s3cret", message)
    assert request.headers["x-merchant-id"] == "MER-1"
    assert json.loads(request.content) == {
        "amount": 500,
        "orderId": "ORDER-10001",
        "paymentMode": "UPI",
        "customerName": "Aśa Rao",
        "customerEmail": "asha@example.com",
        "customerPhone": "9876543210",
    }


@CLIENTS
async def test_a_payout_and_states(kind: str) -> None:
    payout = {"orderId": "ORDER-10002", "transactionId": "WP2", "status": "PROCESSING", "utr": None}
    server = Server([success(payout), success(STATE), success(STATE)])
    assert await ask(kind, server, "payout") == Payout("ORDER-10002", "WP2", Status.PROCESSING, None)
    state = await ask(kind, server, "state")
    assert isinstance(state, PaymentState)
    assert (state.status.is_final, (state.updated_at - state.created_at).total_seconds()) == (True, 2.5)
    await ask(kind, server, "payin state")
    paths = [request.url.raw_path for request in server.requests[1:]]
    assert paths == [b"/in/api/payment/A%2FB%201", b"/in/api/payment/payin/status/A%2FB%201"]
    assert all("idempotency-key" not in request.headers for request in server.requests[1:])


@CLIENTS
async def test_what_may_pass_is_tried_again_under_one_key_with_a_fresh_signature(kind: str) -> None:
    server = Server([httpx.ConnectError("down"), refusal(503), refusal(409, retry_after="3"), success(STARTED)])
    assert isinstance(await ask(kind, server), Payin)
    assert len({request.headers["idempotency-key"] for request in server.requests}) == 1
    assert len({request.content for request in server.requests}) == 1
    first, second, third = server.pauses
    assert 0.375 <= first <= 0.625
    assert 0.75 <= second <= 1.25
    assert third == 3


@CLIENTS
async def test_the_callers_key_is_used(kind: str) -> None:
    server = Server([success(STARTED)])
    await ask(kind, server, key="mine-1")
    assert server.requests[0].headers["idempotency-key"] == "mine-1"


@CLIENTS
async def test_no_answer_names_the_key_to_go_on_with(kind: str) -> None:
    server = Server([httpx.ReadTimeout("slow")] * 3)
    with pytest.raises(NoAnswer, match="3 attempts") as caught:
        await ask(kind, server, key="mine-2", attempts=3)
    assert caught.value.idempotency_key == "mine-2"
    assert len(server.pauses) == 2


@CLIENTS
async def test_a_refusal_is_told_at_once_with_its_fields(kind: str) -> None:
    server = Server([refusal(400, "BAD_REQUEST", x_request_id="req-1")])
    with pytest.raises(Refused, match=r"BAD_REQUEST: No \(amount: is missing\)") as caught:
        await ask(kind, server)
    assert (caught.value.http_status, caught.value.details) == (400, {"amount": "is missing"})
    assert (caught.value.request_id, caught.value.is_certain, server.pauses) == ("req-1", True, [])


@CLIENTS
async def test_an_order_id_used_twice_is_not_tried_again(kind: str) -> None:
    server = Server([pay_refusal(409, "PAY_1005", retryable=False)])
    with pytest.raises(PaymentRefused, match="PAY_1005: No: No money") as caught:
        await ask(kind, server)
    assert (caught.value.retryable, caught.value.request_id) == (False, "req-7")


@CLIENTS
async def test_after_the_last_attempt_the_refusal_is_told(kind: str) -> None:
    server = Server([pay_refusal(503, "PAY_1301", retryable=True)] * 2)
    with pytest.raises(PaymentRefused) as caught:
        await ask(kind, server, attempts=2)
    assert (caught.value.retryable, caught.value.is_certain) == (True, True)


async def test_an_unexpected_error_leaves_open_what_happened() -> None:
    with pytest.raises(Refused) as caught:
        await ask("sync", Server([refusal(500, "INTERNAL_ERROR")]))
    assert not caught.value.is_certain


@pytest.mark.parametrize(
    "body",
    [b"<html>Bad gateway</html>", b"[]", b"{}", b'{"success":true,"data":{}}', b'{"success":false}', b"\xff"],
    ids=["html", "array", "empty", "no data", "no error", "no text"],
)
async def test_what_is_not_wisipay_is_told_apart(body: bytes) -> None:
    with pytest.raises(InvalidAnswer, match="HTTP 200") as caught:
        await ask("sync", Server([httpx.Response(200, content=body, headers={"x-request-id": "req-9"})]))
    assert (caught.value.http_status, caught.value.request_id) == (200, "req-9")


def test_a_secret_is_not_printed() -> None:
    with Wisipay("https://pay.example.com", merchant_id="MER-1", secret="s3cret") as wisipay:
        assert "s3cret" not in repr(vars(wisipay))


async def test_real_waits_when_none_are_given() -> None:
    server = Server([refusal(503), success(STARTED), refusal(503), success(STARTED)])
    retries = Retries(attempts=2, first_gap_seconds=0.001)
    transport = httpx.MockTransport(server)
    with Wisipay("https://p", merchant_id="M", secret="s", retries=retries, transport=transport) as wisipay:
        assert wisipay.start_payin(PAYIN).order_id == "ORDER-10001"
    async with AsyncWisipay("https://p", merchant_id="M", secret="s", retries=retries, transport=transport) as other:
        assert (await other.start_payin(PAYIN)).order_id == "ORDER-10001"
