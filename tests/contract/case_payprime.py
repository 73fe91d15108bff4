"""Payprime's wire format: payouts only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import msgspec

from support.loopback import WireAnswer
from support.provider_case import ProviderCase, WireWebhook
from wisipay.providers import PaymentKind, ProviderStatus


class Case(ProviderCase):
    name = "payprime"
    kinds = ("payout",)
    echoes_reference = False

    def credentials(self, base_url: str) -> Mapping[str, str]:
        return {"baseUrl": f"{base_url}/api/payout", "apiToken": "a-token-of-payprime"}

    def status_words(self, kind: PaymentKind) -> Mapping[str, ProviderStatus]:
        del kind
        success = ("SUCCESS", "success", "COMPLETED", "PROCESSED", "PAID", "SETTLED")
        return {
            **dict.fromkeys(("INITIATED", "PENDING", "PROCESSING", "ON_HOLD"), ProviderStatus.PENDING),
            **dict.fromkeys(success, ProviderStatus.SUCCESS),
            **dict.fromkeys(("FAILED", "FAILURE", "REJECTED", "DECLINED", "ERROR"), ProviderStatus.FAILED),
        }

    def created(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireAnswer:
        del kind, reference
        data = {"order_id": "PP_1", "txn_status": word, "amount": amount}
        return _answer(200, {"code": 200, "status": True, "message": "ok", "data": data})

    def amounts(self) -> Mapping[str, msgspec.Raw]:
        return {"text": msgspec.Raw(b'"100.10"'), "number": msgspec.Raw(b"100.1")}

    def rejections(self, kind: PaymentKind) -> Sequence[WireAnswer]:
        del kind
        return [
            _answer(200, {"code": 401, "status": False, "message": "Invalid token"}),
            _answer(400, {"status": "ERROR", "message": "Invalid IFSC"}),
            _answer(422, {"code": "422", "message": "Insufficient balance", "data": []}),
            _answer(200, {"status": "FAILED", "message": "Beneficiary is blocked"}),
        ]

    def duplicate(self, kind: PaymentKind, reference: str, word: str) -> WireAnswer:
        del kind, reference, word
        return _answer(200, {"code": 409, "status": False, "message": "clientRefId already exists"})

    def status(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireAnswer:
        del kind, reference
        inner = {"order_id": "their-reference", "txn_status": word, "amount": amount, "utr": "412345678901"}
        return _answer(200, {"code": 200, "status": True, "data": {"data": inner}})

    def not_found(self, kind: PaymentKind) -> WireAnswer:
        del kind
        return _answer(200, {"code": 404, "status": False, "message": "Order not found"})

    def webhook(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireWebhook:
        del kind
        return WireWebhook({}, msgspec.json.encode({"data": _news(reference, word, amount)}))

    def other_shapes(self, kind: PaymentKind, reference: str, word: str) -> Sequence[WireWebhook]:
        del kind
        news = _news(reference, word, "100.10")
        outer = {"payid": "PAYID_1", "txn_status": word, "client_ref_id": reference}
        documents = (
            [{"data": news}],
            {"data": [news]},
            {"data": {"data": news}},
            {"data": [{"data": [news]}]},
            outer,
            {"payid": "PAYID_1", "statuscode": word},
        )
        return [WireWebhook({}, msgspec.json.encode(each)) for each in documents] + [
            WireWebhook({}, urlencode(news).encode())
        ]


def _news(reference: str, word: str, amount: object) -> dict[str, object]:
    news = {"clientRefId": reference, "order_id": "PP_1", "status": word}
    return {**news, "amount": amount, "utr": "412345678901", "message": "done"}


def _answer(status: int, content: object) -> WireAnswer:
    return WireAnswer(status, msgspec.json.encode(content))
