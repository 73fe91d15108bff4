"""What the store's rows mean: accounts and entries as the machine knows them. No I/O, no decisions."""

import json
from typing import Any

import asyncpg

from wisipay.ledger.account import Account, AccountStatus
from wisipay.ledger.model import Command, Entry, EntryKind, Expire, Line, Post, Reverse, Transfer, Void

_STATUS = {status.value: status for status in AccountStatus}


def account_of(row: asyncpg.Record) -> Account:
    """Return the account of a row of `lock_accounts` or `balances`, whose columns are `Account`'s fields in order."""
    account = Account(*row)
    account.status = _STATUS[account.status]
    return account


def entry_of(row: asyncpg.Record) -> Entry:
    """Return the entry of a row of `read_entries`."""
    kind = EntryKind(row["kind"])
    lines = tuple(map(Line, row["account_ids"], row["amounts"]))
    entry = Entry(_command_of(row, kind, lines), kind, row["currency"], lines, row["posted_at"])
    if kind is EntryKind.PENDING:
        if row["resolved_by"] is not None:
            entry.resolved_by, entry.resolved_kind = row["resolved_by"], EntryKind(row["resolved_kind"])
    else:
        entry.reversed_by = row["resolved_by"]
    return entry


def _command_of(row: asyncpg.Record, kind: EntryKind, lines: tuple[Line, ...]) -> Command:
    """Return the command that the entry was accepted from; a hold posted in full names its lines here."""
    content: dict[str, Any] = {
        "idempotency_key": row["idempotency_key"],
        "narration": row["narration"],
        "external_reference": row["external_reference"],
        "correlation_id": row["correlation_id"],
        "value_date": row["value_date"],
        "metadata": json.loads(row["metadata"] or "{}"),
    }
    match kind:
        case EntryKind.TRANSFER | EntryKind.PENDING:
            return Transfer(
                row["id"],
                lines,
                pending=kind is EntryKind.PENDING,
                timeout_at=row["timeout_at"],
                currency=row["currency"],
                **content,
            )
        case EntryKind.REVERSAL:
            return Reverse(row["id"], row["target_id"], **content)
        case EntryKind.POST:
            return Post(row["id"], row["target_id"], lines)
        case EntryKind.VOID:
            return Void(row["id"], row["target_id"])
        case _:
            return Expire(row["id"], row["target_id"])
