"""`wisipay callbacks`: what merchants were told, and telling them again.

Decides how an operator sees it: one JSON line per event, so that `jq` and scripts read it too. Must never send anything
itself: replay makes events due, the workers send them.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from cyclopts import App, Parameter

from wisipay import callbacks
from wisipay.callbacks import CallbackFilter, CallbackRecord, CallbackState
from wisipay.core.database import Pool, connect_pool
from wisipay.core.errors import BadRequest, NotFound
from wisipay.entrypoints.store_settings import settings_with_stores

app: Final = App(name="callbacks", help="Callbacks to merchants: dead letters, replay.")


@app.command(name="list")
def list_(
    *,
    merchant: str | None = None,
    transaction: str | None = None,
    state: Annotated[tuple[CallbackState, ...], Parameter(consume_multiple=True)] = callbacks.NEEDS_A_PERSON,
    after: int = 0,
    limit: int = 100,
) -> None:
    """List events, by default those that need a person: DEAD and SWITCHED_OFF.

    Parameters
    ----------
    merchant
        Only this merchant's.
    transaction
        Only this transaction's.
    state
        Only events in these states.
    after
        Only events behind this position, to page on.
    limit
        At most this many, up to 1,000.
    """
    wanted = CallbackFilter(merchant_id=merchant, transaction_id=transaction, states=state)
    asyncio.run(_list(wanted, after, limit))


@app.command
def show(event_id: UUID) -> None:
    """Show one event with its attempts."""
    asyncio.run(_show(event_id))


@app.command
def replay(*event_ids: UUID) -> None:
    """Send these events again now, whatever became of them."""
    asyncio.run(_replay(event_ids))


@app.command(name="replay-all")
def replay_all(
    *,
    merchant: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    state: Annotated[tuple[CallbackState, ...], Parameter(consume_multiple=True)] = (CallbackState.DEAD,),
    limit: int = 10_000,
) -> None:
    """Send again all events that match, by default the dead letters.

    Parameters
    ----------
    merchant
        Only this merchant's.
    since
        Only what happened at or after this moment (UTC unless it names its offset).
    until
        Only what happened before this moment.
    state
        Only events in these states.
    limit
        At most this many, the oldest first.
    """
    wanted = CallbackFilter(
        merchant_id=merchant, states=state, occurred_from=_aware(since), occurred_until=_aware(until)
    )
    asyncio.run(_replay_all(wanted, limit))


@app.command(name="switch-on")
def switch_on(merchant: str, service: Literal["payin", "payout"]) -> None:
    """Serve a merchant's endpoint again after it answered 410; what was held back is sent by `replay-all`."""
    asyncio.run(_switch_on(merchant, "PAYIN" if service == "payin" else "PAYOUT"))


async def _list(wanted: CallbackFilter, after: int, limit: int) -> None:
    async with _pool() as pool:
        for record in await callbacks.find(pool, wanted, after_position=after, limit=limit):
            _write(_shown(record))


async def _show(event_id: UUID) -> None:
    async with _pool() as pool:
        found = await callbacks.show(pool, event_id)
    if found is None:
        raise NotFound(f"No callback event has the id {event_id}; `wisipay callbacks list` shows them")
    record, attempts = found
    made = [asdict(attempt) | {"answer": attempt.answer.decode(errors="replace")} for attempt in attempts]
    _write(_shown(record) | {"attempts_made": made})


async def _replay(event_ids: tuple[UUID, ...]) -> None:
    if not event_ids:
        raise BadRequest("Name at least one event; `wisipay callbacks list` shows them")
    async with _pool() as pool, pool.acquire() as conn:
        due = set(await callbacks.replay(conn, event_ids))
    for event_id in event_ids:
        _write({"event_id": event_id, "due": event_id in due})


async def _replay_all(wanted: CallbackFilter, limit: int) -> None:
    async with _pool() as pool:
        _write({"due": await callbacks.replay_matching(pool, wanted, limit=limit)})


async def _switch_on(merchant_id: str, type_: str) -> None:
    async with _pool() as pool, pool.acquire() as conn:
        _write({"switched_on": await callbacks.switch_on(conn, merchant_id, type_)})


@asynccontextmanager
async def _pool() -> AsyncIterator[Pool]:
    async with await connect_pool(settings_with_stores(), application_name="wisipay callbacks", max_size=1) as pool:
        yield pool


def _shown(record: CallbackRecord) -> dict[str, Any]:
    fields = asdict(record)
    del fields["event"]
    return msgspec.structs.asdict(record.event) | fields


def _aware(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _write(line: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
