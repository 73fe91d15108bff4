"""The dummy provider: our own simulator's wire format, and the model for every other adapter.

Decides how the dummy's answers are read: rejected for certain on 400, 401, 402, 422, 429 and a 503 that says
MAINTENANCE; a duplicate reference is the first order's own answer; every other answer is unknown. Must never trust a
webhook that is not signed with the channel's webhook secret: it is a hint.
"""

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import msgspec

from wisipay.core.money import rupees_text
from wisipay.core.signing import equal, hmac_sha256_hex
from wisipay.providers.base import (
    Accepted,
    BaseUrl,
    Capabilities,
    CreateOutcome,
    Credentials,
    NotFound,
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
from wisipay.providers.registration import Registration
from wisipay.providers.wire import Fields, Unreadable, header, read_object, read_objects

_CAPABILITIES: Final = Capabilities(
    payin_modes=frozenset({"UPI", "QR", "INTENT"}),
    payout_modes=frozenset({"UPI", "IMPS", "NEFT", "RTGS"}),
    checks_status=True,
    signs_webhooks=True,
    not_found_is_definite=True,
    reference_max_length=40,
)
_CERTAIN_REJECTIONS: Final = frozenset({400, 401, 402, 422})
_KIND_BY_PREFIX: Final[Mapping[str, PaymentKind]] = {"DUMMY_PY_": "payin", "DUMMY_PO_": "payout"}


class DummyCredentials(Credentials, frozen=True):
    """Without `webhookSecret` every webhook of the channel is a hint."""

    base_url: BaseUrl
    api_key: SecretText
    webhook_secret: SecretText | None = None


class DummyAdapter:
    """The dummy provider on one channel."""

    def __init__(self, credentials: DummyCredentials, http: ProviderHttp) -> None:
        self._base_url = credentials.base_url.rstrip("/")
        self._webhook_secret = credentials.webhook_secret
        self._http = http
        self._headers = {
            "Authorization": f"Bearer {credentials.api_key}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        }

    @property
    def capabilities(self) -> Capabilities:
        """What the dummy can do."""
        return _CAPABILITIES

    async def create_payin(self, order: PayinOrder) -> CreateOutcome:
        """Start a collection; `payment_link` is where the customer pays."""
        customer = {"name": order.customer_name, "email": order.customer_email, "phone": order.customer_phone}
        return await self._create("payin", order, {"customer": customer, "redirect_url": order.redirect_url})

    async def create_payout(self, order: PayoutOrder) -> CreateOutcome:
        """Start a disbursement."""
        beneficiary = {
            "name": order.beneficiary_name,
            "account_number": order.account_number,
            "ifsc": order.ifsc,
            "bank_name": order.bank_name,
            "vpa": order.vpa,
            "phone": order.phone,
        }
        return await self._create("payout", order, {"beneficiary": beneficiary})

    async def check_status(self, kind: PaymentKind, reference: str, provider_reference: str | None) -> StatusOutcome:
        """Ask by our reference; the dummy needs no reference of its own."""
        del provider_reference
        url = f"{self._base_url}/dummy/v1/{kind}s/{quote(reference, safe='')}"
        request = ProviderRequest("status", reference, "GET", url, self._headers)
        return await self._http.ask(request, partial(_read_status, kind, reference))

    def parse_webhook(
        self, kind_of_route: WebhookRoute, headers: Mapping[str, str], body: bytes
    ) -> tuple[WebhookWord, ...]:
        """Read one word, or an array of them under one signature."""
        authentic = self._is_signed(headers, body)
        try:
            return tuple(_read_word(kind_of_route, fields, authentic=authentic) for fields in read_objects(body))
        except Unreadable as reason:
            raise WebhookUnreadable(str(reason)) from reason

    def webhook_reply(self) -> tuple[int, str, bytes]:
        """Return what the dummy wants to hear."""
        return 200, "application/json", b'{"success":true}'

    async def _create(
        self, kind: PaymentKind, order: PayinOrder | PayoutOrder, particulars: Mapping[str, object]
    ) -> CreateOutcome:
        content = {
            "ref_id": order.reference,
            "amount": rupees_text(order.amount),
            "currency": "INR",
            "mode": order.mode,
            "callback_url": order.webhook_url,
            "remarks": order.remarks,
            **particulars,
        }
        url = f"{self._base_url}/dummy/v1/{kind}s"
        request = ProviderRequest(kind, order.reference, "POST", url, self._headers, msgspec.json.encode(content))
        return await self._http.create(request, partial(_read_created, kind, order.reference))

    def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        timestamp, signature = header(headers, "X-Dummy-Timestamp"), header(headers, "X-Dummy-Signature")
        if not self._webhook_secret or not timestamp or not signature:
            return False
        message = timestamp.encode(errors="replace") + b"." + body
        return equal(hmac_sha256_hex(self._webhook_secret, message), signature.strip().lower())


def _read_created(kind: PaymentKind, reference: str, answer: HttpAnswer) -> CreateOutcome:
    fields = read_object(answer.body)
    if answer.status == HTTPStatus.OK:
        return _read_payment(kind, reference, fields, succeeded=True)
    code, message = _read_error(fields)
    if answer.status == HTTPStatus.CONFLICT and code == "DUPLICATE_REFERENCE":
        return _read_payment(kind, reference, fields, succeeded=False)
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Rejected("THROTTLED", message, sent=True)
    if answer.status == HTTPStatus.SERVICE_UNAVAILABLE and code == "MAINTENANCE":
        return Rejected(code, message, sent=True, outage=True)
    if answer.status in _CERTAIN_REJECTIONS:
        return Rejected(code, message, sent=True)
    return Unknown(f"HTTP {answer.status} {code}")


def _read_status(kind: PaymentKind, reference: str, answer: HttpAnswer) -> StatusOutcome:
    fields = read_object(answer.body)
    if answer.status == HTTPStatus.OK:
        payment = _read_payment(kind, reference, fields, succeeded=True)
        return StatusReport(
            payment.status, payment.provider_reference, payment.utr, amount=payment.amount, message=payment.message
        )
    code, message = _read_error(fields)
    if answer.status == HTTPStatus.NOT_FOUND and code == "NOT_FOUND":
        return NotFound(message)
    return Unknown(f"HTTP {answer.status} {code}")


def _read_error(fields: Fields) -> tuple[str, str]:
    error = fields.nested("error")
    if fields.flag("success") is not False or error is None:
        raise Unreadable("neither a payment nor an error")
    code = error.required("code")
    return code, error.message("message") or code


def _read_payment(kind: PaymentKind, reference: str, fields: Fields, *, succeeded: bool) -> Accepted:
    data = fields.nested("data")
    if fields.flag("success") is not succeeded or data is None:
        raise Unreadable("an answer without its payment")
    if data.required("ref_id") != reference:
        raise Unreadable("an answer about another payment")
    return Accepted(
        status=_status(kind, data.required("status")),
        provider_reference=data.required("payment_id"),
        payment_url=data.text("payment_link"),
        utr=data.text("utr"),
        amount=data.rupees("amount"),
        message=data.message("message"),
    )


def _read_word(route: WebhookRoute, fields: Fields, *, authentic: bool) -> WebhookWord:
    payment_id = fields.text("payment_id")
    kind = _kind(route, payment_id)
    reference = fields.text("ref_id")
    if payment_id is None and reference is None:
        raise Unreadable("neither payment_id nor ref_id")
    return WebhookWord(
        kind=kind,
        reference=reference,
        provider_reference=payment_id,
        status=_status(kind, fields.text("status") or ""),
        amount=fields.rupees("amount"),
        currency=fields.text("currency"),
        utr=fields.text("utr"),
        message=fields.message("message"),
        authentic=authentic,
    )


def _kind(route: WebhookRoute, payment_id: str | None) -> PaymentKind:
    # The payment's own id is under the signature, the route is not: a word replayed to the other route keeps its kind.
    for prefix, kind in _KIND_BY_PREFIX.items():
        if payment_id is not None and payment_id.startswith(prefix):
            return kind
    if route == "common":
        raise Unreadable("neither route nor payment_id tells payin from payout")
    return route


def _status(kind: PaymentKind, word: str) -> ProviderStatus:
    # A payout cannot run out of time at a bank: EXPIRED means that the provider stopped looking, so we go on asking.
    try:
        status = ProviderStatus(word.upper())
    except ValueError:
        return ProviderStatus.PENDING
    return ProviderStatus.PENDING if kind == "payout" and status is ProviderStatus.EXPIRED else status


REGISTRATIONS: Final = (Registration("dummy", DummyCredentials, DummyAdapter),)
