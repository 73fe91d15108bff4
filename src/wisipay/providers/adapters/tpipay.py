"""TPIPay: UPI collections under a number of digits only, and payouts in two versions of its API, nothing signed.

A collection is known by 16 digits that we make of our reference. The outer `status` says whether a call went well, and
counts for a payment only where a bank's reference stands beside it. Must never take a question that failed for a
payment that failed.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Annotated, Final
from urllib.parse import urlencode

import msgspec

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
from wisipay.providers.outgoing import json_body, numeric_name, rupees_number
from wisipay.providers.refusals import is_certain, says_not_found
from wisipay.providers.registration import Registration
from wisipay.providers.wire import Fields, Unreadable, read_object, read_objects

_GOOD: Final = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})
_CERTAIN_REJECTIONS: Final = frozenset({200, 400, 401, 402, 403, 422, 429})
_WORDS: Final[Mapping[str, ProviderStatus]] = {
    **dict.fromkeys(("CREDIT", "SUCCESS", "PAID", "SETTLED"), ProviderStatus.SUCCESS),
    **dict.fromkeys(("FAILED", "FAILURE", "REJECTED", "DECLINED"), ProviderStatus.FAILED),
}
_CALL_WENT_WELL: Final = frozenset({"success", "200"})
_CALL_FAILED: Final = frozenset({"failed", "failure", "error", "validation_error"})
_CHANNELS: Final = {"NEFT": "1", "IMPS": "2"}
_REFERENCE_MAX: Final = 40
_PAYINS: Final = frozenset({"UPI", "QR", "INTENT"})
_PAYIN_RULES: Final = OrderRules(needs=frozenset({"customer_name", "customer_email", "customer_phone"}))
_PAYOUT_NEEDS: Final = frozenset({"beneficiary_name", "account_number", "ifsc"})
_V1: Final = Capabilities(
    payin_modes=_PAYINS,
    payout_modes=frozenset({"IMPS", "NEFT", "RTGS"}),
    checks_status=True,
    signs_webhooks=False,
    not_found_is_definite=False,
    reference_max_length=_REFERENCE_MAX,
    numeric_kinds=frozenset({"payin"}),
    tells_reversals=frozenset(),
    payin_rules=_PAYIN_RULES,
    payout_rules=OrderRules(needs=_PAYOUT_NEEDS | {"bank_name"}),
)
_V2: Final = replace(
    _V1,
    payout_modes=frozenset(_CHANNELS),
    unchecked_kinds=frozenset({"payout"}),
    payout_rules=OrderRules(needs=_PAYOUT_NEEDS),
)


class TpipayCredentials(Credentials, frozen=True):
    """One token for both products."""

    api_token: SecretText
    base_url: BaseUrl = "https://banking.mytpipay.com/api/upi-collection"
    payout_base_url: BaseUrl = "https://banking.mytpipay.com/api/payout/v1"
    payee_account_type: Annotated[str, msgspec.Meta(pattern="^(savings|current)$")] = "savings"


class TpipayV2Credentials(Credentials, frozen=True):
    """Version 2 of payouts wants a mobile number and an e-mail address with every transfer: the legal entity's."""

    api_token: SecretText
    payout_email: Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+$", max_length=200)]
    payout_mobile: Annotated[str, msgspec.Meta(pattern="^[0-9]{10}$")]
    base_url: BaseUrl = "https://banking.mytpipay.com/api/upi-collection"
    payout_base_url: BaseUrl = "https://banking.mytpipay.com/api/payout/v2"


class _Tpipay:
    """What both versions have in common: collections, webhooks, and how a call is made."""

    def __init__(self, credentials: TpipayCredentials | TpipayV2Credentials, http: ProviderHttp) -> None:
        self._token = credentials.api_token
        self._payin_url = credentials.base_url.rstrip("/")
        self._payout_url = credentials.payout_base_url.rstrip("/")
        self._http = http
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}

    async def create_payin(self, order: PayinOrder) -> CreateOutcome:
        """Start a collection; `payment_url` is the UPI text that becomes a QR code or opens an app."""
        number = numeric_name(order.reference)
        content: dict[str, object] = {
            "amount": rupees_number(order.amount),
            "mobile": order.customer_phone,
            "name": order.customer_name,
            "email": order.customer_email,
            "order_id": number,
        }
        request = self._post("payin", order.reference, f"{self._payin_url}/createorder", content)
        outcome = await self._http.create(request, partial(_read_collection, number))
        return replace(outcome, provider_reference=number) if isinstance(outcome, Unknown) else outcome

    def parse_webhook(
        self, kind_of_route: WebhookRoute, headers: Mapping[str, str], body: bytes
    ) -> tuple[WebhookWord, ...]:
        """Read JSON or a form, of any of the products."""
        del headers
        try:
            return tuple(_read_word(kind_of_route, fields) for fields in read_objects(body))
        except Unreadable as reason:
            raise WebhookUnreadable(str(reason)) from reason

    def webhook_reply(self) -> tuple[int, str, bytes]:
        """Return the answer that version 2 insists on."""
        return 200, "application/json", b'{"status":"success","message":"received"}'

    async def _check_payin(self, reference: str) -> StatusOutcome:
        number = numeric_name(reference)
        request = self._post("status", reference, f"{self._payin_url}/check-trxn-status", {"order_id": number})
        return await self._http.ask(request, partial(_read_collected, number))

    def _post(self, operation: str, reference: str, url: str, content: Mapping[str, object]) -> ProviderRequest:
        body = json_body({"api_token": self._token, **content})
        return ProviderRequest(operation, reference, "POST", url, self._headers, body)


