"""A payin's life in the pure machine: spec/lifecycles.md, "Payin"."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from support.payment_world import (
    FAILED,
    FIRST,
    MERCHANT,
    REPORT_PENDING,
    REPORT_SUCCESS,
    SECOND,
    SUCCESS,
    UNKNOWN,
    World,
)
from wisipay import ledger
from wisipay.core.clock import IST
from wisipay.core.money import Paise
from wisipay.payments.commands import Refusal, Refused
from wisipay.payments.model import Flag, Kind, Status, WordResult
from wisipay.payments.postings import channel_account_id
from wisipay.providers import Accepted, NotFound, ProviderStatus, StatusReport

GROSS = channel_account_id(FIRST.channel_id, "PAYIN")
NET = ledger.merchant_account(MERCHANT, "PAYIN").id


@pytest.fixture
def world() -> World:
    return World()


def test_is_stored_pending_with_event_attempt_and_expiry_before_its_provider_is_called(world: World) -> None:
    payin = world.get(world.opened(Kind.PAYIN))
    assert payin.status is Status.PENDING
    assert payin.net_paise == 100_000 - 2_000 - 360
    assert payin.expires_at is not None
    assert (payin.expires_at - world.now).total_seconds() == 30 * 60
    assert payin.due_at is not None
    assert [attempt.reference for attempt in world.book.new_attempts] == [payin.id]
    assert world.messages(payin.id) == ["opened"]
    world.check()


def test_success_posts_gross_net_fee_and_tax_once(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.accept(payin)
    assert world.hear(payin, SUCCESS).result is WordResult.APPLIED
    assert world.hear(payin, SUCCESS).result is WordResult.REPEATED
    assert world.status(payin) is Status.SUCCESS
    assert world.balance(GROSS) == 100_000
    assert world.balance(NET) == -97_640
    assert world.balance(ledger.INCOME.id) == -2_000
    assert world.balance(ledger.GST_PAYABLE.id) == -360
    assert world.get(payin).utr == "UTR1"
    assert world.get(payin).due_at is None
    world.check()


def test_success_in_the_answer_settles_at_once(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    answered = world.accept(payin, SUCCESS)
    assert answered.transaction.status is Status.SUCCESS
    world.check()


def test_payment_url_of_the_answer_is_kept_even_when_the_webhook_came_first(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.hear(payin, SUCCESS)
    world.answer(payin, Accepted(ProviderStatus.PENDING, payment_url="https://pay.example/1"))
    assert world.get(payin).payment_url == "https://pay.example/1"
    assert world.status(payin) is Status.SUCCESS
    world.answer(payin, Accepted(ProviderStatus.PENDING, payment_url="https://pay.example/2"))
    assert world.get(payin).payment_url == "https://pay.example/1"
    world.check()


def test_processing_word_moves_it_on(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.hear(payin, ProviderStatus.PROCESSING)
    assert world.status(payin) is Status.PROCESSING
    world.check()


def test_failure_ends_it_and_gives_its_limits_back(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.hear(payin, FAILED, message="declined")
    assert world.status(payin) is Status.FAILED
    assert world.get(payin).error_message == "declined"
    world.check()


def test_expires_when_not_final_in_time_and_is_looked_at_twice_more(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.accept(payin)
    world.later(minutes=30)
    world.look(payin, UNKNOWN)
    assert world.status(payin) is Status.EXPIRED
    assert world.get(payin).due_at == world.now + timedelta(minutes=5)
    world.look(payin, REPORT_PENDING)
    due = world.get(payin).due_at
    assert due is not None
    assert due.astimezone(IST).hour == 0
    world.look(payin, REPORT_PENDING)
    assert world.get(payin).due_at is None
    world.check()


def test_provider_that_says_expired_expires_it(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.hear(payin, ProviderStatus.EXPIRED)
    assert world.status(payin) is Status.EXPIRED
    world.check()


def test_late_success_after_expiry_settles_once_and_is_flagged(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.later(minutes=31)
    world.look(payin, REPORT_PENDING)
    world.hear(payin, SUCCESS)
    world.hear(payin, SUCCESS)
    assert world.status(payin) is Status.SUCCESS
    assert world.get(payin).flags == {Flag.LATE_SUCCESS}
    assert world.balance(GROSS) == 100_000
    assert [what for what, _ in world.book.alerts] == ["late success"]
    world.check()


def test_late_success_after_failure_settles(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.hear(payin, FAILED)
    world.look(payin, REPORT_SUCCESS)
    assert world.status(payin) is Status.SUCCESS
    assert Flag.LATE_SUCCESS in world.get(payin).flags
    world.check()


@pytest.mark.parametrize("lie", [{"amount_paise": Paise(99_999)}, {"currency": "USD"}])
def test_word_with_another_amount_or_currency_never_settles(world: World, lie: dict[str, object]) -> None:
    payin = world.opened(Kind.PAYIN)
    world.accept(payin)
    assert world.hear(payin, SUCCESS, **lie).result is WordResult.MISMATCH
    assert world.hear(payin, SUCCESS).result is WordResult.MISMATCH
    assert world.get(payin).flags == {Flag.AMOUNT_MISMATCH}
    assert world.get(payin).due_at is None
    assert world.status(payin) is Status.PENDING
    assert world.balance(GROSS) == 0
    assert [what for what, _ in world.book.alerts] == ["amount mismatch"]
    world.later(minutes=31)
    world.look(payin, REPORT_SUCCESS)
    assert world.status(payin) is Status.PENDING
    assert world.get(payin).due_at is None
    world.check()


def test_answer_to_a_payment_held_for_an_operator_changes_nothing(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.hear(payin, SUCCESS, amount_paise=Paise(1))
    world.accept(payin)
    assert world.get(payin).payment_url is None
    world.check()


def test_amount_that_the_provider_does_not_tell_is_taken_as_ours(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.hear(payin, SUCCESS, amount_paise=None, currency=None)
    assert world.status(payin) is Status.SUCCESS


def test_returned_money_is_reversed_even_below_zero(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.hear(payin, SUCCESS)
    world.hear(payin, ProviderStatus.REVERSED)
    world.hear(payin, ProviderStatus.REVERSED)
    assert world.status(payin) is Status.REVERSED
    assert world.balance(GROSS) == world.balance(NET) == 0
    world.check()


def test_refund_of_a_payin_that_never_succeeded_is_a_failure(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.hear(payin, ProviderStatus.REVERSED)
    assert world.status(payin) is Status.FAILED
    world.check()


def test_payment_is_found_by_its_providers_reference(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.accept(payin)
    nameless = {"transaction_id": None, "attempt": None}
    assert world.hear(payin, SUCCESS, **nameless).result is WordResult.APPLIED
    assert world.hear(payin, SUCCESS, **nameless, provider_reference=None).result is WordResult.UNKNOWN_TRANSACTION
    world.check()


def test_provider_reference_of_another_payment_asks_for_review(world: World) -> None:
    first, second = world.opened(Kind.PAYIN), world.opened(Kind.PAYIN)
    world.answer(first, Accepted(ProviderStatus.PENDING, provider_reference="P-SAME"))
    world.answer(second, Accepted(ProviderStatus.PENDING, provider_reference="P-SAME"))
    assert world.get(second).provider_reference is None
    assert Flag.MANUAL_REVIEW in world.get(second).flags
    world.check()


def test_frozen_account_leaves_the_success_unsettled_flagged_and_due(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    account = world.book.ledger.account(NET)
    assert account is not None
    account.status = ledger.AccountStatus.FROZEN
    assert world.hear(payin, SUCCESS).result is WordResult.RETRY
    assert world.status(payin) is Status.PENDING
    assert Flag.MANUAL_REVIEW in world.get(payin).flags
    assert world.get(payin).due_at is not None
    account.status = ledger.AccountStatus.ACTIVE
    world.look(payin, REPORT_SUCCESS)
    assert world.status(payin) is Status.SUCCESS
    world.check()


def test_frozen_account_leaves_a_channel_left_behind_unsettled_too(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.answer(payin, UNKNOWN, remaining=(SECOND,))
    account = world.book.ledger.account(NET)
    assert account is not None
    account.status = ledger.AccountStatus.FROZEN
    heard = world.hear(payin, SUCCESS, attempt=1, channel_ids=frozenset({FIRST.channel_id}))
    assert heard.result is WordResult.RETRY
    world.check()


def test_frozen_account_leaves_a_return_unbooked(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.hear(payin, SUCCESS)
    account = world.book.ledger.account(NET)
    assert account is not None
    account.status = ledger.AccountStatus.FROZEN
    assert world.hear(payin, ProviderStatus.REVERSED).result is WordResult.RETRY
    assert world.status(payin) is Status.SUCCESS


def test_look_without_the_lease_moves_the_payment_but_not_its_schedule(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    due = world.get(payin).due_at
    world.look(payin, REPORT_PENDING, leased=False)
    assert world.get(payin).due_at == due
    world.look(payin, StatusReport(SUCCESS), leased=False)
    assert world.status(payin) is Status.SUCCESS
    world.check()


def test_looks_come_at_growing_gaps_and_never_after_the_expiry(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    expires_at = world.get(payin).expires_at
    gaps = []
    for _ in range(4):
        due = world.get(payin).due_at
        assert due is not None
        gaps.append((due - world.now).total_seconds())
        world.now = due
        world.look(payin, NotFound("no"))
        if world.status(payin) is Status.EXPIRED:
            break
    assert gaps == [60, 240, 600, 900]
    assert world.now == expires_at
    world.check()


def test_answer_about_another_attempt_leaves_the_lease_but_releases_it(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.look(payin, REPORT_SUCCESS, attempt=7)
    assert world.status(payin) is Status.PENDING
    assert world.get(payin).lease_token is None
    world.check()


def test_duplicate_order_is_refused_and_leaves_no_trace(world: World) -> None:
    payin = world.opened(Kind.PAYIN, order_id="ORDER-X")
    assert world.open(Kind.PAYIN, order_id="ORDER-X") == Refused(Refusal.DUPLICATE_ORDER)
    assert [each.id for each in world.book.created] == [payin]
    world.check()


def test_open_decided_twice_because_its_commits_word_was_lost_is_one_payment(world: World) -> None:
    payin = world.opened(Kind.PAYIN, order_id="ORDER-X")
    assert world.opened(Kind.PAYIN, order_id="ORDER-X", transaction_id=payin) == payin
    only_second = world.open(Kind.PAYIN, order_id="ORDER-X", transaction_id=payin, candidates=(SECOND,))
    assert isinstance(only_second, Refused)
    world.check()


@pytest.mark.parametrize("kind", list(Kind))
def test_open_that_has_ended_before_its_lost_word_is_asked_for_again_calls_no_provider(
    world: World, kind: Kind
) -> None:
    transaction_id = world.opened(kind, order_id="ORDER-X")
    world.hear(transaction_id, ProviderStatus.FAILED)
    again = world.open(kind, order_id="ORDER-X", transaction_id=transaction_id)
    assert again == Refused(Refusal.DUPLICATE_ORDER, world.get(transaction_id))
    world.check()


def test_daily_and_monthly_limits_hold_to_the_paisa(world: World) -> None:
    world.opened(Kind.PAYIN, daily_limit_paise=Paise(200_000))
    world.opened(Kind.PAYIN, daily_limit_paise=Paise(200_000))
    refused = world.open(Kind.PAYIN, daily_limit_paise=Paise(200_000))
    assert refused == Refused(Refusal.DAILY_LIMIT)
    assert world.open(Kind.PAYIN, monthly_limit_paise=Paise(299_999)) == Refused(Refusal.MONTHLY_LIMIT)
    world.opened(Kind.PAYIN, monthly_limit_paise=Paise(300_000))
    world.check()


def test_channel_over_its_limit_is_passed_by(world: World) -> None:
    tight = replace(FIRST, daily_limit_paise=Paise(99_999))
    payin = world.opened(Kind.PAYIN, candidates=(tight, SECOND))
    assert world.get(payin).channel_id == SECOND.channel_id
    tighter = replace(SECOND, monthly_limit_paise=Paise(100_000))
    assert world.open(Kind.PAYIN, candidates=(tight, tighter)) == Refused(Refusal.NO_CHANNEL)
    world.check()
