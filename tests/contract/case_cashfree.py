"""Cashfree's wire format: links and transfers, rupees as numbers, errors of type, code and message, a signature."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace

import msgspec

from support.loopback import WireAnswer
from support.provider_case import ProviderCase, WireWebhook
from wisipay.providers import PaymentKind, ProviderStatus

SECRET = "cfsk_ma_test_of_payments"
TIMESTAMP = "1617695238078"


class Case(ProviderCase):
    name = "cashfree"
    kinds = ("payin", "payout")

    def credentials(self, base_url: str) -> Mapping[str, str]:
        return {
            "baseUrl": base_url,
            "clientId": "TEST430329ae80e0f32e41a393d78b923034",
            "clientSecret": SECRET,
            "payoutClientId": "CF430329CDVF2JKVJKN0K0",
            "payoutClientSecret": "cfsk_ma_test_of_payouts",
        }

    def status_words(self, kind: PaymentKind) -> Mapping[str, ProviderStatus]:
        if kind == "payin":
            return {
                "ACTIVE": ProviderStatus.PENDING,
                "PARTIALLY_PAID": ProviderStatus.PROCESSING,
                "PAID": ProviderStatus.SUCCESS,
                "paid": ProviderStatus.SUCCESS,
                "EXPIRED": ProviderStatus.EXPIRED,
                "CANCELLED": ProviderStatus.EXPIRED,
                "PAUSED": ProviderStatus.PENDING,
            }
        return {
            "RECEIVED": ProviderStatus.PENDING,
            "APPROVAL_PENDING": ProviderStatus.PENDING,
            "APPOVAL_PENDING": ProviderStatus.PENDING,
            "QUEUED": ProviderStatus.PENDING,
            "PENDING": ProviderStatus.PROCESSING,
            "SUCCESS": ProviderStatus.SUCCESS,
            "FAILED": ProviderStatus.FAILED,
            "REJECTED": ProviderStatus.FAILED,
            "MANUALLY_REJECTED": ProviderStatus.FAILED,
            "REVERSED": ProviderStatus.REVERSED,
            "SCHEDULED_FOR_NEXT_WORKINGDAY": ProviderStatus.PENDING,
        }

    def created(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireAnswer:
        return _answer(200, _entity(kind, reference, word, amount))

    def amounts(self) -> Mapping[str, msgspec.Raw]:
        return {"number": msgspec.Raw(b"100.10"), "short": msgspec.Raw(b"100.1"), "text": msgspec.Raw(b'"100.10"')}

    def rejections(self, kind: PaymentKind) -> Sequence[WireAnswer]:
        amount = "link_amount_invalid" if kind == "payin" else "transfer_amount_invalid"
        return [
            _error(400, amount),
            _error(401, "authentication_failed", "authentication_error"),
            _error(403, "ip_not_whitelisted", "authentication_error"),
            _error(422, "insufficient_balance"),
            _error(429, "too_many_requests", "rate_limit_error"),
        ]

    def duplicate(self, kind: PaymentKind, reference: str, word: str) -> WireAnswer | None:
        del reference
        if kind == "payin":
            return _error(409, "link_already_exists")
        return _error(409, "transfer_id_already_exists") if word == "RECEIVED" else None

    def status(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireAnswer:
        return self.created(kind, reference, word, amount)

    def not_found(self, kind: PaymentKind) -> WireAnswer:
        return _error(404, "link_not_found" if kind == "payin" else "transfer_id_not_found")

    def webhook(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireWebhook:
        return _signed(msgspec.json.encode(_event(kind, _entity(kind, reference, word, amount))))

    def other_shapes(self, kind: PaymentKind, reference: str, word: str) -> Sequence[WireWebhook]:
        entity = _entity(kind, reference, word, 100.5)
        shapes: list[object] = [[_event(kind, entity)]]
        if kind == "payin":
            shapes.append(_event(kind, {"link": entity, "order": {"order_id": "CFPay_U1mgll3c0e9g"}}))
        return [_signed(msgspec.json.encode(shape)) for shape in shapes]

    def forged(self, webhook: WireWebhook) -> Sequence[WireWebhook]:
        headers, body = dict(webhook.headers), webhook.body
        return [
            WireWebhook({}, body),
            WireWebhook({"x-webhook-timestamp": TIMESTAMP}, body),
            WireWebhook({"x-webhook-signature": headers["x-webhook-signature"]}, body),
            WireWebhook({**headers, "x-webhook-timestamp": "1617695238079"}, body),
            WireWebhook({**headers, "x-webhook-timestamp": f"{TIMESTAMP}{{"}, body[1:]),
            WireWebhook({**headers, "x-webhook-signature": "é" * 44}, body),
            _signed(body, "another secret"),
            replace(webhook, body=body.replace(b"100.10", b"100.1")),
            replace(webhook, body=body + b" "),
        ]


def _entity(kind: PaymentKind, reference: str, word: str, amount: object) -> dict[str, object]:
    if kind == "payin":
        paid = {"link_amount": amount, "link_amount_paid": amount, "link_currency": "INR"}
        url = "https://payments-test.cashfree.com/links/U1mgll3c0e9g"
        return {"cf_link_id": 1576977, "link_id": reference, "link_status": word, "link_url": url, **paid}
    told = {"status": word, "status_code": word, "status_description": "told"}
    return {
        "transfer_id": reference,
        "cf_transfer_id": "123456",
        **told,
        "transfer_amount": amount,
        "transfer_utr": "N1",
    }


def _event(kind: PaymentKind, data: object) -> dict[str, object]:
    name = "PAYMENT_LINK_EVENT" if kind == "payin" else "TRANSFER_ACKNOWLEDGED"
    return {"data": data, "type": name, "event_time": "2026-01-02T10:11:12+05:30"}


def _error(status: int, code: str, kind: str = "invalid_request_error") -> WireAnswer:
    return _answer(status, {"type": kind, "code": code, "message": f"no: {code}"})


def _answer(status: int, content: object) -> WireAnswer:
    return WireAnswer(status, msgspec.json.encode(content))


def _signed(body: bytes, secret: str = SECRET) -> WireWebhook:
    told = hmac.new(secret.encode(), TIMESTAMP.encode() + body, hashlib.sha256).digest()
    return WireWebhook({"x-webhook-timestamp": TIMESTAMP, "x-webhook-signature": base64.b64encode(told).decode()}, body)
