"""The product's chart of accounts: which accounts a merchant, a channel, a legal entity and the system have.

Decides names and floors only. A channel (PLE) is one provider contracted by one legal entity.
"""

from typing import Literal

from wisipay.ledger.account import AccountSpec, AccountType

MerchantPurpose = Literal["PAYIN", "PAYOUT", "HOLD"]
ChannelPurpose = Literal["PAYIN", "PAYOUT", "EXPENSE"]

SYSTEM_ID = "WISIPAY"

INCOME = AccountSpec(AccountType.INCOME, "SYSTEM", SYSTEM_ID, "INCOME")
WORLD = AccountSpec(AccountType.OFF_BALANCE, "SYSTEM", SYSTEM_ID, "WORLD")
GST_PAYABLE = AccountSpec(AccountType.LIABILITY, "SYSTEM", SYSTEM_ID, "GST")

SYSTEM_ACCOUNTS = (INCOME, WORLD, GST_PAYABLE)


def merchant_account(merchant_id: str, purpose: MerchantPurpose) -> AccountSpec:
    """What we owe the merchant for one purpose; it cannot be drawn below zero."""
    return AccountSpec(AccountType.LIABILITY, "MERCHANT", merchant_id, purpose, min_balance=0)


def channel_account(channel_id: str, purpose: ChannelPurpose) -> AccountSpec:
    """What a provider holds for us (PAYIN, PAYOUT) or costs us (EXPENSE); it has no floor."""
    kind = AccountType.EXPENSE if purpose == "EXPENSE" else AccountType.ASSET
    return AccountSpec(kind, "PROVIDER", channel_id, purpose)


def legal_entity_account(legal_entity_id: str) -> AccountSpec:
    """The legal entity's bank account; it has no floor."""
    return AccountSpec(AccountType.ASSET, "LEGAL_ENTITY", legal_entity_id, "BANK")


def merchant_accounts(merchant_id: str) -> tuple[AccountSpec, ...]:
    """All accounts of a merchant."""
    return tuple(merchant_account(merchant_id, purpose) for purpose in ("PAYIN", "PAYOUT", "HOLD"))


def channel_accounts(channel_id: str) -> tuple[AccountSpec, ...]:
    """All accounts of a channel."""
    return tuple(channel_account(channel_id, purpose) for purpose in ("PAYIN", "PAYOUT", "EXPENSE"))
