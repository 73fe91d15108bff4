"""The supervisor: order of start and stop, starting again, giving up."""

from __future__ import annotations

import asyncio

import pytest

from support.waiting import until
from wisipay.core.embedded import EmbeddedStoreError
from wisipay.entrypoints import supervisor as supervisor_module
from wisipay.entrypoints.supervisor import RestartPolicy, Supervisor, SupervisorError


class FakeUnit:
    """A unit whose life is steered by the test; every event goes into the shared journal."""

    def __init__(self, name: str, journal: list[str]) -> None:
        self.name = name
        self.journal = journal
        self.alive = False
        self.failures: list[Exception] = []
        self.resists = False

    async def start(self) -> None:
        self.journal.append(f"start {self.name}")
        if self.failures:
            raise self.failures.pop(0)
        self.alive = True

    def is_alive(self) -> bool:
        return self.alive

    def obituary(self) -> str:
        return "ended (exit status 1): its last words (log: a file)"

    async def stop(self) -> None:
        self.journal.append(f"stop {self.name}")
        if self.resists:
            raise EmbeddedStoreError("it hangs")
        self.alive = False


@pytest.fixture(autouse=True)
def _short_gaps(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_POLL_SECONDS", "_GAP_FIRST_SECONDS", "_GAP_MAX_SECONDS"):
        monkeypatch.setattr(supervisor_module, name, 0.001)


async def test_units_are_stopped_in_the_reverse_order_of_their_start() -> None:
    journal: list[str] = []
    supervisor = Supervisor(journal.append)
    for name in ("store", "worker", "intake"):
        await supervisor.start(FakeUnit(name, journal))
    await supervisor.stop()
    assert journal == ["start store", "start worker", "start intake", "stop intake", "stop worker", "stop store"]
    await supervisor.stop()
    assert len(journal) == 6


async def test_dead_unit_is_started_again_and_the_person_told() -> None:
    journal: list[str] = []
    unit = FakeUnit("worker", journal)
    supervisor = Supervisor(journal.append)
    await supervisor.start(unit)
    unit.alive = False
    await until(unit.is_alive)
    await until(lambda: "worker runs again" in journal)
    assert "worker ended (exit status 1): its last words (log: a file); starting it again in 0.001 s" in journal
    await supervisor.stop()


async def test_failed_start_again_is_tried_again() -> None:
    journal: list[str] = []
    unit = FakeUnit("worker", journal)
    supervisor = Supervisor(journal.append)
    await supervisor.start(unit)
    unit.failures = [SupervisorError("worker says no"), EmbeddedStoreError("no room")]
    unit.alive = False
    await until(unit.is_alive)
    assert journal.count("start worker") == 4
    assert "worker says no" in journal
    await supervisor.stop()


async def test_unit_that_keeps_dying_ends_the_waiting() -> None:
    journal: list[str] = []
    unit = FakeUnit("worker", journal)
    supervisor = Supervisor(journal.append)
    await supervisor.start(unit)
    unit.failures = [SupervisorError("worker says no") for _ in range(100)]
    unit.alive = False
    with pytest.raises(SupervisorError, match="worker keeps dying, so everything is stopped"):
        await supervisor.wait()
    assert journal.count("start worker") == 7
    await supervisor.stop()


async def test_defect_in_a_start_ends_the_waiting_too() -> None:
    unit = FakeUnit("worker", [])
    supervisor = Supervisor(unit.journal.append)
    await supervisor.start(unit)
    unit.failures = [ZeroDivisionError()]
    unit.alive = False
    with pytest.raises(ZeroDivisionError):
        await supervisor.wait()
    await supervisor.stop()


async def test_giving_up_without_a_waiter_is_forgotten_at_the_stop() -> None:
    unit = FakeUnit("worker", [])
    supervisor = Supervisor(unit.journal.append)
    await supervisor.start(unit)
    unit.failures = [SupervisorError("no") for _ in range(100)]
    unit.alive = False
    await until(lambda: unit.journal.count("start worker") == 7)
    await asyncio.sleep(0)
    await supervisor.stop()


async def test_unit_that_cannot_be_stopped_does_not_keep_the_others() -> None:
    journal: list[str] = []
    supervisor = Supervisor(journal.append)
    store, worker = FakeUnit("store", journal), FakeUnit("worker", journal)
    worker.resists = True
    await supervisor.start(store)
    await supervisor.start(worker)
    await supervisor.stop()
    assert not store.alive
    assert "worker could not be stopped: it hangs" in journal


async def test_unit_that_fails_its_first_start_is_stopped_with_the_others() -> None:
    journal: list[str] = []
    supervisor = Supervisor(journal.append)
    unit = FakeUnit("worker", journal)
    unit.failures = [SupervisorError("no")]
    with pytest.raises(SupervisorError, match="no"):
        await supervisor.start(unit)
    await supervisor.stop()
    assert journal == ["start worker", "stop worker"]


def test_gaps_double_up_to_a_bound_and_old_deaths_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    policy = RestartPolicy()
    assert [policy.gap_seconds(now) for now in (0, 1, 2, 3, 4, 5, 6)] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, None]
    assert policy.gap_seconds(1000) == 0.5
