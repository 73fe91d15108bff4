"""Paysix' wire format: the merchant protocol of our own kind."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec

from support.loopback import WireAnswer
from support.provider_case import ProviderCase, WireWebhook
from wisipay.core.money import Paise
from wisipay.providers import PaymentKind, ProviderStatus

SECRET = "secret-of-paysix"
TIMESTAMP = "1770323283897"


class Case(ProviderCase):
    name = "paysix"
    kinds = ("payin", "payout")
    amount = Paise(10_000)
    public_credentials = ("baseUrl", "merchantId")

    def credentials(self, base_url: str) -> Mapping[str, str]:
        return {"baseUrl": base_url, "merchantId": "MER-OURS", "apiSecret": SECRET}

    def status_words(self, kind: PaymentKind) -> Mapping[str, ProviderStatus]:
        return {
            "PENDING": ProviderStatus.PENDING,
            "PROCESSING": ProviderStatus.PROCESSING,
            "SUCCESS": ProviderStatus.SUCCESS,
            "success": ProviderStatus.SUCCESS,
            "FAILED": ProviderStatus.FAILED,
            "REVERSED": ProviderStatus.REVERSED,
            "EXPIRED": ProviderStatus.EXPIRED if kind == "payin" else ProviderStatus.PENDING,
            "ON_HOLD": ProviderStatus.PENDING,
        }

    def created(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireAnswer:
        return _answer(200, {"success": True, "data": _payment(kind, reference, word, amount)})

    def amounts(self) -> Mapping[str, msgspec.Raw]:
        return {form: msgspec.Raw(text) for form, text in {"number": b"100", "text": b'"100.00"'}.items()}

    def rejections(self, kind: PaymentKind) -> Sequence[WireAnswer]:
        del kind
        codes = {400: "VALIDATION_ERROR", 401: "INVALID_SIGNATURE", 403: "IP_NOT_ALLOWED", 422: "INSUFFICIENT_BALANCE"}
        return [_error(status, code, "refused by rule") for status, code in codes.items()]

    def duplicate(self, kind: PaymentKind, reference: str, word: str) -> WireAnswer:
        del kind, reference, word
        return _error(409, "DUPLICATE_ORDER_ID", "orderId was used before")

    def status(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireAnswer:
        return self.created(kind, reference, word, amount)

    def not_found(self, kind: PaymentKind) -> WireAnswer:
        del kind
        return _error(404, "TRANSACTION_NOT_FOUND", "no payment with this orderId")

    def webhook(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireWebhook:
        news = {"orderId": reference, "transactionId": "PSX1", "status": word, "amount": amount, "type": kind.upper()}
        return signed(msgspec.json.encode({**news, "utr": "412345678901", "message": "done"}))

    def other_shapes(self, kind: PaymentKind, reference: str, word: str) -> Sequence[WireWebhook]:
        news = {"order_id": reference, "transactionId": "PSX1", "txn_status": word, "type": kind, "amount": "100"}
        return (signed(msgspec.json.encode(news)),)

    def forged(self, webhook: WireWebhook) -> Sequence[WireWebhook]:
        headers, body = dict(webhook.headers), webhook.body
        untyped = body.replace(b'"type"', b'"kind"')
        return [
            WireWebhook({}, body),
            WireWebhook({"x-timestamp": TIMESTAMP}, body),
            WireWebhook({"x-signature": headers["x-signature"]}, body),
            WireWebhook({**headers, "x-timestamp": "1770323283898"}, body),
            WireWebhook({**headers, "x-signature": "é" * 64}, body),
            signed(body, "another secret"),
            replace(webhook, body=body + b" "),
            signed(untyped),
        ]


def signed(body: bytes, secret: str = SECRET) -> WireWebhook:
    """Return a webhook signed as the protocol says."""
    signature = hmac.new(secret.encode(), body + b"|" + TIMESTAMP.encode(), hashlib.sha256).hexdigest()
    return WireWebhook({"x-timestamp": TIMESTAMP, "x-signature": signature}, body)


def _payment(kind: PaymentKind, reference: str, word: str, amount: object) -> dict[str, object]:
    link = {"paymentUrl": "https://pay.example.com/1"} if kind == "payin" else {}
    return {"orderId": reference, "transactionId": "PSX1", "status": word, "amount": amount, **link}


def _error(status: int, code: str, message: str) -> WireAnswer:
    error = {"code": code, "message": message, "description": "what to do", "retryable": False}
    return _answer(status, {"success": False, "error": error})


def _answer(status: int, content: object) -> WireAnswer:
    return WireAnswer(status, msgspec.json.encode(content))
