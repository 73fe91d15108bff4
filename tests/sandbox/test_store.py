"""What the sandbox keeps: one payment per order id, leased callbacks, attempts that end, and Redis being away."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from support.merchants import NOW, FixedClock
from wisipay.callbacks import AttemptOutcome, ClaimedCallback, Delivery
from wisipay.callbacks.model import Attempt
from wisipay.callbacks.retry import Verdict
from wisipay.core.errors import ServiceUnavailable
from wisipay.core.money import Paise
from wisipay.core.queue import Lease
from wisipay.payments import Kind, Request
from wisipay.sandbox import SandboxPayments, SandboxStore
from wisipay.sandbox.outcomes import named
from wisipay.sandbox.record import SandboxPayment, new_payment
from wisipay.sandbox.store import TRIES_MAX, DueCallback
from wisipay.sandbox.worker import SandboxWorker


class ScriptedDelivery(Delivery):
    """Says what became of each attempt, in order."""

    def __init__(self, *outcomes: AttemptOutcome, url: str | None = "http://x") -> None:
        self.outcomes = list(outcomes)
        self.url = url
        self.sent: list[ClaimedCallback] = []

    async def attempt(self, callback: ClaimedCallback) -> tuple[Attempt, Verdict]:
        self.sent.append(callback)
        outcome = self.outcomes.pop(0)
        attempt = Attempt(
            callback=callback, outcome=outcome, url=self.url, http_status=500, latency_ms=1, answer=b"", error=None,
            started_at=NOW, gap_seconds=60,
        )  # fmt: skip
        return attempt, Verdict(outcome, 60)


def payment(outcome: str = "success", order_id: str = "ORDER-1", payment_id: str = "UAT_PAYIN_1") -> SandboxPayment:
    request = Request(Kind.PAYIN, order_id, Paise(500_00), "UPI", {"name": "Asha"})
    steps = named(outcome).steps(Kind.PAYIN) or ()
    events = tuple(UUID(int=number + 1) for number in range(len(steps)))
    return new_payment("MER-1", request, named(outcome), payment_id, events, NOW)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
async def store(redis: Redis, redis_url: str) -> AsyncIterator[SandboxStore]:
    """Return an empty store."""
    del redis
    client = Redis.from_url(redis_url, decode_responses=True)
    yield SandboxStore(client)
    await client.aclose()


async def test_an_order_id_is_taken_once_and_the_second_leaves_nothing_behind(
    store: SandboxStore, redis: Redis
) -> None:
    assert await store.add(payment())
    assert not await store.add(payment("failure", payment_id="UAT_PAYIN_2"))
    assert await store.by_order("MER-1", "ORDER-1") == await store.by_id("UAT_PAYIN_1") == payment()
    assert await store.by_id("UAT_PAYIN_2") is None
    assert await store.by_order("MER-2", "ORDER-1") is None
    assert await store.claim(at(60), 10, 8) == [DueCallback("UAT_PAYIN_1", 0, 0)]
    keys = [key async for key in redis.scan_iter("wisipay:sandbox:[io]*")]
    assert len(keys) == 2
    assert min([await redis.ttl(key) for key in keys]) > 86_000


async def test_a_lease_keeps_others_away_until_it_runs_out(store: SandboxStore) -> None:
    await store.add(payment())
    assert await store.claim(at(1), 10, 8) == []
    (due,) = await store.claim(at(3), 10, 8)
    assert await store.claim(at(10), 10, 8) == []
    await store.renew([due], at(10), 8)
    assert await store.claim(at(17), 10, 8) == []
    assert await store.claim(at(19), 10, 8) == [due]
    await store.renew([due], at(19), 0)
    assert await store.claim(at(19), 10, 8) == [due]
    await store.done(due)
    await store.renew([due], at(19), 0)
    assert await store.claim(at(99), 10, 8) == []


async def test_a_callback_that_fails_is_tried_a_few_times(store: SandboxStore) -> None:
    clock = FixedClock(at(3))
    await store.add(payment())
    delivery = ScriptedDelivery(*[AttemptOutcome.RETRY] * TRIES_MAX)
    worker = SandboxWorker(store, delivery, clock)
    for tries in range(TRIES_MAX):
        (due,) = await store.claim(clock.now(), 10, 8)
        assert due.tries == tries
        await worker._send(due)  # noqa: SLF001 - one turn of its loop
        clock.moment += timedelta(seconds=61)
    assert await store.claim(clock.now(), 10, 8) == []
    assert {sent.event.event_id for sent in delivery.sent} == {UUID(int=1)}
    assert [sent.attempts for sent in delivery.sent] == list(range(TRIES_MAX))


@pytest.mark.parametrize("due", [DueCallback("UAT_PAYIN_9", 0, 0), DueCallback("UAT_PAYIN_1", 7, 0)])
async def test_what_is_forgotten_or_has_nowhere_to_go_is_dropped(store: SandboxStore, due: DueCallback) -> None:
    await store.add(payment())
    delivery = ScriptedDelivery(AttemptOutcome.RETRY, url=None)
    worker = SandboxWorker(store, delivery, FixedClock(at(3)))
    await worker._send(due)  # noqa: SLF001 - one turn of its loop
    assert delivery.sent == []
    await worker._send(DueCallback("UAT_PAYIN_1", 0, 0))  # noqa: SLF001 - as above
    assert await store.claim(at(99), 10, 8) == []


async def test_while_redis_is_away_the_merchant_is_told_to_come_again() -> None:
    class Away(SandboxStore):
        async def by_order(self, merchant_id: str, order_id: str) -> SandboxPayment | None:
            raise RedisConnectionError(merchant_id, order_id)

        async def claim(self, now: datetime, limit: int, lease_seconds: float) -> Sequence[DueCallback]:
            raise RedisConnectionError(now, limit, lease_seconds)

    worker = SandboxWorker(Away(Redis()), ScriptedDelivery(), FixedClock())
    assert await worker._claim(10, Lease(UUID(int=1), 8)) == ()  # noqa: SLF001 - what its loop calls
    payments = SandboxPayments(Away(Redis()), FixedClock())
    with pytest.raises(ServiceUnavailable) as refused:
        await payments.find("MER-1", "ORDER-1")
    assert refused.value.retry_after_seconds == 1


async def test_what_a_loop_holds_goes_back_when_it_stops(store: SandboxStore) -> None:
    worker = SandboxWorker(store, ScriptedDelivery(), FixedClock(at(3)))
    await store.add(payment())
    (due,) = await worker._claim(10, Lease(UUID(int=1), 8))  # noqa: SLF001 - what its loop calls
    assert await worker._claim(10, Lease(UUID(int=1), 8)) == []  # noqa: SLF001 - as above
    await worker._renew([due], Lease(UUID(int=1), 0))  # noqa: SLF001 - as above
    assert await worker._claim(10, Lease(UUID(int=1), 8)) == [due]  # noqa: SLF001 - as above
