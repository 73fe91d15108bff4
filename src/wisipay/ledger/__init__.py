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
from wisipay.ledger.reads import (
    AccountLine,
    LineCursor,
    TrialBalance,
    TrialBalanceRow,
    account_lines,
    balances,
    entry,
    trial_balance,
)
from wisipay.ledger.sql import schema_sql
from wisipay.ledger.store import apply, apply_linked, load, open_accounts, set_account_status, write
from wisipay.ledger.wanted import Wanted, wanted_by

__all__ = [
    "GST_PAYABLE",
    "INCOME",
    "SYSTEM_ACCOUNTS",
    "WORLD",
    "Accepted",
    "Account",
    "AccountDiffersError",
    "AccountLine",
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
    "LineCursor",
    "NotLoadedError",
    "Post",
    "Rejected",
    "Rejection",
    "Result",
    "Reverse",
    "Transfer",
    "TrialBalance",
    "TrialBalanceRow",
    "UnknownAccountError",
    "Void",
    "Wanted",
    "account_id",
    "account_lines",
    "apply",
    "apply_linked",
    "balances",
    "channel_account",
    "channel_accounts",
    "entry",
    "legal_entity_account",
    "load",
    "merchant_account",
    "merchant_accounts",
    "open_accounts",
    "schema_sql",
    "set_account_status",
    "trial_balance",
    "wanted_by",
    "write",
]
