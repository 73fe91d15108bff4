"""Adding, changing, rotating, switching and removing a merchant's endpoints; every change with its audit record.

Decides how many endpoints a merchant may have and how long a secret that was replaced still signs. A secret's text
leaves this module once, to be shown to the one who asked; after that it is kept sealed. Must never change what was sent
to an endpoint, nor send anything itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from msgspec import UNSET, UnsetType

from wisipay.callbacks.endpoints.model import (
    ENDPOINTS_MAX,
    SECRET_BYTES,
    Endpoint,
    EndpointStatus,
    NewEndpointSecret,
    SealedSecret,
    filter_text,
    read_filter,
    secret_key,
    secret_text,
)
from wisipay.callbacks.endpoints.store import QUERIES, endpoint_of, lay_aside, read_addressees, resume
from wisipay.callbacks.switching import Address, forget_failing, happened
from wisipay.core.crypto import SecretBox
from wisipay.core.database import Connection
from wisipay.core.errors import Conflict, NotFound
from wisipay.core.ids import new_id, new_key
from wisipay.core.sql import load_queries
from wisipay.merchants import Author, InvalidValue, checked_callback_url

OVERLAP: Final = timedelta(hours=24)
OVERLAP_MAX: Final = timedelta(days=30)
SIGNING_MAX: Final = 4
"""Secrets that may sign at a time: as many signatures are in the header of every attempt."""
_DESCRIPTION_MAX: Final = 200
_ENDPOINT_PREFIX: Final = "CEP"
_KEY_PREFIX: Final = "CES"
_EVENTS_SHOWN: Final = 100
_KEEPING = load_queries(__file__, "keeping.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointChange:
    """What to set; fields left UNSET stay. `events` are words such as `payin.success`, `payout.*` or `all`."""

    url: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    events: Sequence[str] | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class EndpointEvent:
    """Something that happened to an endpoint: `what` is ADDED, CHANGED, ROTATED, ENABLED, SWITCHED_OFF and so on."""

    what: str
    url: str
    reason: str | None
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class EndpointDetails:
    """An endpoint with the secrets that sign (sealed), how many deliveries stand where, and its last events."""

    endpoint: Endpoint
    secrets: tuple[SealedSecret, ...]
    deliveries: dict[str, int]
    events: tuple[EndpointEvent, ...]


async def add_endpoint(
    conn: Connection,
    box: SecretBox,
    author: Author,
    merchant_id: str,
    *,
    url: str,
    events: Sequence[str] = (),
    description: str = "",
    https_only: bool,
) -> tuple[Endpoint, NewEndpointSecret]:
    """Add an endpoint, enabled, and make its first secret; the caller knows that the merchant exists.

    `events` are words such as `payin.success`, `payout.*` or `all`; none means all. Raises InvalidValue, or Conflict
    when the merchant has as many as it may, or this URL already.
    """
    checked = checked_callback_url(url, https_only=https_only, field="url")
    wanted = read_filter(events)
    endpoint_id = new_id(_ENDPOINT_PREFIX, author.moment)
    async with conn.transaction():
        await conn.execute(_KEEPING["lock_merchant"], merchant_id)
        others = await endpoints_of(conn, merchant_id)
        if len(others) >= ENDPOINTS_MAX:
            raise Conflict(f"a merchant may have {ENDPOINTS_MAX} endpoints; remove one that is not needed")
        _check_new(checked, others)
        await conn.execute(
            _KEEPING["add"], endpoint_id, merchant_id, checked, _description(description), wanted, author.moment
        )
        secret = await _add_secret(conn, box, author, endpoint_id)
        endpoint = await _locked(conn, merchant_id, endpoint_id)
        await _record(conn, author, endpoint, "add", "ADDED", None, _state(endpoint) | {"keyId": secret.id})
    return endpoint, secret


async def endpoints_of(conn: Connection, merchant_id: str) -> list[Endpoint]:
    """List a merchant's endpoints, the oldest first, without removed ones."""
    return [endpoint_of(row) for row in await conn.fetch(_KEEPING["endpoints_of"], merchant_id)]


