"""Entries and lines on their way into PostgreSQL: as pieces of a binary COPY, or as columns of one statement.

This is the hot spot of a batch: it touches every line. COPY is for many entries: it packs bytes directly and costs the
server one log record per page instead of one per row, and the pieces let the server take in one while the next is
packed. Columns are for few: they need no round trip of their own. The order of columns here and in `ENTRY_COLUMNS`,
`LINE_COLUMNS` and the statement `write` is one contract.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from struct import Struct
from typing import Any
from uuid import UUID

from wisipay.ledger.model import Entry, EntryKind, Movement, Reverse, Transfer

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
    "balance_numbers",
    "amounts",
)
LINE_COLUMNS = (
    "balance_number",
    "amount",
    "balance_after",
    "account_line",
    "posted_at",
    "entry_id",
    "number",
    "pending",
)

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

# Every field is its length and its value; a row starts with its number of fields.
_pack_line = Struct("!h ii iq iq iq iq i16s ih i?").pack
_pack_entry_head = Struct("!h i16s iq").pack
_pack_length = Struct("!i").pack
_pack_moment = Struct("!iq").pack
_pack_day = Struct("!ii").pack
_LINE_FIELDS, _ENTRY_FIELDS = len(LINE_COLUMNS), len(ENTRY_COLUMNS)


def copy_of_entries(entries: Sequence[Entry]) -> Iterator[bytes]:
    """Return the rows of `ledger_entries`, piece by piece."""
    yield _HEAD
    for start in range(0, len(entries), _PIECE):
        yield b"".join([piece for entry in entries[start : start + _PIECE] for piece in _entry(entry)])
    yield _TAIL


def copy_of_lines(entries: Sequence[Entry]) -> Iterator[bytes]:
    """Return the rows of `ledger_lines`, piece by piece."""
    yield _HEAD
    for start in range(0, len(entries), _PIECE):
        rows: list[bytes] = []
        for entry in entries[start : start + _PIECE]:
            entry_id, moment = entry.command.entry_id.bytes, _microseconds(entry.posted_at)
            pending = entry.kind is EntryKind.PENDING
            rows += [
                _pack_line(
                    *(_LINE_FIELDS, 4, account.key, 8, amount, 8, balance_after, 8, account_line),
                    *(8, moment, 16, entry_id, 2, number, 1, pending),
                )
                for number, (account, amount, balance_after, account_line) in enumerate(entry.movements)
            ]
        yield b"".join(rows)
    yield _TAIL


def columns_of_entries(entries: Sequence[Entry]) -> list[Sequence[Any]]:
    """Return the parameters of `write` for entries: their fields, and the first and last of their lines."""
    commands = [entry.command for entry in entries]
    described = [command if isinstance(command, Transfer | Reverse) else None for command in commands]
    targets = [None if isinstance(command, Transfer) else command.target_id for command in commands]
    timeouts = [command.timeout_at if isinstance(command, Transfer) else None for command in commands]
    last_lines: list[int] = []
    for entry in entries:
        last_lines.append((last_lines[-1] if last_lines else 0) + len(entry.movements))
    return [
        [command.entry_id for command in commands],
        [entry.posted_at for entry in entries],
        [entry.kind.value for entry in entries],
        [entry.currency for entry in entries],
        targets,
        timeouts,
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
    """Return the parameters of `write` for lines, in the order of `LINE_COLUMNS`."""
    moved = [(movement, entry) for entry in entries for movement in entry.movements]
    return [
        [account.key for (account, _, _, _), _ in moved],
        [amount for (_, amount, _, _), _ in moved],
        [balance_after for (_, _, balance_after, _), _ in moved],
        [account_line for (_, _, _, account_line), _ in moved],
        [entry.posted_at for _, entry in moved],
        [entry.command.entry_id for _, entry in moved],
        [number for entry in entries for number in range(len(entry.movements))],
        [entry.kind is EntryKind.PENDING for _, entry in moved],
    ]


def _entry(entry: Entry) -> tuple[bytes, ...]:
    command = entry.command
    head = _pack_entry_head(_ENTRY_FIELDS, 16, command.entry_id.bytes, 8, _microseconds(entry.posted_at))
    words = _word(entry.kind.value), _word(entry.currency)
    if not isinstance(command, Transfer | Reverse):
        nothing = _NULL, _NULL, _word(""), _NULL, _NULL, _NULL, _NULL
        return head, *words, _uuid(command.target_id), *nothing, _arrays(entry.movements)
    timeout_at = command.timeout_at if isinstance(command, Transfer) else None
    return (
        head,
        *words,
        _uuid(command.target_id) if isinstance(command, Reverse) else _NULL,
        _moment(timeout_at),
        _day(command.value_date),
        _text(command.narration),
        _text(command.external_reference),
        _text(command.correlation_id),
        _text(command.idempotency_key),
        _json(command.metadata),
        _arrays(entry.movements),
    )


def _arrays(movements: Sequence[Movement]) -> bytes:
    """Return the fields `balance_numbers` and `amounts`."""
    lines = len(movements)
    numbers = [value for account, _, _, _ in movements for value in (4, account.key)]
    amounts = [value for _, amount, _, _ in movements for value in (8, amount)]
    if not lines:
        return _pack_array(12, 0, 0, _INTEGER) + _pack_array(12, 0, 0, _BIGINT)
    return _arrays_of(lines)(
        *(20 + 8 * lines, 1, 0, _INTEGER, lines, 1, *numbers),
        *(20 + 12 * lines, 1, 0, _BIGINT, lines, 1, *amounts),
    )


# An array is its length, number of dimensions, a flag for nulls, the type; then per dimension its size and first index.
_pack_array = Struct("!iiii").pack


@cache
def _arrays_of(lines: int) -> Callable[..., bytes]:
    return Struct("!6i" + "ii" * lines + "6i" + "iq" * lines).pack


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _moment(moment: datetime | None) -> bytes:
    return _NULL if moment is None else _pack_moment(8, _microseconds(moment))


def _day(day: date | None) -> bytes:
    return _NULL if day is None else _pack_day(4, day.toordinal() - _EPOCH_DAY)


def _uuid(value: UUID) -> bytes:
    return _pack_length(16) + value.bytes


@cache
def _word(word: str) -> bytes:
    """Return one of the few words that entries use again and again."""
    return _text(word)


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
