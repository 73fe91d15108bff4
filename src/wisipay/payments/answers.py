"""From a stored payment to the merchant's answer. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from wisipay.payments.contract import PayinAnswer, PayinData, PayoutAnswer, PayoutData, StatusAnswer, StatusData
from wisipay.payments.model import Transaction
from wisipay.payments.validation import PAISE_PER_RUPEE, AmountUnit

PaymentLink: TypeAlias = Callable[[Transaction], str | None]
"""Says where the customer of a payin is sent: the provider's page, or the one that we host."""


def payin_answer(transaction: Transaction, unit: AmountUnit, payment_link: PaymentLink) -> PayinAnswer:
    """Return the answer to a payin initiate call."""
    return PayinAnswer(
        data=PayinData(
            order_id=transaction.order_id,
            transaction_id=transaction.id,
            amount=shown_amount(transaction, unit),
            status=transaction.status,
            payment_url=payment_link(transaction),
            upi_link=transaction.upi_link,
        ),
    )


def payout_answer(transaction: Transaction) -> PayoutAnswer:
    """Return the answer to a payout initiate call."""
    return PayoutAnswer(
        data=PayoutData(
            transaction_id=transaction.id,
            order_id=transaction.order_id,
            status=transaction.status,
            utr=transaction.utr,
        ),
    )


def status_answer(transaction: Transaction, unit: AmountUnit) -> StatusAnswer:
    """Return the answer to a status call."""
    return StatusAnswer(
        data=StatusData(
            order_id=transaction.order_id,
            transaction_id=transaction.id,
            type=transaction.kind.value,
            status=transaction.status,
            amount=shown_amount(transaction, unit),
            created_at=_iso(transaction.created_at),
            updated_at=_iso(transaction.updated_at),
            utr=transaction.utr,
        ),
    )


def shown_amount(transaction: Transaction, unit: AmountUnit) -> int:
    """Return the amount in the API's unit; every merchant amount came in as a whole number of it."""
    return transaction.amount_paise if unit == "PAISE" else transaction.amount_paise // PAISE_PER_RUPEE


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
