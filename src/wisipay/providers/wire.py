"""Reading what providers send: JSON with exact numbers, arrays, forms, amounts and texts.

Decides when a text of a provider can be relied on: whatever is broken, cut off, HTML, too long, or an amount that is
not exact to the paisa is `Unreadable` as a whole, since half an answer about money is none. Must never make a float of
a number and never guess.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from wisipay.core.money import Paise, parse_rupees

MAX_WEBHOOK_WORDS: Final = 100
"""More payments than this in one webhook body are refused: the body is bounded, its meaning should be too."""
MAX_TEXT_LENGTH: Final = 1_000
MAX_MESSAGE_LENGTH: Final = 300
MAX_FORM_FIELDS: Final = 200
MAX_PAISE_DIGITS: Final = 18

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")

# msgspec hands the digits of a decimal number to the hook as text, so no binary fraction ever exists.
_decoder: Final = msgspec.json.Decoder(float_hook=Decimal)


class Unreadable(Exception):  # noqa: N818 -- names the fact, like Unknown, which it turns into
    """What came back cannot be relied on; the reason is safe to log."""


class Fields(msgspec.Struct, frozen=True):
    """The members of one JSON object or form, read by name; several names mean: the first that holds something."""

    members: Mapping[str, object]

    def text(self, *names: str) -> str | None:
        """Return a text (whole numbers as their digits), trimmed; None where there is none or it is empty.

        Raises `Unreadable` for a text over 1,000 characters or with control characters, which no identifier has.
        """
        for name in names:
            value = self.members.get(name)
            if isinstance(value, int) and not isinstance(value, bool):
                value = str(value)
            if not isinstance(value, str) or not (trimmed := value.strip()):
                continue
            if len(trimmed) > MAX_TEXT_LENGTH or _CONTROL.search(trimmed):
                raise Unreadable(f"{name} is too long or holds control characters")
            return trimmed
        return None

    def required(self, *names: str) -> str:
        """Return a text as `text` does; raises `Unreadable` where there is none."""
        value = self.text(*names)
        if value is None:
            raise Unreadable(f"{' or '.join(names)} is missing")
        return value

    def message(self, *names: str) -> str | None:
        """Return a text meant for people: control characters become spaces, cut to 300 characters."""
        for name in names:
            value = self.members.get(name)
            if isinstance(value, str) and value.strip():
                return _CONTROL.sub(" ", value.strip()[:MAX_MESSAGE_LENGTH])
        return None

    def flag(self, name: str) -> bool | None:
        """Return a JSON true or false; None for anything else."""
        value = self.members.get(name)
        return value if isinstance(value, bool) else None

    def nested(self, name: str) -> "Fields | None":
        """Return the object under this name; None where there is no object."""
        value = self.members.get(name)
        return Fields(value) if isinstance(value, dict) else None

    def objects(self, name: str) -> "tuple[Fields, ...]":
        """Return the objects of the array under this name; none where there is no array of at most 100 objects."""
        value = self.members.get(name)
        items = value if isinstance(value, list) and len(value) <= MAX_WEBHOOK_WORDS else []
        return tuple(Fields(item) for item in items if isinstance(item, dict))

    def rupees(self, *names: str) -> Paise | None:
        """Return an amount given in rupees, as text or number; None where it is absent, null or empty.

        Raises `Unreadable` for an amount that is there but negative, not a number, or finer than a paisa.
        """
        for name in names:
            value = self.members.get(name)
            if value is not None and value != "":
                return _positive(name, _rupees(name, value))
        return None

    def is_below_zero(self, name: str) -> bool:
        """Tell whether an amount has a minus before it, as only balances may."""
        return str(self.members.get(name)).strip().startswith("-")

    def paise(self, *names: str) -> Paise | None:
        """Return an amount given in whole paise, as text or number; None where absent. Raises `Unreadable` likewise."""
        for name in names:
            value = self.members.get(name)
            if value is None or value == "":
                continue
            digits = str(value).strip() if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
            if not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_PAISE_DIGITS):
                raise Unreadable(f"{name} is not an amount in whole paise")
            return _positive(name, Paise(int(digits)))
        return None


def read_object(body: bytes) -> Fields:
    """Read a JSON object. Raises `Unreadable` for everything else: HTML, empty, cut off, too deep, an array."""
    value = _read_json(body)
    if not isinstance(value, dict):
        raise Unreadable(f"expected a JSON object, got {_shape(value)}")
    return Fields(value)


def read_objects(body: bytes) -> tuple[Fields, ...]:
    """Read a webhook body: one JSON object, a JSON array of at most 100 of them, or a form.

    Raises `Unreadable` for everything else, an empty array included.
    """
    start = body.lstrip()[:1]
    if start not in (b"{", b"["):
        return (_read_form(body),)
    value = _read_json(body)
    items = value if isinstance(value, list) else [value]
    if not 0 < len(items) <= MAX_WEBHOOK_WORDS:
        raise Unreadable(f"an array of {len(items)} items; between 1 and {MAX_WEBHOOK_WORDS} are read")
    objects = tuple(Fields(item) for item in items if isinstance(item, dict))
    if len(objects) < len(items):
        raise Unreadable("an array of something else than objects")
    return objects


def header(headers: Mapping[str, str], name: str) -> str | None:
    """Return a header whatever its case; None where absent."""
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), None)


def _read_json(body: bytes) -> object:
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, ValueError, ArithmeticError, RecursionError) as error:
        raise Unreadable(f"not JSON: {len(body)} bytes that {_looks_like(body)}") from error


def _read_form(body: bytes) -> Fields:
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MAX_FORM_FIELDS
        )
    except ValueError as error:
        raise Unreadable(f"neither JSON nor a form: {len(body)} bytes that {_looks_like(body)}") from error
    members = dict(pairs)
    if not members or len(members) < len(pairs):
        raise Unreadable("a form without fields, or with a field given twice")
    return Fields(members)


def _rupees(name: str, value: object) -> Paise:
    if isinstance(value, (Decimal, str)):
        value = str(value).strip()
        whole, point, decimals = value.partition(".")
        value = f"{whole}{point}{decimals[:2]}{decimals[2:].rstrip('0')}"
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise Unreadable(f"{name} is not an amount")
    try:
        return parse_rupees(value)
    except ValueError as error:
        raise Unreadable(f"{name} is not an amount in rupees exact to the paisa") from error


def _positive(name: str, amount: Paise) -> Paise:
    if amount < 0:
        raise Unreadable(f"{name} is below zero")
    return amount


def _shape(value: object) -> str:
    return "an array" if isinstance(value, list) else "a bare value"


def _looks_like(body: bytes) -> str:
    start = body.lstrip()[:1]
    if not start:
        return "are blank"
    return "look like a page" if start == b"<" else "are broken or cut off"
