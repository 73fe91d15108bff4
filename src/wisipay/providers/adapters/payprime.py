"""Payprime: payouts to accounts, with the token in the body, answers nested up to three deep, nothing signed.

Only `txn_status` (or the word of an inner level) says how a transfer stands; the outermost `status` says whether the
call went well. Must never take a call that failed for a transfer that failed.
"""

from collections.abc import Iterator, Mapping
from functools import partial
from http import HTTPStatus
from typing import Final

from wisipay.core.money import Paise
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

_CAPABILITIES: Final = Capabilities(
    payin_modes=frozenset(),
    payout_modes=frozenset({"IMPS", "NEFT", "RTGS"}),
    checks_status=True,
    signs_webhooks=False,
    not_found_is_definite=False,
    reference_max_length=40,
    tells_reversals=frozenset(),
    payout_rules=OrderRules(needs=frozenset({"beneficiary_name", "account_number", "ifsc", "bank_name"})),
)
_GOOD: Final = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})
_CERTAIN_REJECTIONS: Final = frozenset({200, 400, 401, 402, 403, 422, 429})
_CALL_FAILED: Final = frozenset({"ERROR", "FAILED", "FAILURE", "FALSE"})
_GOOD_CODE: Final = "200"
_WORDS: Final[Mapping[str, ProviderStatus]] = {
    **dict.fromkeys(("SUCCESS", "COMPLETED", "PROCESSED", "PAID", "SETTLED"), ProviderStatus.SUCCESS),
    **dict.fromkeys(("FAILED", "FAILURE", "REJECTED", "DECLINED", "ERROR"), ProviderStatus.FAILED),
}
_NUMBERS: Final = ("order_id", "orderId")
_OURS: Final = ("clientRefId", "client_ref_id")


class PayprimeCredentials(Credentials, frozen=True):
    """The token travels in every body; Payprime also wants to know our outgoing address."""

    api_token: SecretText
    base_url: BaseUrl = "https://b2b.payprime.in/api/payout"


class PayprimeAdapter:
    """Payprime on one channel."""

    def __init__(self, credentials: PayprimeCredentials, http: ProviderHttp) -> None:
        self._base_url = credentials.base_url.rstrip("/")
        self._token = credentials.api_token
        self._http = http
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}

    @property
    def capabilities(self) -> Capabilities:
        """What Payprime can do."""
        return _CAPABILITIES

    async def create_payin(self, order: PayinOrder) -> CreateOutcome:
        """Refuse: Payprime collects nothing."""
        del order
        return Rejected("KIND_UNSUPPORTED", "Payprime takes no payins", sent=False)

    async def create_payout(self, order: PayoutOrder) -> CreateOutcome:
        """Start a transfer to an account."""
        beneficiary = {
            "accountNumber": order.account_number,
            "name": order.beneficiary_name,
            "bankName": order.bank_name,
            "ifsc": order.ifsc,
            **({"mobile": order.phone} if order.phone else {}),
        }
        content = {
            "token": self._token,
            "pay_type": "transfer",
            "clientRefId": order.reference,
            "amount": rupees_number(order.amount),
            "mode": order.mode,
            "note": order.remarks or "Payprime",
            "beneDetails": beneficiary,
        }
        url = f"{self._base_url}/initiate"
        request = ProviderRequest("payout", order.reference, "POST", url, self._headers, json_body(content))
        return await self._http.create(request, partial(_read_created, order.reference))

    async def check_status(self, kind: PaymentKind, reference: str, provider_reference: str | None) -> StatusOutcome:
        """Ask by Payprime's number where we have it: a GET with a body."""
        del kind
        number = provider_reference or reference
        body = json_body({"token": self._token, "order_id": number})
        request = ProviderRequest("status", reference, "GET", f"{self._base_url}/check-status", self._headers, body)
        return await self._http.ask(request, partial(_read_status, reference, number))

    def parse_webhook(
        self, kind_of_route: WebhookRoute, headers: Mapping[str, str], body: bytes
    ) -> tuple[WebhookWord, ...]:
        """Read an object, an array or a form, whose `data` may again be any of the first two."""
        del kind_of_route, headers
        try:
            return tuple(_read_word(levels) for fields in read_objects(body) for levels in _unnested(fields))
        except Unreadable as reason:
            raise WebhookUnreadable(str(reason)) from reason

    def webhook_reply(self) -> tuple[int, str, bytes]:
        """Return a plain success."""
        return 200, "application/json", b'{"status":"success"}'