async def endpoint_of_merchant(conn: Connection, merchant_id: str, endpoint_id: str) -> Endpoint:
    """Return an endpoint of a merchant, also a removed one. Raises NotFound, also for another merchant's."""
    row = await conn.fetchrow(_KEEPING["endpoint_of_merchant"], endpoint_id, merchant_id)
    if row is None:
        raise _unknown(endpoint_id)
    return endpoint_of(row)


async def endpoint_details(
    conn: Connection, endpoint_id: str, *, merchant_id: str | None = None, now: datetime
) -> EndpointDetails:
    """Show an endpoint, also a removed one. Raises NotFound; with `merchant_id` also for another merchant's."""
    addressee = (await read_addressees(conn, [endpoint_id], now)).get(endpoint_id)
    if addressee is None or merchant_id not in {None, addressee.endpoint.merchant_id}:
        raise _unknown(endpoint_id)
    endpoint = addressee.endpoint
    counts = {row["state"]: row["deliveries"] for row in await conn.fetch(_KEEPING["counts"], endpoint_id)}
    rows = await conn.fetch(_KEEPING["happened"], endpoint.merchant_id, endpoint_id, _EVENTS_SHOWN)
    return EndpointDetails(endpoint, addressee.secrets, counts, tuple(EndpointEvent(*row) for row in rows))


async def change_endpoint(
    conn: Connection, author: Author, merchant_id: str, endpoint_id: str, change: EndpointChange, *, https_only: bool
) -> Endpoint:
    """Change address, description or filter; what is on its way goes to the new address. Errors as `add_endpoint`."""
    async with conn.transaction():
        await conn.execute(_KEEPING["lock_merchant"], merchant_id)
        before = await _locked(conn, merchant_id, endpoint_id)
        url = before.url
        if change.url is not UNSET:
            url = checked_callback_url(change.url, https_only=https_only, field="url")
            _check_new(url, [each for each in await endpoints_of(conn, merchant_id) if each.id != endpoint_id])
        description = before.description if change.description is UNSET else _description(change.description)
        wanted = before.wanted if change.events is UNSET else read_filter(change.events)
        await conn.execute(_KEEPING["change"], endpoint_id, url, description, wanted)
        await forget_failing(conn, merchant_id, endpoint_id)
        after = await _locked(conn, merchant_id, endpoint_id)
        await _record(conn, author, after, "change", "CHANGED", _state(before), _state(after))
    return after


async def rotate_endpoint_secret(
    conn: Connection,
    box: SecretBox,
    author: Author,
    merchant_id: str,
    endpoint_id: str,
    *,
    overlap: timedelta = OVERLAP,
) -> NewEndpointSecret:
    """Make a new secret; those before it sign beside it for `overlap` more, at most 30 days (zero: not any more)."""
    if not timedelta() <= overlap <= OVERLAP_MAX:
        raise InvalidValue("overlap", f"must be between 0 and {OVERLAP_MAX.days} days")
    async with conn.transaction():
        endpoint = await _locked(conn, merchant_id, endpoint_id)
        retires_at = author.moment + overlap
        signing = await conn.fetch(QUERIES["secrets"], [endpoint_id], author.moment)
        if overlap and len(signing) >= SIGNING_MAX:
            raise Conflict(f"{SIGNING_MAX} secrets sign at present; wait for one to retire, or rotate without overlap")
        await conn.execute(_KEEPING["retire_secrets"], endpoint_id, retires_at)
        secret = await _add_secret(conn, box, author, endpoint_id)
        after = {"keyId": secret.id, "previousKeysRetireAt": retires_at.isoformat()}
        await _record(conn, author, endpoint, "rotate_secret", "ROTATED", None, after)
    return secret


async def disable_endpoint(conn: Connection, author: Author, merchant_id: str, endpoint_id: str) -> Endpoint:
    """Send nothing more to an endpoint until it is enabled; what is on its way is paused, what comes is kept."""
    async with conn.transaction():
        before = await _locked(conn, merchant_id, endpoint_id)
        if before.status is EndpointStatus.ENABLED:
            reason = author.reason or "switched off by hand"
            await conn.execute(_KEEPING["set_status"], endpoint_id, EndpointStatus.DISABLED, reason, author.moment)
            await lay_aside(conn, [endpoint_id])
        after = await _locked(conn, merchant_id, endpoint_id)
        await _record(conn, author, after, "disable", "DISABLED", _state(before), _state(after))
    return after


