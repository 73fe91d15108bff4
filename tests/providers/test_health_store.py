"""Health as processes share it: each alone counts, all together judge, one tells; without Redis each goes on alone."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import msgspec
import pytest
from redis.asyncio import Redis

from support.merchants import FixedClock
from support.ports import free_port
from support.waiting import until
from wisipay.core import tasks
from wisipay.core.metrics import REGISTRY
from wisipay.providers import Accepted, HealthStore, ProviderStatus, State, Unknown, health_store
from wisipay.providers.health_store import GONE_AFTER_MS, STANDINGS_KEY, TALLIES_KEY

CHANNEL = "dummy_alpha"
TAKEN = Accepted(ProviderStatus.PENDING)
LOST = Unknown("answer lost")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


def fail(store: HealthStore, times: int) -> None:
    for _ in range(times):
        store.called(CHANNEL, "payout", LOST, 0.1)


def state(store: HealthStore) -> State:
    return store.health(CHANNEL, "payout").standing.state


def may_try(store: HealthStore) -> bool:
    return store.health(CHANNEL, "payout").may_try


async def shared(*stores: HealthStore) -> None:
    """Share twice: what the first say, the last have heard then, and the other way round."""
    for store in (*stores, *stores):
        await store.share()


def holds() -> float:
    labels = {"channel": CHANNEL, "operation": "payout"}
    return REGISTRY.get_sample_value("wisipay_provider_holds_total", labels) or 0


async def test_what_two_processes_saw_is_judged_together_and_told_once(redis: Redis, clock: FixedClock) -> None:
    one, other, before = HealthStore(redis, clock=clock), HealthStore(redis, clock=clock), holds()
    fail(one, 12)
    fail(other, 12)
    assert state(one) is State.OPEN
    await shared(one, other)
    assert state(one) is state(other) is State.HELD
    assert holds() == before + 1
    assert one.health(CHANNEL, "payout").calls == 24
    assert one.health(CHANNEL, "payin").standing.state is State.OPEN


async def test_after_a_hold_some_payments_try_it_and_answers_release_it_for_all(
    redis: Redis, clock: FixedClock
) -> None:
    one, other = HealthStore(redis, clock=clock), HealthStore(redis, clock=clock)
    fail(one, 30)
    await shared(one, other)
    clock.moment += timedelta(seconds=30)
    await shared(one, other)
    assert state(other) is State.TRIAL
    assert may_try(one)
    one.tried(CHANNEL, "payout")
    assert not may_try(one)
    clock.moment += timedelta(seconds=2)
    assert may_try(one)
    for store in (one, one, other, other, other):
        store.called(CHANNEL, "payout", TAKEN, 0.1)
    await shared(one, other)
    assert state(one) is state(other) is State.OPEN
    assert one.health(CHANNEL, "payout").calls == 0


async def test_what_others_saw_makes_doubt_and_belief_from_when_they_are_first_heard_of(
    redis: Redis, clock: FixedClock
) -> None:
    one, other = HealthStore(redis, clock=clock), HealthStore(redis, clock=clock)
    fail(one, 4)
    await shared(one, other)
    clock.moment += timedelta(seconds=15)
    assert may_try(one)
    assert not may_try(other)  # it came later, and does not know when those failures were
    fail(one, 1)
    for _ in range(2):
        other.called(CHANNEL, "payout", TAKEN, 0.1)
        fail(one, 1)
        await shared(one, other)
    clock.moment += timedelta(seconds=15)
    assert may_try(one)
    assert may_try(other)
    for store in (one, other) * 12:
        store.called(CHANNEL, "payout", TAKEN, 0.1)
    await shared(one, other)
    assert one.health(CHANNEL, "payout").calls == other.health(CHANNEL, "payout").calls == 0
    clock.moment += timedelta(seconds=15)
    assert not may_try(one)


async def test_a_standing_is_written_only_over_the_one_it_was_judged_from(redis: Redis, clock: FixedClock) -> None:
    store, before = HealthStore(redis, clock=clock), holds()
    await store.share()
    fail(store, 30)
    await redis.hset(STANDINGS_KEY, f"{CHANNEL}:payout", '{"state":"trial","since_ms":5}')
    now_ms = round(clock.moment.timestamp() * 1_000)
    await store._judge((CHANNEL, "payout"), now_ms)  # noqa: SLF001 - another judged between reading and writing
    assert state(store) is State.OPEN
    assert holds() == before
    await store.share()
    assert state(store) is State.TRIAL


async def test_ends_and_circuits_are_heard_of_by_others(redis: Redis, clock: FixedClock) -> None:
    one, other = HealthStore(redis, clock=clock), HealthStore(redis, clock=clock)
    one.ended(CHANNEL, "payout", well=True)
    one.ended(CHANNEL, "payout", well=False)
    one.blocked(CHANNEL, "payout", 30_000)
    await shared(one, other)
    found = other.health(CHANNEL, "payout")
    assert (found.ends, found.is_blocked) == (2, True)


async def test_a_process_that_is_gone_is_forgotten(redis: Redis, clock: FixedClock) -> None:
    gone, other = HealthStore(redis, clock=clock), HealthStore(redis, clock=clock)
    fail(gone, 5)
    await shared(gone, other)
    clock.moment += timedelta(milliseconds=GONE_AFTER_MS + 1)
    await other.share()
    assert await redis.hlen(TALLIES_KEY) == 0


@pytest.mark.parametrize("content", ["{", '{"x":"y"}'])
async def test_what_cannot_be_read_is_not_gone_by(redis: Redis, clock: FixedClock, content: str) -> None:
    store = HealthStore(redis, clock=clock)
    await redis.hset(TALLIES_KEY, "another", content)
    fail(store, 30)
    await store.share()
    assert state(store) is State.HELD


async def test_without_redis_a_process_goes_by_what_it_sees_itself(clock: FixedClock) -> None:
    async with Redis(port=free_port()) as nobody:
        store = HealthStore(nobody, clock=clock)
        fail(store, 30)
        await store.share()
        assert state(store) is State.HELD
        clock.moment += timedelta(seconds=30)
        await store.share()
        assert state(store) is State.TRIAL


async def test_a_standing_that_redis_loses_in_between_is_kept_here(
    redis: Redis, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = HealthStore(redis, clock=clock)
    fail(store, 30)

    async def away(**_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(store, "_swap", away)
    await store.share()
    assert state(store) is State.HELD


async def test_it_shares_by_itself_until_it_is_stopped(
    redis: Redis, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health_store, "EVERY_SECONDS", 0.01)
    store = HealthStore(redis, clock=clock)
    await store.stop()
    await store.start()
    fail(store, 3)

    async def told() -> bool:
        contents = await redis.hvals(TALLIES_KEY)
        return any(f"{CHANNEL}:payout" in msgspec.json.decode(content) for content in contents)

    await until(told)
    await store.stop()
    assert not any(task.get_name() == "provider health" and not task.done() for task in asyncio.all_tasks())


async def test_it_goes_on_sharing_whatever_happens(
    redis: Redis, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health_store, "EVERY_SECONDS", 0.01)
    store, calls = HealthStore(redis, clock=clock), []

    async def share() -> None:
        calls.append(1)
        if len(calls) == 2:  # the first one is that of the start
            raise ZeroDivisionError

    monkeypatch.setattr(store, "share", share)
    await store.start()
    await until(lambda: len(calls) > 2)
    await store.stop()


async def test_it_stops_at_whatever_moment_it_is_told_to(
    redis: Redis, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One cancellation in a hundred is lost while a command is sent, before Python 3.12."""
    monkeypatch.setattr(health_store, "EVERY_SECONDS", 0.0005)
    monkeypatch.setattr(tasks, "AGAIN_AFTER_SECONDS", 0.01)
    for number in range(200):
        store = HealthStore(redis, clock=clock)
        await store.start()
        await asyncio.sleep(number % 20 * 0.0002)
        async with asyncio.timeout(60):
            await store.stop()
