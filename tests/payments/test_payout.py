"""A payout's life in the pure machine: spec/lifecycles.md, "Payout"."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from support.payment_world import (
    FAILED,
    FIRST,
    FUNDS,
    MERCHANT,
    NOT_SENT,
    REJECTED,
    REPORT_PENDING,
    REPORT_SUCCESS,
    SECOND,
    SUCCESS,
    UNKNOWN,
    World,
    full_ledger,
)
from wisipay import ledger
from wisipay.core.ids import new_uuid7
from wisipay.core.money import Paise
from wisipay.payments.book import PaymentBook
from wisipay.payments.commands import Opened, Refusal, Refused, SetStatus
from wisipay.payments.machine import decide
from wisipay.payments.model import Flag, Kind, Status, WordResult
from wisipay.payments.postings import channel_account_id, hold_id
from wisipay.providers import Accepted, NotFound, ProviderStatus, StatusReport, Unknown

COST = 100_000 + 2_000 + 360
PROVIDER = channel_account_id(FIRST.channel_id, "PAYOUT")
PAYOUT = ledger.merchant_account(MERCHANT, "PAYOUT").id
NOT_FOUND = NotFound("no such transfer")
LOST = Unknown("lost")


@pytest.fixture
def world() -> World:
    return World()


def freeze(world: World, account_id: str) -> ledger.Account:
    account = world.book.ledger.account(account_id)
    assert account is not None
    account.status = ledger.AccountStatus.FROZEN
    return account


def test_open_reserves_amount_fee_and_tax(world: World) -> None:
    world.opened(Kind.PAYOUT)
    assert world.pending(PAYOUT) == COST
    assert world.funds() == FUNDS
    world.check()


def test_insufficient_balance_keeps_nothing_but_the_failed_payout() -> None:
    world = World(PaymentBook(ledger=full_ledger(COST - 1)))
    refused = world.open(Kind.PAYOUT)
    assert isinstance(refused, Refused)
    assert refused.reason is Refusal.INSUFFICIENT_BALANCE
    assert refused.transaction is not None
    assert refused.transaction.status is Status.FAILED
    assert world.book.new_attempts == []
    assert world.pending(PAYOUT) == 0
    world.check()


def test_open_that_was_refused_answers_the_same_when_its_commits_word_was_lost() -> None:
    world = World(PaymentBook(ledger=full_ledger(COST - 1)))
    refused = world.open(Kind.PAYOUT, order_id="ORDER-X")
    assert isinstance(refused, Refused)
    assert refused.transaction is not None
    again = world.open(Kind.PAYOUT, order_id="ORDER-X", transaction_id=refused.transaction.id)
    assert isinstance(again, Refused)
    assert again.reason is Refusal.INSUFFICIENT_BALANCE
    world.check()


def test_balance_that_just_suffices_is_enough() -> None:
    world = World(PaymentBook(ledger=full_ledger(COST)))
    assert isinstance(world.open(Kind.PAYOUT), Opened)
    assert isinstance(world.open(Kind.PAYOUT), Refused)
    world.check()


def test_frozen_account_refuses_the_hold(world: World) -> None:
    freeze(world, PAYOUT)
    refused = world.open(Kind.PAYOUT)
    assert isinstance(refused, Refused)
    assert refused.reason is Refusal.LEDGER_REFUSED
    world.check()


def test_success_posts_the_hold_once(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.accept(payout)
    assert world.status(payout) is Status.PROCESSING
    world.hear(payout, SUCCESS)
    world.hear(payout, SUCCESS)
    assert world.status(payout) is Status.SUCCESS
    assert world.funds() == FUNDS - COST
    assert world.balance(PROVIDER) == -100_000
    assert world.pending(PAYOUT) == 0
    world.check()


def test_failure_voids_the_hold_and_a_later_failure_changes_nothing(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.accept(payout)
    world.hear(payout, FAILED)
    assert world.hear(payout, FAILED).result is WordResult.REPEATED
    assert world.funds() == FUNDS
    assert world.pending(PAYOUT) == 0
    world.check()


def test_first_final_word_wins(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.hear(payout, SUCCESS)
    assert world.hear(payout, FAILED).result is WordResult.REPEATED
    assert world.status(payout) is Status.SUCCESS
    world.check()


def test_unknown_answer_keeps_the_hold_and_never_fails_over(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    answered = world.answer(payout, UNKNOWN, remaining=(SECOND,))
    assert answered.retry_on is None
    assert world.status(payout) is Status.PROCESSING
    assert world.pending(PAYOUT) == COST
    world.check()


@pytest.mark.parametrize("refusal", [REJECTED, NOT_SENT])
def test_certain_rejection_moves_the_hold_to_the_next_channel(world: World, refusal: object) -> None:
    payout = world.opened(Kind.PAYOUT)
    answered = world.answer(payout, refusal, remaining=(SECOND,))  # type: ignore[arg-type]  # both are Rejected
    assert answered.retry_on == SECOND
    assert world.pending(PAYOUT) == COST
    assert world.pending(PROVIDER) == 0
    assert world.pending(channel_account_id(SECOND.channel_id, "PAYOUT")) == -100_000
    world.check()
    world.accept(payout, SUCCESS)
    assert world.funds() == FUNDS - COST
    world.check()


def test_next_channel_over_its_limit_is_passed_by(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    tight = replace(SECOND, daily_limit_paise=Paise(99_999))
    world.answer(payout, REJECTED, remaining=(tight,))
    assert world.status(payout) is Status.FAILED
    world.check()


def test_new_hold_that_the_ledger_refuses_fails_the_payout_and_frees_the_old_one(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    freeze(world, channel_account_id(SECOND.channel_id, "PAYOUT"))
    assert world.answer(payout, REJECTED, remaining=(SECOND,)).retry_on is None
    assert world.status(payout) is Status.FAILED
    assert world.pending(PAYOUT) == 0
    world.check()


def test_rejection_that_contradicts_a_webhook_is_not_believed(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.hear(payout, ProviderStatus.PROCESSING)
    assert world.answer(payout, REJECTED, remaining=(SECOND,)).retry_on is None
    assert world.status(payout) is Status.PROCESSING
    world.check()


def test_provider_that_lets_a_payout_expire_is_asked_again(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.hear(payout, ProviderStatus.EXPIRED)
    assert world.status(payout) is Status.PROCESSING
    assert world.pending(PAYOUT) == COST
    world.check()


def test_return_after_success_is_reversed_by_an_inverse_entry(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.hear(payout, SUCCESS)
    world.hear(payout, ProviderStatus.REVERSED)
    assert world.status(payout) is Status.REVERSED
    assert world.funds() == FUNDS
    assert world.balance(PROVIDER) == 0
    assert world.hear(payout, SUCCESS).result is WordResult.REPEATED
    world.check()


def test_return_without_success_is_a_failure(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.hear(payout, ProviderStatus.REVERSED)
    assert world.status(payout) is Status.FAILED
    world.check()


def test_success_after_failure_is_posted_afresh_even_below_zero() -> None:
    world = World(PaymentBook(ledger=full_ledger(COST)))
    payout = world.opened(Kind.PAYOUT)
    world.hear(payout, FAILED)
    other = world.opened(Kind.PAYOUT)
    world.hear(other, SUCCESS)
    assert world.funds() == 0
    world.hear(payout, SUCCESS)
    assert world.status(payout) is Status.SUCCESS
    assert world.get(payout).flags == {Flag.LATE_SUCCESS}
    assert world.funds() == -COST
    world.check()
    world.hear(payout, ProviderStatus.REVERSED)
    assert world.funds() == 0
    world.check()


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


def test_success_of_an_attempt_left_behind_is_left_to_an_operator(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.answer(payout, REJECTED, remaining=(SECOND,))
    world.accept(payout)
    first = {"attempt": 1, "channel_ids": frozenset({FIRST.channel_id})}
    assert world.hear(payout, SUCCESS, **first).result is WordResult.MISMATCH
    assert Flag.MANUAL_REVIEW in world.get(payout).flags
    world.hear(payout, SUCCESS)
    assert world.status(payout) is Status.SUCCESS
    assert world.funds() == FUNDS - COST
    world.check()


def test_success_of_a_payout_that_was_never_sent_is_left_to_an_operator() -> None:
    world = World(PaymentBook(ledger=full_ledger(0)))
    refused = world.open(Kind.PAYOUT)
    assert isinstance(refused, Refused)
    assert refused.transaction is not None
    payout = refused.transaction.id
    assert world.hear(payout, SUCCESS, attempt=1).result is WordResult.MISMATCH
    assert world.status(payout) is Status.FAILED
    world.check()


def test_amount_mismatch_leaves_the_hold_for_an_operator(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.answer(payout, Accepted(SUCCESS, amount=Paise(1)))
    assert world.get(payout).flags == {Flag.AMOUNT_MISMATCH}
    assert world.pending(PAYOUT) == COST
    assert world.status(payout) is Status.PENDING
    world.check()


def test_webhook_before_the_initiate_answer_settles_once(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.hear(payout, SUCCESS)
    world.accept(payout, SUCCESS)
    world.look(payout, REPORT_SUCCESS, leased=False)
    assert world.funds() == FUNDS - COST
    world.check()


def test_dates_of_a_stale_poller_are_not_taken(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    before = world.get(payout).due_at
    world.look(payout, REPORT_PENDING, lease_token=None)
    assert world.get(payout).due_at == before


def test_hold_that_somebody_ended_by_hand_leaves_the_payout_to_an_operator(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.accept(payout)
    voided = ledger.Void(entry_id=new_uuid7(world.now), target_id=hold_id(world.get(payout)))
    world.book.ledger.apply(voided, world.now)
    assert world.hear(payout, FAILED).result is WordResult.RETRY
    assert world.hear(payout, SUCCESS).result is WordResult.RETRY
    assert Flag.MANUAL_REVIEW in world.get(payout).flags
    assert world.status(payout) is Status.PROCESSING


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
