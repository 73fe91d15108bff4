"""What Razorpay's answers and events mean.

Decides that a refusal is a 4xx with the code of a bad request, unless it speaks of idempotency or of a reference that
was tried before (then an earlier order exists) or of trouble on their side; and that a customer's failed try ends
nothing, because the link stays payable. Must never take an event's name for the payment's status: events come more than
once and in any order, and each carries the payment as it stood.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

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
    WebhookWord,
)
from wisipay.providers.http import HttpAnswer
from wisipay.providers.wire import Fields, Unreadable, read_object

REFERENCE_NOTE: Final = "reference_id"
"""The note of a link that Razorpay copies to its payments, whose events name the link in no other way."""

_LINK_STATUSES: Final[Mapping[str, ProviderStatus]] = {
    "created": ProviderStatus.PENDING,
    "partially_paid": ProviderStatus.PROCESSING,
    "paid": ProviderStatus.SUCCESS,
    "cancelled": ProviderStatus.EXPIRED,
    "expired": ProviderStatus.EXPIRED,
}
_PAYMENT_STATUSES: Final[Mapping[str, ProviderStatus]] = {
    "created": ProviderStatus.PENDING,
    "authorized": ProviderStatus.PROCESSING,
    "captured": ProviderStatus.SUCCESS,
    "failed": ProviderStatus.PENDING,
}
_PAYOUT_STATUSES: Final[Mapping[str, ProviderStatus]] = {
    "queued": ProviderStatus.PENDING,
    "pending": ProviderStatus.PENDING,
    "scheduled": ProviderStatus.PENDING,
    "processing": ProviderStatus.PROCESSING,
    "processed": ProviderStatus.SUCCESS,
    "reversed": ProviderStatus.REVERSED,
    "failed": ProviderStatus.FAILED,
    "rejected": ProviderStatus.FAILED,
    "cancelled": ProviderStatus.FAILED,
}
_REFUSALS: Final = frozenset({400, 401, 403, 429})
_REFUSAL_CODES: Final = frozenset({"BAD_REQUEST_ERROR", "BAD_REQUEST_AUTHENTICATION_ERROR"})
_NO_REFUSALS: Final = ("idempoten", "already attempted", "trouble completing")
_NO_REASONS: Final = frozenset({"NA", "NULL"})
_UNKNOWN_ID: Final = "id provided does not exist"
_LISTS: Final[Mapping[PaymentKind, str]] = {"payin": "payment_links", "payout": "items"}


def read_created(kind: PaymentKind, reference: str, answer: HttpAnswer) -> CreateOutcome:
    """Read the answer to an order; a payout sent again under its key is answered with the first one's state."""
    fields = read_object(answer.body)
    if answer.status == HTTPStatus.OK:
        report = _report(kind, reference, fields)
        return Accepted(
            report.status,
            provider_reference=report.provider_reference,
            payment_url=fields.required("short_url") if kind == "payin" else None,
            utr=report.utr,
            amount=report.amount,
            message=report.message,
        )
    code, reason, message = _error(fields)
    is_refusal = answer.status in _REFUSALS and code in _REFUSAL_CODES
    if not is_refusal or any(phrase in message.lower() for phrase in _NO_REFUSALS):
        return Unknown(f"HTTP {answer.status} {code}: {message}")
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Rejected("THROTTLED", message, sent=True)
    return Rejected(reason or code, message, sent=True)


def read_status(kind: PaymentKind, reference: str, answer: HttpAnswer) -> StatusOutcome:
    """Read one payment, or the list of those with our reference."""
    fields = read_object(answer.body)
    if answer.status != HTTPStatus.OK:
        code, _, message = _error(fields)
        is_unknown_id = answer.status == HTTPStatus.BAD_REQUEST and _UNKNOWN_ID in message.lower()
        return NotFound(message) if is_unknown_id else Unknown(f"HTTP {answer.status} {code}: {message}")
    found = fields.members.get(_LISTS[kind])
    if not isinstance(found, list):
        return _report(kind, reference, fields)
    if not found:
        return NotFound("no payment has this reference")
    ours = [item for item in fields.objects(_LISTS[kind]) if item.text("reference_id") == reference]
    if len(ours) != 1:
        raise Unreadable(f"{len(found)} payments for one reference, {len(ours)} of which have it")
    return _report(kind, reference, ours[0])


