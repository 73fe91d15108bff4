"""Telling merchants again: some events, or those of a time, to one endpoint or to everybody who wants them.

Decides the bounds of a replay. Event ids stay, so a receiver recognises a repeat; a replay to an endpoint brings it
also what it never had, such as what came before it was added. Must never send to an endpoint that is off, nor tell one
merchant of another's events.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from wisipay.callbacks.endpoints.model import DeliveryState, EndpointStatus
from wisipay.callbacks.endpoints.store import QUERIES
from wisipay.callbacks.history import PAGE_MAX, replay, states_of
from wisipay.callbacks.model import CallbackState
from wisipay.core.database import Connection, Pool
from wisipay.core.errors import Conflict, NotFound

CALLBACK_URL: Final = "url"
"""In place of an endpoint's id: the callback URL of the event's service, and no endpoint."""


@dataclass(frozen=True, slots=True)
class Resent:
    """An event that is due again; `endpoint_id` None stands for the callback URL of its service."""

    event_id: UUID
    endpoint_id: str | None


async def resend(
    conn: Connection, event_ids: Sequence[UUID], *, to: str | None = None, merchant_id: str | None = None
) -> list[Resent]:
    """Make events due now: to one endpoint, to CALLBACK_URL, or (None) to that and every endpoint that wants them.

    `merchant_id` leaves out other merchants' events. What is being sent is left alone, and so are unknown ids. An event
    that had no callback URL to go to goes to the endpoints alone, if there are any. Raises NotFound for an unknown
    endpoint, Conflict for one that is off.
    """
    async with conn.transaction():
        states = await states_of(conn, event_ids, merchant_id)
        resent: list[Resent] = []
        if to != CALLBACK_URL:
            if to is not None:
                await _check_enabled(conn, to, merchant_id)
            rows = await conn.fetch(QUERIES["replay"], list(states), to)
            resent = [Resent(row["event_id"], row["endpoint_id"]) for row in rows]
        if to in {None, CALLBACK_URL}:
            reached = {each.event_id for each in resent}
            to_url = [each for each, state in states.items() if state != CallbackState.NO_URL or each not in reached]
            resent = [Resent(event_id, None) for event_id in await replay(conn, to_url)] + resent
    return resent


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Which events: from `occurred_from` until before `occurred_until`, None for any.

    `states` narrows it to deliveries that stand so; None is every event, also those that the endpoint never had.
    """

    occurred_from: datetime | None = None
    occurred_until: datetime | None = None
    states: Sequence[DeliveryState] | None = None


@dataclass(frozen=True, slots=True)
class ResentPage:
    """How many events were looked at, how many of them are due again, and the position of the last."""

    looked_at: int
    due: int
    position: int


async def resend_page(
    conn: Connection, endpoint_id: str, wanted: Range, *, after: int, limit: int, merchant_id: str | None = None
) -> ResentPage:
    """Send an endpoint again up to `limit` (at most PAGE_MAX) events that it wants, behind a position, oldest first.

    Errors as `resend`.
    """
    limit = min(limit, PAGE_MAX)
    page = await conn.fetch(
        QUERIES["in_range"],
        endpoint_id,
        wanted.occurred_from,
        wanted.occurred_until,
        wanted.states,
        after,
        limit,
    )
    resent = await resend(conn, [row["event_id"] for row in page], to=endpoint_id, merchant_id=merchant_id)
    return ResentPage(len(page), len(resent), page[-1]["position"] if page else after)


async def resend_range(pool: Pool, endpoint_id: str, wanted: Range, *, limit: int) -> int:
    """Do the same for up to `limit` events, a page per transaction; answers how many are due."""
    position, looked_at, due = 0, 0, 0
    while looked_at < limit:
        async with pool.acquire() as conn:
            page = await resend_page(conn, endpoint_id, wanted, after=position, limit=limit - looked_at)
        position, looked_at, due = page.position, looked_at + page.looked_at, due + page.due
        if not page.looked_at:
            break
    return due


async def _check_enabled(conn: Connection, endpoint_id: str, merchant_id: str | None) -> None:
    row = await conn.fetchrow(QUERIES["lock_endpoint"], endpoint_id)
    if row is None or merchant_id not in {None, row["merchant_id"]} or row["status"] == EndpointStatus.REMOVED:
        raise NotFound(f"there is no endpoint {endpoint_id[:40]!r}", details={"endpointId": endpoint_id[:40]})
    if row["status"] != EndpointStatus.ENABLED:
        raise Conflict("the endpoint is switched off; enable it first", details={"endpointId": endpoint_id})
