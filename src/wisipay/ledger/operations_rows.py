"""The records of operations in PostgreSQL: rows to records and back, and what can be asked of them. No decisions."""

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

import asyncpg

from wisipay.ledger.operations_model import Operation, OperationName, OperationRecord
from wisipay.ledger.reads import MAX_PAGE
from wisipay.ledger.sql import QUERIES
from wisipay.ledger.store import Connection

_NEWEST = 2**63 - 1
_AS_THEY_ARE = [
    each.name
    for each in fields(Operation)
    if each.name not in {"name", "metadata", "debit_account_id", "credit_account_id"}
]


async def operation(connection: Connection, operation_id: str) -> OperationRecord | None:
    """Return the record of an operation, or None."""
    row = await connection.fetchrow(QUERIES["operation"], operation_id)
    return None if row is None else _record_of(row)


async def operation_of_entry(connection: Connection, entry_id: UUID) -> OperationRecord | None:
    """Return the record of the operation that made an entry; None for an entry that no operation made."""
    row = await connection.fetchrow(QUERIES["operation_of_entry"], entry_id)
    return None if row is None else _record_of(row)


async def operations_page(
    connection: Connection, *, before: int | None = None, limit: int = 100, merchant_id: str | None = None
) -> list[OperationRecord]:
    """Return a page of records, newest first; the next page is `before` the `sequence` of its last."""
    place = (_NEWEST if before is None else before, min(limit, MAX_PAGE))
    if merchant_id is None:
        rows = await connection.fetch(QUERIES["operations_before"], *place)
    else:
        rows = await connection.fetch(QUERIES["merchant_operations_before"], *place, merchant_id)
    return [_record_of(row) for row in rows]


async def known_records(connection: Connection, operations: Sequence[Operation]) -> list[OperationRecord]:
    """Return the records that bear an id or key of these operations, or an order of the same merchant."""
    orders = [each for each in operations if each.merchant_id and each.order_id]
    rows = await connection.fetch(
        QUERIES["known_operations"],
        [each.id for each in operations],
        [each.idempotency_key for each in operations if each.idempotency_key is not None],
        [each.merchant_id for each in orders],
        [each.order_id for each in orders],
    )
    return [_record_of(row) for row in rows]


async def write_records(connection: Connection, records: Sequence[OperationRecord]) -> None:
    """Add records; `asyncpg.UniqueViolationError` where an id, key or order is taken."""
    await connection.executemany(QUERIES["write_operation"], [_row_of(record) for record in records])


def _record_of(row: asyncpg.Record) -> OperationRecord:
    name = OperationName(row["name"])
    content: dict[str, Any] = {each: row[each] for each in _AS_THEY_ARE}
    if name is OperationName.TRANSFER:
        content |= {each: row[each] for each in ("debit_account_id", "credit_account_id")}
    return OperationRecord(
        Operation(name=name, metadata=json.loads(row["metadata_text"]), **content),
        row["debit_account_id"],
        row["credit_account_id"],
        row["recorded_at"],
        row["back_dated"],
        row["sequence"],
    )


def _row_of(record: OperationRecord) -> tuple[object, ...]:
    asked = record.operation
    return (
        *(asked.id, asked.entry_id, record.recorded_at, asked.name.value, asked.amount, asked.currency, asked.actor),
        *(asked.reason, record.debit_account_id, record.credit_account_id, asked.merchant_id, asked.channel_id),
        *(asked.legal_entity_id, asked.account_type, asked.bank_account_id, asked.pending, asked.timeout_at),
        *(asked.narration, asked.payment_mode, asked.utr, asked.order_id, asked.value_date, record.back_dated),
        *(asked.idempotency_key, asked.correlation_id, asked.external_reference, json.dumps(dict(asked.metadata))),
    )
