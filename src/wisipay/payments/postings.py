"""Which ledger entries a payment makes. Pure; it never decides whether one is due.

Payin success: Dr provider PAYIN (gross), Cr merchant PAYIN (net), Cr INCOME (fee), Cr GST (tax).
Payout hold: Dr merchant PAYOUT (amount + fee + tax), Cr provider PAYOUT (amount), Cr INCOME (fee), Cr GST (tax).
Source: spec/lifecycles.md.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Literal
from uuid import UUID

from wisipay.core.ids import id_milliseconds
from wisipay.ledger import GST_PAYABLE, INCOME, Line, Post, Reverse, Transfer, Void, channel_account, merchant_account
from wisipay.payments.model import Flag, Kind, Transaction

_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62
_INCOME, _GST = INCOME.id, GST_PAYABLE.id


@lru_cache(maxsize=8_192)
def derived_id(transaction_id: str, purpose: str) -> UUID:
    """Return the one id that this transaction's record for this purpose can have.

    A UUIDv7 whose time is the transaction's and whose random part is a hash, so a record written twice meets its
    own key, and neighbours in time stay neighbours in the index. `purpose` is e.g. `hold:1`.
    """
    digest = int.from_bytes(hashlib.sha256(f"{transaction_id}/{purpose}".encode()).digest()[:10], "big")
    high = (id_milliseconds(transaction_id) << 80) | _VERSION_7 | ((digest >> 64) & 0xFFF) << 64
    return UUID(int=high | _VARIANT | (digest & ((1 << 62) - 1)))


def hold_id(transaction: Transaction) -> UUID:
    """Return the id of the entry that reserves a payout's money for its current attempt."""
    return derived_id(transaction.id, f"hold:{transaction.attempt}")


def settled_entry_id(transaction: Transaction) -> UUID:
    """Return the id of the entry that moved the money of a successful payment."""
    if transaction.kind is Kind.PAYIN:
        return derived_id(transaction.id, "capture")
    purpose = "late" if Flag.LATE_SUCCESS in transaction.flags else f"post:{transaction.attempt}"
    return derived_id(transaction.id, purpose)


def payment_lines(transaction: Transaction) -> tuple[Line, ...]:
    """Return the lines of a payin's capture or a payout's hold; zero amounts leave no line."""
    if transaction.kind is Kind.PAYIN:
        gross = channel_account_id(transaction.channel_id, "PAYIN")
        net = _merchant(transaction.merchant_id, "PAYIN")
        lines = ((gross, transaction.amount_paise), (net, -transaction.net_paise))
    else:
        total = _merchant(transaction.merchant_id, "PAYOUT")
        provider = channel_account_id(transaction.channel_id, "PAYOUT")
        lines = ((total, transaction.net_paise), (provider, -transaction.amount_paise))
    shares = ((_INCOME, -transaction.fee_paise), (_GST, -transaction.tax_paise))
    return tuple([Line(account, amount) for account, amount in lines + shares if amount])


def shared_account_ids(merchant_id: str) -> tuple[str, ...]:
    """Return the accounts of a merchant's payout that don't depend on the channel."""
    return _merchant(merchant_id, "PAYOUT"), _INCOME, _GST


@lru_cache(maxsize=65_536)
def _merchant(merchant_id: str, service: Literal["PAYIN", "PAYOUT"]) -> str:
    return merchant_account(merchant_id, service).id


@lru_cache(maxsize=65_536)
def channel_account_id(channel_id: str, service: Literal["PAYIN", "PAYOUT"]) -> str:
    """Return the id of the account that a channel's payins or payouts go through."""
    return channel_account(channel_id, service).id


def capture(transaction: Transaction) -> Transfer:
    """Return the entry of a successful payin."""
    return Transfer(
        entry_id=settled_entry_id(transaction),
        lines=payment_lines(transaction),
        narration=f"Payin {transaction.order_id}",
        correlation_id=transaction.id,
        allow_below_floor=True,
    )


def hold(transaction: Transaction) -> Transfer:
    """Return the pending entry that reserves a payout's amount, fee and tax."""
    return Transfer(
        entry_id=hold_id(transaction),
        lines=payment_lines(transaction),
        pending=True,
        narration=f"Payout {transaction.order_id}",
        correlation_id=transaction.id,
    )


def post_hold(transaction: Transaction) -> Post:
    """Return the command that turns a payout's hold into a posting."""
    return Post(entry_id=settled_entry_id(transaction), target_id=hold_id(transaction))


def void_hold(transaction: Transaction) -> Void:
    """Return the command that gives a payout's reserved money back."""
    return Void(
        entry_id=derived_id(transaction.id, f"void:{transaction.attempt}"),
        target_id=hold_id(transaction),
    )


def late_posting(transaction: Transaction) -> Transfer:
    """Return the fresh posting of a payout that succeeded after we had failed it, even below zero."""
    return Transfer(
        entry_id=derived_id(transaction.id, "late"),
        lines=payment_lines(transaction),
        narration=f"Payout {transaction.order_id}, late success",
        correlation_id=transaction.id,
        allow_below_floor=True,
    )


def reversal(transaction: Transaction) -> Reverse:
    """Return the inverse entry of a successful payment that came back."""
    return Reverse(
        entry_id=derived_id(transaction.id, "reversal"),
        target_id=settled_entry_id(transaction),
        narration=f"{transaction.kind.title()} {transaction.order_id} returned",
        correlation_id=transaction.id,
        allow_below_floor=True,
    )
