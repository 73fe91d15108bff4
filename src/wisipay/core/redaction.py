"""Removes secrets and personal data from whatever is about to be logged or kept for debugging.

Decides by key (names that carry secrets) and by value (shapes that are secrets or personal data wherever they appear:
inside URLs, forms, JSON texts, XML, exception messages). Pure. Errs on the side of hiding: a hidden harmless number
costs a look at the database, a leaked account number cannot be taken back. Must never raise, whatever it is given.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

REDACTED: Final = "[redacted]"
TEXT_LENGTH_MAX: Final = 16_384
"""Longer texts are cut: no log line needs more."""

_DEPTH_MAX = 12
_ITEMS_MAX = 1_000
_CUT = "...[cut]"
_WORD_LENGTH_MAX = 48

_SENSITIVE_PARTS = re.compile(
    "secret|passw|passphrase|token|apikey|authori[sz]ation|signature|salt|credential|cookie|otp"
    "|accountn|acctn|accno|bankaccount|iban|ifsc|email|mail[ai]d|phone|mobile|msisdn|contactn|vpa|upiid|upihandle"
    "|checksum|cvv|aadhaar|customername|beneficiaryname|payername|payeename|holdername|fullname|firstname|lastname",
)
_SENSITIVE_NAMES = frozenset(
    {
        "key",
        "pass",
        "pwd",
        "hash",
        "pin",
        "pan",
        "jwt",
        "sign",
        "hmac",
        "account",
        "mac",
        "auth",
        "sessionid",
        "upi",
        "xclientid",
    },
)
_HARMLESS_KEYS = frozenset({"idempotencykey", "dedupekey", "primarykey", "routekey", "cachekey"})
# Identifiers, times and amounts: what a log line is found by. Their values are ours or already public to the reader.
_PLAIN_NAMES = frozenset(
    {
        *("requestid", "correlationid", "traceid", "spanid", "merchantid", "providerid", "transactionid", "orderid"),
        *("webhookid", "jobid", "entryid", "eventid", "timestamp", "amount", "amountpaise", "utr", "channelid"),
        *("method", "route", "operation", "queue", "batch"),  # words of our own
    },
)

_NAME = r"[A-Za-z_][\w.\-]{0,63}"
_BEARER = re.compile(r"\b(bearer|basic|digest)\s+[\w.~+/=\-]{6,}", re.ASCII | re.IGNORECASE)
# The address of a payer's page: whoever has it sees the payment.
_PAYERS_LINK = re.compile(r"(/pay/[A-Z0-9_]{8,48}\.)[\w\-]{10,}", re.ASCII)
_USER_INFO = re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]*(?=@)")
_NAMED = re.compile(rf"""({_NAME})\\{{0,8}}["']?\s{{0,4}}[:=]\s{{0,4}}""", re.ASCII)
# A quoted value (whose quotes may be escaped, and again), the start of a structure, or a word.
_NAMED_VALUE = re.compile(
    r"""(?P<escape>\\{1,8})"(?:(?!(?P=escape)").)*(?:(?P=escape)")?|"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?"""
    r"""|[{\[][^}\]]*[}\]]?|[^\s&,;}\]<>"']+""",
    re.ASCII | re.DOTALL,
)
_ELEMENT = re.compile(rf"<(?P<name>{_NAME})(?P<rest>[^<>]{{0,200}})>(?P<value>[^<]+)(?=</)", re.ASCII)
_VALUES = re.compile(
    r"""
      [\w.+\-]{1,64}(?:@|%40)[A-Za-z0-9][\w.\-]{1,255}                    # e-mail address or VPA
    | \beyJ[\w\-]{5,}\.[\w\-]{5,}(?:\.[\w\-]*)?                           # JSON web token
    | (?<![A-Za-z0-9])(?:\+|%2B)?[0-9](?:[ \-]?[0-9]){8,18}(?![A-Za-z0-9])  # account, phone, card
    | (?<![A-Za-z0-9])[A-Za-z]{4}0[A-Za-z0-9]{6}(?![A-Za-z0-9])           # IFSC
    | (?<![A-Za-z0-9])(?=[A-Za-z_\-]{0,64}[0-9])[\w\-]{40,}                    # hex digest, base64url secret
    | (?<![A-Za-z0-9+/])(?=[A-Za-z+/]{0,64}[0-9])[A-Za-z0-9+/]{40,}={1,2}      # base64 secret
    """,
    re.ASCII | re.VERBOSE,
)
# What every pattern above needs; one quick look spares harmless texts, which are nearly all, the slow ones.
_SUSPICIOUS = re.compile(
    r"[@=:<%]|/pay/|[0-9](?:[ \-]?[0-9]){8}|[\w+/\-]{40}|[A-Za-z]{4}0"
    r"|[Bb][Ee][Aa][Rr]|[Bb][Aa][Ss][Ii]|[Dd][Ii][Gg][Ee]",
    re.ASCII,
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?: [0-9]{2})?")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_SAYS_NOTHING = frozenset({"true", "false", "null", "None", "True", "False", REDACTED})
_ACCOUNT_NUMBER_MINIMUM = 100_000_000  # nine digits