class TpipayAdapter(_Tpipay):
    """TPIPay with version 1 of payouts."""

    def __init__(self, credentials: TpipayCredentials, http: ProviderHttp) -> None:
        super().__init__(credentials, http)
        self._account_type = credentials.payee_account_type

    @property
    def capabilities(self) -> Capabilities:
        """What it can do with version 1."""
        return _V1

    async def create_payout(self, order: PayoutOrder) -> CreateOutcome:
        """Start a transfer to an account."""
        content: dict[str, object] = {
            "amount": rupees_number(order.amount),
            "transfer_mode": order.mode,
            "externalTxnId": order.reference,
            "payee_name": order.beneficiary_name,
            "payee_account": order.account_number,
            "payee_ifsc": order.ifsc,
            "payee_ac_type": self._account_type,
            "payee_bank_name": order.bank_name,
        }
        request = self._post("payout", order.reference, f"{self._payout_url}/createOrder", content)
        return await self._http.create(request, partial(_read_transfer, order.reference))

    async def check_status(self, kind: PaymentKind, reference: str, provider_reference: str | None) -> StatusOutcome:
        """Ask by our reference, or the digits made of it."""
        del provider_reference
        if kind == "payin":
            return await self._check_payin(reference)
        query = urlencode({"api_token": self._token, "type": "status-check", "externalRef": reference})
        url = f"{self._payout_url}/status-check?{query}"
        request = ProviderRequest("status", reference, "GET", url, {"Accept": "application/json"})
        return await self._http.ask(request, partial(_read_transferred, reference))


class TpipayV2Adapter(_Tpipay):
    """TPIPay with version 2 of payouts, about which nothing can be asked."""

    def __init__(self, credentials: TpipayV2Credentials, http: ProviderHttp) -> None:
        super().__init__(credentials, http)
        self._email, self._mobile = credentials.payout_email, credentials.payout_mobile

    @property
    def capabilities(self) -> Capabilities:
        """What it can do with version 2."""
        return _V2

    async def create_payout(self, order: PayoutOrder) -> CreateOutcome:
        """Start a transfer to an account; its answer is the only word about it that we can trust."""
        content: dict[str, object] = {
            "mobile_number": self._mobile,
            "email": self._email,
            "beneficiary_name": order.beneficiary_name,
            "ifsc_code": order.ifsc,
            "account_number": order.account_number,
            "amount": rupees_number(order.amount),
            "channel_id": _CHANNELS[order.mode],
            "client_id": order.reference,
        }
        request = self._post("payout", order.reference, f"{self._payout_url}/transfer-now", content)
        return await self._http.create(request, _read_transfer_v2)

    async def check_status(self, kind: PaymentKind, reference: str, provider_reference: str | None) -> StatusOutcome:
        """Ask about a collection; version 2 has no address for questions about transfers."""
        del provider_reference
        if kind == "payin":
            return await self._check_payin(reference)
        return Unknown("version 2 of TPIPay's payouts cannot be asked")


def _read_collection(number: str, answer: HttpAnswer) -> CreateOutcome:
    fields = read_object(answer.body)
    data = fields.nested("data") or fields
    link, status = data.text("qrString", "qr_string"), _call_word(fields)
    if link is None or status in _CALL_FAILED:
        return _refused(fields, answer)
    if answer.status not in _GOOD or data.text("order_id") not in {None, number}:
        raise Unreadable("an answer about another collection")
    return Accepted(
        ProviderStatus.PENDING,
        provider_reference=number,
        payment_url=link,
        amount=data.rupees("amount"),
        message=fields.message("message"),
    )


