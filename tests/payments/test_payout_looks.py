"""When a payout's provider is asked how it stands, and what its answer does, in the pure machine."""

from __future__ import annotations

import pytest

from support.payment_world import (
    MERCHANT,
    REPORT_PENDING,
    REPORT_SUCCESS,
    SUCCESS,
    UNKNOWN,
    World,
)
from wisipay import ledger
from wisipay.payments.commands import SetStatus
from wisipay.payments.machine import decide
from wisipay.payments.model import Kind, Status
from wisipay.providers import NotFound, ProviderStatus, StatusReport, Unknown

COST = 100_000 + 2_000 + 360
PAYOUT = ledger.merchant_account(MERCHANT, "PAYOUT").id
NOT_FOUND = NotFound("no such transfer")
LOST = Unknown("lost")


@pytest.fixture
def world() -> World:
    return World()


def test_first_look_comes_after_ten_seconds_or_at_once_where_the_channel_says_so(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    due = world.get(payout).due_at
    assert due is not None
    assert (due - world.now).total_seconds() == 10
    world.accept(payout)
    due = world.get(payout).due_at
    assert due is not None
    assert (due - world.now).total_seconds() == 10
    other = world.opened(Kind.PAYOUT)
    world.accept(other, poll_immediately=True)
    assert world.get(other).due_at == world.now


def test_looks_come_at_growing_gaps_then_at_the_end_of_each_day(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.accept(payout)
    gaps = []
    for _ in range(14):
        due = world.get(payout).due_at
        assert due is not None
        gaps.append((due - world.now).total_seconds())
        world.now = due
        world.look(payout, REPORT_PENDING)
        assert world.pending(PAYOUT) == COST
    assert gaps[:11] == [10, 10, 20, 40, 80, 160, 300, 600, 1200, 1800, 3600]
    assert all(gap > 3600 for gap in gaps[11:])
    assert 86_000 < gaps[-1] < 86_500
    world.check()


def test_look_settles_it(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.answer(payout, UNKNOWN)
    world.look(payout, REPORT_SUCCESS)
    assert world.status(payout) is Status.SUCCESS
    assert world.get(payout).utr == "UTR9"
    world.check()


def test_not_found_ends_a_payout_only_when_nothing_can_have_been_sent(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.answer(payout, UNKNOWN)
    for seconds in (10, 10, 20):
        world.later(seconds=seconds)
        world.look(payout, NOT_FOUND)
        assert world.status(payout) is Status.PROCESSING
    world.later(seconds=40)
    world.look(payout, NOT_FOUND)
    assert world.status(payout) is Status.FAILED
    assert world.get(payout).error_code == "PROVIDER_NOT_REACHED"
    assert world.pending(PAYOUT) == 0
    world.check()


def test_not_found_of_a_provider_whose_word_is_not_definite_never_ends_it(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    for _ in range(5):
        world.later(seconds=100)
        world.look(payout, NOT_FOUND, not_found_is_definite=False)
    assert world.status(payout) is Status.PENDING
    world.check()


def test_not_found_after_the_provider_knew_it_never_ends_it(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.accept(payout)
    for _ in range(5):
        world.later(seconds=100)
        world.look(payout, NOT_FOUND)
    assert world.status(payout) is Status.PROCESSING
    world.check()


def test_a_report_between_starts_the_count_of_not_founds_anew(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.later(seconds=100)
    world.look(payout, NOT_FOUND)
    world.look(payout, NOT_FOUND)
    world.look(payout, StatusReport(ProviderStatus.PENDING))
    world.look(payout, NOT_FOUND)
    assert world.status(payout) is Status.PENDING
    world.check()


def test_not_found_asked_without_a_lease_does_not_count(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.later(seconds=100)
    for _ in range(5):
        world.look(payout, NOT_FOUND, leased=False)
    assert world.status(payout) is Status.PENDING


def test_unknown_look_changes_nothing_but_the_schedule(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.look(payout, UNKNOWN)
    assert world.status(payout) is Status.PENDING
    assert world.get(payout).polls == 1
    world.check()


def test_dates_of_a_stale_poller_are_not_taken(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    before = world.get(payout).due_at
    world.look(payout, REPORT_PENDING, lease_token=None)
    assert world.get(payout).due_at == before


def test_a_success_without_a_utr_is_looked_at_a_few_times_more_and_learns_it(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.accept(payout)
    world.hear(payout, SUCCESS, utr=None)
    gaps = []
    for _ in range(3):
        due_at = world.get(payout).due_at
        assert due_at is not None
        gaps.append((due_at - world.now).total_seconds())
        world.later(seconds=gaps[-1])
        world.look(payout, LOST)
    assert (gaps, world.get(payout).due_at) == ([60, 600, 3_600], None)
    world.check()


def test_a_utr_that_is_told_late_ends_the_looks(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.accept(payout)
    world.hear(payout, SUCCESS, utr=None)
    world.later(seconds=60)
    world.look(payout, StatusReport(SUCCESS, utr="207517810965"))
    found = world.get(payout)
    assert (found.status, found.utr, found.due_at) == (Status.SUCCESS, "207517810965", None)
    world.check()


def test_a_success_with_a_utr_and_one_that_a_person_set_are_not_looked_at(world: World) -> None:
    told, set_by_hand = world.opened(Kind.PAYOUT), world.opened(Kind.PAYOUT)
    world.hear(told, SUCCESS, utr="U1")
    decide(world.book, SetStatus(set_by_hand, Status.SUCCESS, "cli:asha", "their mail"), world.now, world.rules)
    for payout in (told, set_by_hand):
        assert (world.status(payout), world.get(payout).due_at) == (Status.SUCCESS, None)