def redact(value: Any) -> Any:  # noqa: ANN401 - takes and gives any JSON-like value
    """Return a copy without secrets. Mappings, lists, texts (also JSON, forms, URLs, XML) and bytes are looked into."""
    return _redact(value, 0)


def redact_field(name: str, value: Any) -> Any:  # noqa: ANN401 - takes and gives any JSON-like value
    """Return what may be shown of a value that stands under this name."""
    if _is_plain(name) and isinstance(value, (str, int)):  # no plain name is sensitive, so this spares a look
        return value
    if isinstance(value, int) or (isinstance(value, str) and len(value) <= _WORD_LENGTH_MAX):
        return _redacted_word(name, value)
    return _redact_named(name, value, 0)


@lru_cache(maxsize=4096, typed=True)  # statuses, routes and words of our own come again and again
def _redacted_word(name: str, value: str | int) -> Any:  # noqa: ANN401 - a word, or what hides it
    return _redact_named(name, value, 0)


@lru_cache(maxsize=4096)
def is_sensitive(name: str) -> bool:
    """Tell whether values of this name are hidden whatever they look like; case and separators do not matter."""
    plain = _plain(name)
    if plain in _HARMLESS_KEYS:
        return False
    return plain in _SENSITIVE_NAMES or plain.endswith("key") or _SENSITIVE_PARTS.search(plain) is not None


@lru_cache(maxsize=4096)
def _is_plain(name: str) -> bool:
    return _plain(name) in _PLAIN_NAMES


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _redact_named(name: str, value: Any, depth: int) -> Any:  # noqa: ANN401 - any JSON-like value
    if is_sensitive(name):
        return value if value is None or isinstance(value, bool) or value == "" else REDACTED
    if _is_plain(name) and isinstance(value, (str, int)):
        return value
    return _redact(value, depth)


def _redact(value: Any, depth: int) -> Any:  # noqa: ANN401, PLR0911 - any JSON-like value; one return per kind
    if isinstance(value, str):
        return _text(value, depth)
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return value if abs(value) < _ACCOUNT_NUMBER_MINIMUM else REDACTED
    if depth >= _DEPTH_MAX:
        return REDACTED
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _text(bytes(value[: TEXT_LENGTH_MAX + 1]).decode(errors="replace"), depth)
    if isinstance(value, Mapping):
        pairs = list(value.items())[:_ITEMS_MAX]
        return {_text(str(name), depth): _redact_named(str(name), item, depth + 1) for name, item in pairs}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_redact(item, depth + 1) for item in list(value)[:_ITEMS_MAX]]
    return _text(str(value), depth)


def _text(text: str, depth: int) -> str:
    if len(text) > TEXT_LENGTH_MAX:
        return _patterns(text[:TEXT_LENGTH_MAX]) + _CUT
    if text[:1] in {"{", "[", '"'} or text[:1].isspace():
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            return _patterns(text)
        if isinstance(parsed, (dict, list, str)):
            return json.dumps(_redact(parsed, depth + 1), ensure_ascii=False)
    return _patterns(text)


def _patterns(text: str) -> str:
    if _is_harmless(text) if len(text) <= _WORD_LENGTH_MAX else _SUSPICIOUS.search(text) is None:
        return text
    text = _BEARER.sub(rf"\1 {REDACTED}", text)
    text = _USER_INFO.sub(REDACTED, text)
    text = _PAYERS_LINK.sub(rf"\1{REDACTED}", text)
    text = _hide_pairs(text)
    text = _ELEMENT.sub(_hide_element, text)
    return _VALUES.sub(_hide_value, text)


@lru_cache(maxsize=4096)  # paths, channels and words of our own come again and again
def _is_harmless(text: str) -> bool:
    return _SUSPICIOUS.search(text) is None


def _hide_pairs(text: str) -> str:
    shown: list[str] = []
    position = 0
    while named := _NAMED.search(text, position):
        shown.append(text[position : named.end()])
        position = named.end()
        if is_sensitive(named[1]) and (value := _NAMED_VALUE.match(text, position)):
            shown.append(value[0] if value[0] in _SAYS_NOTHING else REDACTED)
            position = value.end()
    return "".join((*shown, text[position:]))


def _hide_element(match: re.Match[str]) -> str:
    return f"<{match['name']}{match['rest']}>{REDACTED if is_sensitive(match['name']) else match['value']}"


def _hide_value(match: re.Match[str]) -> str:
    found = match[0]
    return found if _DATE.fullmatch(found) or _UUID.fullmatch(found) else REDACTED
