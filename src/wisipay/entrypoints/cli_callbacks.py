"""`wisipay callbacks`: what merchants were told, telling them again, and proving it.

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
from cyclopts.types import ExistingFile

from wisipay import callbacks
from wisipay.callbacks import (
    AttemptRecord,
    CallbackFilter,
    CallbackRecord,
    CallbackState,
    DeliveryState,
    ProofKeys,
    Range,
)
from wisipay.core.clock import SystemClock
from wisipay.core.database import Pool, connect_pool
from wisipay.core.errors import BadRequest, NotFound
from wisipay.entrypoints.cli_callback_endpoints import app as endpoint_app
from wisipay.entrypoints.operator import tell, tell_json, user_name
from wisipay.entrypoints.store_settings import settings_with_database, settings_with_stores
from wisipay.merchants import Author

EVERYWHERE: Final = "all"
_PROOF_BYTES_MAX: Final = 4_194_304

app: Final = App(name="callbacks", help="Callbacks to merchants: dead letters, replay, endpoints, proofs.")
app.command(endpoint_app)


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
def replay(*event_ids: UUID, endpoint: str = EVERYWHERE) -> None:
    """Send these events again now, whatever became of them.

    Parameters
    ----------
    endpoint
        Where to: all (the callback URL, and every endpoint that wants them), url (the callback URL), or an endpoint.
    """
    asyncio.run(_replay(event_ids, None if endpoint == EVERYWHERE else endpoint))


@app.command(name="replay-all")
def replay_all(
    *,
    merchant: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    state: Annotated[tuple[CallbackState, ...], Parameter(consume_multiple=True)] = (CallbackState.DEAD,),
    limit: int = 10_000,
) -> None:
    """Send again to the callback URLs all events that match, by default the dead letters.

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


@app.command(name="replay-endpoint")
def replay_endpoint(
    endpoint_id: str,
    *,
    since: datetime,
    until: datetime | None = None,
    state: Annotated[tuple[DeliveryState, ...], Parameter(consume_multiple=True)] = (),
    limit: int = 10_000,
) -> None:
    """Send an endpoint again what it wants of a time, also what it never had.

    Parameters
    ----------
    since
        What happened at or after this moment (UTC unless it names its offset).
    until
        Only what happened before this moment.
    state
        Only what stands so with this endpoint: DEAD, SWITCHED_OFF (came while it was off), and so on.
    limit
        At most this many, the oldest first.
    """
    asyncio.run(_replay_endpoint(endpoint_id, _aware(since), _aware(until), state, limit))


@app.command(name="switch-on")
def switch_on(merchant: str, service: Literal["payin", "payout"], *, reason: str | None = None) -> None:
    """Serve a callback URL again that is switched off: what was on its way goes on, `replay-all` sends the rest."""
    asyncio.run(_switch_on(merchant, "PAYIN" if service == "payin" else "PAYOUT", reason))


@app.command
def proof(event_id: UUID) -> None:
    """Print what was sent of an event, where, when and what was answered, as JSON with a signature."""
    asyncio.run(_proof(event_id))


@app.command(name="proof-key")
def proof_key() -> None:
    """Print the public keys that proofs are verified with, the one that signs first."""
    tell_json(ProofKeys.from_settings(settings_with_stores()).public_keys())


@app.command(name="verify-proof")
def verify_proof(file: ExistingFile) -> None:
    """Tell whether a printed proof is one of this installation, unchanged; the status is 2 when it is not."""
    with file.open("rb") as opened:
        read = callbacks.read_proof(opened.read(_PROOF_BYTES_MAX))
    if not callbacks.verify_proof(read, ProofKeys.from_settings(settings_with_stores()).public_keys()):
        raise BadRequest("This proof was not made by this installation, or was changed since")
    tell("This proof was made by this installation, and is unchanged.")


async def _list(wanted: CallbackFilter, after: int, limit: int) -> None:
    async with _pool() as pool:
        for record in await callbacks.find(pool, wanted, after_position=after, limit=limit):
            _write(_shown(record))


async def _show(event_id: UUID) -> None:
    async with _pool() as pool:
        found = await callbacks.show(pool, event_id)
        deliveries = await callbacks.deliveries_of(pool, [event_id])
    if found is None:
        raise NotFound(f"No callback event has the id {event_id}; `wisipay callbacks list` shows them")
    record, attempts = found
    _write(
        _shown(record)
        | {
            "deliveries": [asdict(each) for each in deliveries.get(event_id, ())],
            "attempts_made": [_shown_attempt(each) for each in attempts],
        }
    )


async def _replay(event_ids: tuple[UUID, ...], to: str | None) -> None:
    if not event_ids:
        raise BadRequest("Name at least one event; `wisipay callbacks list` shows them")
    async with _pool() as pool, pool.acquire() as conn:
        resent = await callbacks.resend(conn, event_ids, to=to)
    for event_id in event_ids:
        endpoints = [each.endpoint_id or callbacks.CALLBACK_URL for each in resent if each.event_id == event_id]
        _write({"event_id": event_id, "due": bool(endpoints), "to": endpoints})


async def _replay_endpoint(
    endpoint_id: str,
    since: datetime | None,
    until: datetime | None,
    states: tuple[DeliveryState, ...],
    limit: int,
) -> None:
    async with _pool() as pool:
        wanted = Range(occurred_from=since, occurred_until=until, states=states or None)
        due = await callbacks.resend_range(pool, endpoint_id, wanted, limit=limit)
    _write({"due": due})


async def _replay_all(wanted: CallbackFilter, limit: int) -> None:
    async with _pool() as pool:
        _write({"due": await callbacks.replay_matching(pool, wanted, limit=limit)})


async def _switch_on(merchant_id: str, type_: Literal["PAYIN", "PAYOUT"], reason: str | None) -> None:
    author = Author(user_name(), SystemClock().now(), reason=reason)
    async with _pool() as pool, pool.acquire() as conn:
        switched = await callbacks.switch_on_url(conn, author, merchant_id, type_)
    _write({"switched_on": switched.urls, "resumed": switched.resumed})


async def _proof(event_id: UUID) -> None:
    settings = settings_with_stores()
    async with _pool() as pool:
        record = await callbacks.proof_record(pool, event_id, installation=settings.app_base_url)
    tell_json(ProofKeys.from_settings(settings).sign(record))


@asynccontextmanager
async def _pool() -> AsyncIterator[Pool]:
    async with await connect_pool(settings_with_database(), application_name="wisipay callbacks", max_size=1) as pool:
        yield pool


def _shown(record: CallbackRecord) -> dict[str, Any]:
    fields = asdict(record)
    del fields["event"]
    return msgspec.structs.asdict(record.event) | fields


def _shown_attempt(attempt: AttemptRecord) -> dict[str, Any]:
    digest = attempt.body_sha256.hex() if attempt.body_sha256 else None
    return asdict(attempt) | {"answer": attempt.answer.decode(errors="replace"), "body_sha256": digest}


def _aware(moment: datetime | None) -> datetime | None:
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _write(line: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
