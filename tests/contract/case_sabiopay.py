"""SabioPay's wire format, the Omniware family's: one envelope, codes as numbers or texts, a hash inside the body."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

import msgspec

from support.loopback import WireAnswer
from support.provider_case import ProviderCase, WireWebhook
from wisipay.providers import PaymentKind, ProviderStatus

KEY = "11111111-2222-3333-4444-555555555555"
SALT = "0123456789abcdef0123456789abcdef01234567"


class Case(ProviderCase):
    name = "sabiopay"
    kinds = ("payin", "payout")

    def credentials(self, base_url: str) -> Mapping[str, str]:
        return {"baseUrl": base_url, "apiKey": KEY, "apiSalt": SALT}

    def status_words(self, kind: PaymentKind) -> Mapping[str, ProviderStatus]:
        if kind == "payin":
            return {
                "0": ProviderStatus.SUCCESS,
                "1000": ProviderStatus.FAILED,
                "1006": ProviderStatus.PENDING,
                "1009": ProviderStatus.FAILED,
                "1028": ProviderStatus.PENDING,
                "1029": ProviderStatus.FAILED,
                "1030": ProviderStatus.PENDING,
                "null": ProviderStatus.PENDING,
            }
        return {
            "PROCESSING": ProviderStatus.PROCESSING,
            "INCOMPLETE": ProviderStatus.PROCESSING,
            "PENDING": ProviderStatus.PROCESSING,
            "SENT_TO_BENEFICIARY": ProviderStatus.PROCESSING,
            "SUCCESS": ProviderStatus.SUCCESS,
            "success": ProviderStatus.SUCCESS,
            "FAILED": ProviderStatus.FAILED,
            "FAILURE": ProviderStatus.FAILED,
            "RETURNED_FROM_BENEFICIARY": ProviderStatus.REVERSED,
            "ON_HOLD": ProviderStatus.PENDING,
        }

    def create_words(self, kind: PaymentKind) -> Mapping[str, ProviderStatus]:
        return {"": ProviderStatus.PENDING} if kind == "payin" else self.status_words(kind)

    def created(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireAnswer:
        if kind == "payin":
            link: dict[str, object] = {
                "upi_intent_url": "upi://pay?pa=shop@bank&am=100.10&tr=6478789",
                "payment_request_id": 6478789,
            }
            return _answer({"data": {**link, "qr_code": None, "order_id": reference, "amount": amount}})
        transfer = {"merchant_reference_number": reference, "transaction_id": "FT100", "amount": amount}
        return _answer({"data": {"status": word, **transfer}})

    def amounts(self) -> Mapping[str, msgspec.Raw]:
        return {"text": msgspec.Raw(b'"100.10"'), "number": msgspec.Raw(b"100.10"), "short": msgspec.Raw(b"100.1")}

    def rejections(self, kind: PaymentKind) -> Sequence[WireAnswer]:
        del kind
        codes = (1001, 1002, 1004, *range(1007, 1027), 1029)
        return [
            *(_error(code) for code in codes),
            replace(_error(1023), status=400),
            _error("1015"),
            _answer({"error_code": 1024, "message": "bank name is required"}),
            _answer({"error_code": "1024", "error": "bank name is required"}),
        ]

    def duplicate(self, kind: PaymentKind, reference: str, word: str) -> WireAnswer | None:
        del reference
        return _error(1003) if kind == "payin" or word == "ON_HOLD" else None

    def status(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireAnswer:
        if kind == "payin":
            told = {"order_id": reference, "response_code": msgspec.Raw(word.encode()), "amount": amount}
            return _answer({"data": [{"transaction_id": "HDVISC1", **told, "response_message": "told"}]})
        transfer = {"merchant_reference_number": reference, "transaction_id": None, "amount": amount}
        return _answer({"data": {"status": word, **transfer}})

    def not_found(self, kind: PaymentKind) -> WireAnswer:
        return _error(1028 if kind == "payout" else 1050)

    def webhook(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireWebhook:
        news = _payin(reference, word, amount) if kind == "payin" else _payout(reference, word, amount)
        return _hashed(msgspec.json.encode(news).replace(b"/", b"\\/"))

    def other_shapes(self, kind: PaymentKind, reference: str, word: str) -> Sequence[WireWebhook]:
        news = _payin(reference, word, "100.10") if kind == "payin" else _payout(reference, word, "100.10")
        form = {name: _text(value) for name, value in news.items() if value is not None}
        loose = {**news, "hash": _loose(form)}
        return [
            WireWebhook({}, msgspec.json.encode([news])),
            WireWebhook({}, urlencode({**form, "hash": _loose(form)}).encode()),
            WireWebhook({}, msgspec.json.encode(loose)),
        ]

    def forged(self, webhook: WireWebhook) -> Sequence[WireWebhook]:
        body = webhook.body
        clear = {name: value for name, value in msgspec.json.decode(body).items() if name != "hash"}
        moved = {"description": "0", **{name: _text(value) for name, value in clear.items() if value is not None}}
        return [
            WireWebhook({}, msgspec.json.encode(clear)),
            WireWebhook({}, msgspec.json.encode({**clear, "hash": ""})),
            WireWebhook({}, msgspec.json.encode({**clear, "hash": "0" * 128})),
            WireWebhook({}, msgspec.json.encode({**clear, "hash": "é" * 128})),
            _hashed(msgspec.json.encode(clear), "another salt"),
            WireWebhook({}, body.replace(b"100.10", b"900.10")),
            WireWebhook({}, b"[" + body + b"]"),
            WireWebhook({}, msgspec.json.encode({**moved, "x": "y", "hash": _loose({**moved, "x": "y"})})),
            WireWebhook({}, msgspec.json.encode({**moved, "name": "a|b", "hash": _loose({**moved, "name": "a|b"})})),
        ]


def _payin(reference: str, code: str, amount: object) -> dict[str, object]:
    return {
        "transaction_id": "HDVISC1",
        "payment_mode": "UPI",
        "payment_datetime": "02-01-2026 10:11:12",
        "response_code": msgspec.Raw(code.encode()),
        "response_message": "told",
        "order_id": reference,
        "amount": amount,
        "currency": "INR",
        "description": "a/b",
        "name": "Asha Rao",
        "phone": "9999999999",
    }


def _payout(reference: str, word: str, amount: object) -> dict[str, object]:
    return {
        "transaction_reference_number": "FT100",
        "status": word,
        "error_message": None,
        "bank_reference_number": 207517810965,
        "merchant_reference_number": reference,
        "transaction_date": "2026-01-02 10:11:12",
        "transaction_amount": amount,
        "api_key": KEY,
    }


def _hashed(body: bytes, salt: str = SALT) -> WireWebhook:
    told = hashlib.sha512(salt.encode() + body).hexdigest().upper()
    return WireWebhook({}, body[:-1] + f',"hash":"{told}"}}'.encode())


def _loose(form: Mapping[str, str]) -> str:
    values = "|".join(form[name] for name in sorted(form) if form[name])
    return hashlib.sha512(f"{SALT}|{values}".encode()).hexdigest()


def _text(value: object) -> str:
    return bytes(value).decode() if isinstance(value, msgspec.Raw) else str(value)


def _error(code: int | str) -> WireAnswer:
    return _answer({"error": {"code": code, "message": f"no: {code}"}})


def _answer(content: object) -> WireAnswer:
    return WireAnswer(200, msgspec.json.encode(content))
