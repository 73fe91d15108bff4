"""Writing what providers read: JSON and form bodies, amounts as numbers, Basic authorization, names of digits only.

Decides how our exact values stand on the wire. Must never write an amount through a float.
"""

import hashlib
import unicodedata
from base64 import b64encode
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec

from wisipay.core.money import Paise, rupees_text

_LOWEST_NAME: Final = 10**15
_encoder: Final = msgspec.json.Encoder()


def json_body(members: Mapping[str, object]) -> bytes:
    """Write compact JSON in the order given, without the members that are None."""
    return _encoder.encode({name: value for name, value in members.items() if value is not None})


def form_body(members: Mapping[str, str | None]) -> bytes:
    """Write a form in the order given, without the members that are None."""
    return urlencode({name: value for name, value in members.items() if value is not None}).encode()


def rupees_number(amount: Paise) -> msgspec.Raw:
    """Write paise as a JSON number of rupees, as short as JSON writers do: 500, 100.1, 100.05."""
    return msgspec.Raw(rupees_text(amount).removesuffix(".00").removesuffix("0" if amount % 100 else "").encode())


def basic_authorization(user: str, password: str) -> str:
    """Write the value of an HTTP Basic `Authorization` header."""
    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def plain_text(text: str, longest: int, *, also: str = "") -> str:
    """Write a text with ASCII letters, digits, single spaces and `also` only, cut to `longest` characters.

    Accents fall off their letters; every other character becomes a space.
    """
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    kept = "".join(sign if sign.isascii() and (sign.isalnum() or sign in also) else " " for sign in bare)
    return " ".join(kept.split())[:longest].rstrip()


def numeric_name(reference: str) -> str:
    """Name a reference by 16 decimal digits, the first no zero, always the same ones.

    Two references may meet in one name, with the odds of a hash: payments keep names under a unique key.
    """
    return str(_LOWEST_NAME + int.from_bytes(hashlib.sha256(reference.encode()).digest()) % (9 * _LOWEST_NAME))
