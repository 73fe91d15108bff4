"""The place where a page of an account's lines ends, and its opaque form.

A place is one bound per counter row of the account: a line lies before the bound or behind it. Since every counter row
numbers its lines without gaps, no line is ever skipped or met twice, however late a writer on another stripe
commits. Pure. A cursor says nothing but places; it gives no right to read anything.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from struct import Struct, error
from typing import NamedTuple

from wisipay.ledger.errors import BadCursorError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_BOUND = Struct("!Iqq")


class Direction(Enum):
    """Where a page lies from its cursor."""

    OLDER = b"o"
    NEWER = b"n"


class Bound(NamedTuple):
    """A place among the lines of one counter row: before its first line that is not below (posted_at, account_line)."""

    balance_number: int
    posted_at: datetime
    account_line: int


def encode(direction: Direction, bounds: Sequence[Bound]) -> str:
    """Return the opaque form."""
    packed = (_BOUND.pack(number, (moment - _EPOCH) // _TICK, line) for number, moment, line in bounds)
    return urlsafe_b64encode(direction.value + b"".join(packed)).decode().rstrip("=")


def decode(cursor: str, balance_numbers: Collection[int]) -> tuple[Direction, list[Bound]]:
    """Return what `encode` was given; `BadCursorError` unless it is of the account with these counter rows."""
    try:
        packed = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        direction = Direction(packed[:1])
        bounds = [
            Bound(number, _EPOCH + moment * _TICK, line) for number, moment, line in _BOUND.iter_unpack(packed[1:])
        ]
    except (ValueError, OverflowError, error) as fault:
        raise BadCursorError("not a cursor that this ledger gave") from fault
    if [bound.balance_number for bound in bounds] != sorted(balance_numbers):
        raise BadCursorError("a cursor of another account")
    return direction, bounds
