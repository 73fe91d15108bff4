"""The examples of the OpenAPI document: requests, answers, callbacks, and every error under its HTTP status.

Decides values only. Errors come from the tables that answer real requests, so that none is missing and none invented.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from litestar.openapi.spec import Example

from wisipay.core import errors
from wisipay.merchants import Refusal
from wisipay.payments.errors import TABLE, PaymentError

_TRANSACTION: Final = "WP01KAN7M3Q0ZV5T9Y2C4D6F"
_ORDER: Final = "ORDER-10001"
_CUSTOMER: Final = {
    "customerName": "Asha Rao",
    "customerEmail": "asha@example.com",
    "customerPhone": "9876543210",
}

PAYIN_BODIES: Final = (
    Example(id="upi", summary="UPI", value={"amount": 500, "orderId": _ORDER, "paymentMode": "UPI", **_CUSTOMER}),
    Example(
        id="all",
        summary="With everything",
        value={
            "amount": 500,
            "orderId": _ORDER,
            "paymentMode": "INTENT",
            **_CUSTOMER,
            "remarks": "invoice 42",
            "redirectUrl": "https://shop.example.com/thanks",
            "currency": "INR",
        },
    ),
)
PAYOUT_BODIES: Final = (
    Example(
        id="account",
        summary="To a bank account",
        value={
            "amount": 500,
            "orderId": "PAYOUT-20001",
            "paymentMode": "IMPS",
            "beneficiaryName": "Asha Rao",
            "beneficiaryAccountNumber": "000123456789",
            "beneficiaryIfsc": "HDFC0000001",
            "beneficiaryBankName": "HDFC Bank",
        },
    ),
    Example(
        id="vpa",
        summary="To a VPA",
        value={
            "amount": 500,
            "orderId": "PAYOUT-20002",
            "paymentMode": "UPI",
            "beneficiaryName": "Asha Rao",
            "beneficiaryVpa": "asha@examplebank",
        },
    ),
)


def _told(name: str, summary: str, data: dict[str, Any]) -> Example:
    return Example(id=name, summary=summary, value={"success": True, "data": data})


_PAYIN_DATA: Final = {"orderId": _ORDER, "transactionId": _TRANSACTION, "amount": 500, "status": "PENDING"}
PAYIN: Final = (
    _told("page", "The provider's page", {**_PAYIN_DATA, "paymentUrl": "https://provider.example.com/p/1"}),
    _told(
        "upi",
        "Our page, where the provider gave a UPI link",
        {
            **_PAYIN_DATA,
            "paymentUrl": f"https://pay.example.com/pay/{_TRANSACTION}.x9QJ2mTt1l0oJ3Nn0yqk0w",
            "upiLink": f"upi://pay?pa=shop@bank&am=500.00&cu=INR&tr={_TRANSACTION}",
        },
    ),
)
_PAYOUT_DATA: Final = {"transactionId": _TRANSACTION, "orderId": "PAYOUT-20001"}
PAYOUT: Final = (
    _told(
        "success",
        "Done at once; under way, `status` is `PROCESSING` and `utr` null",
        {**_PAYOUT_DATA, "status": "SUCCESS", "utr": "612345678901"},
    ),
)
STATUS: Final = (
    _told(
        "success",
        "Paid",
        {
            "orderId": _ORDER,
            "transactionId": _TRANSACTION,
            "type": "PAYIN",
            "status": "SUCCESS",
            "amount": 500,
            "createdAt": "2026-02-05T20:28:03.897Z",
            "updatedAt": "2026-02-05T20:29:11.204Z",
            "utr": "612345678901",
        },
    ),
)
CALLBACKS: Final = (
    Example(
        id="payin",
        summary="A payin was paid",
        value={
            "orderId": _ORDER,
            "transactionId": _TRANSACTION,
            "amount": 500,
            "currency": "INR",
            "status": "SUCCESS",
            "utr": "612345678901",
            "type": "PAYIN",
            "timestamp": 1770323351204,
            "hash": "5b0d7a0f2b6f0d1f3f5f0a6f6f3a8e0c9f1d2b3a4c5d6e7f8091a2b3c4d5e6f7",
        },
    ),
)
HEADERS_MISSING: Final = (
    Example(
        id="headers",
        summary="Headers",
        value=errors.BadRequest(
            "Authentication headers: x-signature is missing", details={"x-signature": "is missing"}
        ).body(),
    ),
)
_REQUEST_ERRORS: Final[tuple[tuple[str, errors.AppError], ...]] = (
    ("fields", errors.BadRequest("amount must be a whole number", details={"amount": "must be a whole number"})),
    ("merchant", errors.Unauthorized("No merchant has this x-merchant-id", details={"x-merchant-id": "is unknown"})),
    *(
        (reason.value, errors.Forbidden(f"{reason.value.capitalize().replace('_', ' ')}", details={"reason": reason}))
        for reason in Refusal
    ),
    ("order", errors.NotFound("You have no such order", details={"orderId": _ORDER})),
    ("order", errors.Conflict("This orderId has been used before", details={"orderId": _ORDER})),
    ("running", errors.Conflict("The first request with this Idempotency-Key is still running")),
    ("large", errors.PayloadTooLarge()),
    ("type", errors.UnsupportedMediaType()),
    ("key", errors.UnprocessableEntity("This Idempotency-Key was used for another request")),
    ("rate", errors.TooManyRequests(details={"scope": "merchant", "limit": 2})),
    ("unexpected", errors.AppError(details={"requestId": "RQ01KAN7M3Q0ZV5T9Y2C4D6F"})),
    ("overloaded", errors.ServiceUnavailable(code="OVERLOADED")),
    ("store", errors.ServiceUnavailable("The store could not be reached", code="STORE_UNAVAILABLE")),
)


def errors_of(status: int) -> list[Example]:
    """Return an example of every error that has this HTTP status; masked codes as merchants see them."""
    requests = [
        Example(id=name, summary=error.message, value=error.body())
        for name, error in _REQUEST_ERRORS
        if error.http_status == status
    ]
    return [*requests, *_payment_errors(status)]


def _payment_errors(status: int) -> Iterator[Example]:
    shown = set()
    for code, entry in TABLE.items():
        body = PaymentError(code).body()
        told = body["error"]["code"], body["error"]["retryable"]
        if entry.http_status == status and told not in shown:
            shown.add(told)
            name = f"{told[0]}{'' if told[1] or told[0] != 'PAY_1901' else '_final'}"
            yield Example(id=name, summary=body["error"]["message"], value=body)
