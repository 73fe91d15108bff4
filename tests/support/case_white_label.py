"""The wire format that EaseMyNeeds and AlphaPay share: answers in clear, orders and some webhooks encrypted."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

from support.loopback import Received, WireAnswer
from support.provider_case import ProviderCase, WireWebhook
from wisipay.providers import PaymentKind, ProviderStatus

KEY = "0123456789abcdef0123456789ABCDEF"
SALT = "abcdef0123456789"
_BLOCK = 16


def encrypted(plain: bytes, key: str = KEY, salt: str = SALT) -> str:
    """Encrypt as the provider does: AES-256-CBC, PKCS#7, standard Base64."""
    room = _BLOCK - len(plain) % _BLOCK
    encryptor = Cipher(AES256(key.encode()), CBC(salt.encode())).encryptor()
    return b64encode(encryptor.update(plain + bytes([room]) * room) + encryptor.finalize()).decode()


def decrypted(sealed: str) -> bytes:
    """Decrypt what `encrypted` made."""
    decryptor = Cipher(AES256(KEY.encode()), CBC(SALT.encode())).decryptor()
    padded = decryptor.update(b64decode(sealed)) + decryptor.finalize()
    return padded[: -padded[-1]]


class WhiteLabelCase(ProviderCase):
    """Both brands."""

    kinds = ("payin", "payout")

    def credentials(self, base_url: str) -> Mapping[str, str]:
        return {"baseUrl": f"{base_url}/api/v1", "apiKey": KEY, "apiSalt": SALT}

    def status_words(self, kind: PaymentKind) -> Mapping[str, ProviderStatus]:
        lapsed = ProviderStatus.EXPIRED if kind == "payin" else ProviderStatus.PENDING
        return {
            "PENDING": ProviderStatus.PENDING,
            **dict.fromkeys(
                ("SUCCESS", "success", "PROCESSED", "COMPLETED", "CAPTURED", "PAID", "SETTLED"), ProviderStatus.SUCCESS
            ),
            **dict.fromkeys(("EXPIRED", "TIMEOUT", "CANCELLED", "DELETED"), lapsed),
            **dict.fromkeys(("FAILED", "FAILURE", "REJECTED", "DECLINED", "ERROR"), ProviderStatus.FAILED),
            **dict.fromkeys(("REFUNDED", "REFUND"), ProviderStatus.REVERSED),
            "": ProviderStatus.PENDING,
            "ON_HOLD": ProviderStatus.PENDING,
        }

    def in_clear(self, request: Received) -> bytes:
        sealed = msgspec.json.decode(request.body, type=dict[str, str]).get("payload")
        return request.path.encode() + b"\n" + (request.body if sealed is None else decrypted(sealed))

    def created(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireAnswer:
        return _answer(200, {"success": True, "message": "ok", "data": _payment(kind, reference, word, amount)})

    def amounts(self) -> Mapping[str, msgspec.Raw]:
        return {
            "text": msgspec.Raw(b'"100.10"'),
            "short text": msgspec.Raw(b'"100.1"'),
            "number": msgspec.Raw(b"100.10"),
            "short number": msgspec.Raw(b"100.1"),
        }

    def rejections(self, kind: PaymentKind) -> Sequence[WireAnswer]:
        del kind
        refused = {"success": False, "message": "Insufficient wallet balance"}
        detailed = {"success": False, "error": {"message": "Invalid IFSC", "errors": ["ifsc"]}}
        listed = {"success": False, "error": {"errors": "Amount is below the minimum"}}
        return [_answer(200, refused), _answer(400, detailed), _answer(401, refused), _answer(422, listed)]

    def duplicate(self, kind: PaymentKind, reference: str, word: str) -> WireAnswer:
        del kind, reference, word
        return _answer(400, {"success": False, "message": "The ref_id has already been taken"})

    def status(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireAnswer:
        return self.created(kind, reference, word, amount)

    def not_found(self, kind: PaymentKind) -> WireAnswer:
        del kind
        return _answer(404, {"success": False, "message": "Transaction not found"})

    def webhook(self, kind: PaymentKind, reference: str, word: str, amount: msgspec.Raw) -> WireWebhook:
        return WireWebhook(
            {"Content-Type": "application/json"}, msgspec.json.encode(_news(kind, reference, word, amount))
        )

    def other_shapes(self, kind: PaymentKind, reference: str, word: str) -> Sequence[WireWebhook]:
        news = _news(kind, reference, word, "100.10")
        sealed = {"payload": encrypted(msgspec.json.encode(news))}
        return [
            WireWebhook({}, body)
            for body in (msgspec.json.encode([news]), urlencode(news).encode(), msgspec.json.encode(sealed))
        ]


def _payment(kind: PaymentKind, reference: str, word: str, amount: object) -> dict[str, object]:
    payment = {"status": word, "amount": amount, "ref_id": reference, "utr_number": "412345678901"}
    if kind == "payin":
        return {"payment_id": "PAY_1", "payment_link": "upi://pay?pa=x@y", **payment}
    return {"request_id": "REQ_1", "requested_amount": amount, **payment}


def _news(kind: PaymentKind, reference: str, word: str, amount: object) -> dict[str, object]:
    news = {"status": word, "amount": amount, "utr_number": "412345678901", "payment_message": "done"}
    number = {"payment_id": "PAY_1", "currency": "INR"} if kind == "payin" else {"request_id": "REQ_1"}
    return {**number, **news, "ref_id": reference}


def _answer(status: int, content: object) -> WireAnswer:
    return WireAnswer(status, msgspec.json.encode(content))
