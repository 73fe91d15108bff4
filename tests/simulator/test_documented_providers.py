"""SabioPay, Razorpay and Cashfree as played: what their documentation refuses is refused, and nothing is executed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest

from support.simulator import Heard, Simulator

SALT = "the-salt"
BASIC = "Basic " + base64.b64encode(b"rzp_test_1:secret").decode()
TRANSFER = {
    "merchant_reference_number": "PO1",
    "amount": "100.00",
    "transfer_type": "IMPS",
    "account_number": "000123456789",
    "ifsc_code": "HDFC0000001",
    "account_name": "Asha Rao",
    "bank_name": "HDFC Bank",
}
LINK = {
    "order_id": "PI1",
    "amount": "100.00",
    "currency": "INR",
    "description": "books",
    "name": "Asha Rao",
    "email": "asha@example.com",
    "phone": "9999999999",
    "city": "Mumbai",
    "country": "IND",
    "zip_code": "400001",
    "return_url": "https://shop.example.com",
}
PAYOUT = {
    "account_number": "7878780080316316",
    "amount": 10_000,
    "currency": "INR",
    "mode": "UPI",
    "purpose": "payout",
    "fund_account": {"account_type": "vpa", "vpa": {"address": "a@upi"}, "contact": {"name": "Asha Rao"}},
    "reference_id": "PO1",
}
CF_LINK = {
    "link_id": "PI1",
    "link_amount": 100.5,
    "link_currency": "INR",
    "link_purpose": "books",
    "customer_details": {"customer_phone": "9999999999"},
}
CF_TRANSFER = {
    "transfer_id": "PO1",
    "transfer_amount": 100.5,
    "transfer_mode": "upi",
    "beneficiary_details": {"beneficiary_name": "Asha", "beneficiary_instrument_details": {"vpa": "a@upi"}},
}
CF_HEADERS = {"x-client-id": "client", "x-client-secret": SALT, "x-api-version": "2024-01-01"}


@pytest.fixture(autouse=True)
async def accounts(simulator: Simulator) -> AsyncIterator[None]:
    """Have the simulator know one account of each, and see that nothing refused was taken."""
    for name, key in (("sabio", "api-key"), ("razor", "rzp_test_1"), ("cash", "client")):
        account = {"api_key": key, "webhook_secret": SALT}
        assert (await simulator.call("PUT", f"/control/accounts/{name}", account)).status == 200
    yield
    summary = await simulator.summary()
    assert summary["accepted_payins"] + summary["accepted_payouts"] <= 1


def hashed(form: dict[str, str], salt: str = SALT) -> bytes:
    filled = {"api_key": "api-key", **form}
    values = "|".join(filled[name] for name in sorted(filled) if filled[name])
    told = hashlib.sha512(f"{salt}|{values}".encode()).hexdigest().upper()
    return urlencode({**filled, "hash": told}).encode()


async def razor(simulator: Simulator, path: str, content: object, **headers: str) -> Heard:
    named = {"Authorization": BASIC, "X-Payout-Idempotency": "key-of-PO1", **headers}
    return await simulator.call("POST", f"/razorpay/v1/{path}", content, **named)


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("v3/fundtransfer", b"\xff\xff", 1024),
        ("v3/fundtransfer", b"amount=1", 1001),
        ("v3/fundtransfer", hashed(TRANSFER, "another"), 1023),
        ("v3/fundtransfer", hashed({**TRANSFER, "bank_name": ""}), 1024),
        ("v3/fundtransfer", hashed({**TRANSFER, "amount": "abc"}), 1007),
        ("v3/fundtransfer", hashed({**TRANSFER, "amount": "0.99"}), 1010),
        ("v3/fundtransfer", hashed({**TRANSFER, "amount": "200000.01"}), 1007),
        ("v3/fundtransfer", hashed({**TRANSFER, "transfer_type": "RTGS"}), 1007),
        ("v3/fundtransfer", hashed({**TRANSFER, "merchant_reference_number": "x" * 31}), 1007),
        ("v2/getpaymentrequestintenturl", hashed({**LINK, "currency": "USD"}), 1007),
        ("v2/getpaymentrequestintenturl", hashed({**LINK, "description": "sim:nonsense"}), 1007),
        ("v2/paymentstatus", hashed({}), 1024),
        ("v2/paymentstatus", hashed({"order_id": "NONE"}), 1028),
        ("v3/fundtransferstatus", hashed({"merchant_reference_number": "NONE"}), 1028),
    ],
)
async def test_sabiopay_refuses_with_a_code_of_its_family(
    simulator: Simulator, path: str, body: bytes, code: int
) -> None:
    heard = await simulator.call("POST", f"/sabiopay/{path}", body)
    assert (heard.status, heard.body["error"]["code"]) == (200, code)


async def test_sabiopay_takes_a_code_that_a_token_names(simulator: Simulator) -> None:
    heard = await simulator.call(
        "POST", "/sabiopay/v2/getpaymentrequestintenturl", hashed({**LINK, "description": "sim:reject=1029"})
    )
    assert heard.body["error"]["code"] == 1029


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("payment_links", b"{"),
        ("payment_links", {"amount": 99, "reference_id": "PI1"}),
        ("payment_links", {"amount": 100, "reference_id": "PI1", "currency": "USD"}),
        ("payment_links", {"amount": 100, "reference_id": "x" * 41}),
        ("payment_links", {"amount": 100, "reference_id": ""}),
        ("payment_links", {"amount": 100, "reference_id": "PI1", "callback_url": "https://x.y"}),
        ("payouts", b"{}"),
        ("payouts", {**PAYOUT, "amount": 99}),
        ("payouts", {**PAYOUT, "mode": "IMPS"}),
        ("payouts", {**PAYOUT, "mode": "upi"}),
        ("payouts", {**PAYOUT, "narration": "June's"}),
    ],
)
async def test_razorpay_refuses_what_its_documentation_does(simulator: Simulator, path: str, content: object) -> None:
    heard = await razor(simulator, path, content)
    assert (heard.status, heard.body["error"]["code"]) == (400, "BAD_REQUEST_ERROR")


@pytest.mark.parametrize("told", ["", "Bearer x", "Basic !", "Basic " + base64.b64encode(b"rzp_test_1:").decode()])
async def test_razorpay_wants_both_halves_of_its_key(simulator: Simulator, told: str) -> None:
    for path in ("payment_links", "payouts"):
        assert (await razor(simulator, path, PAYOUT, Authorization=told)).status == 401
        assert (await simulator.call("GET", f"/razorpay/v1/{path}?account_number=1", Authorization=told)).status == 401


async def test_razorpay_wants_an_idempotency_key_and_the_same_content_under_it(simulator: Simulator) -> None:
    for key in ("", "abc", "x" * 37, "a/b/c"):
        assert (await razor(simulator, "payouts", PAYOUT, **{"X-Payout-Idempotency": key})).status == 400
    first, again = [await razor(simulator, "payouts", PAYOUT) for _ in range(2)]
    assert first.status == again.status == 200
    assert first.body["id"] == again.body["id"]
    other = await razor(simulator, "payouts", {**PAYOUT, "amount": 20_000})
    assert "Idempotency" in other.body["error"]["description"]


async def test_razorpay_lists_payouts_of_a_named_account_only(simulator: Simulator) -> None:
    unnamed = await simulator.call("GET", "/razorpay/v1/payouts?reference_id=PO1", Authorization=BASIC)
    assert unnamed.status == 400
    named = await simulator.call("GET", "/razorpay/v1/payouts?reference_id=PO1&account_number=7", Authorization=BASIC)
    assert named.body == {"entity": "collection", "count": 0, "items": []}


@pytest.mark.parametrize(
    ("path", "content", "code"),
    [
        ("pg/links", b"{", "request_invalid"),
        ("pg/links", {**CF_LINK, "link_id": "a b"}, "link_id_invalid"),
        ("pg/links", {**CF_LINK, "customer_details": {"customer_phone": "+91"}}, "customer_phone_invalid"),
        ("pg/links", {**CF_LINK, "link_amount": 0.5}, "amount_invalid"),
        ("pg/links", {**CF_LINK, "link_amount": "x"}, "amount_invalid"),
        ("pg/links", {**CF_LINK, "link_purpose": "sim:reject=LINK_LIMIT"}, "link_limit"),
        ("payout/transfers", b"{}", "request_invalid"),
        ("payout/transfers", {**CF_TRANSFER, "transfer_id": "a-b"}, "transfer_id_invalid"),
        ("payout/transfers", {**CF_TRANSFER, "transfer_mode": "imps"}, "transfer_mode_invalid"),
        ("payout/transfers", {**CF_TRANSFER, "transfer_mode": "cash"}, "transfer_mode_invalid"),
        ("payout/transfers", {**CF_TRANSFER, "transfer_remarks": "June's"}, "transfer_remarks_invalid"),
        ("payout/transfers", {**CF_TRANSFER, "transfer_currency": "USD"}, "amount_invalid"),
    ],
)
async def test_cashfree_refuses_what_its_documentation_does(
    simulator: Simulator, path: str, content: object, code: str
) -> None:
    heard = await simulator.call("POST", f"/cashfree/{path}", content, **CF_HEADERS)
    assert heard.status in {400, 422}
    assert (heard.body["type"], heard.body["code"]) == ("invalid_request_error", code)


@pytest.mark.parametrize(
    ("headers", "status"), [({"x-client-id": ""}, 401), ({"x-client-secret": "x"}, 401), ({"x-api-version": ""}, 400)]
)
async def test_cashfree_wants_a_pair_of_keys_and_a_version(
    simulator: Simulator, headers: dict[str, str], status: int
) -> None:
    named = {**CF_HEADERS, **headers}
    assert (await simulator.call("POST", "/cashfree/pg/links", CF_LINK, **named)).status == status
    assert (await simulator.call("GET", "/cashfree/pg/links/PI1", **named)).status == status
