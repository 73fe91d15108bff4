"""SabioPay, one brand of the Omniware family (TraknPay, Basispay, InnoPay): signed forms out, JSON back.

Decides what its answers and its error codes mean: a refusal is believed only for codes that are spoken before anything
reaches a bank; a duplicate payout is the earlier one still under way; SENT_TO_BENEFICIARY is not yet success; an error
in answer to a question says nothing about the payment. Must never believe a webhook without a hash, and of the two
hashes that the family uses never the looser one beyond the fields that it documents: that one does not cover names.
"""

import json
import re
from collections.abc import Mapping
from functools import partial
from hashlib import sha512
from http import HTTPStatus
from typing import Annotated, Final, Literal

import msgspec

from wisipay.core.money import Paise, rupees_text
from wisipay.core.signing import equal
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
from wisipay.providers.outgoing import form_body
from wisipay.providers.registration import Registration
from wisipay.providers.wire import Fields, Unreadable, read_object, read_objects

_CAPABILITIES: Final = Capabilities(
    payin_modes=frozenset({"UPI", "QR", "INTENT"}),
    payout_modes=frozenset({"IMPS", "NEFT", "RTGS"}),
    checks_status=True,
    signs_webhooks=True,
    not_found_is_definite=False,  # right after an order it may only mean "not yet"
    reference_max_length=30,
    tells_reversals=frozenset({"payout"}),
    payin_rules=OrderRules(amount_min=Paise(100)),
    payout_rules=OrderRules(amount_min=Paise(100), needs=frozenset({"account_number", "ifsc", "bank_name"})),
)
_IMPS_LARGEST: Final = Paise(20_000_000)
"""Two lakh rupees; what is above goes by NEFT."""

_PAYOUT_STATUSES: Final[Mapping[str, ProviderStatus]] = {
    "PROCESSING": ProviderStatus.PROCESSING,
    "INCOMPLETE": ProviderStatus.PROCESSING,
    "PENDING": ProviderStatus.PROCESSING,
    "SENT_TO_BENEFICIARY": ProviderStatus.PROCESSING,
    "SUCCESS": ProviderStatus.SUCCESS,
    "FAILED": ProviderStatus.FAILED,
    "FAILURE": ProviderStatus.FAILED,
    "RETURNED_FROM_BENEFICIARY": ProviderStatus.REVERSED,
}
_SUCCESS: Final = "0"
_DUPLICATE: Final = "1003"
_DUPLICATE_TEXT: Final = "merchant reference number should be unique"
_NOT_FOUND: Final = frozenset({"1028", "1050"})
_OPEN_CODES: Final = frozenset({"1006", "1028", "1030"})
"""Waiting for the bank, not found (yet), incomplete: a payin that may still be paid."""
_REFUSED_CODES: Final = frozenset(
    # 1006, 1027, 1028, 1030, 1050 and 1086 leave open what happened; 1000 and 1005 may be a bank's word.
    {str(code) for code in (1001, 1002, 1004, *range(1007, 1027), 1029)}
)

_RAW_HASH: Final = re.compile(rb',\s*"hash"\s*:\s*"[0-9A-Fa-f]{128}"|"hash"\s*:\s*"[0-9A-Fa-f]{128}"\s*,\s*')
_PAYOUT_NAMES: Final = (
    frozenset(
        {"transaction_reference_number", "status", "error_message", "bank_reference_number", "transaction_amount"}
    )
    | frozenset({"merchant_reference_number", "transaction_date", "api_key"})
)  # fmt: skip
_PAYIN_NAMES: Final = (
    frozenset({"transaction_id", "payment_method", "payment_mode", "payment_channel", "payment_datetime"})
    | frozenset({"response_code", "response_message", "order_id", "amount", "currency", "description", "name"})
    | frozenset({"email", "phone", "address_line_1", "address_line_2", "city", "state", "country", "zip_code"})
    | frozenset({"tdr_amount", "tax_on_tdr_amount", "amount_orig", "cardmasked", "error_desc", "bank_ref_id"})
    | frozenset({"customer_vpa", "api_key", *(f"udf{number}" for number in range(1, 6))})
)
_SEPARATOR: Final = "|"


