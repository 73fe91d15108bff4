"""The ledger accounts that payments use, by name. Names only; balances live in the ledger.

Source: spec/ledger.md "Accounts".
"""

from __future__ import annotations

INCOME = "INCOME:SYSTEM:SYSTEM:INCOME"
WORLD = "OFF_BALANCE:SYSTEM:SYSTEM:WORLD"
GST_PAYABLE = "LIABILITY:SYSTEM:SYSTEM:GST"


def merchant_account(merchant_id: str, purpose: str) -> str:
    """Return a merchant's PAYIN, PAYOUT or HOLD account."""
    return f"LIABILITY:MERCHANT:{merchant_id}:{purpose}"


def channel_account(channel_id: str, purpose: str) -> str:
    """Return a channel's PAYIN or PAYOUT account: what the provider holds for us."""
    return f"ASSET:PROVIDER:{channel_id}:{purpose}"


def channel_expense_account(channel_id: str) -> str:
    """Return the account of what a channel charges us."""
    return f"EXPENSE:PROVIDER:{channel_id}:EXPENSE"


def legal_entity_account(legal_entity_id: str) -> str:
    """Return the bank account of the company behind a channel."""
    return f"ASSET:LEGAL_ENTITY:{legal_entity_id}:BANK"
