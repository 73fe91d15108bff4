"""What a developer asks for in a query string, read strictly.

Decides names, bounds and defaults. A name that nobody knows is refused: a filter with a slip of the pen in it would
otherwise show everything. Pure.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from wisipay.core.errors import BadRequest
from wisipay.core.http_waits import WAIT_SECONDS_MAX

PAGE_MAX: Final = 100
PAGE_DEFAULT: Final = 50
_TEXT_MAX: Final = 64
_FIELDS_MAX: Final = 20
_CURSOR: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_WHOLE: Final = re.compile(r"[0-9]{1,3}", re.ASCII)
_STATUS: Final = re.compile(r"([1-5])([0-9]{2}|xx)", re.ASCII)
_ENVIRONMENTS: Final = ("LIVE", "UAT")
_ANY_STATUS: Final = (0, 1000)


@dataclass(frozen=True, slots=True)
class PageAsked:
    """Which page: behind the cursor `after`, or the `last` so many; and how long to wait for something to show."""

    after: int
    last: int | None
    limit: int
    wait_seconds: int


def read_query(path_and_query: str, known: Collection[str]) -> dict[str, str]:
    """Return the fields of a query; raises BadRequest for unknown, repeated and unreadable ones."""
    text = path_and_query.partition("?")[2]
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS_MAX, errors="strict")
    except (ValueError, UnicodeError):
        raise BadRequest("The query cannot be read", details={"query": "cannot be read"}) from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise _wrong(name[:_TEXT_MAX], f"is not known; there are {', '.join(sorted(known)) or 'none'}")
        if name in fields:
            raise _wrong(name, "is given more than once")
        fields[name] = value
    return fields


def page_asked(fields: dict[str, str]) -> PageAsked:
    """Read after, last, limit and wait."""
    if "after" in fields and "last" in fields:
        raise _wrong("last", "cannot be given together with after")
    return PageAsked(
        after=cursor_asked(fields, "after") or 0,
        last=_whole(fields, "last", 0, PAGE_MAX, 0) if "last" in fields else None,
        limit=limit_asked(fields),
        wait_seconds=_whole(fields, "wait", 0, WAIT_SECONDS_MAX, 0),
    )


def cursor_asked(fields: dict[str, str], name: str) -> int | None:
    """Read a cursor; None where it is not given."""
    text = fields.get(name)
    if text is not None and not _CURSOR.fullmatch(text):
        raise _wrong(name, "must be a cursor as you were given it")
    return None if text is None else int(text)


def limit_asked(fields: dict[str, str]) -> int:
    """Read limit, 1 to PAGE_MAX."""
    return _whole(fields, "limit", 1, PAGE_MAX, PAGE_DEFAULT)


def environment_asked(fields: dict[str, str]) -> str | None:
    """Read environment; None where it is not given."""
    chosen = fields.get("environment")
    if chosen is not None and chosen not in _ENVIRONMENTS:
        raise _wrong("environment", f"must be one of {', '.join(_ENVIRONMENTS)}")
    return chosen


def status_asked(fields: dict[str, str]) -> tuple[int, int]:
    """Read status, such as 402 or 4xx, as the range from <= status < until."""
    if "status" not in fields:
        return _ANY_STATUS
    found = _STATUS.fullmatch(fields["status"])
    if found is None:
        raise _wrong("status", "must be an HTTP status such as 402, or a class such as 4xx")
    hundreds = int(found[1]) * 100
    return (hundreds, hundreds + 100) if found[2] == "xx" else (int(found[0]), int(found[0]) + 1)


def text_asked(fields: dict[str, str], name: str) -> str | None:
    """Read a text of 1 to 64 characters; None where it is not given."""
    text = fields.get(name)
    if text is not None and not (0 < len(text) <= _TEXT_MAX and text.isprintable()):
        raise _wrong(name, f"must be 1 to {_TEXT_MAX} printable characters")
    return text


def _whole(fields: dict[str, str], name: str, lowest: int, highest: int, default: int) -> int:
    text = fields.get(name, str(default))
    if not _WHOLE.fullmatch(text) or not lowest <= int(text) <= highest:
        raise _wrong(name, f"must be a whole number from {lowest} to {highest}")
    return int(text)


def _wrong(name: str, fault: str) -> BadRequest:
    return BadRequest(f"{name} {fault}", details={name: fault})
