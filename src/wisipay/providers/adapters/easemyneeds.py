"""EaseMyNeeds and AlphaPay: one white-label API under two addresses.

Orders go out encrypted (AES-256-CBC under the API key, with the salt as its fixed start), questions in clear. Nothing
that these providers send is signed: a webhook, encrypted or not, only makes us ask. Must never take an order without a
number of the provider's for accepted, and never send what it would have to shorten.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from string import hexdigits
from typing import Annotated, Final

import msgspec
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from wisipay.providers.base import (
    Accepted,
    BaseUrl,
    Capabilities,
    CreateOutcome,
    Credentials,
    NotFound,
    OrderRules,
    PayinOrder,
    PaymentKind,
    PayoutOrder,
    ProviderStatus,
    Rejected,
    SecretText,
    StatusOutcome,
    StatusReport,
    Unknown,
    WebhookRoute,
    WebhookUnreadable,
    WebhookWord,
)
from wisipay.providers.http import HttpAnswer, ProviderHttp, ProviderRequest
from wisipay.providers.outgoing import json_body, rupees_number
from wisipay.providers.refusals import is_certain, says_not_found
from wisipay.providers.registration import Registration
from wisipay.providers.wire import Fields, Unreadable, read_object, read_objects

_KEY_BYTES: Final = 32
_START_BYTES: Final = 16
_GOOD: Final = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})
_CERTAIN_REJECTIONS: Final = frozenset({200, 400, 401, 402, 403, 422, 429})
_WORDS: Final[Mapping[str, ProviderStatus]] = {
    **dict.fromkeys(("SUCCESS", "PROCESSED", "COMPLETED", "CAPTURED", "PAID", "SETTLED"), ProviderStatus.SUCCESS),
    **dict.fromkeys(("EXPIRED", "TIMEOUT", "CANCELLED", "DELETED"), ProviderStatus.EXPIRED),
    **dict.fromkeys(("FAILED", "FAILURE", "REJECTED", "DECLINED", "ERROR"), ProviderStatus.FAILED),
    **dict.fromkeys(("REFUNDED", "REFUND"), ProviderStatus.REVERSED),
}
_PAYIN_RULES: Final = OrderRules(needs=frozenset({"customer_name", "customer_email", "customer_phone", "webhook_url"}))
_PAYOUT_NEEDS: Final = frozenset({"beneficiary_name", "account_number", "ifsc", "bank_name"})


class EaseMyNeedsCredentials(Credentials, frozen=True):
    """The key and the salt are also the key and the start of the encryption, cut or padded to size."""

    api_key: SecretText
    api_salt: SecretText
    base_url: BaseUrl = "https://dboard.easemyneeds.in/api/v1"


class AlphaPayCredentials(Credentials, frozen=True):
    """The same, but of exactly the size that the encryption needs: 32 and 16 characters."""

    api_key: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{32}$")]
    api_salt: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{16}$")]
    base_url: BaseUrl = "https://dashboard.alphapayfintechsolutions.net/api/v1"


@dataclass(frozen=True, slots=True)
class Brand:
    """What differs between the two: whether payouts may have paise, and whether an address member is sent."""

    payouts_take_paise: bool
    beneficiary_address: str | None


EASEMYNEEDS: Final = Brand(payouts_take_paise=True, beneficiary_address=None)
ALPHAPAY: Final = Brand(payouts_take_paise=False, beneficiary_address="")


class EaseMyNeedsAdapter:
    """The API of one brand on one channel."""

    def __init__(
        self, brand: Brand, credentials: EaseMyNeedsCredentials | AlphaPayCredentials, http: ProviderHttp
    ) -> None:
        self._brand = brand
        self._http = http
        self._base_url = credentials.base_url.rstrip("/")
        self._cipher = Cipher(
            AES256(fitted(credentials.api_key, _KEY_BYTES)), CBC(fitted(credentials.api_salt, _START_BYTES))
        )
        self._headers = {
            "X-Api-Key": credentials.api_key,
            "X-Api-Salt": credentials.api_salt,
            "Content-Type": "application/json",
            "Accept": "application/json",
        }

    @property
    def capabilities(self) -> Capabilities:
        """What this API can do."""
        return Capabilities(
            payin_modes=frozenset({"UPI", "QR", "INTENT"}),
            payout_modes=frozenset({"IMPS", "NEFT", "RTGS"}),
            checks_status=True,
            signs_webhooks=False,
            not_found_is_definite=False,
            reference_max_length=40,
            payin_rules=_PAYIN_RULES,
            payout_rules=OrderRules(needs=_PAYOUT_NEEDS, takes_paise=self._brand.payouts_take_paise),
        )

    async def create_payin(self, order: PayinOrder) -> CreateOutcome:
        """Start a collection; every mode of ours is its INTENT, whose link the customer opens."""
        content: dict[str, object] = {
            "amount": rupees_number(order.amount),
            "payment_mode": "INTENT",
            "callback_url": order.webhook_url,
            "redirect_url": order.redirect_url,
            "customer_name": order.customer_name,
            "customer_details": {"customer_email": order.customer_email, "customer_phone": order.customer_phone},
            "ref_id": order.reference,
            "remarks": order.remarks,
        }
        return await self._create("payin", order.reference, "/create-payment", content)

    async def create_payout(self, order: PayoutOrder) -> CreateOutcome:
        """Start a disbursement to an account."""
        content: dict[str, object] = {
            "amount": rupees_number(order.amount),
            "payment_mode": order.mode,
            "beneficiary_ifsc": order.ifsc,
            "beneficiary_acc_number": order.account_number,
            "beneficiary_bank_name": order.bank_name,
            "beneficiary_name": order.beneficiary_name,
            "beneficiary_address": self._brand.beneficiary_address,
            "ref_id": order.reference,
            "remarks": order.remarks,
        }
        return await self._create("payout", order.reference, "/payout/request-payout", content)

    async def check_status(self, kind: PaymentKind, reference: str, provider_reference: str | None) -> StatusOutcome:
        """Ask by the provider's own number where we have it, in clear."""
        url = f"{self._base_url}{'/get-status' if kind == 'payin' else '/payout/get-status'}"
        name = "payment_id" if kind == "payin" else "request_id"
        asked = {"ref_id": reference} if provider_reference is None else {name: provider_reference}
        request = ProviderRequest("status", reference, "POST", url, self._headers, json_body(asked))
        return await self._http.ask(request, partial(_read_status, kind, reference))

    def parse_webhook(
        self, kind_of_route: WebhookRoute, headers: Mapping[str, str], body: bytes
    ) -> tuple[WebhookWord, ...]:
        """Read a webhook in clear or under `payload`; what does not decrypt is never read as it stands."""
        del headers
        try:
            return tuple(_read_word(kind_of_route, self._in_clear(fields)) for fields in read_objects(body))
        except Unreadable as reason:
            raise WebhookUnreadable(str(reason)) from reason

    def webhook_reply(self) -> tuple[int, str, bytes]:
        """Return a plain success."""
        return 200, "application/json", b'{"success":true}'

    async def _create(
        self, kind: PaymentKind, reference: str, path: str, content: Mapping[str, object]
    ) -> CreateOutcome:
        body = json_body({"payload": b64encode(self._encrypted(json_body(content))).decode()})
        request = ProviderRequest(kind, reference, "POST", f"{self._base_url}{path}", self._headers, body)
        return await self._http.create(request, partial(_read_created, kind, reference))

    def _encrypted(self, plain: bytes) -> bytes:
        padder, encryptor = PKCS7(8 * _START_BYTES).padder(), self._cipher.encryptor()
        return encryptor.update(padder.update(plain) + padder.finalize()) + encryptor.finalize()

    def _in_clear(self, fields: Fields) -> Fields:
        sealed = fields.members.get("payload")
        if not isinstance(sealed, str):
            return fields
        try:
            decryptor, unpadder = self._cipher.decryptor(), PKCS7(8 * _START_BYTES).unpadder()
            padded = decryptor.update(b64decode(sealed, validate=True)) + decryptor.finalize()
            return read_object(unpadder.update(padded) + unpadder.finalize())
        except ValueError as error:
            raise Unreadable("a payload that was not encrypted with our key") from error


