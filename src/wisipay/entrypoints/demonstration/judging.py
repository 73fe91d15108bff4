"""Whether the books agree about one payment. Pure: the rules of spec/lifecycles.md, said again without our machine.

Must never share code with what makes the postings: a rule that is wrong in both places would be found by nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from wisipay.core.money import rupees_text
from wisipay.entrypoints.demonstration.simulator import ProviderPayment, ReceivedCallback
from wisipay.ledger import GST_PAYABLE, INCOME, channel_account, merchant_account

AmountUnit = Literal["RUPEES", "PAISE"]
BookName = Literal["payments", "ledger", "provider", "callbacks"]

_MOVED: Final = frozenset({"SUCCESS", "REVERSED"})
_OPEN: Final = frozenset({"PENDING", "PROCESSING"})
_ENDED_WELL: Final = frozenset({"DELIVERED", "NO_URL"})
_HTTP_GOOD: Final = range(200, 300)
_PAISE_PER_RUPEE: Final = 100


@dataclass(frozen=True, slots=True)
class OurPayment:
    """A payment as we have it.

    `final_statuses` are those it reached after it was opened, in order; `references` what providers were asked under.
    """

    id: str
    merchant_id: str
    order_id: str
    kind: Literal["PAYIN", "PAYOUT"]
    status: str
    amount_paise: int
    fee_paise: int
    tax_paise: int
    net_paise: int
    channel_id: str
    utr: str | None
    flags: Sequence[str]
    created_at: datetime
    final_statuses: Sequence[str]
    references: Sequence[str]


@dataclass(frozen=True, slots=True)
class OurCallback:
    """An event of the outbox."""

    event_id: str
    transaction_id: str
    status: str
    amount_paise: int
    state: str
    attempts: int
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that the other books say about one payment.

    `postings` are the net movements by account, debit positive, in paise; `received` is None where the merchant's
    endpoint no longer knows.
    """

    postings: Mapping[str, int]
    open_holds: int
    attempts: Sequence[ProviderPayment]
    callbacks: Sequence[OurCallback]
    received: Sequence[ReceivedCallback] | None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What one book says about one payment that another does not."""

    transaction_id: str
    order_id: str
    book: BookName
    what: str

    def __str__(self) -> str:
        return f"{self.transaction_id} ({self.order_id}): {self.book}: {self.what}"


def disagreements(payment: OurPayment, evidence: Evidence, unit: AmountUnit = "RUPEES") -> list[Disagreement]:
    """Return everything that does not fit together about one payment; empty when all books agree and it is final."""
    found: list[tuple[BookName, str]] = []
    if payment.status in _OPEN:
        found.append(("payments", f"is still {payment.status}"))
    found += (("provider", what) for what in _provider_faults(payment, evidence.attempts))
    found += (("ledger", what) for what in _ledger_faults(payment, evidence))
    found += (("callbacks", what) for what in _callback_faults(payment, evidence, unit))
    return [Disagreement(payment.id, payment.order_id, book, what) for book, what in found]


def _provider_faults(payment: OurPayment, attempts: Sequence[ProviderPayment]) -> Iterator[str]:
    executed = [attempt for attempt in attempts if attempt.executions]
    times = sum(attempt.executions for attempt in attempts)
    if payment.status not in _MOVED and all(attempt.status == "REVERSED" for attempt in executed):
        return  # it went and came back before we heard of either: for us it failed
    if times != (payment.status in _MOVED):
        yield f"the money moved {times} times, our status is {payment.status}"
        return
    for attempt in executed:
        if attempt.status != payment.status:
            yield f"it says {attempt.status}, we say {payment.status}"
        if attempt.amount_paise != payment.amount_paise:
            yield f"it moved {attempt.amount_paise} paise, we say {payment.amount_paise}"
        if attempt.kind.upper() != payment.kind:
            yield f"it calls it a {attempt.kind}, we a {payment.kind.lower()}"
        is_untold = payment.utr is None and payment.kind == "PAYIN"  # not every provider tells a payin's in every way
        if attempt.utr != payment.utr and not is_untold:
            yield f"its UTR is {attempt.utr}, ours {payment.utr}"


def _ledger_faults(payment: OurPayment, evidence: Evidence) -> Iterator[str]:
    wanted = _postings(payment) if payment.status == "SUCCESS" else {}
    if dict(evidence.postings) != wanted:
        yield f"posted {dict(evidence.postings)}, {payment.status} wants {wanted}"
    holds = int(payment.kind == "PAYOUT" and payment.status in _OPEN)
    if evidence.open_holds != holds:
        yield f"{evidence.open_holds} open holds, {payment.status} wants {holds}"


def _postings(payment: OurPayment) -> dict[str, int]:
    """Return the lines of lifecycles.md for a success, in paise, debit positive."""
    if payment.kind == "PAYIN":
        moved = {
            channel_account(payment.channel_id, "PAYIN").id: payment.amount_paise,
            merchant_account(payment.merchant_id, "PAYIN").id: payment.fee_paise
            + payment.tax_paise
            - payment.amount_paise,
        }
    else:
        moved = {
            merchant_account(payment.merchant_id, "PAYOUT").id: payment.amount_paise
            + payment.fee_paise
            + payment.tax_paise,
            channel_account(payment.channel_id, "PAYOUT").id: -payment.amount_paise,
        }
    shares = {INCOME.id: -payment.fee_paise, GST_PAYABLE.id: -payment.tax_paise}
    return {account: amount for account, amount in (moved | shares).items() if amount}


def _callback_faults(payment: OurPayment, evidence: Evidence, unit: AmountUnit) -> Iterator[str]:
    said = [callback.status for callback in evidence.callbacks]
    if said != list(payment.final_statuses):
        yield f"events {said}, the payment reached {list(payment.final_statuses)}"
    for callback in evidence.callbacks:
        if callback.amount_paise != payment.amount_paise:
            yield f"an event says {callback.amount_paise} paise"
        if callback.state not in _ENDED_WELL:
            yield f"{callback.status} is {callback.state} after {callback.attempts} attempts"
    if evidence.received is not None:
        yield from _receiver_faults(payment, evidence.callbacks, evidence.received, unit)


def _receiver_faults(
    payment: OurPayment, callbacks: Sequence[OurCallback], received: Sequence[ReceivedCallback], unit: AmountUnit
) -> Iterator[str]:
    sent = {callback.event_id: callback.status for callback in callbacks}
    amount = _body_amount(payment.amount_paise, unit)
    for receipt in received:
        if sent.get(receipt.event_id) != receipt.status:
            yield f"the merchant got {receipt.status} in event {receipt.event_id}, which is not ours"
        if not receipt.verified:
            yield f"the merchant could not verify {receipt.status}"
        if receipt.amount != amount:
            yield f"the merchant was told {receipt.amount}, not {amount}"
    taken = {receipt.event_id for receipt in received if receipt.verified and receipt.answered in _HTTP_GOOD}
    for callback in callbacks:
        if callback.state == "DELIVERED" and callback.event_id not in taken:
            yield f"{callback.status} counts as delivered, the merchant never took it"


def _body_amount(paise: int, unit: AmountUnit) -> str:
    if unit == "PAISE":
        return str(paise)
    return rupees_text(paise) if paise % _PAISE_PER_RUPEE else str(paise // _PAISE_PER_RUPEE)
