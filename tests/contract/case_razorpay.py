"""Razorpay's wire format: plain entities, one shape of error for everything, whole paise, a signature in a header."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec

from support.loopback import WireAnswer
from support.provider_case import ProviderCase, WireWebhook
from wisipay.providers import PaymentKind, ProviderStatus

SECRET = "whsec-of-the-dashboard"
DUPLICATE = "payment link creation with reference ID already attempted"


class Case(ProviderCase):
    name = "razorpay"
    kinds = ("payin", "payout")

    def credentials(self, base_url: str) -> Mapping[str, str]:
        return {
            "baseUrl": base_url,
            "keyId": "rzp_live_1DP5mmOlF5G5ag",
            "keySecret": "thisisnotasecret",
            "webhookSecret": SECRET,
            "accountNumber": "7878780080316316",
        }

    def status_words(self, kind: PaymentKind) -> Mapping[str, ProviderStatus]:
        if kind == "payin":
            return {
                "created": ProviderStatus.PENDING,
                "partially_paid": ProviderStatus.PROCESSING,
                "paid": ProviderStatus.SUCCESS,
                "PAID": ProviderStatus.SUCCESS,
                "cancelled": ProviderStatus.EXPIRED,
                "expired": ProviderStatus.EXPIRED,
                "paused": ProviderStatus.PENDING,
            }
        return {
            "queued": ProviderStatus.PENDING,
            "pending": ProviderStatus.PENDING,
            "scheduled": ProviderStatus.PENDING,
            "processing": ProviderStatus.PROCESSING,
            "processed": ProviderStatus.SUCCESS,
            "reversed": ProviderStatus.REVERSED,
            "failed": ProviderStatus.FAILED,
            "rejected": ProviderStatus.FAILED,
            "cancelled": ProviderStatus.FAILED,
            "on_hold": ProviderStatus.PENDING,
        }

    def created(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireAnswer:
        return _answer(200, _entity(kind, reference, word, amount))

    def amounts(self) -> Mapping[str, msgspec.Raw]:
        return {"paise": msgspec.Raw(b"10010"), "paise as text": msgspec.Raw(b'"10010"')}

    def rejections(self, kind: PaymentKind) -> Sequence[WireAnswer]:
        del kind
        return [
            _error(400, "The amount must be atleast INR 1.00"),
            _error(400, "Your account does not have enough balance", reason="insufficient_balance"),
            _error(401, "Authentication failed"),
            replace(_error(401, "The token was invalid", code="BAD_REQUEST_AUTHENTICATION_ERROR")),
            _error(403, "Transactions from this IP are not allowed"),
            _error(429, "Request failed. Please try after sometime."),
        ]

    def duplicate(self, kind: PaymentKind, reference: str, word: str) -> WireAnswer:
        if kind == "payin":
            return _error(400, DUPLICATE)
        return self.created(kind, reference, word, msgspec.Raw(b"10010"))

    def status(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireAnswer:
        entity = _entity(kind, reference, word, amount)
        if kind == "payin":
            return _answer(200, {"payment_links": [entity]})
        return _answer(200, {"entity": "collection", "count": 1, "items": [entity]})

    def not_found(self, kind: PaymentKind) -> WireAnswer:
        return _answer(200, {"payment_links": []} if kind == "payin" else {"count": 0, "items": []})

    def webhook(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireWebhook:
        return _signed(msgspec.json.encode(_event(kind, reference, word, amount)))

    def other_shapes(self, kind: PaymentKind, reference: str, word: str) -> Sequence[WireWebhook]:
        return (_signed(msgspec.json.encode([_event(kind, reference, word, 10_010)])),)

    def forged(self, webhook: WireWebhook) -> Sequence[WireWebhook]:
        return [
            WireWebhook({}, webhook.body),
            WireWebhook({"X-Razorpay-Signature": ""}, webhook.body),
            WireWebhook({"X-Razorpay-Signature": "0" * 64}, webhook.body),
            WireWebhook({"X-Razorpay-Signature": "é" * 64}, webhook.body),
            _signed(webhook.body, "another secret"),
            replace(webhook, body=webhook.body.replace(b"10010", b"90010")),
            replace(webhook, body=webhook.body + b" "),
        ]


def _entity(kind: PaymentKind, reference: str, word: str, amount: object) -> dict[str, object]:
    common = {"reference_id": reference, "status": word, "amount": amount, "currency": "INR"}
    if kind == "payin":
        link = {"amount_paid": amount, "short_url": "https://rzp.io/i/nxrHnLJ", "notes": {"reference_id": reference}}
        return {"id": "plink_ExjpAUN3gVHrPJ", **common, **link}
    no_error = {"description": None, "source": None, "reason": None}
    return {"id": "pout_00000000000001", "entity": "payout", **common, "utr": "HDFCN00000000001", "error": no_error}


def _event(kind: PaymentKind, reference: str, word: str, amount: object) -> dict[str, object]:
    name = "payment_link" if kind == "payin" else "payout"
    payload = {name: {"entity": _entity(kind, reference, word, amount)}}
    return {"entity": "event", "event": f"{name}.told", "contains": [name], "payload": payload, "created_at": 1}


def _error(status: int, description: str, *, code: str = "BAD_REQUEST_ERROR", reason: str = "NA") -> WireAnswer:
    error = {"code": code, "description": description, "source": "business", "step": "NA", "reason": reason}
    return _answer(status, {"error": {**error, "metadata": {}, "field": None}})


def _answer(status: int, content: object) -> WireAnswer:
    return WireAnswer(status, msgspec.json.encode(content))


def _signed(body: bytes, secret: str = SECRET) -> WireWebhook:
    return WireWebhook({"X-Razorpay-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}, body)
