"""Reading what an order must bring, for formats that are checked member by member."""

from collections.abc import Mapping
from typing import Any

from wisipay_simulator.amounts import rupees_of


class MissingError(Exception):
    """A member of an order is missing or wrong; the text says which, as providers do."""


def texts(members: Mapping[str, Any], *names: str) -> tuple[str, ...]:
    """Return the texts of these members, all of which must be there; MissingError otherwise."""
    found = tuple(members.get(name) for name in names)
    for name, value in zip(names, found, strict=True):
        if not isinstance(value, str) or not value.strip():
            raise MissingError(f"The {name} field is required.")
    return found  # type: ignore[return-value] # every one was seen to be a text


def text(members: Mapping[str, Any], name: str) -> str:
    """Return the text of a member, empty where there is none."""
    value = members.get(name)
    return value if isinstance(value, str) else ""


def amount_paise(members: Mapping[str, Any], name: str = "amount") -> int:
    """Return an amount in rupees as paise, above zero; MissingError otherwise."""
    try:
        paise = rupees_of(members.get(name))
    except ValueError as problem:
        raise MissingError(f"The {name} field is wrong: {problem}.") from problem
    if paise == 0:
        raise MissingError(f"The {name} must be above zero.")
    return paise


def one_of(members: Mapping[str, Any], name: str, allowed: frozenset[str]) -> str:
    """Return a member that is one of the allowed words; MissingError otherwise."""
    (value,) = texts(members, name)
    if value not in allowed:
        raise MissingError(f"The selected {name} is invalid.")
    return value


def digits(members: Mapping[str, Any], name: str, length: int = 0) -> str:
    """Return a member of digits only, of exactly this length where one is given; MissingError otherwise."""
    (value,) = texts(members, name)
    if not (value.isascii() and value.isdigit()) or (length and len(value) != length):
        raise MissingError(f"The {name} must be a number{f' of {length} digits' if length else ''}.")
    return value
