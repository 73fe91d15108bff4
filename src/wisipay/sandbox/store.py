"""Sandbox payments in Redis, for 24 hours, and the queue of their callbacks.

Decides keys and bounds. Nothing here is money: whatever is lost with Redis was a test. A callback that is due is
leased by putting its time off, so that a killed worker's callbacks come back by themselves.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, cast

import msgspec
from redis.asyncio import Redis

from wisipay.sandbox.outcomes import callbacks_of, named
from wisipay.sandbox.record import SandboxPayment

KEPT_SECONDS: Final = 24 * 3600
TRIES_MAX: Final = 4
"""Attempts to deliver a callback."""
PREFIX: Final = "wisipay:sandbox:"
_DUE: Final = PREFIX + "due"

_decoder = msgspec.json.Decoder(SandboxPayment)


class DueCallback(msgspec.Struct, frozen=True):
    """A callback to send: which step of which payment it tells of, which copy it is, and how often it was tried."""

    payment_id: str
    step: int
    copy_number: int
    tries: int = 0

    @property
    def member(self) -> str:
        """Its name in the queue."""
        return f"{self.payment_id} {self.step} {self.copy_number} {self.tries}"


class SandboxStore:
    """Over one Redis client whose answers are texts. Everything raises `redis.exceptions.RedisError`."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self._claim = redis.register_script((Path(__file__).parent / "claim_due.lua").read_text())

    async def add(self, payment: SandboxPayment) -> bool:
        """Store a payment and queue its callbacks; False when the merchant has used the order id before."""
        key, pointer = _order_key(payment.merchant_id, payment.order_id), _id_key(payment.id)
        due = [
            (DueCallback(payment.id, step, number), payment.created_ms + after_seconds * 1000)
            for number, (step, after_seconds) in enumerate(callbacks_of(named(payment.outcome), payment.kind))
        ]
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.set(key, msgspec.json.encode(payment), nx=True, ex=KEPT_SECONDS)
            pipe.set(pointer, key, ex=KEPT_SECONDS)
            for callback, at_ms in due:
                pipe.zadd(_DUE, {callback.member: at_ms})
            stored, *_ = await pipe.execute()
        if not stored:
            async with self.redis.pipeline(transaction=True) as pipe:
                pipe.delete(pointer)
                for callback, _ in due:
                    pipe.zrem(_DUE, callback.member)
                await pipe.execute()
        return bool(stored)

    async def by_order(self, merchant_id: str, order_id: str) -> SandboxPayment | None:
        """Return a merchant's payment by its order id."""
        return _read(await self.redis.get(_order_key(merchant_id, order_id)))

    async def by_id(self, payment_id: str) -> SandboxPayment | None:
        """Return a payment by its id."""
        key = await self.redis.get(_id_key(payment_id))
        found = None if key is None else _read(await self.redis.get(key))
        return found if found is not None and found.id == payment_id else None

    async def claim(self, now: datetime, limit: int, lease_seconds: float) -> Sequence[DueCallback]:
        """Lease up to `limit` callbacks that are due."""
        now_ms = _ms(now)
        members = await self._claim(keys=[_DUE], args=[now_ms, now_ms + int(lease_seconds * 1000), limit])
        return [_callback(member) for member in cast("list[str]", members)]

    async def renew(self, callbacks: Sequence[DueCallback], now: datetime, lease_seconds: float) -> None:
        """Extend the lease of callbacks that are still in the queue; zero seconds gives them back."""
        until_ms = _ms(now) + int(lease_seconds * 1000)
        await self.redis.zadd(_DUE, {callback.member: until_ms for callback in callbacks}, xx=True)

    async def put(self, callback: DueCallback, at: datetime) -> None:
        """Queue a callback for a moment, whether it is queued already or not."""
        await self.redis.zadd(_DUE, {callback.member: _ms(at)})

    async def again(self, callback: DueCallback, at: datetime) -> None:
        """Put a callback off until a moment, as tried once more."""
        later = msgspec.structs.replace(callback, tries=callback.tries + 1)
        async with self.redis.pipeline(transaction=True) as pipe:
            pipe.zadd(_DUE, {later.member: _ms(at)})
            pipe.zrem(_DUE, callback.member)
            await pipe.execute()

    async def done(self, callback: DueCallback) -> None:
        """Take a callback off the queue."""
        await self.redis.zrem(_DUE, callback.member)


def _order_key(merchant_id: str, order_id: str) -> str:
    return f"{PREFIX}order:{merchant_id} {order_id}"


def _id_key(payment_id: str) -> str:
    return f"{PREFIX}id:{payment_id}"


def _read(text: str | bytes | None) -> SandboxPayment | None:
    return None if text is None else _decoder.decode(text)


def _callback(member: str) -> DueCallback:
    payment_id, *numbers = member.split(" ")
    return DueCallback(payment_id, *map(int, numbers))


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
