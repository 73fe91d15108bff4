"""A double-entry ledger with pending and posted amounts: a pure machine, and a PostgreSQL store beneath it.

Imports nothing from the rest of the product. This file is the package's public face.
"""

from wisipay.ledger.account import Account, AccountSpec, AccountStatus, AccountType, account_id
from wisipay.ledger.chart import (
    GST_PAYABLE,
    INCOME,
    SYSTEM_ACCOUNTS,
    WORLD,
    channel_account,
    channel_accounts,
    legal_entity_account,
    merchant_account,
    merchant_accounts,
)
from wisipay.ledger.errors import AccountDiffersError, LedgerError, NotLoadedError, UnknownAccountError
from wisipay.ledger.machine import Book
from wisipay.ledger.model import (
    Accepted,
    Command,
    Entry,
    EntryKind,
    EntryStatus,
    Expire,
    Line,
    Post,
    Rejected,
    Rejection,
    Result,
    Reverse,
    Transfer,
    Void,
)
from wisipay.ledger.wanted import Wanted, wanted_by

__all__ = [
    "GST_PAYABLE",
    "INCOME",
    "SYSTEM_ACCOUNTS",
    "WORLD",
    "Accepted",
    "Account",
    "AccountDiffersError",
    "AccountSpec",
    "AccountStatus",
    "AccountType",
    "Book",
    "Command",
    "Entry",
    "EntryKind",
    "EntryStatus",
    "Expire",
    "LedgerError",
    "Line",
    "NotLoadedError",
    "Post",
    "Rejected",
    "Rejection",
    "Result",
    "Reverse",
    "Transfer",
    "UnknownAccountError",
    "Void",
    "Wanted",
    "account_id",
    "channel_account",
    "channel_accounts",
    "legal_entity_account",
    "merchant_account",
    "merchant_accounts",
    "wanted_by",
]
