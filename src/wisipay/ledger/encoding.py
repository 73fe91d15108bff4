"""Entries and lines on their way into PostgreSQL: as pieces of a binary COPY, or as columns of one statement.

This is the hot spot of a batch: it touches every line. COPY is for many entries: it costs the server one log record per
page instead of one per row, and the pieces let the server take in one while the next is packed. Columns are for few:
they need no round trip of their own, but a driver that looks at every value.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate
from struct import Struct, pack
from typing import Any
from uuid import UUID

from wisipay.ledger.model import MAX_LINES, Command, Entry, EntryKind, Movement, Reverse, Transfer

ENTRY_COLUMNS = (
    "id",
    "posted_at",
    "kind",
    "currency",
    "target_id",
    "timeout_at",
    "value_date",
    "metadata",
    "idempotency_key",
    "narration",
    "external_reference",
    "correlation_id",
    "balance_numbers",
    "amounts",
)
"""The fields of an entry, in the order in which `copy_of_entries` packs them."""

_LINE_WIDTHS = {
    "entry_id": 16,
    "posted_at": 8,
    "pending": 1,
    "number": 2,
    "balance_number": 4,
    "amount": 8,
    "balance_after": 8,
    "account_line": 8,
}
LINE_COLUMNS = tuple(_LINE_WIDTHS)
"""The fields of a line, in the order in which `copy_of_lines` packs them."""

_PIECE = 64
"""Entries packed at a time: the server works on one piece while the next is made."""

_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TAIL = b"\xff\xff"
_NULL = b"\xff\xff\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(2000, 1, 1).toordinal()
_MICROSECOND = timedelta(microseconds=1)
_JSONB_VERSION = b"\x01"
_INTEGER, _BIGINT = 23, 20  # PostgreSQL's numbers of these types
_NUMBERS = pack(f"!{MAX_LINES}h", *range(MAX_LINES))
_YES, _NO = b"\x01", b"\x00"
_PENDING = EntryKind.PENDING  # Python looks a member of an enumeration up slowly

# A row is its number of fields and the fields; a field is its length and its value. The value of an array is its number
# of dimensions, a flag for nulls and the type of its elements, the size and first index, and the elements, which are
# fields again.
_pack_entry_head = Struct("!h i16s iq").pack
_pack_length = Struct("!i").pack
_pack_bigint = Struct("!q").pack
_pack_moment = Struct("!iq").pack
_pack_day = Struct("!ii").pack
_pack_array_head = Struct("!iiiiii").pack
_NO_RARE_FIELDS = _NULL * 5
_NO_ARRAYS = pack("!iiii iiii", 12, 0, 0, _INTEGER, 12, 0, 0, _BIGINT)


def copy_of_entries(entries: Sequence[Entry]) -> Iterator[bytes]:
    """Return the rows of `ledger_entries`, piece by piece."""
    yield _HEAD
    for start in range(0, len(entries), _PIECE):
        yield b"".join(_entry_rows(entries[start : start + _PIECE]))
    yield _TAIL


def copy_of_lines(entries: Sequence[Entry]) -> Iterator[bytes]:
    """Return the rows of `ledger_lines`, piece by piece."""
    yield _HEAD
    for start in range(0, len(entries), _PIECE):
        yield _line_rows(entries[start : start + _PIECE])
    yield _TAIL


def columns_of_entries(entries: Sequence[Entry]) -> list[Sequence[Any]]:
    """Return the parameters of `write` for entries: their fields, and the first and last of their lines."""
    commands = [entry.command for entry in entries]
    described = [command if isinstance(command, Transfer | Reverse) else None for command in commands]
    last_lines = list(accumulate(len(entry.movements) for entry in entries))
    return [
        [command.entry_id for command in commands],
        [entry.posted_at for entry in entries],
        [entry.kind for entry in entries],
        [entry.currency for entry in entries],
        [None if isinstance(command, Transfer) else command.target_id for command in commands],
        [command.timeout_at if isinstance(command, Transfer) else None for command in commands],
        [each and each.value_date for each in described],
        [each.narration if each else "" for each in described],
        [each and each.external_reference for each in described],
        [each and each.correlation_id for each in described],
        [each and each.idempotency_key for each in described],
        [json.dumps(dict(each.metadata)) if each and each.metadata else None for each in described],
        [last - len(entry.movements) + 1 for entry, last in zip(entries, last_lines, strict=True)],
        last_lines,
    ]


def columns_of_lines(entries: Sequence[Entry]) -> list[Sequence[Any]]:
    """Return the parameters of `write` for lines: the place of their entry (from 1), their number there, and so on."""
    moved = _movements(entries)
    return [
        [place for place, entry in enumerate(entries, 1) for _ in entry.movements],
        [number for entry in entries for number in range(len(entry.movements))],
        [entry.kind is _PENDING for entry in entries for _ in entry.movements],
        [account.key for account, _, _, _ in moved],
        [amount for _, amount, _, _ in moved],
        [balance_after for _, _, balance_after, _ in moved],
        [account_line for _, _, _, account_line in moved],
    ]


def _movements(entries: Sequence[Entry]) -> list[Movement]:
    return [movement for entry in entries for movement in entry.movements]


def _line_rows(entries: Sequence[Entry]) -> bytes:
    moved = _movements(entries)
    count = len(moved)
    columns = (
        b"".join([entry.command.entry_id.bytes * len(entry.movements) for entry in entries]),
        b"".join([_pack_bigint(_microseconds(entry.posted_at)) * len(entry.movements) for entry in entries]),
        b"".join([(_YES if entry.kind is _PENDING else _NO) * len(entry.movements) for entry in entries]),
        b"".join([_NUMBERS[: 2 * len(entry.movements)] for entry in entries]),
        pack(f"!{count}i", *[account.key for account, _, _, _ in moved]),
        pack(f"!{count}q", *[amount for _, amount, _, _ in moved]),
        pack(f"!{count}q", *[balance_after for _, _, balance_after, _ in moved]),
        pack(f"!{count}q", *[account_line for _, _, _, account_line in moved]),
    )
    return _rows(pack("!h", len(columns)), _LINE_WIDTHS.values(), columns, count)


def _entry_rows(entries: Sequence[Entry]) -> list[bytes]:
    moved = _movements(entries)
    count = len(moved)
    numbers = _rows(b"", (4,), (pack(f"!{count}i", *[account.key for account, _, _, _ in moved]),), count)
    amounts = _rows(b"", (8,), (pack(f"!{count}q", *[amount for _, amount, _, _ in moved]),), count)
    rows: list[bytes] = []
    end = 0
    for entry in entries:
        command = entry.command
        lines = len(entry.movements)
        start, end = end, end + lines
        integers, bigints = _array_heads(lines)
        rows += (
            _pack_entry_head(len(ENTRY_COLUMNS), 16, command.entry_id.bytes, 8, _microseconds(entry.posted_at)),
            _kind_and_currency(entry.kind, entry.currency),
            *_content(command),
            integers,
            numbers[8 * start : 8 * end],
            bigints,
            amounts[12 * start : 12 * end],
        )
    return rows


@lru_cache(maxsize=64)
def _kind_and_currency(kind: EntryKind, currency: str) -> bytes:
    """Return two fields that are the same in most entries."""
    return _text(kind) + _text(currency)


@lru_cache(maxsize=MAX_LINES + 1)
def _array_heads(lines: int) -> tuple[bytes, bytes]:
    """Return what stands before the elements of the two arrays of so many lines."""
    if not lines:
        return _NO_ARRAYS, b""
    return (
        _pack_array_head(20 + 8 * lines, 1, 0, _INTEGER, lines, 1),
        _pack_array_head(20 + 12 * lines, 1, 0, _BIGINT, lines, 1),
    )


def _content(command: Command) -> tuple[bytes, ...]:
    """Return the fields from `target_id` to `correlation_id`."""
    if isinstance(command, Transfer):
        rare: tuple[bytes, ...] = (_NO_RARE_FIELDS,)
        if (command.timeout_at or command.value_date or command.metadata or command.idempotency_key) is not None:
            rare = (_NULL, _moment(command.timeout_at), *_rare(command))
    elif isinstance(command, Reverse):
        rare = (_uuid(command.target_id), _NULL, *_rare(command))
    else:
        return _uuid(command.target_id), _NULL * 4, _text(""), _NULL * 2
    return (
        *rare,
        _text(command.narration),
        _text(command.external_reference),
        _text(command.correlation_id),
    )


def _rare(command: Transfer | Reverse) -> tuple[bytes, ...]:
    return _day(command.value_date), _json(command.metadata), _text(command.idempotency_key)


def _rows(head: bytes, widths: Collection[int], columns: Collection[bytes], count: int) -> bytes:
    """Lay fields that all rows have in one width out as `count` rows; a column is its values one after the other.

    Byte by byte of the row, for all rows at once: a small part of the time that packing them one by one takes.
    """
    row = head + b"".join([_pack_length(width) + bytes(width) for width in widths])
    rows = bytearray(row * count)
    place = len(head)
    for width, column in zip(widths, columns, strict=True):
        place += 4
        for offset in range(width):
            rows[place + offset :: len(row)] = column[offset::width]
        place += width
    return bytes(rows)


@lru_cache(maxsize=16)
def _microseconds(moment: datetime) -> int:
    """Return PostgreSQL's count of a moment; most entries of a batch share theirs."""
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
