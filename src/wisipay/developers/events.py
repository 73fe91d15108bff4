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
from wisipay.callbacks import AttemptOutcome, CallbackEvent, CallbackState
from wisipay.core.clock import Clock
from wisipay.core.database import Pool
from wisipay.core.errors import ServiceUnavailable
from wisipay.core.logging import get_logger
from wisipay.developers.asking import PageAsked
from wisipay.developers.contract import AttemptData, Environment
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
        return [_listed(record) for record in records]

    async def find(self, merchant_id: str, event_id: UUID) -> tuple[Listed, list[AttemptData]] | None:
        """Return a merchant's event with its attempts, oldest first; None when there is no such event."""
        found = await callbacks.show(self._pool, event_id)
        if found is not None:
            record, attempts = found
            return (_listed(record), [_attempt(each) for each in attempts]) if _is_of(record, merchant_id) else None
        async with _sandbox_needed():
            tried = await self._sandbox.find(merchant_id, event_id)
        if tried is None:
            return None
        event, sandbox_attempts = tried
        return _tested(0, event, sandbox_attempts), [_sandbox_attempt(each) for each in sandbox_attempts]

    async def send_again(self, merchant_id: str, event_id: UUID) -> bool | None:
        """Make an event due now: whether it is; None when there is no such event."""
        found = await callbacks.show(self._pool, event_id)
        if found is None:
            async with _sandbox_needed():
                return await self._sandbox.send_again(merchant_id, event_id, self._clock.now()) or None
        if not _is_of(found[0], merchant_id):
            return None
        async with self._pool.acquire() as conn:
            return bool(await callbacks.replay(conn, [event_id]))

    async def _sandbox_page(self, merchant_id: str, asked: PageAsked) -> list[Listed]:
        if asked.last is None:
            events = await self._sandbox.after(merchant_id, asked.after, asked.limit)
        else:
            events = await self._sandbox.last(merchant_id, max(asked.last, 1))
        tried = await self._sandbox.attempts_of([each.event.event_id for each in events])
        return [_tested(each.place, each.event, tries) for each, tries in zip(events, tried, strict=True)]


def _is_of(record: callbacks.CallbackRecord, merchant_id: str) -> bool:
    return record.event.merchant_id == merchant_id


def _listed(record: callbacks.CallbackRecord) -> Listed:
    return Listed(record.position, LIVE, record.event, record.state.value, record.attempts, record.last_error)


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
    )


@asynccontextmanager
async def _sandbox_needed() -> AsyncIterator[None]:
    try:
        yield
    except RedisError as error:
        _log.warning("developers.sandbox_unavailable", error=repr(error))
        raise ServiceUnavailable("The sandbox cannot be reached; please try again", retry_after_seconds=1) from error
