"""What SabioPay's answers and webhooks mean.

Decides that a refusal is believed only for codes that are spoken before anything reaches a bank, that a duplicate
payout is the earlier one under way, that SENT_TO_BENEFICIARY is not yet success, and that an error in answer to a
question says nothing about the payment. Must never take any of them for a failure of the payment.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from wisipay.core.money import Paise
from wisipay.providers.base import (
    Accepted,
    CreateOutcome,
    NotFound,
    PaymentKind,
    ProviderStatus,
    Rejected,
    StatusOutcome,
    StatusReport,
    Unknown,
    WebhookRoute,
    WebhookWord,
)
from wisipay.providers.http import HttpAnswer
from wisipay.providers.inquiries import Balance, BalanceOutcome
from wisipay.providers.wire import Fields, Unreadable, read_object

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
    # Left out: 1000 and 1005 may be a bank's word; 1006, 1027, 1028, 1030, 1050 and 1086 leave open what happened.
    str(code)
    for code in (1001, 1002, 1004, *range(1007, 1027), 1029)
)
_BEST_FIRST: Final = (ProviderStatus.SUCCESS, ProviderStatus.PENDING, ProviderStatus.FAILED)


def read_payin_created(reference: str, answer: HttpAnswer) -> CreateOutcome:
    """Read the address at which the customer pays.

    A duplicate is unknown: without its address the earlier payin is of no use to the customer.
    """
    fields = _envelope(answer)
    error = _error(fields)
    if error is not None:
        return _refusal(error)
    data = _data(answer, fields, "order_id", reference)
    return Accepted(
        ProviderStatus.PENDING,
        provider_reference=data.required("payment_request_id"),
        payment_url=data.required("upi_intent_url"),
        amount=data.rupees("amount"),
    )


def read_balance(answer: HttpAnswer) -> BalanceOutcome:
    """Read what is left to be paid out."""
    fields = _envelope(answer)
    error = _error(fields)
    if error is not None:
        return Unknown(f"refused with {error[0]}: {error[1]}")
    data = fields.nested("data") or Fields({})
    available = Paise(0) if data.is_below_zero("balance") else data.rupees("balance")
    if available is None:
        raise Unreadable("balance is missing")
    return Balance(available)


def read_payout_created(reference: str, answer: HttpAnswer) -> CreateOutcome:
    """Read how a transfer began. A duplicate is the earlier one, and asking tells how that one stands."""
    fields = _envelope(answer)
    error = _error(fields)
    if _is_duplicate(fields, error):
        return Accepted(ProviderStatus.PENDING, message="this reference was used before: the earlier transfer counts")
    if error is not None:
        return _refusal(error)
    data = _data(answer, fields, "merchant_reference_number", reference)
    return Accepted(
        _payout_status(data),
        provider_reference=data.text("transaction_id", "transaction_reference_number", "payout_id"),
        utr=data.text("bank_reference_number"),
        amount=data.rupees("transaction_amount", "amount"),
        message=data.message("error_message"),
    )


def read_payin_status(reference: str, answer: HttpAnswer) -> StatusOutcome:
    """Read the tries of an order: a success counts, then one that is still open, then a failure."""
    fields = _envelope(answer)
    error = _error(fields)
    if error is not None:
        return _no_report(error)
    tries = [item for item in fields.objects("data") if item.text("order_id") == reference]
    if answer.status != HTTPStatus.OK or not tries:
        raise Unreadable("no word about this order")
    told = min(tries, key=lambda item: _BEST_FIRST.index(_payin_status(item)))
    return StatusReport(
        _payin_status(told),
        utr=told.text("bank_ref_id"),
        amount=told.rupees("amount_orig", "amount"),
        message=told.message("error_desc", "response_message"),
    )


def read_payout_status(reference: str, answer: HttpAnswer) -> StatusOutcome:
    """Read how a transfer stands; here `transaction_id` is the bank's reference, and null while it is under way."""
    fields = _envelope(answer)
    error = _error(fields)
    if error is not None:
        return _no_report(error)
    data = _data(answer, fields, "merchant_reference_number", reference)
    return StatusReport(
        _payout_status(data),
        provider_reference=data.text("transaction_reference_number", "payout_id"),
        utr=data.text("bank_reference_number", "transaction_id"),
        amount=data.rupees("transaction_amount", "amount"),
        message=data.message("error_message"),
    )


def read_word(route: WebhookRoute, fields: Fields, *, authentic: bool) -> WebhookWord:
    """Read one payment's news. The surcharge that a customer may bear is not in `amount_orig`, which comes first."""
    is_payout = _kind(route, fields) == "payout"
    if is_payout:
        reference = fields.text("merchant_reference_number", "order_id")
        provider_reference = fields.text("transaction_reference_number", "payout_id", "transaction_id")
    else:
        reference, provider_reference = fields.text("order_id"), fields.text("transaction_id")
    if reference is None and provider_reference is None:
        raise Unreadable("no payment is named")
    return WebhookWord(
        kind="payout" if is_payout else "payin",
        reference=reference,
        provider_reference=provider_reference,
        status=_payout_status(fields) if is_payout else _payin_status(fields),
        amount=fields.rupees("transaction_amount", "amount_orig", "amount"),
        currency=fields.text("currency"),
        utr=fields.text("bank_reference_number", "transaction_id") if is_payout else fields.text("bank_ref_id"),
        message=fields.message("error_message", "error_desc", "response_message"),
        authentic=authentic,
    )


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
    """Return code and message of an error, in either shape in which the brands of the family tell one."""
    error = fields.nested("error")
    if error is not None:
        code = error.required("code")
        return code, error.message("message") or code
    code = fields.text("error_code") or _SUCCESS
    return None if code == _SUCCESS else (code, fields.message("error", "message") or code)


def _is_duplicate(fields: Fields, error: tuple[str, str] | None) -> bool:
    data = fields.nested("data")
    texts = [fields.message("error"), fields.message("message"), data.message("error_message") if data else None]
    if error is not None:
        texts.append(error[1])
    return (error is not None and error[0] == _DUPLICATE) or any(
        _DUPLICATE_TEXT in (text or "").lower() for text in texts
    )


def _refusal(error: tuple[str, str]) -> Rejected | Unknown:
    code, message = error
    return Rejected(code, message, sent=True) if code in _REFUSED_CODES else Unknown(f"error {code}")


def _no_report(error: tuple[str, str]) -> NotFound | Unknown:
    code, message = error
    return NotFound(message) if code in _NOT_FOUND else Unknown(f"error {code}")


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
