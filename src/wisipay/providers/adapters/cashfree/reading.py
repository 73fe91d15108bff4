"""What Cashfree's answers and webhooks mean.

Decides that a refusal is a 4xx with its documented error, other than a conflict (then an earlier order exists) and a
server's failure; that the status field, not the event's name, is how a transfer stands; and that a customer's failed
try ends nothing, because the link stays payable. Must never take a payment of a link for the link.
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

_LINK_STATUSES: Final[Mapping[str, ProviderStatus]] = {
    "ACTIVE": ProviderStatus.PENDING,
    "PARTIALLY_PAID": ProviderStatus.PROCESSING,
    "PAID": ProviderStatus.SUCCESS,
    "EXPIRED": ProviderStatus.EXPIRED,
    "CANCELLED": ProviderStatus.EXPIRED,
}
_TRANSFER_STATUSES: Final[Mapping[str, ProviderStatus]] = {
    "RECEIVED": ProviderStatus.PENDING,
    "APPROVAL_PENDING": ProviderStatus.PENDING,
    "APPOVAL_PENDING": ProviderStatus.PENDING,  # as their documentation has it
    "QUEUED": ProviderStatus.PENDING,
    "PENDING": ProviderStatus.PROCESSING,
    "SUCCESS": ProviderStatus.SUCCESS,
    "FAILED": ProviderStatus.FAILED,
    "REJECTED": ProviderStatus.FAILED,
    "MANUALLY_REJECTED": ProviderStatus.FAILED,
    "REVERSED": ProviderStatus.REVERSED,
}
_REFUSALS: Final = frozenset({400, 401, 403, 422, 429})
_UNSURE_CODES: Final = ("idempotency", "already_exists", "duplicate")
_UNSURE_TYPES: Final = frozenset({"api_error", "idempotency_error"})
_NOT_FOUND: Final = "_not_found"
_TRANSFER_EVENTS: Final = "TRANSFER_"
_LINK_EVENT: Final = "PAYMENT_LINK_EVENT"
_PAYMENT_EVENTS: Final = frozenset(
    {"PAYMENT_SUCCESS_WEBHOOK", "PAYMENT_FAILED_WEBHOOK", "PAYMENT_USER_DROPPED_WEBHOOK"}
)


def read_created(kind: PaymentKind, reference: str, answer: HttpAnswer) -> CreateOutcome:
    """Read the answer to an order.

    A conflict is the earlier order: of a payout asking tells how it stands, while of a link the address is missing.
    """
    fields = read_object(answer.body)
    if answer.status in {HTTPStatus.OK, HTTPStatus.CREATED}:
        report = _report(kind, reference, fields)
        return Accepted(
            report.status,
            provider_reference=report.provider_reference,
            payment_url=fields.required("link_url") if kind == "payin" else None,
            utr=report.utr,
            amount=report.amount,
            message=report.message,
        )
    told, code, message = _error(fields)
    if answer.status == HTTPStatus.CONFLICT and kind == "payout" and told != "idempotency_error":
        return Accepted(ProviderStatus.PENDING, message=f"{message}: the earlier transfer counts")
    is_unsure = told in _UNSURE_TYPES or any(part in code for part in _UNSURE_CODES)
    if answer.status not in _REFUSALS or is_unsure:
        return Unknown(f"HTTP {answer.status} {code}: {message}")
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Rejected("THROTTLED", message, sent=True)
    return Rejected(code.upper(), message, sent=True)


def read_status(kind: PaymentKind, reference: str, answer: HttpAnswer) -> StatusOutcome:
    """Read one link or transfer."""
    fields = read_object(answer.body)
    if answer.status == HTTPStatus.OK:
        return _report(kind, reference, fields)
    _, code, message = _error(fields)
    if answer.status == HTTPStatus.NOT_FOUND and code.endswith(_NOT_FOUND):
        return NotFound(message)
    return Unknown(f"HTTP {answer.status} {code}: {message}")


def read_event(fields: Fields, *, authentic: bool) -> tuple[WebhookWord, ...]:
    """Read an event; one about something else than our links and transfers has no words."""
    event = fields.required("type").upper()
    data = fields.nested("data") or Fields({})
    if event.startswith(_TRANSFER_EVENTS):
        report = _transfer_report(data)
        return (_word("payout", data.required("transfer_id"), data, "transfer_currency", report, authentic=authentic),)
    if event == _LINK_EVENT:
        link = data.nested("link") or data
        report = _link_report(link)
        return (_word("payin", link.required("link_id"), link, "link_currency", report, authentic=authentic),)
    return _read_payment(data, authentic=authentic) if event in _PAYMENT_EVENTS else ()


def _read_payment(data: Fields, *, authentic: bool) -> tuple[WebhookWord, ...]:
    """Read a payment of a link, whose order bears the link's id in a tag; what it paid is only a part of the link."""
    order, payment = data.nested("order") or Fields({}), data.nested("payment") or Fields({})
    tags = order.nested("order_tags") or Fields({})
    reference = tags.text("link_id")
    if reference is None:
        return ()
    has_paid = (payment.text("payment_status") or "").upper() == "SUCCESS"
    report = StatusReport(
        ProviderStatus.PROCESSING if has_paid else ProviderStatus.PENDING,
        utr=payment.text("bank_reference") if has_paid else None,
        amount=payment.rupees("payment_amount"),
        message=payment.message("payment_message"),
    )
    return (_word("payin", reference, order, "order_currency", report, authentic=authentic),)


def _word(
    kind: PaymentKind, reference: str, fields: Fields, currency: str, report: StatusReport, *, authentic: bool
) -> WebhookWord:
    return WebhookWord(
        kind=kind,
        reference=reference,
        provider_reference=report.provider_reference,
        status=report.status,
        amount=report.amount,
        currency=fields.text(currency),
        utr=report.utr,
        message=report.message,
        authentic=authentic,
    )


def _report(kind: PaymentKind, reference: str, fields: Fields) -> StatusReport:
    if fields.required("link_id" if kind == "payin" else "transfer_id") != reference:
        raise Unreadable("an answer about another payment")
    return _link_report(fields) if kind == "payin" else _transfer_report(fields)


def _link_report(link: Fields) -> StatusReport:
    status = _LINK_STATUSES.get(link.required("link_status").upper(), ProviderStatus.PENDING)
    asked, paid = link.rupees("link_amount"), link.rupees("link_amount_paid")
    return StatusReport(
        status,
        provider_reference=link.text("cf_link_id"),
        amount=paid if status is ProviderStatus.SUCCESS and paid is not None else asked,
    )


def _transfer_report(transfer: Fields) -> StatusReport:
    return StatusReport(
        _TRANSFER_STATUSES.get(transfer.required("status").upper(), ProviderStatus.PENDING),
        provider_reference=transfer.text("cf_transfer_id"),
        utr=transfer.text("transfer_utr"),
        amount=transfer.rupees("transfer_amount"),
        message=transfer.message("status_description", "status_code"),
    )


def _error(fields: Fields) -> tuple[str, str, str]:
    """Return type, code and message; a code is what tells an error of theirs from a stranger's."""
    code = fields.required("code").lower()
    return (fields.text("type") or "").lower(), code, fields.message("message") or code
