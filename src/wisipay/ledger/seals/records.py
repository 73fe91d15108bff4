"""What is sealed: records of the history, and the one text each of them has. Pure.

A record is an entry, with its lines and its operation's record, or an event in an account's history. Its canonical
bytes are JSON in UTF-8: the fields of its type in the order below, none left out, without spaces. docs/ledger/proof.md
tells every rule; nothing of it depends on how the database writes a value as text. Changing a field, an order or a way
of writing here makes every seal that exists wrong.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec

LineRecord = tuple[str | None, int | None, int, int | None, int | None, bool | None]
"""A line of an entry: account and stripe of its counter row, amount, balance after, number on the counter row, pending.

Amounts are in minor units, debit positive. The last three are None where the account's side of the line is missing or
says something else.
"""


class OperationContent(msgspec.Struct, frozen=True):
    """The record of the operation that made an entry; the columns of `ledger_operations`."""

    id: str
    sequence: int
    entry_id: UUID
    recorded_at: datetime
    name: str
    amount: int
    currency: str
    actor: str
    reason: str
    debit_account_id: str
    credit_account_id: str
    merchant_id: str | None
    channel_id: str | None
    legal_entity_id: str | None
    account_type: str | None
    bank_account_id: str | None
    pending: bool
    timeout_at: datetime | None
    narration: str
    payment_mode: str | None
    utr: str | None
    order_id: str | None
    value_date: date | None
    back_dated: bool
    idempotency_key: str | None
    correlation_id: str | None
    external_reference: str | None
    metadata: msgspec.Raw


class EntryRecord(msgspec.Struct, frozen=True, tag_field="record", tag="entry", gc=False):
    """An entry: the columns of `ledger_entries`, its lines in order, and its operation's record if it has one."""

    sequence: int
    id: UUID
    kind: str
    posted_at: datetime
    currency: str
    target_id: UUID | None
    timeout_at: datetime | None
    value_date: date | None
    narration: str
    external_reference: str | None
    correlation_id: str | None
    idempotency_key: str | None
    metadata: msgspec.Raw | None
    lines: Sequence[LineRecord]
    operation: OperationContent | None = None


class AccountEventRecord(msgspec.Struct, frozen=True, tag_field="record", tag="account"):
    """An event in an account's history: the columns of `ledger_account_events`."""

    sequence: int
    account_number: int
    kind: str
    happened_at: datetime
    account_id: str
    currency: str | None
    stripes: int | None
    parent_id: str | None
    balance_numbers: Sequence[int] | None
    status_before: str | None
    status: str
    min_balance_before: int | None
    min_balance: int | None


Record = EntryRecord | AccountEventRecord

_EVENT = b"\xff" * 8
_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(decimal_format="number", order="sorted").encode


class Sealable(msgspec.Struct, frozen=True, gc=False):
    """A record on its way into the chain, or looked at again: its order, its identity, its canonical bytes.

    `name` is what people call it: the entry's id, or the account's name.
    """

    sequence: int
    identity: bytes
    canonical: bytes
    name: UUID | str


def canonical(record: Record) -> bytes:
    """Return the canonical bytes of a record."""
    return _encode(record)


def canonical_json(text: str) -> msgspec.Raw:
    """Return a JSON text (of metadata) with its keys in order and without spaces; digits of numbers are kept."""
    value: Any = json.loads(text, parse_int=Decimal, parse_float=Decimal)
    return msgspec.Raw(_encode_sorted(value))


def is_event(identity: bytes) -> bool:
    """Tell whether this identity is that of an account event."""
    return identity.startswith(_EVENT)


def event_identity(sequence: int) -> bytes:
    """Return the identity of an account event: 16 bytes that no entry's UUID has, whatever its version."""
    return _EVENT + sequence.to_bytes(8, "big", signed=True)


def event_sequence(identity: bytes) -> int:
    """Return the number of the account event that has this identity."""
    return int.from_bytes(identity[len(_EVENT) :], "big", signed=True)
