"""The batcher, on an `apply` that the test holds in its hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.waiting import until
from wisipay.core.batch import LARGE, Batcher, BatchLost, Overloaded
from wisipay.core.metrics import REGISTRY


class Poison(Exception):  # noqa: N818 - a short name for what one command does to its batch
    """What a bad command makes `apply` raise."""


class Store:
    """Applies integers: notes each batch that came through, doubles each command, raises as told."""

    def __init__(self, *, poison: frozenset[int] = frozenset(), errors: Sequence[Exception | None] = ()) -> None:
        self.batches: list[list[int]] = []
        self.attempts = 0
        self.under_way = 0
        self.most_under_way = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self._poison = poison
        self._errors = errors

    async def apply(self, commands: Sequence[int]) -> list[int]:
        self.attempts += 1
        error = self._errors[self.attempts - 1] if self.attempts <= len(self._errors) else None
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.gate.wait()
            await asyncio.sleep(0)
        finally:
            self.under_way -= 1
        if error is not None:
            raise error
        if bad := self._poison.intersection(commands):
            raise Poison(*sorted(bad))
        self.batches.append(list(commands))
        return [2 * command for command in commands]

    @property
    def applied(self) -> list[int]:
        return [command for batch in self.batches for command in batch]


@pytest.fixture(autouse=True)
def _short_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wisipay.core.batch._RETRY_GAPS_SECONDS", (0.0001,) * 3)


def batcher(
    store: Store,
    *,
    max_batch: int = 256,
    max_waiting: int = 10_000,
    flushes_in_flight: int = 1,
    gap_seconds: float = 0,
) -> Batcher[int, int]:
    return Batcher(
        store.apply,
        name="test_batch",
        max_batch=max_batch,
        max_waiting=max_waiting,
        flushes_in_flight=flushes_in_flight,
        gap_seconds=gap_seconds,
    )


def submit(batch: Batcher[int, int], commands: Sequence[int]) -> list[asyncio.Task[int]]:
    return [asyncio.create_task(batch.submit(command)) for command in commands]


async def held(store: Store, batch: Batcher[int, int], first: int = 0) -> asyncio.Task[int]:
    """Submit one command and hold its flush in the store."""
    store.gate.clear()
    task = asyncio.create_task(batch.submit(first))
    await until(lambda: store.under_way)
    return task


async def test_each_caller_gets_its_own_result() -> None:
    store = Store()
    assert await asyncio.gather(*submit(batcher(store), range(100))) == [2 * command for command in range(100)]


async def test_an_idle_batcher_flushes_at_once() -> None:
    store = Store()
    assert await batcher(store).submit(21) == 42
    assert store.batches == [[21]]


async def test_what_arrives_during_a_flush_is_the_next_batch() -> None:
    store = Store()
    batch = batcher(store)
    tasks = [await held(store, batch), *submit(batch, range(1, 50))]
    await asyncio.sleep(0)
    store.gate.set()
    await asyncio.gather(*tasks)
    assert store.batches == [[0], list(range(1, 50))]


async def test_what_arrives_soon_after_a_batch_is_gathered_for_the_next() -> None:
    store = Store()
    batch = batcher(store, gap_seconds=0.5)
    await batch.submit(0)
    tasks = []
    for command in range(1, 5):
        tasks += submit(batch, [command])
        await asyncio.sleep(0.001)
    await asyncio.gather(*tasks)
    assert store.batches == [[0], [1, 2, 3, 4]]


async def test_after_a_large_batch_the_next_is_gathered_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wisipay.core.batch.PATIENCE", 1e9)
    monkeypatch.setattr("wisipay.core.batch.PATIENCE_SECONDS_MAX", 0.5)
    store = Store()
    batch = batcher(store, gap_seconds=1e-9)
    await asyncio.gather(*submit(batch, range(LARGE)))
    tasks = []
    for command in range(LARGE, LARGE + 4):
        tasks += submit(batch, [command])
        await asyncio.sleep(0.001)
    await asyncio.gather(*tasks)
    assert store.batches == [[*range(LARGE)], [*range(LARGE, LARGE + 4)]]


async def test_the_depth_of_the_queue_is_told_to_whoever_looks() -> None:
    store = Store()
    batch = batcher(store)
    tasks = [await held(store, batch), *submit(batch, range(1, 4))]
    await asyncio.sleep(0)
    depth = partial(REGISTRY.get_sample_value, "wisipay_queue_depth", {"queue": "test_batch"})
    assert depth() == 3
    store.gate.set()
    await asyncio.gather(*tasks)
    assert depth() == 0


async def test_a_batcher_that_drains_gathers_no_longer() -> None:
    store = Store()
    batch = batcher(store, max_batch=1, gap_seconds=3600)
    tasks = [await held(store, batch), *submit(batch, range(1, 4))]
    await asyncio.sleep(0)
    draining = asyncio.create_task(batch.drain())
    await asyncio.sleep(0)
    store.gate.set()
    await draining
    assert await asyncio.gather(*tasks) == [0, 2, 4, 6]


async def test_a_batch_is_never_larger_than_its_bound() -> None:
    store = Store()
    await asyncio.gather(*submit(batcher(store, max_batch=4), range(10)))
    assert store.batches == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


async def test_two_flushes_may_be_under_way() -> None:
    store = Store()
    await asyncio.gather(*submit(batcher(store, max_batch=2, flushes_in_flight=2), range(8)))
    assert store.most_under_way == 2
    assert sorted(store.applied) == list(range(8))


async def test_a_poisonous_command_fails_alone() -> None:
    store = Store(poison=frozenset({37}))
    results = await asyncio.gather(*submit(batcher(store), range(64)), return_exceptions=True)
    assert [repr(result) for result in results if isinstance(result, Exception)] == ["Poison(37)"]
    assert store.applied == [command for command in range(64) if command != 37]
    assert store.attempts == 1 + 2 * 6  # the batch, and two halves on each of six levels


@pytest.mark.parametrize(
    "error", [asyncpg.DeadlockDetectedError(), asyncpg.SerializationError(), asyncpg.UniqueViolationError()]
)
async def test_a_conflict_is_tried_again_as_a_whole(error: Exception) -> None:
    store = Store(errors=[error, error, error])
    assert await asyncio.gather(*submit(batcher(store), range(3))) == [0, 2, 4]
    assert store.batches == [[0, 1, 2]]
    assert store.attempts == 4


async def test_a_conflict_that_stays_is_pinned_to_its_command() -> None:
    async def apply(commands: Sequence[int]) -> Sequence[int]:
        if 1 in commands:
            raise asyncpg.UniqueViolationError
        return commands

    batch = Batcher[int, int](apply, name="test_batch")
    results = await asyncio.gather(*submit(batch, range(2)), return_exceptions=True)
    assert results[0] == 0
    assert isinstance(results[1], asyncpg.UniqueViolationError)


async def test_an_outage_is_told_to_all_and_never_split() -> None:
    store = Store(errors=[ConnectionResetError()] * 4)
    results = await asyncio.gather(*submit(batcher(store), range(8)), return_exceptions=True)
    assert all(isinstance(result, BatchLost) for result in results)
    assert len({id(result) for result in results}) == 8
    assert store.batches == []
    assert store.attempts == 4


async def test_slow_failures_are_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wisipay.core.batch._RETRY_WINDOW_SECONDS", -1)
    store = Store(errors=[TimeoutError()])
    with pytest.raises(BatchLost):
        await batcher(store).submit(1)
    assert store.attempts == 1


async def test_the_batcher_works_on_after_an_outage() -> None:
    store = Store(errors=[ConnectionResetError()] * 4)
    batch = batcher(store)
    with pytest.raises(BatchLost) as caught:
        await batch.submit(1)
    assert caught.value.http_status == 503
    assert isinstance(caught.value.__cause__, ConnectionResetError)
    assert await batch.submit(2) == 4


async def test_a_full_queue_refuses_with_503_and_a_time_to_come_back() -> None:
    store = Store()
    batch = batcher(store, max_waiting=2)
    tasks = [await held(store, batch), *submit(batch, [1, 2])]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded) as caught:
        await batch.submit(3)
    assert caught.value.http_status == 503
    assert caught.value.retry_after_seconds == 1
    store.gate.set()
    assert await asyncio.gather(*tasks) == [0, 2, 4]


async def test_a_caller_who_leaves_while_waiting_takes_the_command_back() -> None:
    store = Store()
    batch = batcher(store)
    first = await held(store, batch)
    leaving, staying = submit(batch, [1, 2])
    await asyncio.sleep(0)
    leaving.cancel()
    store.gate.set()
    assert [await first, await staying] == [0, 4]
    assert store.applied == [0, 2]


async def test_a_caller_who_leaves_during_the_flush_disturbs_nobody() -> None:
    store = Store()
    batch = batcher(store)
    store.gate.clear()
    leaving, staying = submit(batch, [1, 2])
    await until(lambda: store.under_way)
    leaving.cancel()
    store.gate.set()
    assert await staying == 4
    assert store.batches == [[1, 2]]
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def test_a_caller_who_leaves_is_not_told_of_a_failure() -> None:
    store = Store(errors=[ConnectionResetError()] * 4)
    batch = batcher(store)
    store.gate.clear()
    (leaving,) = submit(batch, [1])
    await until(lambda: store.under_way)
    leaving.cancel()
    store.gate.set()
    await batch.drain()
    assert store.attempts == 4


async def test_a_wrong_number_of_results_is_a_bug_and_is_not_applied_again() -> None:
    calls = []

    async def apply(commands: Sequence[int]) -> Sequence[int]:
        calls.append(commands)
        return commands[1:]

    batch = Batcher[int, int](apply, name="test_batch")
    results = await asyncio.gather(*submit(batch, range(3)), return_exceptions=True)
    assert {repr(result) for result in results} == {"RuntimeError('batch test_batch: 2 results for 3 commands')"}
    assert len(calls) == 1


async def test_draining_finishes_what_was_accepted_and_refuses_the_rest() -> None:
    store = Store()
    batch = batcher(store, max_batch=2)
    tasks = [await held(store, batch), *submit(batch, range(1, 6))]
    await asyncio.sleep(0)
    drained = asyncio.create_task(batch.drain())
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await batch.submit(9)
    store.gate.set()
    await drained
    assert await asyncio.gather(*tasks) == [0, 2, 4, 6, 8, 10]


async def test_draining_does_not_wait_for_ever() -> None:
    store = Store()
    batch = batcher(store)
    tasks = [await held(store, batch), *submit(batch, [1])]
    await asyncio.sleep(0)
    await batch.drain(timeout_seconds=0.01)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [BatchLost, BatchLost]
    assert store.under_way == 0


async def test_draining_an_idle_batcher_returns_at_once() -> None:
    await batcher(Store()).drain(timeout_seconds=0)


async def test_no_task_is_left_over() -> None:
    await asyncio.gather(*submit(batcher(Store(), flushes_in_flight=4, max_batch=1), range(20)))
    await until(lambda: "batch test_batch" not in {task.get_name() for task in asyncio.all_tasks()})


@pytest.mark.parametrize("bound", ["max_batch", "max_waiting", "flushes_in_flight"])
def test_a_bound_below_one_is_refused(bound: str) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        batcher(Store(), **{bound: 0})


_conflicts = st.sampled_from([None, asyncpg.DeadlockDetectedError(), asyncpg.SerializationError()])


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    commands=st.lists(st.integers(0, 60), unique=True, min_size=1, max_size=40),
    poison=st.frozensets(st.integers(0, 60), max_size=4),
    leaving=st.frozensets(st.integers(0, 60), max_size=4),
    pauses=st.lists(st.integers(0, 2), min_size=40, max_size=40),
    conflicts=st.lists(_conflicts, max_size=3),
    max_batch=st.integers(1, 9),
    flushes_in_flight=st.integers(1, 3),
)
async def test_every_command_is_applied_once_and_answered_for_itself(
    commands: list[int],
    poison: frozenset[int],
    leaving: frozenset[int],
    pauses: list[int],
    conflicts: list[Exception | None],
    max_batch: int,
    flushes_in_flight: int,
) -> None:
    store = Store(poison=poison, errors=conflicts)
    batch = batcher(store, max_batch=max_batch, flushes_in_flight=flushes_in_flight)
    tasks: dict[int, asyncio.Task[int]] = {}
    for command, pause in zip(commands, pauses, strict=False):
        tasks[command] = asyncio.create_task(batch.submit(command))
        for _ in range(pause):
            await asyncio.sleep(0)
        if command in leaving:
            tasks[command].cancel()
    await asyncio.wait(tasks.values(), timeout=10)
    await batch.drain()

    for command, task in tasks.items():
        _assert_answered(command, task, store, poison)
    assert all(len(one) <= max_batch for one in store.batches)
    assert store.most_under_way <= flushes_in_flight
    if flushes_in_flight == 1:
        assert store.applied == [command for command in commands if command in store.applied]


def _assert_answered(command: int, task: asyncio.Task[int], store: Store, poison: frozenset[int]) -> None:
    expected: Callable[[int], bool] = (lambda times: times <= 1) if task.cancelled() else (lambda times: times == 1)
    if command in poison:
        assert command not in store.applied
        assert task.cancelled() or repr(task.exception()) == f"Poison({command})"
    else:
        assert expected(store.applied.count(command))
        assert task.cancelled() or task.result() == 2 * command