def read_event(fields: Fields, *, authentic: bool) -> tuple[WebhookWord, ...]:
    """Read an event; one about something else than our links and payouts has no words."""
    fields.required("event")
    payload = fields.nested("payload") or Fields({})
    payout, link, payment = (_entity(payload, name) for name in ("payout", "payment_link", "payment"))
    if payout is not None:
        return (_word("payout", payout, _payout_report(payout), authentic=authentic),)
    if link is not None:
        return (_word("payin", link, _link_report(link, payment), authentic=authentic),)
    notes = payment.nested("notes") if payment is not None else None
    if payment is None or notes is None or notes.text(REFERENCE_NOTE) is None:
        return ()
    status = _PAYMENT_STATUSES.get(payment.required("status").lower(), ProviderStatus.PENDING)
    if payment.text("fee_bearer") == "customer":
        status = ProviderStatus.PROCESSING  # its amount has the fee in it, so the link has to tell what was paid
    report = StatusReport(
        status,
        utr=_bank_reference(payment),
        amount=payment.paise("amount"),
        message=payment.message("error_description"),
    )
    word = _word("payin", Fields({**payment.members, **notes.members}), report, authentic=authentic)
    return (word,)


def _word(kind: PaymentKind, entity: Fields, report: StatusReport, *, authentic: bool) -> WebhookWord:
    return WebhookWord(
        kind=kind,
        reference=entity.text("reference_id"),
        provider_reference=report.provider_reference,
        status=report.status,
        amount=report.amount,
        currency=entity.text("currency"),
        utr=report.utr,
        message=report.message,
        authentic=authentic,
    )


def _report(kind: PaymentKind, reference: str, fields: Fields) -> StatusReport:
    if fields.required("reference_id") != reference:
        raise Unreadable("an answer about another payment")
    return _link_report(fields, None) if kind == "payin" else _payout_report(fields)


def _link_report(link: Fields, payment: Fields | None) -> StatusReport:
    status = _LINK_STATUSES.get(link.required("status").lower(), ProviderStatus.PENDING)
    asked, paid = link.paise("amount"), link.paise("amount_paid")
    return StatusReport(
        status,
        provider_reference=link.required("id"),
        utr=_bank_reference(payment) if payment is not None else None,
        amount=paid if status is ProviderStatus.SUCCESS and paid is not None else asked,
    )


def _payout_report(payout: Fields) -> StatusReport:
    details, error = payout.nested("status_details"), payout.nested("error")
    told = (each.message("description") for each in (details, error) if each is not None)
    return StatusReport(
        _PAYOUT_STATUSES.get(payout.required("status").lower(), ProviderStatus.PENDING),
        provider_reference=payout.required("id"),
        utr=payout.text("utr"),
        amount=payout.paise("amount"),
        message=next((message for message in told if message), payout.message("failure_reason")),
    )


def _bank_reference(payment: Fields) -> str | None:
    acquirer = payment.nested("acquirer_data")
    return acquirer.text("rrn", "bank_transaction_id") if acquirer is not None else None


def _entity(payload: Fields, name: str) -> Fields | None:
    part = payload.nested(name)
    return part.nested("entity") if part is not None else None


def _error(fields: Fields) -> tuple[str, str | None, str]:
    error = fields.nested("error")
    if error is None:
        raise Unreadable("neither a payment nor an error")
    code, reason = error.required("code"), (error.text("reason") or "").upper()
    return code, None if reason in _NO_REASONS else reason or None, error.message("description") or code
