"""TPIPay's wire format: collections under digits, and what both versions of its payouts share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import msgspec

from support.loopback import WireAnswer
from support.provider_case import ProviderCase, WireWebhook
from wisipay.providers import PaymentKind, ProviderStatus
from wisipay.providers.outgoing import numeric_name

TOKEN = "a-token-of-tpipay"


class TpipayCase(ProviderCase):
    """Both versions."""

    kinds = ("payin", "payout")

    def status_words(self, kind: PaymentKind) -> Mapping[str, ProviderStatus]:
        del kind
        return {
            **dict.fromkeys(("PENDING", "INITIATED", "PROCESSING", "ON_HOLD"), ProviderStatus.PENDING),
            **dict.fromkeys(("credit", "CREDIT", "SUCCESS", "PAID", "SETTLED"), ProviderStatus.SUCCESS),
            **dict.fromkeys(("FAILED", "FAILURE", "REJECTED", "DECLINED"), ProviderStatus.FAILED),
        }

    def create_words(self, kind: PaymentKind) -> Mapping[str, ProviderStatus]:
        if kind == "payout":
            return self.status_words(kind)
        return dict.fromkeys(("success", "SUCCESS", "pending", "created"), ProviderStatus.PENDING)

    def names(self, kind: PaymentKind, reference: str) -> str:
        return numeric_name(reference) if kind == "payin" else reference

    def created(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireAnswer:
        if kind == "payout":
            return self.transferred(reference, word, amount)
        number = numeric_name(reference)
        return answer(200, {"status": word, "order_id": number, "qrString": "upi://pay?pa=x@y", "amount": amount})

    def transferred(self, reference: str, word: str, amount: msgspec.Raw) -> WireAnswer:
        """Return the answer that takes a payout."""
        raise NotImplementedError

    def amounts(self) -> Mapping[str, msgspec.Raw]:
        return {"text": msgspec.Raw(b'"100.10"'), "number": msgspec.Raw(b"100.1")}

    def rejections(self, kind: PaymentKind) -> Sequence[WireAnswer]:
        errors = {"status": "validation_error", "errors": {"amount": ["The amount is below 10", "Bad"], "name": "Bad"}}
        refused = [
            answer(200, {"status": "failed", "message": "Invalid token"}),
            answer(422, errors),
            answer(401, {"status": "error", "message": "Unauthenticated"}),
        ]
        return refused if kind == "payin" else [*refused, answer(200, {"status": 402, "message": "Low balance"})]

    def duplicate(self, kind: PaymentKind, reference: str, word: str) -> WireAnswer:
        del kind, reference, word
        return answer(200, {"status": "validation_error", "errors": {"order_id": ["The order id has been taken."]}})

    def status(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireAnswer:
        if kind == "payin":
            data = {"type": "payin", "status": word, "order_id": numeric_name(reference), "amount": amount}
            return answer(200, {"status": "success", "data": {**data, "utr": "412345678901"}, "message": "ok"})
        told = {"status": "success", "txnStatus": word, "externalRef": reference}
        return answer(200, {**told, "amount": amount, "utr": "412345678901"})

    def not_found(self, kind: PaymentKind) -> WireAnswer:
        del kind
        return answer(200, {"status": "failed", "message": "No transaction found"})

    def webhook(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireWebhook:
        return WireWebhook({}, msgspec.json.encode(news(kind, reference, word, amount)))

    def other_shapes(self, kind: PaymentKind, reference: str, word: str) -> Sequence[WireWebhook]:
        told = news(kind, reference, word, "100.10")
        return WireWebhook({}, urlencode(told).encode()), WireWebhook({}, msgspec.json.encode([told]))


def news(kind: PaymentKind, reference: str, word: str, amount: object) -> dict[str, object]:
    """Return a webhook's content."""
    names = {"order_id": numeric_name(reference)} if kind == "payin" else {"externalTxnId": reference}
    return {"type": kind, "status": word, **names, "amount": amount, "utr": "412345678901", "message": "done"}


def answer(status: int, content: object) -> WireAnswer:
    """Return an answer of JSON."""
    return WireAnswer(status, msgspec.json.encode(content))