def fitted(text: str, size: int) -> bytes:
    """Make a key of exactly so many bytes: hex of double the length is decoded, else UTF-8 is cut or padded."""
    if len(text) == 2 * size and all(character in hexdigits for character in text):
        return bytes.fromhex(text)
    return text.encode()[:size].ljust(size, b"\0")


def _read_created(kind: PaymentKind, reference: str, answer: HttpAnswer) -> CreateOutcome:
    fields = read_object(answer.body)
    data = fields.nested("data")
    if answer.status in _GOOD and fields.flag("success") is True and data is not None:
        return _read_taken(kind, reference, data)
    message = _refusal(fields)
    if answer.status in _CERTAIN_REJECTIONS and is_certain(message):
        return Rejected("PROVIDER_REJECTED", message, sent=True)
    return Unknown(f"HTTP {answer.status}: {message}")


def _read_taken(kind: PaymentKind, reference: str, data: Fields) -> Accepted:
    payment = _read_payment(kind, reference, data)
    if payment.provider_reference is None:
        raise Unreadable("taken, but without a number")
    return Accepted(
        status=payment.status,
        provider_reference=payment.provider_reference,
        payment_url=data.required("payment_link") if kind == "payin" else None,
        utr=payment.utr,
        amount=payment.amount,
        message=payment.message,
    )