async def enable_endpoint(conn: Connection, author: Author, merchant_id: str, endpoint_id: str) -> int:
    """Send to an endpoint again: what was paused goes on in its order. Answers how much goes on at once.

    Beyond some thousands the workers go on with the rest. What came while it was off is kept, and sent by a replay.
    """
    async with conn.transaction():
        before = await _locked(conn, merchant_id, endpoint_id)
        await conn.execute(_KEEPING["set_status"], endpoint_id, EndpointStatus.ENABLED, None, None)
        await forget_failing(conn, merchant_id, endpoint_id)
        resumed = await resume(conn, endpoint_id)
        after = await _locked(conn, merchant_id, endpoint_id)
        await _record(conn, author, after, "enable", "ENABLED", _state(before), _state(after))
    return resumed


async def remove_endpoint(conn: Connection, author: Author, merchant_id: str, endpoint_id: str) -> None:
    """Remove an endpoint: its secrets are forgotten, what is on its way is cancelled, what was sent stays on record."""
    async with conn.transaction():
        before = await _locked(conn, merchant_id, endpoint_id)
        await conn.execute(_KEEPING["set_status"], endpoint_id, EndpointStatus.REMOVED, "removed", author.moment)
        await lay_aside(conn, [endpoint_id])
        await conn.execute(_KEEPING["forget_secrets"], endpoint_id)
        await forget_failing(conn, merchant_id, endpoint_id)
        await _record(conn, author, before, "remove", "REMOVED", _state(before), None)


def secret_place(secret_id: str) -> str:
    """Name the place a sealed secret belongs to."""
    return f"callbacks_endpoint_secrets/{secret_id}/sealed"


def open_secret(box: SecretBox, secret: SealedSecret) -> bytes:
    """Return the key of a secret. Raises SealBroken."""
    return secret_key(box.open(secret.sealed, aad=secret_place(secret.id)).decode())


async def _add_secret(conn: Connection, box: SecretBox, author: Author, endpoint_id: str) -> NewEndpointSecret:
    secret = NewEndpointSecret(new_id(_KEY_PREFIX, author.moment), secret_text(new_key(SECRET_BYTES)))
    sealed = box.seal(secret.value.encode(), aad=secret_place(secret.id))
    await conn.execute(_KEEPING["add_secret"], secret.id, endpoint_id, sealed, author.moment)
    return secret


async def _locked(conn: Connection, merchant_id: str, endpoint_id: str) -> Endpoint:
    row = await conn.fetchrow(QUERIES["lock_endpoint"], endpoint_id)
    if row is None or row["merchant_id"] != merchant_id or row["status"] == EndpointStatus.REMOVED:
        raise _unknown(endpoint_id)
    return endpoint_of(row)


async def _record(
    conn: Connection,
    author: Author,
    endpoint: Endpoint,
    action: str,
    what: str,
    before: Mapping[str, object] | None,
    after: Mapping[str, object] | None,
) -> None:
    entity = ("callback_endpoint", f"{endpoint.merchant_id}/{endpoint.id}")
    await author.record(conn, f"callbacks.endpoint_{action}", entity, before, after)
    address = Address(endpoint.merchant_id, endpoint.id, endpoint.url)
    await happened(conn, address, what, author.reason, author.moment)


def _state(endpoint: Endpoint) -> dict[str, object]:
    return {
        "url": endpoint.url,
        "description": endpoint.description,
        "events": filter_text(endpoint.wanted),
        "status": str(endpoint.status),
        "disabledReason": endpoint.disabled_reason,
    }


def _check_new(url: str, others: Sequence[Endpoint]) -> None:
    if any(other.url == url for other in others):
        raise Conflict("the merchant has an endpoint at this URL already", details={"url": "is another endpoint's"})


def _description(text: str) -> str:
    if len(text) > _DESCRIPTION_MAX or not text.isprintable():
        raise InvalidValue("description", f"must be one line of at most {_DESCRIPTION_MAX} characters")
    return text


def _unknown(endpoint_id: str) -> NotFound:
    return NotFound(f"there is no endpoint {endpoint_id[:40]!r}", details={"endpointId": endpoint_id[:40]})