class SabioPayCredentials(Credentials, frozen=True):
    """`city` and `zipCode` stand in every payin, since the provider asks for them and our merchants do not give them."""

    api_key: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z-]{36}$")]
    api_salt: SecretText
    base_url: BaseUrl = "https://pgbiz.sabiopg.in"
    mode: Literal["LIVE", "TEST"] = "LIVE"
    city: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z][A-Za-z ]{1,49}$")] = "Mumbai"
    zip_code: Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{5}$")] = "400001"


class SabioPayAdapter:
    """SabioPay on one channel."""

    def __init__(self, credentials: SabioPayCredentials, http: ProviderHttp) -> None:
        self._credentials = credentials
        self._base_url = credentials.base_url.rstrip("/")
        self._http = http

    @property
    def capabilities(self) -> Capabilities:
        """What SabioPay can do."""
        return _CAPABILITIES

    async def create_payin(self, order: PayinOrder) -> CreateOutcome:
        """Ask for a UPI intent address, which is what the customer opens."""
        values = {
            "amount": rupees_text(order.amount),
            "city": self._credentials.city,
            "country": "IND",
            "currency": "INR",
            "description": order.remarks or f"Order {order.reference}",
            "email": order.customer_email,
            "mode": self._credentials.mode,
            "name": order.customer_name,
            "order_id": order.reference,
            "phone": order.customer_phone,
            "return_url": order.redirect_url or order.webhook_url or "",
            "zip_code": self._credentials.zip_code,
        }
        request = self._request("payin", order.reference, "/v2/getpaymentrequestintenturl", values)
        return await self._http.create(request, partial(_read_payin_created, order.reference))

    async def create_payout(self, order: PayoutOrder) -> CreateOutcome:
        """Start a transfer; RTGS and what is over the provider's IMPS limit go by NEFT."""
        by_imps = order.mode == "IMPS" and order.amount <= _IMPS_LARGEST
        values = {
            "account_name": order.beneficiary_name,
            "account_number": order.account_number or "",
            "amount": rupees_text(order.amount),
            "bank_name": order.bank_name or "",
            "ifsc_code": order.ifsc or "",
            "merchant_reference_number": order.reference,
            "transfer_type": "IMPS" if by_imps else "NEFT",
        }
        request = self._request("payout", order.reference, "/v3/fundtransfer", values)
        return await self._http.create(request, partial(_read_payout_created, order.reference))

    async def check_status(self, kind: PaymentKind, reference: str, provider_reference: str | None) -> StatusOutcome:
        """Ask by our reference."""
        del provider_reference
        if kind == "payin":
            request = self._request("status", reference, "/v2/paymentstatus", {"order_id": reference})
            return await self._http.ask(request, partial(_read_payin_status, reference))
        values = {"merchant_reference_number": reference}
        request = self._request("status", reference, "/v3/fundtransferstatus", values)
        return await self._http.ask(request, partial(_read_payout_status, reference))

    def parse_webhook(
        self, kind_of_route: WebhookRoute, headers: Mapping[str, str], body: bytes
    ) -> tuple[WebhookWord, ...]:
        """Read JSON or a form; only a whole body has a hash, so the words of an array are hints."""
        del headers  # the hash stands in the body
        try:
            objects = read_objects(body)
            authentic = not body.lstrip().startswith(b"[") and self._is_hashed(objects[0], body)
            return tuple(_read_word(kind_of_route, fields, authentic=authentic) for fields in objects)
        except Unreadable as reason:
            raise WebhookUnreadable(str(reason)) from reason

    def webhook_reply(self) -> tuple[int, str, bytes]:
        """Return any success: the provider looks at the status only."""
        return 200, "application/json", b'{"status":"ok"}'

    def _request(self, operation: str, reference: str, path: str, values: Mapping[str, str]) -> ProviderRequest:
        sent = {"api_key": self._credentials.api_key, **values}
        filled = {name: clean for name, value in sent.items() if (clean := _hashable(value))}
        body = form_body({**filled, "hash": request_hash(self._credentials.api_salt, filled)})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        return ProviderRequest(operation, reference, "POST", f"{self._base_url}{path}", headers, body)

    def _is_hashed(self, fields: Fields, body: bytes) -> bool:
        given = fields.text("hash")
        if given is None:
            return False
        salt = self._credentials.api_salt
        wanted = [json_hash(salt, text) for text in _hashed_texts(fields, body)]
        values = _hashed_values(fields)
        if values is not None:
            wanted.append(request_hash(salt, values))
        return any([equal(each, given.upper()) for each in wanted])


