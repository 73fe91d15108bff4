"""Paysix: the merchant protocol of our own kind, with us as its merchant.

Every request is signed over its body and the time; so are its callbacks, and one whose signature holds is believed.
Must never believe an unsigned callback, and never send an amount that is not whole rupees: the protocol has none.
"""

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from wisipay.core.clock import utc_now
from wisipay.core.money import PAISE_PER_RUPEE
from wisipay.core.signing import equal, hmac_sha256_hex
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
from wisipay.providers.outgoing import json_body
from wisipay.providers.refusals import is_certain, says_not_found
from wisipay.providers.registration import Registration
from wisipay.providers.wire import Fields, Unreadable, header, read_object, read_objects

_CAPABILITIES: Final = Capabilities(
    payin_modes=frozenset({"UPI", "QR", "INTENT"}),
    payout_modes=frozenset({"IMPS", "NEFT", "RTGS"}),
    checks_status=True,
    signs_webhooks=True,
    not_found_is_definite=False,
    reference_max_length=40,
    payin_rules=OrderRules(needs=frozenset({"customer_name", "customer_email", "customer_phone"}), takes_paise=False),
    payout_rules=OrderRules(
        needs=frozenset({"beneficiary_name", "account_number", "ifsc", "bank_name"}), takes_paise=False
    ),
)
_GOOD: Final = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})
_CERTAIN_REJECTIONS: Final = frozenset({400, 401, 402, 403, 422, 429})
_THEIR_TROUBLE: Final = ("PROVIDER", "TIMEOUT", "INTERNAL", "UNKNOWN", "DUPLICATE")
_WORDS: Final[Mapping[str, ProviderStatus]] = {
    word: ProviderStatus(word) for word in ("PROCESSING", "SUCCESS", "FAILED", "EXPIRED", "REVERSED")
}


class PaysixCredentials(Credentials, frozen=True):
    """The secret signs both ways."""

    merchant_id: SecretText
    api_secret: SecretText
    base_url: BaseUrl = "https://payment.paysixfintech.net"


class PaysixAdapter:
    """Paysix on one channel."""

    def __init__(self, credentials: PaysixCredentials, http: ProviderHttp) -> None:
        self._base_url = credentials.base_url.rstrip("/")
        self._merchant_id = credentials.merchant_id
        self._secret = credentials.api_secret
        self._http = http

    @property
    def capabilities(self) -> Capabilities:
        """What Paysix can do."""
        return _CAPABILITIES

    async def create_payin(self, order: PayinOrder) -> CreateOutcome:
        """Start a collection; `paymentUrl` is where the customer pays."""
        content = {
            "amount": order.amount // PAISE_PER_RUPEE,
            "orderId": order.reference,
            "paymentMode": order.mode,
            "customerName": order.customer_name,
            "customerEmail": order.customer_email,
            "customerPhone": order.customer_phone,
            "remarks": order.remarks,
            "redirectUrl": order.redirect_url,
        }
        return await self._create("payin", order, content)

    async def create_payout(self, order: PayoutOrder) -> CreateOutcome:
        """Start a disbursement to an account."""
        content = {
            "amount": order.amount // PAISE_PER_RUPEE,
            "orderId": order.reference,
            "paymentMode": order.mode,
            "beneficiaryName": order.beneficiary_name,
            "beneficiaryAccountNumber": order.account_number,
            "beneficiaryIfsc": order.ifsc,
            "beneficiaryBankName": order.bank_name,
            "beneficiaryPhone": order.phone,
            "remarks": order.remarks,
        }
        return await self._create("payout", order, content)

    async def check_status(self, kind: PaymentKind, reference: str, provider_reference: str | None) -> StatusOutcome:
        """Ask by our reference, which is Paysix's order id."""
        del provider_reference
        url = f"{self._base_url}/api/payment/{kind}/status/{quote(reference, safe='')}"
        request = ProviderRequest("status", reference, "GET", url, self._signed(b""))
        return await self._http.ask(request, partial(_read_status, kind, reference))

    def parse_webhook(
        self, kind_of_route: WebhookRoute, headers: Mapping[str, str], body: bytes
    ) -> tuple[WebhookWord, ...]:
        """Read a callback; believed where its signature over body and time holds and it tells its own kind."""
        signed = self._is_signed(headers, body)
        try:
            return tuple(_read_word(kind_of_route, fields, signed=signed) for fields in read_objects(body))
        except Unreadable as reason:
            raise WebhookUnreadable(str(reason)) from reason

    def webhook_reply(self) -> tuple[int, str, bytes]:
        """Return a plain success."""
        return 200, "application/json", b'{"success":true}'

    async def _create(
        self, kind: PaymentKind, order: PayinOrder | PayoutOrder, content: Mapping[str, object]
    ) -> CreateOutcome:
        if order.amount % PAISE_PER_RUPEE:
            return Rejected("AMOUNT_NOT_WHOLE", "Paysix takes whole rupees only", sent=False)
        body, url = json_body(content), f"{self._base_url}/api/payment/{kind}/initiate"
        request = ProviderRequest(kind, order.reference, "POST", url, self._signed(body), body)
        return await self._http.create(request, partial(_read_created, kind, order.reference))

    def _signed(self, body: bytes) -> dict[str, str]:
        timestamp = str(int(utc_now().timestamp() * 1_000))
        return {
            "x-merchant-id": self._merchant_id,
            "x-timestamp": timestamp,
            "x-signature": self._signature(body, timestamp),
            "Content-Type": "application/json",
            "Accept": "application/json",
        }

    def _signature(self, body: bytes, timestamp: str) -> str:
        return hmac_sha256_hex(self._secret, body + b"|" + timestamp.encode(errors="replace"))

    def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        timestamp, signature = header(headers, "x-timestamp"), header(headers, "x-signature")
        if not timestamp or not signature:
            return False
        return equal(self._signature(body, timestamp), signature.strip().lower().removeprefix("sha256="))


