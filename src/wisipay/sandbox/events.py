"""The sandbox's callback events, listed per merchant for as long as the sandbox remembers their payments.

Decides the order: an event gets its place when its callback is first due, and no later event comes before a place that
a reader has reached. Must never show one merchant's events to another.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, cast
from uuid import UUID

import msgspec

from wisipay.callbacks import Attempt, CallbackEvent
from wisipay.payments import Status
from wisipay.sandbox.record import SandboxPayment
from wisipay.sandbox.store import KEPT_SECONDS, PREFIX, DueCallback, SandboxStore

EVENTS_MAX: Final = 1_000
"""So many of a merchant's events are listed; older ones are forgotten."""
ATTEMPTS_MAX: Final = 20
_PAID: Final = frozenset({Status.SUCCESS, Status.REVERSED})


class SandboxAttempt(msgspec.Struct, frozen=True):
    """One attempt to deliver an event; `answer` is the first KiB."""

    started_at: datetime
    url: str | None
    outcome: str
    http_status: int | None
    latency_ms: int
    answer: str
    error: str | None


class SandboxEvent(msgspec.Struct, frozen=True):
    """An event at its place; a copy sent on purpose is an event of its own place under the same id."""

    place: int
    event: CallbackEvent


_attempts = msgspec.json.Decoder(SandboxAttempt)


class SandboxEvents:
    """Over the Redis client of a store. Everything raises `redis.exceptions.RedisError`."""

    def __init__(self, store: SandboxStore) -> None:
        self._redis = store.redis
        self._store = store
        self._note = store.redis.register_script((Path(__file__).parent / "note_event.lua").read_text())

    async def note(self, payment: SandboxPayment, callback: DueCallback, now: datetime) -> None:
        """List an event whose callback is due; one that is listed already stays where it is."""
        event_id = payment.events[callback.step]
        keys = [_list_key(payment.merchant_id), _count_key(payment.merchant_id), _event_key(event_id)]
        member = f"{payment.id} {callback.step} {callback.copy_number}"
        now_ms = int(now.timestamp() * 1000)
        await self._note(keys=keys, args=[member, now_ms, KEPT_SECONDS, EVENTS_MAX, f"{payment.id} {callback.step}"])

    async def add_attempt(self, attempt: Attempt) -> None:
        """Keep what became of an attempt."""
        kept = SandboxAttempt(
            started_at=attempt.started_at,
            url=attempt.url,
            outcome=attempt.outcome.value,
            http_status=attempt.http_status,
            latency_ms=attempt.latency_ms,
            answer=attempt.answer.decode(errors="replace"),
            error=attempt.error,
        )
        key = _attempts_key(attempt.callback.event.event_id)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.rpush(key, msgspec.json.encode(kept))
            pipe.ltrim(key, -ATTEMPTS_MAX, -1)
            pipe.expire(key, KEPT_SECONDS)
            await pipe.execute()

    async def after(self, merchant_id: str, place: int, limit: int) -> Sequence[SandboxEvent]:
        """Return up to `limit` events of a merchant behind a place, in order."""
        found = await self._redis.zrange(
            _list_key(merchant_id), f"({place}", "+inf", byscore=True, offset=0, num=limit, withscores=True
        )
        return await self._listed(cast("list[tuple[str, float]]", found))

    async def last(self, merchant_id: str, count: int) -> Sequence[SandboxEvent]:
        """Return the last `count` (at least one) events of a merchant, in order."""
        found = await self._redis.zrange(_list_key(merchant_id), -count, -1, withscores=True)
        return await self._listed(cast("list[tuple[str, float]]", found))

    async def attempts_of(self, event_ids: Sequence[UUID]) -> Sequence[Sequence[SandboxAttempt]]:
        """Return the attempts of each event, oldest first."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for event_id in event_ids:
                pipe.lrange(_attempts_key(event_id), 0, -1)
            kept = await pipe.execute()
        return [[_attempts.decode(each) for each in tries] for tries in kept]

    async def find(self, merchant_id: str, event_id: UUID) -> tuple[CallbackEvent, Sequence[SandboxAttempt]] | None:
        """Return a merchant's event and its attempts, oldest first; None when there is no such event."""
        pointed = await self._pointed(merchant_id, event_id)
        if pointed is None:
            return None
        return pointed[0], (await self.attempts_of([event_id]))[0]

    async def send_again(self, merchant_id: str, event_id: UUID, now: datetime) -> bool:
        """Have a merchant's event delivered once more; False when there is no such event."""
        pointed = await self._pointed(merchant_id, event_id)
        if pointed is None:
            return False
        await self._store.put(pointed[1], now)
        return True

    async def _pointed(self, merchant_id: str, event_id: UUID) -> tuple[CallbackEvent, DueCallback] | None:
        pointer = await self._redis.get(_event_key(event_id))
        if pointer is None:
            return None
        payment_id, step = cast("str", pointer).split(" ")
        event = await self._event(payment_id, int(step))
        if event is None or event.merchant_id != merchant_id:
            return None
        return event, DueCallback(payment_id, int(step), 0)

    async def _listed(self, found: Sequence[tuple[str, float]]) -> Sequence[SandboxEvent]:
        listed = []
        for member, place in found:
            payment_id, step, _copy = member.split(" ")
            event = await self._event(payment_id, int(step))
            if event is not None:  # its payment is remembered
                listed.append(SandboxEvent(int(place), event))
        return listed

    async def _event(self, payment_id: str, step: int) -> CallbackEvent | None:
        payment = await self._store.by_id(payment_id)
        return None if payment is None or step >= len(payment.steps) else event_of(payment, step)


def event_of(payment: SandboxPayment, step: int) -> CallbackEvent:
    """Return what a merchant is told of one step of a payment."""
    told = payment.steps[step]
    return CallbackEvent(
        event_id=payment.events[step],
        merchant_id=payment.merchant_id,
        transaction_id=payment.id,
        order_id=payment.order_id,
        type=payment.kind.value,
        status=told.status.value,
        amount_paise=payment.amount_paise,
        currency=payment.currency,
        utr=payment.utr if told.status in _PAID else None,
        url=None,
        occurred_at=payment.created_at + timedelta(seconds=told.after_seconds),
    )


def _list_key(merchant_id: str) -> str:
    return f"{PREFIX}events:{merchant_id}"


def _count_key(merchant_id: str) -> str:
    return f"{PREFIX}events-placed:{merchant_id}"


def _event_key(event_id: UUID) -> str:
    return f"{PREFIX}event:{event_id}"


def _attempts_key(event_id: UUID) -> str:
    return f"{PREFIX}attempts:{event_id}"
