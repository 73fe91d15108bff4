"""Money as whole paise, and the only arithmetic on it that rounds.

Decides how rupees are read and written and how a share of an amount is rounded: half up, away from zero, because that
is what a person with a pencil does and what merchants check us with. Must never use a float, and never lose a paisa
silently: a text with a third decimal is refused, not rounded.
"""

import re
from typing import Final, NewType

Paise = NewType("Paise", int)

PAISE_PER_RUPEE: Final = 100
PPM: Final = 1_000_000
"""Parts per million in a whole; 1 % is 10_000 ppm."""
_HALF_PPM: Final = PPM // 2

# Eighteen digits of rupees are a billion times the yearly payments of India; more is an attack on the parser.
_RUPEES = re.compile(r"(-?)([0-9]{1,18})(?:\.([0-9]{1,2}))?", re.ASCII)


def rupees_text(paise: int) -> str:
    """Write paise as rupees with exactly two decimals: 123450 is "1234.50", -5 is "-0.05"."""
    rupees, rest = divmod(abs(paise), PAISE_PER_RUPEE)
    return f"{'-' if paise < 0 else ''}{rupees}.{rest:02d}"


def parse_rupees(value: str | int) -> Paise:
    """Read rupees ("1234.5", "1234.50", 1234) as paise.

    Raises ValueError for more than two decimals, signs other than a leading minus, exponents, separators, spaces, and
    for bool and float values, which are never money.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError(f"an amount in rupees is a text or a whole number, not {type(value).__name__}")  # noqa: TRY004 - callers catch one error
    match = _RUPEES.fullmatch(str(value))
    if match is None:
        raise ValueError("an amount in rupees looks like 1234 or 1234.50, with at most two decimals")
    sign, rupees, decimals = match.groups()
    paise = int(rupees) * PAISE_PER_RUPEE + int((decimals or "").ljust(2, "0"))
    return Paise(-paise if sign else paise)


def divide_half_up(numerator: int, denominator: int) -> int:
    """Divide whole numbers, rounded to the nearest, a half away from zero. Zero denominator: ZeroDivisionError."""
    if denominator == 0:
        raise ZeroDivisionError("divide_half_up by zero")
    quotient = (2 * abs(numerator) + abs(denominator)) // (2 * abs(denominator))
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


def share_ppm(amount: Paise, ppm: int) -> Paise:
    """Return `ppm` parts per million of `amount`, in paise, rounded half up; 18 % is 180_000 ppm."""
    parts = amount * ppm
    return Paise((parts + _HALF_PPM) // PPM if parts >= 0 else divide_half_up(parts, PPM))