def request_hash(salt: str, values: Mapping[str, str]) -> str:
    """Hash what is sent: the salt and all values in the order of their names, without empty ones, joined by pipes."""
    filled = [values[name] for name in sorted(values) if name != "hash" and values[name]]
    return sha512(_SEPARATOR.join((salt, *filled)).encode()).hexdigest().upper()


def json_hash(salt: str, text: bytes) -> str:
    """Hash a JSON text, from which its own hash was taken out, behind the salt."""
    return sha512(salt.encode() + text).hexdigest().upper()


def _hashable(value: str) -> str:
    # The hash joins values by pipes: one inside a value would let two different requests have the same hash.
    return value.replace(_SEPARATOR, " ").strip()


def _hashed_texts(fields: Fields, body: bytes) -> list[bytes]:
    """Return the JSON texts that may have been hashed: as it came without its hash, and as PHP writes it."""
    texts = []
    cut, found = _RAW_HASH.subn(b"", body.strip())
    if found == 1:
        texts.append(cut)
    members = {name: value for name, value in fields.members.items() if name != "hash"}
    if all(value is None or isinstance(value, (str, int)) for value in members.values()):
        texts.append(json.dumps(members, separators=(",", ":")).replace("/", "\\/").encode())
    return texts


def _hashed_values(fields: Fields) -> dict[str, str] | None:
    """Return what the looser hash covers; None where names or values might have been moved about under it."""
    members = {name: value for name, value in fields.members.items() if name != "hash" and value is not None}
    values = {name: value if isinstance(value, str) else str(value) for name, value in members.items()}
    documented = any(values.keys() <= names for names in (_PAYOUT_NAMES, _PAYIN_NAMES))
    if not documented or any(_SEPARATOR in value for value in values.values()):
        return None
    return values


def _envelope(answer: HttpAnswer) -> Fields:
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unreadable("the server failed")
    return read_object(answer.body)


def _data(answer: HttpAnswer, fields: Fields, name: str, reference: str) -> Fields:
    data = fields.nested("data")
    if answer.status != HTTPStatus.OK or data is None:
        raise Unreadable("neither data nor a readable error")
    if data.required(name) != reference:
        raise Unreadable("an answer about another payment")
    return data


def _error(fields: Fields) -> tuple[str, str] | None:
    """Return code and message of an error, in any of the shapes in which the family's brands tell one."""
    error = fields.nested("error")
    if error is not None:
        code = error.required("code")
        return code, error.message("message") or code
    code = fields.text("error_code") or _SUCCESS
    if code != _SUCCESS:
        return code, fields.message("error", "message") or code
    return None


def _is_duplicate(fields: Fields) -> bool:
    error, data = _error(fields), fields.nested("data")
    texts = [error[1] if error else None, fields.message("message"), data.message("error_message") if data else None]
    told = any(_DUPLICATE_TEXT in text.lower() for text in texts if text)
    return told or (error is not None and error[0] == _DUPLICATE)


def _refusal(error: tuple[str, str]) -> Rejected | Unknown:
    code, message = error
    return Rejected(code, message, sent=True) if code in _REFUSED_CODES else Unknown(f"error {code}")


def _read_payin_created(reference: str, answer: HttpAnswer) -> CreateOutcome:
    fields = _envelope(answer)
    error = _error(fields)
    if error is not None:
        return _refusal(error)  # a duplicate too: without its address the first payin is of no use to the customer
    data = _data(answer, fields, "order_id", reference)
    return Accepted(
        ProviderStatus.PENDING,
        provider_reference=data.required("payment_request_id"),
        payment_url=data.required("upi_intent_url"),
    )


