"""Circuits shared through Redis, and what holds while Redis is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from support.fake_clock import FakeClock
from support.loopback import refused_url
from wisipay.providers import BreakerPolicy, BreakerStore
from wisipay.providers import breaker_store as module
from wisipay.providers.breaker import CLOSED, Circuit, admit, report
from wisipay.providers.breaker_store import KEY_PREFIX, Permit

POLICY = BreakerPolicy(failures_to_open=3, open_seconds=30, trial_seconds=60)
NAME = "dummy_alpha:payout"


class Interruptible(Redis):
    """A client whose server can go away and come back."""

    is_gone = False

    async def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - the client's own signature
        """Send a command, or fail as when the server has gone."""
        if self.is_gone:
            raise RedisConnectionError("gone")
        return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call] # redis-py leaves it so


@pytest.fixture
async def interruptible(redis: Redis, redis_url: str) -> AsyncIterator[Interruptible]:
    await redis.ping()  # asked for because it empties the database
    client = Interruptible.from_url(redis_url)
    assert isinstance(client, Interruptible)
    yield client
    await client.aclose()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def away(clock: FakeClock) -> AsyncIterator[BreakerStore]:
    address = (await refused_url()).replace("http", "redis")
    async with Redis.from_url(address) as client:
        yield BreakerStore(client, clock=clock, policy=POLICY)


def store_on(client: Redis, clock: FakeClock) -> BreakerStore:
    return BreakerStore(client, clock=clock, policy=POLICY, shared_clock=clock)


async def fail(store: BreakerStore, times: int = 1) -> None:
    for _ in range(times):
        await store.report(NAME, await store.admit(NAME), success=False)


async def test_failures_seen_by_different_processes_add_up(redis: Redis, redis_url: str, clock: FakeClock) -> None:
    async with Redis.from_url(redis_url) as other_client:
        one, other = store_on(redis, clock), store_on(other_client, clock)
        await fail(one, 2)
        assert not await other.is_open(NAME)
        await fail(other, 1)
        assert await one.is_open(NAME)
        refused = await one.admit(NAME)
        assert not refused.admission.allowed
        assert refused.admission.retry_after_ms == 30_000


async def test_exactly_one_trial_goes_out_across_processes(
    redis: Redis, redis_url: str, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fail(store_on(redis, clock), 3)
    clock.pass_seconds(30)
    monkeypatch.setattr(module, "REDIS_TIMEOUT_SECONDS", 30)
    clients = [Redis.from_url(redis_url) for _ in range(8)]
    stores = [store_on(client, clock) for client in clients]
    permits = await asyncio.gather(*(store.admit(NAME) for store in stores for _ in range(10)))
    assert sum(permit.admission.allowed for permit in permits) == 1
    for client in clients:
        await client.aclose()


async def test_the_trials_success_closes_the_circuit_for_all(redis: Redis, redis_url: str, clock: FakeClock) -> None:
    async with Redis.from_url(redis_url) as other_client:
        one, other = store_on(redis, clock), store_on(other_client, clock)
        await fail(one, 3)
        clock.pass_seconds(30)
        await one.report(NAME, await one.admit(NAME), success=True)
        assert (await other.admit(NAME)).admission.allowed
        await fail(other, 2)
        assert (await one.admit(NAME)).admission.allowed


async def test_late_answers_of_calls_sent_before_it_opened_change_nothing(redis: Redis, clock: FakeClock) -> None:
    store = store_on(redis, clock)
    late = [await store.admit(NAME), await store.admit(NAME)]
    await fail(store, 3)
    opened = await stored(redis)
    for permit, success in zip(late, (True, False), strict=True):
        await store.report(NAME, permit, success=success)
        assert await stored(redis) == opened


async def test_a_healthy_circuit_is_calm_for_a_moment_and_asks_nobody(
    interruptible: Interruptible, clock: FakeClock
) -> None:
    store = BreakerStore(interruptible, clock=clock, policy=POLICY, shared_clock=clock)
    first = await store.admit(NAME)
    assert not first.calm
    await store.report(NAME, first, success=True)
    await store.is_open(NAME)
    interruptible.is_gone = True
    permit = await store.admit(NAME)
    assert permit.calm
    assert not await store.is_open(NAME)
    await store.report(NAME, permit, success=True)
    interruptible.is_gone = False
    clock.pass_seconds(0.3)
    renewed, others = await asyncio.gather(store.admit(NAME), store.admit(NAME))
    assert not renewed.calm
    assert others.calm


async def test_the_success_of_whoever_asked_is_no_news_and_leaves_the_calm(redis: Redis, clock: FakeClock) -> None:
    store = store_on(redis, clock)
    asked = await store.admit(NAME)
    await store.report(NAME, asked, success=True)
    assert (await store.admit(NAME)).calm


async def test_looking_at_a_healthy_circuit_calms_it_too(redis: Redis, clock: FakeClock) -> None:
    store = store_on(redis, clock)
    assert not await store.is_open(NAME)
    assert (await store.admit(NAME)).calm


async def test_a_circuit_with_failures_is_never_calm(redis: Redis, clock: FakeClock) -> None:
    store = store_on(redis, clock)
    await fail(store, 1)
    assert not (await store.admit(NAME)).calm
    assert not await store.is_open(NAME)
    assert not (await store.admit(NAME)).calm


async def test_a_failure_ends_the_calm_and_is_told_at_once(redis: Redis, clock: FakeClock) -> None:
    store = store_on(redis, clock)
    await store.is_open(NAME)
    await fail(store, 3)
    assert await store_on(redis, clock).is_open(NAME)


async def test_the_memory_of_calm_circuits_is_bounded(
    redis: Redis, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_LOCAL_CIRCUITS", 2)
    store = store_on(redis, clock)
    for name in ("one", "two", "three"):
        await store.is_open(name)
    assert (await store.admit("three")).calm
    assert not (await store.admit("one")).calm


async def test_circuits_do_not_know_each_other(redis: Redis, clock: FakeClock) -> None:
    store = store_on(redis, clock)
    await fail(store, 3)
    assert (await store.admit("dummy_alpha:status")).admission.allowed
    assert not await store.is_open("dummy_alpha:status")


async def test_without_a_given_clock_redis_times_the_circuit(redis: Redis, clock: FakeClock) -> None:
    store = BreakerStore(redis, clock=clock, policy=POLICY)
    await fail(store, 3)
    assert await store.is_open(NAME)
    assert 0 < (await store.admit(NAME)).admission.retry_after_ms <= 30_000
    at_once = BreakerStore(redis, clock=clock, policy=BreakerPolicy(1, 0, 60))
    await at_once.report("other", await at_once.admit("other"), success=False)
    assert (await at_once.admit("other")).admission.allowed
    assert not (await at_once.admit("other")).admission.allowed


async def test_a_forgotten_circuit_leaves_nothing_in_redis_for_ever(redis: Redis, clock: FakeClock) -> None:
    store = store_on(redis, clock)
    await fail(store, 1)
    assert 0 < await redis.pttl(KEY_PREFIX + NAME) <= module.REMEMBER_MS
    await fail(store, 2)
    clock.pass_seconds(30)
    await store.admit(NAME)
    assert 0 < await redis.pttl(KEY_PREFIX + NAME) <= module.REMEMBER_MS


@pytest.mark.parametrize("decode", [True, False])
async def test_clients_may_or_may_not_decode_answers(
    redis_url: str, redis: Redis, clock: FakeClock, *, decode: bool
) -> None:
    await redis.ping()  # asked for because it empties the database
    async with Redis.from_url(redis_url, decode_responses=decode) as client:
        store = store_on(client, clock)
        await fail(store, 3)
        assert await store.is_open(NAME)
        assert not (await store.admit(NAME)).admission.allowed


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("admit"), st.just(0)),
        st.tuples(st.sampled_from(["success", "failure"]), st.integers(0, 3)),
        st.tuples(st.just("pass"), st.sampled_from([1, 29, 30, 60, 61])),
    ),
    max_size=40,
)


@given(steps=STEPS)
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_redis_and_the_pure_machine_agree(redis: Redis, steps: list[tuple[str, int]]) -> None:
    await redis.flushdb()
    clock = FakeClock()
    store, circuit = store_on(redis, clock), CLOSED
    permits: list[Permit] = []
    for word, figure in steps:
        now_ms = round(clock.now().timestamp() * 1_000)
        if word == "pass":
            clock.pass_seconds(figure)
        elif word == "admit":
            circuit, admission = admit(circuit, now_ms, POLICY)
            permit = await store.admit(NAME)
            assert (permit.admission, permit.shared) == (admission, True)
            permits.append(permit)
        elif figure < len(permits):
            permit, success = permits[-1 - figure], word == "success"
            generation = permit.admission.generation
            circuit = report(circuit, generation, success=success, now_ms=now_ms, policy=POLICY)
            await store.report(NAME, permit, success=success)
        assert await stored(redis) == circuit


async def stored(redis: Redis) -> Circuit:
    names = ("failures", "generation", "blocked_until_ms")
    values = await redis.hmget(KEY_PREFIX + NAME, list(names))
    return Circuit(*(int(value or 0) for value in values))


async def test_while_redis_is_away_the_process_keeps_its_own_circuits(away: BreakerStore, clock: FakeClock) -> None:
    await fail(away, 3)
    assert await away.is_open(NAME)
    assert not (await away.admit(NAME)).admission.allowed
    clock.pass_seconds(30)
    assert not await away.is_open(NAME)
    trial = await away.admit(NAME)
    assert trial.admission.allowed
    assert not (await away.admit(NAME)).admission.allowed
    await away.report(NAME, trial, success=True)
    assert (await away.admit(NAME)).admission.allowed


async def test_news_of_a_call_admitted_before_redis_went_counts_locally(
    interruptible: Interruptible, clock: FakeClock
) -> None:
    store = store_on(interruptible, clock)
    permits = [await store.admit(NAME) for _ in range(3)]
    interruptible.is_gone = True
    for permit in permits:
        assert permit.shared
        await store.report(NAME, permit, success=False)
    assert not (await store.admit(NAME)).admission.allowed


async def test_redis_is_asked_again_after_a_moment(interruptible: Interruptible, clock: FakeClock) -> None:
    store = store_on(interruptible, clock)
    interruptible.is_gone = True
    assert not (await store.admit(NAME)).shared
    interruptible.is_gone = False
    assert not (await store.admit(NAME)).shared
    clock.pass_seconds(module.REDIS_PAUSE_MS / 1_000)
    assert (await store.admit(NAME)).shared


async def test_a_redis_that_never_answers_costs_a_moment_once(clock: FakeClock) -> None:
    async with silent_server() as address, Redis.from_url(address) as client:
        store = BreakerStore(client, clock=clock, policy=POLICY)
        async with asyncio.timeout(30):
            assert (await store.admit(NAME)).admission.allowed
            await asyncio.gather(*(store.admit(NAME) for _ in range(50)))


async def test_the_local_circuits_are_bounded(away: BreakerStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LOCAL_CIRCUITS", 3)
    await fail(away, 3)
    for number in range(3):
        await away.admit(f"channel{number}:payin")
    assert (await away.admit(NAME)).admission.allowed


@asynccontextmanager
async def silent_server() -> AsyncIterator[str]:
    ended = asyncio.Event()

    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    yield f"redis://{host}:{port}"
    ended.set()
    server.close()
    await server.wait_closed()
