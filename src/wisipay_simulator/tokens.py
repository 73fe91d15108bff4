"""The `sim:` tokens in an order's remarks: one request's own behaviour, over whatever faults are set. Pure.

A token that is not known is an error, never ignored: a test with a misspelt token must not pass by accident.
"""

import re

_TOKEN = re.compile(r"sim:([^\s,;]*)", re.IGNORECASE)

MAX_MS = 24 * 3_600_000

FLAGS = frozenset(
    {
        "success", "fail", "pending", "expire", "processing", "instant",
        "maintenance", "throttle", "http-500", "http-500-after-executing",
        "timeout-before-executing", "timeout-after-executing", "answer-lost", "broken-json",
        "accept-duplicate",
        "status-http-500", "status-timeout", "status-answer-lost", "status-broken-json",
        "status-not-found", "status-stale", "status-throttle", "status-maintenance",
        "webhook-missing", "webhook-early", "webhook-out-of-order", "webhook-wrong-amount", "webhook-wrong-currency",
        "webhook-forged", "webhook-unsigned", "webhook-broken", "webhook-unknown-reference",
    }
)  # fmt: skip
TIMES = frozenset({"after", "latency", "late", "reverse-after", "success-after"})
OPTIONAL_VALUES = frozenset({"reject", "webhook-duplicate"})


class BadTokenError(Exception):
    """A `sim:` token is unknown or its value is not usable; the text says which."""


def parse_tokens(remarks: str) -> dict[str, str]:
    """Return the tokens of remarks with their values ("" where none), or BadTokenError."""
    if "sim:" not in remarks.lower():
        return {}
    tokens: dict[str, str] = {}
    for text in _TOKEN.findall(remarks):
        name, equals, value = text.partition("=")
        name = name.lower()
        _check(name, value, has_value=bool(equals))
        tokens[name] = value
    return tokens


def milliseconds(tokens: dict[str, str], name: str, default: int) -> int:
    """Return a time token's value in milliseconds."""
    return int(tokens[name]) if name in tokens else default


def _check(name: str, value: str, *, has_value: bool) -> None:
    if name in FLAGS:
        if has_value:
            raise BadTokenError(f"sim:{name} takes no value")
    elif name in TIMES:
        if not value.isascii() or not value.isdigit() or int(value) > MAX_MS:
            raise BadTokenError(f"sim:{name} wants milliseconds from 0 to {MAX_MS}, as in sim:{name}=500")
    elif name == "webhook-duplicate":
        if has_value and value not in {"2", "3", "4", "5", "6", "7", "8", "9"}:
            raise BadTokenError("sim:webhook-duplicate wants a count from 2 to 9, as in sim:webhook-duplicate=3")
    elif name == "reject":
        if has_value and not re.fullmatch(r"[A-Z0-9_]{1,40}", value):
            raise BadTokenError("sim:reject wants an upper-case code, as in sim:reject=INSUFFICIENT_BALANCE")
    else:
        known = ", ".join(sorted(FLAGS | TIMES | OPTIONAL_VALUES))
        raise BadTokenError(f"sim:{name} is not a token of the simulator; known are: {known}")
