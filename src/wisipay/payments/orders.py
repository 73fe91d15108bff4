"""From a stored payment to the order its provider gets. Pure."""

from __future__ import annotations

from wisipay.payments.model import Transaction
from wisipay.providers import PayinOrder, PayoutOrder


def payin_order(transaction: Transaction, webhook_url: str) -> PayinOrder:
    """Return the collection to ask a provider for."""
    party = transaction.party
    return PayinOrder(
        reference=transaction.reference,
        amount=transaction.amount_paise,
        mode=transaction.mode,
        customer_name=party["name"],
        customer_email=party["email"],
        customer_phone=party["phone"],
        remarks=transaction.remarks,
        redirect_url=transaction.redirect_url,
        webhook_url=webhook_url,
        expires_at=transaction.expires_at,
    )


def payout_order(transaction: Transaction, webhook_url: str) -> PayoutOrder:
    """Return the disbursement to ask a provider for."""
    party = transaction.party
    return PayoutOrder(
        reference=transaction.reference,
        amount=transaction.amount_paise,
        mode=transaction.mode,
        beneficiary_name=party["name"],
        account_number=party.get("accountNumber"),
        ifsc=party.get("ifsc"),
        bank_name=party.get("bankName"),
        vpa=party.get("vpa"),
        phone=party.get("phone"),
        remarks=transaction.remarks,
        webhook_url=webhook_url,
    )
