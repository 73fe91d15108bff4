"""What counts as a takeover, and what can be judged by time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from crash.faults import Deed, Fault
from crash.inflict import Inflicted
from crash.verdict import Taken, taken_from_workers
from support.lease_log import LeaseEvent, TakeOver, held_at, take_overs

START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
FIRST, SECOND = uuid4(), uuid4()


def _at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def _event(seconds: float, token: UUID | None, lease_seconds: float = 8) -> LeaseEvent:
    return LeaseEvent("payments_transactions", "TX1", token, _at(seconds + lease_seconds), _at(seconds))


def test_another_lease_on_a_row_that_nobody_let_go_is_a_takeover() -> None:
    events = [_event(0, FIRST), _event(2, FIRST), _event(10.5, SECOND)]
    (found,) = take_overs(events)
    assert (found.last_sign_at, found.lease_until, found.at) == (_at(2), _at(10), _at(10.5))
    assert found.waited(_at(3)) == timedelta(seconds=7.5)


def test_a_row_that_was_finished_or_given_back_is_not_taken_over() -> None:
    assert take_overs([_event(0, FIRST), _event(1, None), _event(2, SECOND)]) == []
    assert take_overs([_event(0, FIRST), _event(1, FIRST, lease_seconds=0), _event(2, SECOND)]) == []


def test_who_held_a_row_when() -> None:
    events = [_event(1, FIRST), _event(3, None)]
    assert [held_at(events, "TX1", _at(moment)) for moment in (0, 2, 4)] == [False, True, False]


def _killed(where: str, began: float, ended: float) -> Inflicted:
    return Inflicted(Fault(began, Deed.KILL, where), _at(began), _at(ended), ended - began)


def _judged(*others: Inflicted) -> Taken:
    taken = TakeOver("payments_transactions", "TX1", _at(2), _at(10), _at(10.5))
    (found,) = taken_from_workers([taken], [_killed("worker", 3, 5), *others])
    return found


def test_a_takeover_is_judged_by_time_when_nothing_else_was_hurt_that_it_needs() -> None:
    assert _judged().waited == timedelta(seconds=7.5)
    assert _judged().is_undisturbed
    assert _judged(_killed("api", 4, 6), _killed("payment", 4, 6), _killed("postgres", 20, 22)).is_undisturbed
    assert not _judged(_killed("postgres", 1, 4)).is_undisturbed
    assert not _judged(_killed("worker-2", 9, 11)).is_undisturbed


def test_a_lease_that_ran_out_while_no_worker_was_hurt_is_nobody_s_takeover() -> None:
    taken = TakeOver("payments_transactions", "TX1", _at(2), _at(10), _at(10.5))
    assert taken_from_workers([taken], [_killed("worker", 20, 22), _killed("postgres", 3, 5)]) == []
