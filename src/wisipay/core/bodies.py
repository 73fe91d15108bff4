"""Reads JSON bodies into typed structs, strictly, and names the field at fault.

Decides that "1" is not 1 (Litestar's own decoding would take it) and how a fault is put into words. Must never repeat a
value of the body: it may be somebody's account number.
"""

import re
from typing import TypeVar

import msgspec

from wisipay.core.errors import BadRequest

T = TypeVar("T")

_MISSING = re.compile(r"Object missing required field `([^`]+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]{1,64})`?")
_PLACE = re.compile(r"^(.*) - at `\$\.?(.*)`$", re.DOTALL)


def decode_body(body: bytes, kind: type[T]) -> T:
    """Return the JSON body as `kind` (a msgspec.Struct or any type msgspec knows); nothing is converted.

    Raises BadRequest whose details are {field: what is wrong}, or empty where the body is not JSON at all.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        field, message = field_fault(str(error))
        raise BadRequest(f"{field}: {message}", details={field: message}) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadRequest("The body is not valid JSON") from None


def field_fault(message: str) -> tuple[str, str]:
    """Return (field, fault) from what msgspec says: ("customer.name", "is missing"); "body" where no field is named."""
    place = _PLACE.match(message)
    text, path = (place[1], place[2]) if place else (message, "")
    named = _MISSING.search(text) or _UNKNOWN.search(text)
    if named is None:
        return path or "body", text
    return f"{path}.{named[1]}" if path else named[1], "is missing" if text.startswith(
        "Object missing"
    ) else "is not known"
