"""The dummy provider's wire format."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

import msgspec

from support.loopback import WireAnswer
from support.provider_case import ProviderCase, WireWebhook
from wisipay.providers import PaymentKind, ProviderStatus

SECRET = "whsec_dummy"
TIMESTAMP = "1770323283897"


class Case(ProviderCase):
    name = "dummy"
    kinds = ("payin", "payout")

    def credentials(self, base_url: str) -> Mapping[str, str]:
        return {"baseUrl": base_url, "apiKey": "the-api-key", "webhookSecret": SECRET}

    def status_words(self, kind: PaymentKind) -> Mapping[str, ProviderStatus]:
        return {
            "PENDING": ProviderStatus.PENDING,
            "PROCESSING": ProviderStatus.PROCESSING,
            "SUCCESS": ProviderStatus.SUCCESS,
            "success": ProviderStatus.SUCCESS,
            "FAILED": ProviderStatus.FAILED,
            "EXPIRED": ProviderStatus.EXPIRED if kind == "payin" else ProviderStatus.PENDING,
            "REVERSED": ProviderStatus.REVERSED,
            "ON_HOLD": ProviderStatus.PENDING,
        }

    def created(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireAnswer:
        return _answer(200, {"success": True, "data": _payment(kind, reference, word, amount)})

    def amounts(self) -> Mapping[str, msgspec.Raw]:
        return {
            "text": msgspec.Raw(b'"100.10"'),
            "short text": msgspec.Raw(b'"100.1"'),
            "number": msgspec.Raw(b"100.10"),
        }

    def rejections(self, kind: PaymentKind) -> Sequence[WireAnswer]:
        del kind
        reasons = {
            400: "BAD_AMOUNT",
            401: "BAD_KEY",
            402: "LOW_BALANCE",
            422: "BAD_IFSC",
            429: "SLOW",
            503: "MAINTENANCE",
        }
        return [_error(status, code) for status, code in reasons.items()]

    def duplicate(self, kind: PaymentKind, reference: str, word: str) -> WireAnswer:
        data = _payment(kind, reference, word, msgspec.Raw(b'"100.10"'))
        error = {"code": "DUPLICATE_REFERENCE", "message": "ref_id was used before"}
        return _answer(409, {"success": False, "error": error, "data": data})

    def status(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireAnswer:
        return self.created(kind, reference, word, amount)

    def not_found(self, kind: PaymentKind) -> WireAnswer:
        del kind
        return _error(404, "NOT_FOUND")

    def webhook(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireWebhook:
        return _signed(msgspec.json.encode(_news(kind, reference, word, amount)))

    def other_shapes(self, kind: PaymentKind, reference: str, word: str) -> Sequence[WireWebhook]:
        news = _news(kind, reference, word, "100.10")
        return _signed(msgspec.json.encode([news])), _signed(urlencode(news).encode())

    def forged(self, webhook: WireWebhook) -> Sequence[WireWebhook]:
        headers, body = dict(webhook.headers), webhook.body
        signature = headers["X-Dummy-Signature"]
        return [
            WireWebhook({}, body),
            WireWebhook({"X-Dummy-Timestamp": TIMESTAMP}, body),
            WireWebhook({"X-Dummy-Signature": signature}, body),
            WireWebhook({**headers, "X-Dummy-Timestamp": "1770323283898"}, body),
            WireWebhook({**headers, "X-Dummy-Signature": "0" * 64}, body),
            WireWebhook({**headers, "X-Dummy-Signature": "é" * 64}, body),
            _signed(body, "another secret"),
            replace(webhook, body=body.replace(b"100.10", b"900.10")),
            replace(webhook, body=body + b" "),
        ]


def _payment(kind: PaymentKind, reference: str, word: str, amount: object) -> dict[str, object]:
    prefix = "DUMMY_PY_" if kind == "payin" else "DUMMY_PO_"
    link = {"payment_link": "https://pay.example.com/1"} if kind == "payin" else {}
    return {"payment_id": f"{prefix}1", "ref_id": reference, "status": word, "amount": amount, **link}


def _news(kind: PaymentKind, reference: str, word: str, amount: object) -> dict[str, object]:
    details = {"currency": "INR", "transaction_id": reference, "utr": "412345678901", "message": "done"}
    return {**_payment(kind, reference, word, amount), **details}


def _error(status: int, code: str) -> WireAnswer:
    return _answer(status, {"success": False, "error": {"code": code, "message": f"no: {code}"}})


def _answer(status: int, content: object) -> WireAnswer:
    return WireAnswer(status, msgspec.json.encode(content))


def _signed(body: bytes, secret: str = SECRET) -> WireWebhook:
    message = TIMESTAMP.encode() + b"." + body
    signature = hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    return WireWebhook({"X-Dummy-Timestamp": TIMESTAMP, "X-Dummy-Signature": signature}, body)
