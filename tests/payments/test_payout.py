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
from wisipay.payments.commands import Opened, Refusal, Refused
from wisipay.payments.model import Flag, Kind, Status, WordResult
from wisipay.payments.postings import channel_account_id, hold_id
from wisipay.providers import Accepted, ProviderStatus

COST = 100_000 + 2_000 + 360
PROVIDER = channel_account_id(FIRST.channel_id, "PAYOUT")
PAYOUT = ledger.merchant_account(MERCHANT, "PAYOUT").id


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


def test_hold_that_somebody_ended_by_hand_leaves_the_payout_to_an_operator(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.accept(payout)
    voided = ledger.Void(entry_id=new_uuid7(world.now), target_id=hold_id(world.get(payout)))
    world.book.ledger.apply(voided, world.now)
    assert world.hear(payout, FAILED).result is WordResult.RETRY
    assert world.hear(payout, SUCCESS).result is WordResult.RETRY
    assert Flag.MANUAL_REVIEW in world.get(payout).flags
    assert world.status(payout) is Status.PROCESSING