def _read_created(reference: str, answer: HttpAnswer) -> CreateOutcome:
    fields = read_object(answer.body)
    levels = _levels(fields)
    _about(reference, levels)
    number, message = _first(levels, *_NUMBERS), _message(levels)
    if _call_failed(levels):
        if number is None and message and answer.status in _CERTAIN_REJECTIONS and is_certain(message):
            return Rejected("PROVIDER_REJECTED", message, sent=True)
        return Unknown(f"HTTP {answer.status}: {message or 'refused without a reason'}")
    if answer.status not in _GOOD or number is None:
        raise Unreadable("neither taken nor refused")
    return Accepted(
        status=_status(_transfer_word(levels)), provider_reference=number, amount=_amount(levels), message=message
    )


def _read_status(reference: str, number: str, answer: HttpAnswer) -> StatusOutcome:
    levels = _levels(read_object(answer.body))
    _about(reference, levels)
    message = _message(levels)
    if answer.status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND} and _call_failed(levels):
        if message and says_not_found(message):
            return NotFound(message)
        return Unknown(f"HTTP {answer.status}: {message or 'refused without a reason'}")
    told, word = _first(levels, *_NUMBERS), _transfer_word(levels)
    if answer.status not in _GOOD or word is None:
        raise Unreadable("an answer without a transfer's status")
    if told is not None and number not in {told, reference}:
        raise Unreadable("an answer about another transfer")
    return StatusReport(
        status=_status(word),
        provider_reference=told,
        utr=_first(levels, "utr") or _first(levels, "transactionId", "transaction_id"),
        amount=_amount(levels),
        message=message,
    )


def _levels(fields: Fields) -> tuple[Fields, ...]:
    """Return the answer, its `data` and the `data` in that, as many as there are."""
    return next(iter(_unnested(fields)))


def _unnested(fields: Fields) -> Iterator[tuple[Fields, ...]]:
    """Return the levels of every payment in a body: `data` is an object or an array of them, once more inside."""
    below = _objects(fields)
    if not below:
        yield (fields,)
    for data in below:
        inner = _objects(data)
        if not inner:
            yield fields, data
        for deepest in inner:
            yield fields, data, deepest


def _objects(fields: Fields) -> tuple[Fields, ...]:
    data = fields.nested("data")
    return fields.objects("data") if data is None else (data,)


def _first(levels: tuple[Fields, ...], *names: str) -> str | None:
    return next((text for level in levels if (text := level.text(*names))), None)


def _transfer_word(levels: tuple[Fields, ...]) -> str | None:
    """Return the word about the transfer; the outermost `status` is about the call and counts for nothing here."""
    return _first(levels, "txn_status") or _first(levels[:0:-1], "status")


def _call_failed(levels: tuple[Fields, ...]) -> bool:
    outer = levels[0]
    code, word = outer.text("code"), outer.text("status")
    flags = [flag for level in levels[:2] if (flag := level.flag("status")) is not None]
    return flags[:1] == [False] or (word or "").upper() in _CALL_FAILED or code not in {None, _GOOD_CODE}


def _about(reference: str, levels: tuple[Fields, ...]) -> None:
    if _first(levels, *_OURS) not in {None, reference}:
        raise Unreadable("an answer about another payment")


def _message(levels: tuple[Fields, ...]) -> str | None:
    return next((text for level in levels if (text := level.message("message"))), None)


def _amount(levels: tuple[Fields, ...]) -> Paise | None:
    return next((amount for level in levels if (amount := level.rupees("amount")) is not None), None)


def _read_word(levels: tuple[Fields, ...]) -> WebhookWord:
    payload, *below = levels
    inside = (*below, payload)
    reference = _first(inside, *_OURS) or payload.text("clientRefID", "clientRef")
    # `order_id` is the number that an order's answer gave us; `payid` is one that we may never have seen.
    number = _first(levels, *_NUMBERS) or _first(levels, "payid")
    if reference is None and number is None:
        raise Unreadable("neither clientRefId nor a number")
    data = below[0] if below else payload
    word = data.text("status") or payload.text("txn_status", "status") or data.text("txn_status")
    return WebhookWord(
        kind="payout",
        reference=reference,
        provider_reference=number,
        status=_status(word or _first(tuple(below[1:]), "status") or payload.text("statuscode")),
        amount=_amount(inside),
        currency=None,
        utr=_first(inside, "utr"),
        message=_message(inside),
        authentic=False,
    )


def _status(word: str | None) -> ProviderStatus:
    return _WORDS.get((word or "").upper(), ProviderStatus.PENDING)


REGISTRATIONS: Final = (Registration("payprime", PayprimeCredentials, PayprimeAdapter),)
