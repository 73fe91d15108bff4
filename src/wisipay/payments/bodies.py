"""Reads the JSON object of an initiate call as strictly as money asks for, and says what is wrong with one that is odd.

Decides that a field given twice is refused: which of the two was meant, nobody can say. Must never repeat a value of
the body, which may be somebody's account number, and never fail with anything but `BadRequest`. Pure.
"""

import json
import re
from collections import Counter
from decimal import Decimal
from typing import Any, Final

import msgspec

from wisipay.core.errors import BadRequest

_NAMES_TOLD: Final = 10
_NAME_LENGTH_TOLD: Final = 64
_BYTE_ORDER_MARKS: Final = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_REASON: Final = re.compile(r"JSON is malformed: ([a-z ,]{1,80}\(byte [0-9]+\))")
_REASONS: Final = (
    ("out of range", "has a number that is out of range"),
    ("InvalidOperation", "has a number that is out of range"),
    ("truncated", "ends too early, or within a character"),
)
_NAME_ENDS: Final = re.compile(rb'"\s*:')

_DECODER = msgspec.json.Decoder(float_hook=Decimal)


def read_object(body: bytes) -> dict[str, Any]:
    """Return the members of a JSON object, numbers with decimals as Decimal. Raises `BadRequest`."""
    try:
        decoded = _DECODER.decode(body)
    except RecursionError:
        raise _refused("is nested too deeply") from None
    except (msgspec.DecodeError, ValueError, ArithmeticError) as error:
        raise _refused(_fault(body, str(error))) from None
    if not isinstance(decoded, dict):
        raise _refused("must be a JSON object")
    if body.count(b":") > len(decoded) and len(_NAME_ENDS.findall(body)) > len(decoded):
        # Only then can a name stand there twice, so that usual bodies are parsed once.
        _check_names(body)
    return decoded


def _check_names(body: bytes) -> None:
    repeated: list[str] = []

    def note(members: list[tuple[str, object]]) -> None:
        # Called for each object, the outermost last: what stays noted is about that one.
        repeated[:] = [name for name, times in Counter(name for name, _ in members).items() if times > 1]

    try:
        json.loads(body, object_pairs_hook=note, parse_int=str, parse_float=str, parse_constant=str)
    except RecursionError:
        raise _refused("is nested too deeply") from None
    if repeated:
        names = [name[:_NAME_LENGTH_TOLD] for name in repeated[:_NAMES_TOLD]]
        raise BadRequest(f"{names[0]} is given more than once", details=dict.fromkeys(names, "is given more than once"))


def _fault(body: bytes, said: str) -> str:
    if not body.strip():
        return "is empty"
    if body.startswith(_BYTE_ORDER_MARKS):
        return "starts with a byte order mark; send UTF-8 without one"
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return f"is not UTF-8 (byte {error.start})"
    reason = _REASON.fullmatch(said)
    if reason is not None:
        return f"is not valid JSON: {reason[1]}"
    return next((fault for words, fault in _REASONS if words in said), "is not valid JSON")


def _refused(fault: str) -> BadRequest:
    return BadRequest(f"The body {fault}", details={"body": fault})