def _read_created(kind: PaymentKind, reference: str, answer: HttpAnswer) -> CreateOutcome:
    fields = read_object(answer.body)
    data = fields.nested("data")
    if answer.status in _GOOD and fields.flag("success") is True and data is not None:
        payment = _read_payment(kind, reference, data)
        return Accepted(
            payment.status,
            provider_reference=data.required("transactionId"),
            payment_url=data.required("paymentUrl") if kind == "payin" else None,
            utr=payment.utr,
            amount=payment.amount,
            message=payment.message,
        )
    code, message, may_pass = _read_error(fields)
    ours_to_know = not may_pass and not any(word in code for word in _THEIR_TROUBLE) and is_certain(message)
    if answer.status in _CERTAIN_REJECTIONS and ours_to_know:
        return Rejected(code, message, sent=True)
    return Unknown(f"HTTP {answer.status} {code}: {message}")


def _read_status(kind: PaymentKind, reference: str, answer: HttpAnswer) -> StatusOutcome:
    fields = read_object(answer.body)
    data = fields.nested("data")
    if answer.status in _GOOD and fields.flag("success") is True and data is not None:
        return _read_payment(kind, reference, data)
    code, message, _ = _read_error(fields)
    if answer.status == HTTPStatus.NOT_FOUND and ("NOT_FOUND" in code or says_not_found(message)):
        return NotFound(message)
    return Unknown(f"HTTP {answer.status} {code}: {message}")


def _read_payment(kind: PaymentKind, reference: str, data: Fields) -> StatusReport:
    if data.required("orderId", "order_id") != reference:
        raise Unreadable("an answer about another payment")
    return StatusReport(
        status=_status(kind, data.required("status", "txn_status")),
        provider_reference=data.text("transactionId"),
        utr=data.text("utr"),
        amount=data.rupees("amount"),
        message=data.message("message"),
    )


def _read_error(fields: Fields) -> tuple[str, str, bool]:
    """Return code, message, and whether it may go well when tried again."""
    error = fields.nested("error")
    if fields.flag("success") is not False or error is None:
        raise Unreadable("neither a payment nor an error")
    code = error.required("code")
    return code.upper(), error.message("message", "description") or code, error.flag("retryable") is True


def _read_word(route: WebhookRoute, fields: Fields, *, signed: bool) -> WebhookWord:
    told = (fields.text("type") or "").lower()
    kind: PaymentKind
    if told in {"payin", "payout"}:
        kind = "payin" if told == "payin" else "payout"
    elif route != "common":
        kind, signed = route, False  # the route is not under the signature
    else:
        raise Unreadable("neither route nor type tells payin from payout")
    reference, number = fields.text("orderId", "order_id"), fields.text("transactionId")
    if reference is None and number is None:
        raise Unreadable("neither orderId nor transactionId")
    return WebhookWord(
        kind=kind,
        reference=reference,
        provider_reference=number,
        status=_status(kind, fields.text("status", "txn_status") or ""),
        amount=fields.rupees("amount"),
        currency=fields.text("currency"),
        utr=fields.text("utr"),
        message=fields.message("message"),
        authentic=signed,
    )


def _status(kind: PaymentKind, word: str) -> ProviderStatus:
    # A payout cannot run out of time at a bank: EXPIRED means that the provider stopped looking, so we go on asking.
    status = _WORDS.get(word.upper(), ProviderStatus.PENDING)
    return ProviderStatus.PENDING if kind == "payout" and status is ProviderStatus.EXPIRED else status


REGISTRATIONS: Final = (Registration("paysix", PaysixCredentials, PaysixAdapter),)
