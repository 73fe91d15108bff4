"""What is kept of one request: read from its raw bytes, redacted, bounded.

Decides what a merchant's developer gets to see of a request of his. Pure. Must never keep a value that `redaction` has
not seen, and must never raise, whatever somebody sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

import msgspec

from wisipay.access import client_address
from wisipay.core.http_wire import Reply, WireRequest
from wisipay.core.redaction import REDACTED, is_sensitive, redact, redact_field

BODY_CHARACTERS_MAX: Final = 4_096
"""So much of a body is kept."""
_READ_BYTES_MAX: Final = 16_384
_TEXT_MAX: Final = 64
_PATH_MAX: Final = 256
_CUT: Final = "...[cut]"
_OUR_NAMES: Final = frozenset(
    {
        *("amount", "orderId", "paymentMode", "customerName", "customerEmail", "customerPhone", "remarks"),
        *("redirectUrl", "currency", "beneficiaryName", "beneficiaryAccountNumber", "beneficiaryIfsc"),
        *("beneficiaryBankName", "beneficiaryVpa", "beneficiaryPhone", "success", "data", "error", "details", "code"),
        *("transactionId", "paymentUrl", "upiLink", "status", "utr", "type", "createdAt", "updatedAt", "message"),
        *("description", "retryable"),
    }
)
_PLAIN: Final = frozenset({"orderId", "transactionId", "utr"})
"""Shown as they are, as in log lines."""
_WITH_MEMBERS: Final = frozenset({"data", "error"})
"""In these lies one more level, and nothing deeper that is not looked at as usual."""
_PAYERS_LINKS: Final = ("paymentUrl", "upiLink")
"""Whoever has one sees the payment. Hidden by name, which also spares the search for what looks like a secret."""
_SANDBOX_PATH: Final = "/api/payment/uat/"


class Seen(msgspec.Struct, frozen=True, gc=False):
    """A request as it is queued: nothing of it has been looked at yet."""

    answered_at: datetime
    seconds: float
    request: WireRequest
    reply: Reply


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One entry. `position` grows with every entry; `code` is the error's; bodies are redacted and may be cut."""

    position: int
    at: datetime
    merchant_id: str
    environment: str
    request_id: str
    method: str
    path: str
    status: int
    code: str | None
    duration_ms: float
    order_id: str | None
    transaction_id: str | None
    idempotency_key: str | None
    source_ip: str | None
    signature: str | None
    request_body: str
    answer_body: str


COLUMNS: Final = tuple(ApiRequest.__dataclass_fields__)[1:]
"""What is written; the position is the database's."""


def seen(request: WireRequest, reply: Reply, seconds: float, answered_at: datetime) -> Seen:
    """Return what is queued; a body that could not be kept whole anyway is cut now, so that the queue stays small."""
    if len(request.body) > _READ_BYTES_MAX:
        request = msgspec.structs.replace(request, body=request.body[:_READ_BYTES_MAX])
    return Seen(answered_at, seconds, request, reply)


def row(entry: Seen, trusted_proxies: tuple[str, ...]) -> tuple[object, ...]:
    """Return the values of `COLUMNS`."""
    request, reply, headers = entry.request, entry.reply, entry.request.headers
    asked, answered = _members(request.body), _members(reply.body)
    data = _mapping(answered.get("data"))
    data.update((name, REDACTED) for name in _PAYERS_LINKS if name in data)
    address = client_address(request.peer_address, headers.get("x-forwarded-for"), trusted_proxies)
    path = request.path_and_query.partition("?")[0]
    return (
        entry.answered_at - timedelta(seconds=entry.seconds),
        headers.get("x-merchant-id", "").strip(),
        "UAT" if path.startswith(_SANDBOX_PATH) else "LIVE",
        request.request_id,
        request.method,
        _bounded(str(redact(path)), _PATH_MAX),
        reply.status,
        _text(_mapping(answered.get("error")).get("code") or answered.get("code")),
        round(entry.seconds * 1000, 1),
        _text(request.parameters.get("order_id") or data.get("orderId") or asked.get("orderId")),
        _text(data.get("transactionId")),
        _bounded(str(redact(headers["idempotency-key"])), _PATH_MAX) if "idempotency-key" in headers else None,
        None if address is None else str(address),
        _scheme(headers, asked),
        _shown(request.body, asked),
        _shown(reply.body, answered),
    )


def _members(body: bytes) -> dict[str, Any]:
    """Return the members of a JSON object, none for anything else."""
    try:
        return _mapping(msgspec.json.decode(body)) if body else {}
    except (msgspec.DecodeError, ValueError, RecursionError):
        return {}


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _scheme(headers: Mapping[str, str], asked: dict[str, Any]) -> str | None:
    signature = headers.get("x-signature", "").strip()
    if signature:
        return "v2" if signature.startswith("v2=") else "v1"
    return "hash" if "hash" in asked else None


def _shown(body: bytes, members: dict[str, Any]) -> str:
    if not members:
        return _bounded(str(redact(body.decode(errors="replace"))), BODY_CHARACTERS_MAX) if body else ""
    return _bounded(msgspec.json.encode(_redacted(members)).decode(), BODY_CHARACTERS_MAX)


def _redacted(members: dict[str, Any]) -> dict[str, Any]:
    """Redact as `redact` does, in fewer steps: names of our own are no secrets, and what is below them is not deep."""
    return {
        name if name in _OUR_NAMES else str(redact(name)): (
            _redacted(value) if name in _WITH_MEMBERS and isinstance(value, dict) else _member(name, value)
        )
        for name, value in members.items()
    }


def _member(name: str, value: object) -> object:
    if isinstance(value, str):
        if name in _PLAIN:
            return value
        if len(value) <= _PATH_MAX and not is_sensitive(name):
            return _redacted_text(name, value)
    return redact_field(name, value)


@lru_cache(maxsize=1024)  # modes, currencies and addresses to go back to are nearly always the same
def _redacted_text(name: str, value: str) -> object:
    return redact_field(name, value)


def _text(value: object) -> str | None:
    return _bounded(value, _TEXT_MAX) if isinstance(value, str) and value else None


def _bounded(text: str, length_max: int) -> str:
    """Return a text that PostgreSQL takes: no NUL, no half of a character."""
    clean = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    if not clean.isascii():
        clean = clean.encode(errors="replace").decode()
    return clean if len(clean) <= length_max else clean[: length_max - len(_CUT)] + _CUT
