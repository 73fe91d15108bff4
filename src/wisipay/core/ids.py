"""Identifiers and secrets: the only place that draws randomness.

Decides the shape of readable ids (prefix, time, randomness; they sort by time and fit a provider's 26-character
reference without a hyphen), of uuid7 keys and of secrets. Ids that a process makes of one millisecond are in the order
in which it made them. Must never use a predictable generator.
"""

import re
import secrets
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID

CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ID_LENGTH_MAX: Final = 26

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_TIME_CHARACTERS = 10
_RANDOM_CHARACTERS = 12
_BITS_PER_CHARACTER = 5
_RANDOM_BITS = _RANDOM_CHARACTERS * _BITS_PER_CHARACTER
_KEY_RANDOM_BITS = 74
_ORDERED_MILLISECONDS = 64
_PREFIX = re.compile(r"[A-Z0-9]{1,4}", re.ASCII)
_PAIRS = tuple(first + second for first in CROCKFORD for second in CROCKFORD)


def new_id(prefix: str, moment: datetime | None = None) -> str:
    """Make a readable id: prefix, 10 characters of Unix milliseconds, 12 random ones (60 bits), in Crockford base 32.

    `prefix` is 1-4 upper-case letters or digits, anything else is a ValueError. Ids of one prefix sort by time, to the
    millisecond of `moment` (now, when none is given), and those of one millisecond in the order in which this process
    made them. At most 26 characters, no hyphen.
    """
    if _PREFIX.fullmatch(prefix) is None:
        raise ValueError(f"an id prefix is 1-4 upper-case letters or digits, not {prefix!r}")
    milliseconds = _unix_milliseconds(moment)
    number = _id_numbers.next(milliseconds)
    pairs = _PAIRS  # unrolled, because every request makes two ids
    return (
        f"{prefix}{_time_characters(milliseconds)}"
        f"{pairs[number >> 50]}{pairs[number >> 40 & 1023]}{pairs[number >> 30 & 1023]}"
        f"{pairs[number >> 20 & 1023]}{pairs[number >> 10 & 1023]}{pairs[number & 1023]}"
    )


def id_length(prefix: str) -> int:
    """Return the length of every readable id of this prefix."""
    return len(prefix) + _TIME_CHARACTERS + _RANDOM_CHARACTERS


def id_milliseconds(readable_id: str) -> int:
    """Return the Unix milliseconds that a readable id carries; a ValueError for anything that `new_id` didn't make."""
    digits = readable_id[-_TIME_CHARACTERS - _RANDOM_CHARACTERS : -_RANDOM_CHARACTERS]
    if len(digits) != _TIME_CHARACTERS:
        raise ValueError(f"not an id of ours: {readable_id!r}")
    return _milliseconds_of(digits)


@lru_cache(maxsize=4_096)
def _milliseconds_of(digits: str) -> int:
    """Read ten characters of Crockford base 32; asked again for each record that a payment's id names."""
    milliseconds = 0
    for digit in digits:
        milliseconds = milliseconds << _BITS_PER_CHARACTER | CROCKFORD.index(digit)
    return milliseconds


def new_uuid7(moment: datetime | None = None) -> UUID:
    """Make a time-ordered UUID, version 7 (RFC 9562): 48 bits of Unix milliseconds, the rest random.

    Keys of one millisecond are in the order in which this process made them (the RFC's monotonic random).
    """
    milliseconds = _unix_milliseconds(moment)
    randomness = _key_numbers.next(milliseconds)
    high, low = randomness >> 62, randomness & ((1 << 62) - 1)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def new_secret(size_bytes: int = 32) -> str:
    """Make a URL-safe secret from `size_bytes` random bytes; fewer than 16 would be guessable: ValueError."""
    if size_bytes < 16:  # noqa: PLR2004 - 128 bits is the floor named in the docstring
        raise ValueError("a secret needs at least 16 random bytes")
    return secrets.token_urlsafe(size_bytes)


class RisingNumbers:
    """Random numbers of so many bits that rise within a millisecond, for the milliseconds asked for last.

    Each is a random step above the one before: of numbers of 60 bits some 2^42 might come next. There is room for
    millions of one millisecond; what comes after those is random without order.
    """

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._last: dict[int, int] = {}

    def next(self, milliseconds: int) -> int:
        """Return the next number of a millisecond."""
        last = self._last.get(milliseconds)
        if last is None:
            if len(self._last) == _ORDERED_MILLISECONDS:
                del self._last[next(iter(self._last))]
            number = secrets.randbits(self._bits - 1)  # so half of all numbers are free above it
        else:
            room = (1 << self._bits) - 1 - last
            number = last + 1 + (room * secrets.randbits(32) >> 48)  # a step of up to 1/65536 of what is left
            if not room:
                number = secrets.randbits(self._bits)
        self._last[milliseconds] = number
        return number


_id_numbers: Final = RisingNumbers(_RANDOM_BITS)
_key_numbers: Final = RisingNumbers(_KEY_RANDOM_BITS)


def new_key(size_bytes: int) -> bytes:
    """Make a key of random bytes; fewer than 16 would be guessable: ValueError."""
    if size_bytes < 16:  # noqa: PLR2004 - as in new_secret
        raise ValueError("a key needs at least 16 random bytes")
    return secrets.token_bytes(size_bytes)


def _unix_milliseconds(moment: datetime | None) -> int:
    if moment is None:
        return time.time_ns() // 1_000_000
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone; this one is naive")
    return (moment - _EPOCH) // _MILLISECOND


@lru_cache(maxsize=16)
def _time_characters(milliseconds: int) -> str:
    return "".join(
        _PAIRS[(milliseconds >> shift) & 1023]
        for shift in range((_TIME_CHARACTERS - 2) * _BITS_PER_CHARACTER, -1, -2 * _BITS_PER_CHARACTER)
    )
