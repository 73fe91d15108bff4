"""A sandbox payment as it is stored, and as it stands at a moment. Pure.

Decides nothing about outcomes: the table does. Gives payments the shape that the merchant API answers from, so that the
sandbox and the real thing cannot differ.
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote, urlencode
from uuid import UUID

import msgspec

from wisipay.core.clock import ist_day
from wisipay.core.money import Paise, rupees_text
from wisipay.payments import Kind, Request, Status, Transaction
from wisipay.sandbox.outcomes import Outcome, Step, first_status, named

SANDBOX_MARK: Final = "UAT_"
ID_PREFIXES: Final = {Kind.PAYIN: f"{SANDBOX_MARK}PAYIN_", Kind.PAYOUT: f"{SANDBOX_MARK}PAYOUT_"}
_PAYIN_OPEN: Final = timedelta(minutes=30)
_NOWHERE: Final = "sandbox"
_UTR_LIMIT: Final = 10**12
_PAID: Final = frozenset({Status.SUCCESS, Status.REVERSED})


class SandboxPayment(msgspec.Struct, frozen=True):
    """What is stored. `events` are the ids of its callbacks by the number of the step that they tell of."""

    id: str
    merchant_id: str
    order_id: str
    kind: Kind
    amount_paise: int
    currency: str
    mode: str
    party: dict[str, Any]
    outcome: str
    created_ms: int
    events: tuple[UUID, ...]
    redirect_url: str | None = None
    remarks: str | None = None

    @property
    def created_at(self) -> datetime:
        """When it was asked for."""
        return datetime.fromtimestamp(self.created_ms // 1000, UTC) + timedelta(milliseconds=self.created_ms % 1000)

    @property
    def steps(self) -> tuple[Step, ...]:
        """What happens to it."""
        return named(self.outcome).steps(self.kind) or ()

    @property
    def utr(self) -> str:
        """The bank's reference that it has once it has succeeded: twelve digits."""
        return f"{int.from_bytes(sha256(self.id.encode()).digest()[:8]) % _UTR_LIMIT:012d}"


def new_payment(
    merchant_id: str, request: Request, outcome: Outcome, payment_id: str, events: tuple[UUID, ...], now: datetime
) -> SandboxPayment:
    """Return a payment as it is asked for now."""
    return SandboxPayment(
        id=payment_id,
        merchant_id=merchant_id,
        order_id=request.order_id,
        kind=request.kind,
        amount_paise=request.amount_paise,
        currency=request.currency,
        mode=request.mode,
        party=request.party,
        outcome=outcome.name,
        created_ms=int(now.timestamp() * 1000),
        events=events,
        redirect_url=request.redirect_url,
        remarks=request.remarks,
    )


def standing(payment: SandboxPayment, now: datetime) -> Transaction:
    """Return the payment as it stands at a moment."""
    age_seconds = (now - payment.created_at).total_seconds()
    passed = [step for step in payment.steps if step.after_seconds <= age_seconds]
    status = passed[-1].status if passed else first_status(payment.kind)
    updated_at = payment.created_at + timedelta(seconds=passed[-1].after_seconds if passed else 0)
    amount = Paise(payment.amount_paise)
    return Transaction(
        id=payment.id,
        merchant_id=payment.merchant_id,
        order_id=payment.order_id,
        kind=payment.kind,
        status=status,
        amount_paise=amount,
        fee_paise=Paise(0),
        tax_paise=Paise(0),
        net_paise=amount,
        currency=payment.currency,
        mode=payment.mode,
        party=payment.party,
        remarks=payment.remarks,
        redirect_url=payment.redirect_url,
        channel_id=_NOWHERE,
        provider_id=_NOWHERE,
        legal_entity_id=_NOWHERE,
        provider_fee_paise=Paise(0),
        provider_tax_paise=Paise(0),
        usage_day=ist_day(payment.created_at),
        created_at=payment.created_at,
        updated_at=updated_at,
        attempt_started_at=payment.created_at,
        expires_at=_expires_at(payment),
        due_at=None,
        payment_url=_upi_link(payment) if payment.kind is Kind.PAYIN else None,
        utr=payment.utr if status in _PAID else None,
    )


def _expires_at(payment: SandboxPayment) -> datetime | None:
    if payment.kind is Kind.PAYOUT:
        return None
    ends = [step.after_seconds for step in payment.steps if step.status is Status.EXPIRED]
    return payment.created_at + (timedelta(seconds=ends[0]) if ends else _PAYIN_OPEN)


def _upi_link(payment: SandboxPayment) -> str:
    """Return a link that looks like a provider's; no bank has this handle."""
    facts = {
        "pa": f"{payment.outcome}@uat",
        "pn": "Test payment",
        "am": rupees_text(payment.amount_paise),
        "cu": payment.currency,
        "tr": payment.id,
    }
    return "upi://pay?" + urlencode(facts, quote_via=quote, safe="@")