def _read_collected(number: str, answer: HttpAnswer) -> StatusOutcome:
    fields = read_object(answer.body)
    data = fields.nested("data")
    if answer.status not in _GOOD or data is None or _call_word(fields) not in _CALL_WENT_WELL:
        return _unanswered(fields, answer)
    if data.required("order_id") != number:
        raise Unreadable("an answer about another collection")
    return StatusReport(
        _status(data.required("status")),
        provider_reference=number,
        utr=data.text("utr"),
        amount=data.rupees("amount"),
        message=fields.message("message"),
    )


def _read_transfer(reference: str, answer: HttpAnswer) -> CreateOutcome:
    fields = read_object(answer.body)
    data = fields.nested("data")
    if data is None or data.text("status") is None or answer.status not in _GOOD:
        return _refused(fields, answer)
    if data.required("externalTxnId") != reference:
        raise Unreadable("an answer about another transfer")
    return Accepted(
        _status(data.required("status")),
        utr=data.text("bank_ref_no"),
        amount=data.rupees("amount"),
        message=data.message("txnStatusDesc", "message"),
    )


def _read_transferred(reference: str, answer: HttpAnswer) -> StatusOutcome:
    fields = read_object(answer.body)
    utr, word = fields.text("utr"), fields.text("txnStatus")
    if answer.status not in _GOOD or (word is None and utr is None):
        return _unanswered(fields, answer)
    if fields.required("externalRef") != reference:
        raise Unreadable("an answer about another transfer")
    # Alone, the outer status may be that of the call; with the bank's reference beside it the money has moved.
    return StatusReport(
        _status(word or fields.text("status")),
        utr=utr,
        amount=fields.rupees("amount"),
        message=fields.message("message"),
    )


def _read_transfer_v2(answer: HttpAnswer) -> CreateOutcome:
    fields = read_object(answer.body)
    number = fields.text("payid")
    if number is None or answer.status not in _GOOD:
        return _refused(fields, answer)
    return Accepted(
        _status(fields.required("status")),
        provider_reference=number,
        utr=fields.text("utr"),
        amount=fields.rupees("amount"),
        message=fields.message("message"),
    )


def _refused(fields: Fields, answer: HttpAnswer) -> CreateOutcome:
    message = _reason(fields)
    status = _call_word(fields)
    failed = status in _CALL_FAILED or (status is not None and status.isdecimal() and status not in _CALL_WENT_WELL)
    if message is None or not failed:
        raise Unreadable("neither taken nor refused")
    if answer.status in _CERTAIN_REJECTIONS and is_certain(message):
        return Rejected("PROVIDER_REJECTED", message, sent=True)
    return Unknown(f"HTTP {answer.status}: {message}")


def _unanswered(fields: Fields, answer: HttpAnswer) -> StatusOutcome:
    message = _reason(fields)
    if message is None:
        raise Unreadable("an answer without a payment")
    if answer.status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND} and says_not_found(message):
        return NotFound(message)
    return Unknown(f"HTTP {answer.status}: {message}")


def _reason(fields: Fields) -> str | None:
    """Return why a call failed; `errors` has an array of texts by field."""
    errors = fields.nested("errors")
    listed = errors.members.values() if errors else ()
    texts = [text for each in listed for text in (each if isinstance(each, list) else [each]) if isinstance(text, str)]
    return Fields({"message": "; ".join(texts)}).message("message") or fields.message("message")


def _call_word(fields: Fields) -> str | None:
    word = fields.text("status")
    return word and word.lower()


def _read_word(route: WebhookRoute, fields: Fields) -> WebhookWord:
    kind = _kind(route, fields)
    number = fields.text("order_id", "orderId", "transaction_id", "gateway_order_id", "gatewayOrderId", "payid")
    reference = None
    if kind == "payout":
        reference = fields.text("externalTxnId", "client_id")
        number = fields.text("payid")
    if reference is None and number is None:
        raise Unreadable("no number of a payment")
    return WebhookWord(
        kind=kind,
        reference=reference,
        provider_reference=number,
        status=_status(fields.text("status")),
        amount=fields.rupees("amount"),
        currency=None,
        utr=fields.text("utr", "bank_ref_no"),
        message=fields.message("message"),
        authentic=False,
    )


def _kind(route: WebhookRoute, fields: Fields) -> PaymentKind:
    told = (fields.text("type") or "").lower()
    if told in {"payin", "payout"}:
        return "payin" if told == "payin" else "payout"
    if fields.text("externalTxnId", "client_id") is not None:
        return "payout"
    if route == "common":
        raise Unreadable("neither route nor content tells payin from payout")
    return route


def _status(word: str | None) -> ProviderStatus:
    return _WORDS.get((word or "").upper(), ProviderStatus.PENDING)


REGISTRATIONS: Final = (
    Registration("tpipay", TpipayCredentials, TpipayAdapter),
    Registration("tpipayv2", TpipayV2Credentials, TpipayV2Adapter),
)