def _read_payout_created(reference: str, answer: HttpAnswer) -> CreateOutcome:
    fields = _envelope(answer)
    if _is_duplicate(fields):
        return Accepted(ProviderStatus.PENDING, message="the reference was used before: the earlier transfer counts")
    error = _error(fields)
    if error is not None:
        return _refusal(error)
    data = _data(answer, fields, "merchant_reference_number", reference)
    return Accepted(
        _payout_status(data),
        provider_reference=data.text("transaction_id", "transaction_reference_number", "payout_id"),
        utr=data.text("bank_reference_number"),
        amount=data.rupees("amount", "transaction_amount"),
        message=data.message("error_message"),
    )


def _unanswered(error: tuple[str, str]) -> StatusOutcome:
    code, message = error
    return NotFound(message) if code in _NOT_FOUND else Unknown(f"error {code}")


def _read_payin_status(reference: str, answer: HttpAnswer) -> StatusOutcome:
    fields = _envelope(answer)
    error = _error(fields)
    if error is not None:
        return _unanswered(error)
    tries = [item for item in fields.objects("data") if item.text("order_id") == reference]
    if answer.status != HTTPStatus.OK or not tries:
        raise Unreadable("no word about this order")
    # An order that was tried several times has several entries: a success counts, then one that is still open.
    told = min(tries, key=lambda item: _RANKS.index(_payin_status(item)))
    return StatusReport(
        _payin_status(told),
        utr=told.text("bank_ref_id"),
        amount=told.rupees("amount_orig", "amount"),
        message=told.message("error_desc", "response_message"),
    )


_RANKS: Final = (ProviderStatus.SUCCESS, ProviderStatus.PENDING, ProviderStatus.FAILED)


def _read_payout_status(reference: str, answer: HttpAnswer) -> StatusOutcome:
    fields = _envelope(answer)
    error = _error(fields)
    if error is not None:
        return _unanswered(error)
    data = _data(answer, fields, "merchant_reference_number", reference)
    return StatusReport(
        _payout_status(data),
        provider_reference=data.text("transaction_reference_number", "payout_id"),
        utr=data.text("bank_reference_number", "transaction_id"),
        amount=data.rupees("amount", "transaction_amount"),
        message=data.message("error_message"),
    )


def _read_word(route: WebhookRoute, fields: Fields, *, authentic: bool) -> WebhookWord:
    if _kind(route, fields) == "payout":
        word = WebhookWord(
            kind="payout",
            reference=fields.text("merchant_reference_number", "order_id"),
            provider_reference=fields.text("transaction_reference_number", "payout_id", "transaction_id"),
            status=_payout_status(fields),
            amount=fields.rupees("transaction_amount", "amount"),
            currency=None,
            utr=fields.text("bank_reference_number", "transaction_id"),
            message=fields.message("error_message"),
            authentic=authentic,
        )
    else:
        word = WebhookWord(
            kind="payin",
            reference=fields.text("order_id"),
            provider_reference=fields.text("transaction_id"),
            status=_payin_status(fields),
            amount=fields.rupees("amount_orig", "amount"),
            currency=fields.text("currency"),
            utr=fields.text("bank_ref_id"),
            message=fields.message("error_desc", "response_message"),
            authentic=authentic,
        )
    if word.reference is None and word.provider_reference is None:
        raise Unreadable("no payment is named")
    return word


def _kind(route: WebhookRoute, fields: Fields) -> PaymentKind:
    # What the body tells comes before the route: the hash covers the body only.
    if fields.text("merchant_reference_number", "transaction_reference_number", "payout_id"):
        return "payout"
    if fields.text("order_id") and "response_code" in fields.members:
        return "payin"
    if route == "common":
        raise Unreadable("neither route nor body tells payin from payout")
    return route


def _payout_status(fields: Fields) -> ProviderStatus:
    return _PAYOUT_STATUSES.get((fields.text("status") or "").upper(), ProviderStatus.PENDING)


def _payin_status(fields: Fields) -> ProviderStatus:
    code = fields.text("response_code")
    if code is None or code in _OPEN_CODES:
        return ProviderStatus.PENDING
    return ProviderStatus.SUCCESS if code == _SUCCESS else ProviderStatus.FAILED


REGISTRATIONS: Final = (Registration("sabiopay", SabioPayCredentials, SabioPayAdapter),)