def _read_status(kind: PaymentKind, reference: str, answer: HttpAnswer) -> StatusOutcome:
    fields = read_object(answer.body)
    data = fields.nested("data")
    if answer.status in _GOOD and fields.flag("success") is not False and data is not None:
        return _read_payment(kind, reference, data)
    message = _refusal(fields)
    if answer.status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND} and says_not_found(message):
        return NotFound(message)
    return Unknown(f"HTTP {answer.status}: {message}")


def _read_payment(kind: PaymentKind, reference: str, data: Fields) -> StatusReport:
    if data.required("ref_id") != reference:
        raise Unreadable("an answer about another payment")
    return StatusReport(
        status=_status(kind, data.text("status")),
        provider_reference=_number(kind, data),
        utr=data.text("utr_number"),
        amount=data.rupees("amount") if kind == "payin" else data.rupees("requested_amount", "amount"),
        message=data.message("message"),
    )


def _refusal(fields: Fields) -> str:
    """Return why an order or question was refused, in the provider's words."""
    error = fields.nested("error")
    message = (error and error.message("message", "errors")) or fields.message("message")
    if fields.flag("success") is not False or message is None:
        raise Unreadable("neither a payment nor an error")
    data = fields.nested("data")
    if data is not None and data.text("payment_id", "request_id") is not None:
        raise Unreadable("an error with a payment's number")
    return message


def _read_word(route: WebhookRoute, fields: Fields) -> WebhookWord:
    reference = fields.text("ref_id")
    kind = _kind(route, fields)
    number = _number(kind, fields)
    if reference is None and number is None:
        raise Unreadable("neither ref_id nor a number")
    return WebhookWord(
        kind=kind,
        reference=reference,
        provider_reference=number,
        status=_status(kind, fields.text("status")),
        amount=fields.rupees("amount"),
        currency=fields.text("currency"),
        utr=fields.text("utr_number"),
        message=fields.message("payment_message", "message"),
        authentic=False,
    )


def _kind(route: WebhookRoute, fields: Fields) -> PaymentKind:
    if fields.text("request_id") is not None:
        return "payout"
    if route != "common":
        return route
    if fields.text("payment_id") is None:
        raise Unreadable("neither route nor number tells payin from payout")
    return "payin"


def _number(kind: PaymentKind, fields: Fields) -> str | None:
    return fields.text("payment_id") if kind == "payin" else fields.text("request_id", "payment_id")


def _status(kind: PaymentKind, word: str | None) -> ProviderStatus:
    # A payout cannot run out of time at a bank: EXPIRED means that the provider stopped looking, so we go on asking.
    status = _WORDS.get((word or "").upper(), ProviderStatus.PENDING)
    return ProviderStatus.PENDING if kind == "payout" and status is ProviderStatus.EXPIRED else status


REGISTRATIONS: Final = (
    Registration("easemyneeds", EaseMyNeedsCredentials, partial(EaseMyNeedsAdapter, EASEMYNEEDS)),
    Registration("alphapay", AlphaPayCredentials, partial(EaseMyNeedsAdapter, ALPHAPAY)),
)
