"""The callback events of a merchant, of real payments and of the sandbox alike.

Decides where each is looked for: real ones in the outbox, test ones in the sandbox. Must never show or send again what
is another merchant's.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from redis.exceptions import RedisError

from wisipay import callbacks
from wisipay.callbacks import CALLBACK_URL, AttemptOutcome, CallbackEvent, CallbackState
from wisipay.core.clock import Clock
from wisipay.core.database import Pool
from wisipay.core.errors import Conflict, ServiceUnavailable
from wisipay.core.logging import get_logger
from wisipay.developers.asking import PageAsked
from wisipay.developers.contract import AttemptData, EndpointDeliveryData, Environment
from wisipay.sandbox import TRIES_MAX, SandboxAttempt, SandboxEvents

LIVE: Final = "LIVE"
UAT: Final = "UAT"

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Listed:
    """An event at its place, and how far its delivery got."""

    place: int
    environment: Environment
    event: CallbackEvent
    state: str
    attempts: int
    last_error: str | None
    endpoints: Sequence[EndpointDeliveryData] = ()


class Events:
    """Everything but the outbox raises `ServiceUnavailable` while Redis is away."""

    def __init__(self, pool: Pool, sandbox: SandboxEvents, clock: Clock) -> None:
        self._pool = pool
        self._sandbox = sandbox
        self._clock = clock

    async def page(self, environment: str, merchant_id: str, asked: PageAsked) -> list[Listed]:
        """Return a merchant's events behind a place, or the last so many, in order."""
        if environment == UAT:
            async with _sandbox_needed():
                return await self._sandbox_page(merchant_id, asked)
        if asked.last is None:
            records = await callbacks.following(self._pool, merchant_id, asked.after, asked.limit)
        else:
            records = await callbacks.latest(self._pool, merchant_id, max(asked.last, 1))
        return await self._with_endpoints(records)

    async def find(self, merchant_id: str, event_id: UUID) -> tuple[Listed, list[AttemptData]] | None:
        """Return a merchant's event with its attempts, oldest first; None when there is no such event."""
        found = await callbacks.show(self._pool, event_id)
        if found is not None:
            record, attempts = found
            if record.event.merchant_id != merchant_id:
                return None
            (listed,) = await self._with_endpoints([record])
            return listed, [_attempt(each) for each in attempts]
        async with _sandbox_needed():
            tried = await self._sandbox.find(merchant_id, event_id)
        if tried is None:
            return None
        event, sandbox_attempts = tried
        return _tested(0, event, sandbox_attempts), [_sandbox_attempt(each) for each in sandbox_attempts]

    async def send_again(self, merchant_id: str, event_id: UUID, to: str | None) -> list[str] | None:
        """Make an event due now: to one endpoint, to CALLBACK_URL, or (None) to all who want it.

        Answers where it is due, None for no such event; one of the sandbox only ever goes to the callback URL.
        Raises `NotFound` for an unknown endpoint, `Conflict` for one that is off, and for a test event to an endpoint.
        """
        found = await callbacks.show(self._pool, event_id)
        if found is None:
            async with _sandbox_needed():
                if to not in {None, CALLBACK_URL} and await self._sandbox.find(merchant_id, event_id) is not None:
                    raise Conflict("Events of the sandbox go to your callback URL only", details={"to": to})
                is_due = await self._sandbox.send_again(merchant_id, event_id, self._clock.now())
                return [CALLBACK_URL] if is_due else None
        if found[0].event.merchant_id != merchant_id:
            return None
        async with self._pool.acquire() as conn:
            resent = await callbacks.resend(conn, [event_id], to=to, merchant_id=merchant_id)
        return [each.endpoint_id or CALLBACK_URL for each in resent]

    async def _with_endpoints(self, records: Sequence[callbacks.CallbackRecord]) -> list[Listed]:
        deliveries = await callbacks.deliveries_of(self._pool, [record.event.event_id for record in records])
        return [
            Listed(
                record.position,
                LIVE,
                record.event,
                record.state.value,
                record.attempts,
                record.last_error,
                [_endpoint(each) for each in deliveries.get(record.event.event_id, ())],
            )
            for record in records
        ]

    async def _sandbox_page(self, merchant_id: str, asked: PageAsked) -> list[Listed]:
        if asked.last is None:
            events = await self._sandbox.after(merchant_id, asked.after, asked.limit)
        else:
            events = await self._sandbox.last(merchant_id, max(asked.last, 1))
        tried = await self._sandbox.attempts_of([each.event.event_id for each in events])
        return [_tested(each.place, each.event, tries) for each, tries in zip(events, tried, strict=True)]


def _endpoint(delivery: callbacks.DeliveryRecord) -> EndpointDeliveryData:
    return EndpointDeliveryData(
        endpoint_id=delivery.endpoint_id,
        url=delivery.url,
        state=delivery.state.value,
        attempts=delivery.attempts,
        last_error=delivery.last_error,
    )


def _tested(place: int, event: CallbackEvent, tries: Sequence[SandboxAttempt]) -> Listed:
    """Say in the words of the outbox how the delivery of a test event stands."""
    last = tries[-1] if tries else None
    if last is not None and last.url is None:
        state = CallbackState.NO_URL.value
    elif last is None or (last.outcome == AttemptOutcome.RETRY and len(tries) < TRIES_MAX):
        state = CallbackState.WAITING.value
    else:
        state = CallbackState.DEAD.value if last.outcome == AttemptOutcome.RETRY else last.outcome
    return Listed(place, UAT, event, state, len(tries), None if last is None else last.error)


def _attempt(attempt: callbacks.AttemptRecord) -> AttemptData:
    return AttemptData(
        started_at=attempt.started_at.isoformat(),
        url=attempt.url,
        outcome=attempt.outcome.value,
        http_status=attempt.http_status,
        latency_ms=attempt.latency_ms,
        answer=attempt.answer.decode(errors="replace"),
        error=attempt.error,
        endpoint_id=attempt.endpoint_id,
    )


def _sandbox_attempt(attempt: SandboxAttempt) -> AttemptData:
    return AttemptData(
        started_at=attempt.started_at.isoformat(),
        url=attempt.url,
        outcome=attempt.outcome,
        http_status=attempt.http_status,
        latency_ms=attempt.latency_ms,
        answer=attempt.answer,
        error=attempt.error,
        endpoint_id=None,
    )


@asynccontextmanager
async def _sandbox_needed() -> AsyncIterator[None]:
    try:
        yield
    except RedisError as error:
        _log.warning("developers.sandbox_unavailable", error=repr(error))
        raise ServiceUnavailable("The sandbox cannot be reached; please try again", retry_after_seconds=1) from error
