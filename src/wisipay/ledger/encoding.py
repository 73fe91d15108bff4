"""Entries and lines in PostgreSQL's binary COPY format.

This is the hot spot of a batch: it touches every line, so it packs bytes directly (COPY also writes one log record per
page instead of one per row). Column order here and in `ENTRY_COLUMNS` and `LINE_COLUMNS` is one contract.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from struct import Struct
from typing import Any
from uuid import UUID

from wisipay.ledger.model import Entry, EntryKind, Reverse, Transfer

ENTRY_COLUMNS = (
    "id",
    "posted_at",
    "kind",
    "currency",
    "target_id",
    "timeout_at",
    "value_date",
    "narration",
    "external_reference",
    "correlation_id",
    "idempotency_key",
    "metadata",
)
LINE_COLUMNS = (
    "amount",
    "balance_after",
    "account_line",
    "posted_at",
    "balance_number",
    "number",
    "entry_id",
    "pending",
)

_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TAIL = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(2000, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)
_JSONB_VERSION = b"\x01"

# Every field is its length and its value; a row starts with its number of fields.
_pack_line = Struct("!h iq iq iq iq ii ih i16s i?").pack
_pack_entry_head = Struct("!h i16s iq").pack
_pack_length = Struct("!i").pack
_pack_moment = Struct("!iq").pack
_pack_day = Struct("!ii").pack


def copy_of_entries(entries: Iterable[Entry]) -> bytes:
    """Return the rows of `ledger_entries`."""
    pieces = [_HEAD]
    for entry in entries:
        command = entry.command
        pieces += (
            _pack_entry_head(len(ENTRY_COLUMNS), 16, command.entry_id.bytes, 8, _microseconds(entry.posted_at)),
            _text(entry.kind.value),
            _text(entry.currency),
        )
        if isinstance(command, Transfer):
            pieces += (_NULL, _moment(command.timeout_at))
        else:
            pieces += (_uuid(command.target_id), _NULL)
        if isinstance(command, Transfer | Reverse):
            pieces += (
                _day(command.value_date),
                _text(command.narration),
                _text(command.external_reference),
                _text(command.correlation_id),
                _text(command.idempotency_key),
                _json(command.metadata),
            )
        else:
            pieces += (_NULL, _text(""), _NULL, _NULL, _NULL, _NULL)
    pieces.append(_TAIL)
    return b"".join(pieces)


def copy_of_lines(entries: Iterable[Entry]) -> bytes:
    """Return the rows of `ledger_lines`."""
    pieces = [_HEAD]
    for entry in entries:
        entry_id = entry.command.entry_id.bytes
        moment = _microseconds(entry.posted_at)
        pending = entry.kind is EntryKind.PENDING
        for number, (account, amount, balance_after, account_line) in enumerate(entry.movements):
            pieces.append(
                _pack_line(
                    *(8, 8, amount, 8, balance_after, 8, account_line, 8, moment),
                    *(4, account.key, 2, number, 16, entry_id, 1, pending),
                )
            )
    pieces.append(_TAIL)
    return b"".join(pieces)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _moment(moment: datetime | None) -> bytes:
    return _NULL if moment is None else _pack_moment(8, _microseconds(moment))


def _day(day: date | None) -> bytes:
    return _NULL if day is None else _pack_day(4, day.toordinal() - _EPOCH_DAY)


def _uuid(value: UUID) -> bytes:
    return _pack_length(16) + value.bytes


def _text(text: str | None) -> bytes:
    if text is None:
        return _NULL
    encoded = text.encode()
    return _pack_length(len(encoded)) + encoded


def _json(value: Mapping[str, Any]) -> bytes:
    if not value:
        return _NULL
    encoded = _JSONB_VERSION + json.dumps(dict(value)).encode()
    return _pack_length(len(encoded)) + encoded
