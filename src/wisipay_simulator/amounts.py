"""Rupee texts of the wire and integer paise of the book. No float ever touches an amount."""

import re
from decimal import Decimal
from typing import Any

import msgspec

# The digits of a JSON number with decimals are kept as they were written.
_exact = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_RUPEES = re.compile(r"(\d{1,13})(?:\.(\d{1,2}))?", re.ASCII)


def parse_rupees(text: str) -> int:
    """Return the paise of a rupee text such as `"100"`, `"100.5"` or `"100.50"`; ValueError otherwise."""
    match = _RUPEES.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not an amount in rupees with at most two decimals")
    rupees, decimals = match.groups()
    return int(rupees) * 100 + int((decimals or "0").ljust(2, "0"))


def read_exact(body: bytes) -> dict[str, Any]:
    """Return the members of a JSON object, numbers with decimals as Decimal; ValueError for anything else."""
    try:
        return _exact.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise ValueError(str(problem)) from problem


def rupees_of(value: object) -> int:
    """Return the paise of an amount in rupees that came as text or as a JSON number; ValueError otherwise."""
    if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
        return parse_rupees(str(value))
    if isinstance(value, str):
        return parse_rupees(value)
    raise ValueError("an amount is a text or a number")


def rupees_text(paise: int) -> str:
    """Return the wire text of non-negative paise, always with two decimals."""
    return f"{paise // 100}.{paise % 100:02d}"


def indian_text(paise: int) -> str:
    """Return paise as a person in India reads them: 1234567 rupees are `12,34,567.00`."""
    whole, decimals = rupees_text(paise).split(".")
    head, tail = whole[:-3], whole[-3:]
    groups = [tail]
    while head:
        head, group = head[:-2], head[-2:]
        groups.append(group)
    return f"{','.join(reversed(groups))}.{decimals}"
