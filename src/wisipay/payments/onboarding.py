"""The ledger accounts that a new merchant, channel or installation needs; opening them twice changes nothing."""

from __future__ import annotations

from wisipay import ledger
from wisipay.core.database import Connection


async def open_system_accounts(conn: Connection) -> None:
    """Open INCOME, WORLD and GST payable."""
    await ledger.open_accounts(conn, ledger.SYSTEM_ACCOUNTS)


async def open_merchant_accounts(conn: Connection, merchant_id: str) -> None:
    """Open a merchant's PAYIN, PAYOUT and HOLD accounts."""
    await ledger.open_accounts(conn, ledger.merchant_accounts(merchant_id))


async def open_channel_accounts(conn: Connection, channel_id: str, legal_entity_id: str) -> None:
    """Open a channel's PAYIN, PAYOUT and EXPENSE accounts and its legal entity's bank account."""
    accounts = (*ledger.channel_accounts(channel_id), ledger.legal_entity_account(legal_entity_id))
    await ledger.open_accounts(conn, accounts)
