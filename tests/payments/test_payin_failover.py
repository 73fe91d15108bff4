"""A payin that goes on to another channel, and what is still heard of the channels left behind."""

from __future__ import annotations

import pytest

from support.payment_world import (
    FAILED,
    FIRST,
    NOT_SENT,
    REJECTED,
    REPORT_SUCCESS,
    SECOND,
    SUCCESS,
    UNKNOWN,
    World,
)
from wisipay.core.money import Paise
from wisipay.payments.model import Flag, Kind, Status, WordResult
from wisipay.payments.postings import channel_account_id
from wisipay.providers import Accepted, NotFound, ProviderStatus, Unknown

GROSS = channel_account_id(FIRST.channel_id, "PAYIN")


@pytest.fixture
def world() -> World:
    return World()


def test_rejected_payin_goes_on_to_the_next_channel_under_a_reference_of_its_own(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    answered = world.answer(payin, REJECTED, remaining=(SECOND,))
    assert answered.retry_on == SECOND
    assert answered.transaction.reference == f"{payin}A2"
    assert world.get(payin).channel_id == SECOND.channel_id
    assert world.get(payin).provider_fee_paise == 70
    world.check()
    world.accept(payin, SUCCESS)
    assert world.balance(channel_account_id(SECOND.channel_id, "PAYIN")) == 100_000
    world.check()


def test_payin_with_an_unknown_answer_may_be_asked_for_elsewhere(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    assert world.answer(payin, UNKNOWN, remaining=(SECOND,)).retry_on == SECOND
    assert world.answer(payin, UNKNOWN).retry_on is None
    assert world.status(payin) is Status.PENDING
    world.check()


def test_payin_with_an_unknown_answer_is_found_under_the_name_that_its_adapter_gave_it(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.answer(payin, Unknown("answer lost", provider_reference="1234567890123456"))
    assert world.get(payin).provider_reference == "1234567890123456"
    other = world.opened(Kind.PAYIN)
    world.answer(other, Unknown("answer lost", provider_reference="1234567890123456"))
    assert world.get(other).provider_reference is None
    assert Flag.MANUAL_REVIEW in world.get(other).flags
    world.check()


def test_fails_when_every_channel_rejects_it(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.answer(payin, REJECTED)
    assert world.status(payin) is Status.FAILED
    assert world.get(payin).error_code == "PROVIDER_REJECTED"
    other = world.opened(Kind.PAYIN)
    world.answer(other, NOT_SENT)
    assert world.get(other).error_code == "PROVIDER_UNAVAILABLE"
    world.check()


def test_late_answers_about_an_attempt_left_behind_or_an_ended_payment_change_nothing(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.answer(payin, REJECTED, remaining=(SECOND,))
    assert world.answer(payin, Accepted(SUCCESS), attempt=1).transaction.status is Status.PENDING
    world.hear(payin, SUCCESS)
    assert world.answer(payin, REJECTED).transaction.status is Status.SUCCESS
    assert world.answer(payin, UNKNOWN).transaction.status is Status.SUCCESS
    world.check()


def test_success_of_a_channel_left_behind_settles_at_that_channel(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.answer(payin, UNKNOWN, remaining=(SECOND,))
    heard = world.hear(payin, SUCCESS, attempt=1, channel_ids=frozenset({FIRST.channel_id}))
    assert heard.result is WordResult.APPLIED
    assert world.balance(GROSS) == 100_000
    assert world.balance(channel_account_id(SECOND.channel_id, "PAYIN")) == 0
    assert world.get(payin).channel_id == FIRST.channel_id
    world.check()


def test_late_success_of_a_channel_left_behind_settles_too(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.answer(payin, UNKNOWN, remaining=(SECOND,))
    world.hear(payin, FAILED)
    world.hear(payin, SUCCESS, attempt=1, channel_ids=frozenset({FIRST.channel_id}))
    assert world.status(payin) is Status.SUCCESS
    assert world.balance(GROSS) == 100_000
    world.check()


def test_second_success_at_another_channel_is_left_to_an_operator(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.answer(payin, UNKNOWN, remaining=(SECOND,))
    world.hear(payin, SUCCESS)
    first = {"attempt": 1, "channel_ids": frozenset({FIRST.channel_id})}
    assert world.hear(payin, SUCCESS, **first).result is WordResult.MISMATCH
    assert world.hear(payin, SUCCESS, **first).result is WordResult.REPEATED
    assert Flag.MANUAL_REVIEW in world.get(payin).flags
    assert world.balance(GROSS) == 0
    world.check()


def test_other_words_of_a_channel_left_behind_are_not_heard(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.answer(payin, UNKNOWN, remaining=(SECOND,))
    first = {"attempt": 1, "channel_ids": frozenset({FIRST.channel_id})}
    assert world.hear(payin, FAILED, **first).result is WordResult.REPEATED
    assert world.hear(payin, SUCCESS, amount_paise=Paise(5), **first).result is WordResult.MISMATCH
    assert world.get(payin).flags == {Flag.AMOUNT_MISMATCH}
    world.check()


def test_word_about_another_channels_payment_is_not_heard(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    stranger = {"channel_ids": frozenset({SECOND.channel_id})}
    assert world.hear(payin, SUCCESS, **stranger).result is WordResult.UNKNOWN_TRANSACTION
    assert world.hear(payin, SUCCESS, kind=Kind.PAYOUT).result is WordResult.UNKNOWN_TRANSACTION
    assert world.hear(payin, SUCCESS, transaction_id="nobody").result is WordResult.UNKNOWN_TRANSACTION
    world.check()


def test_success_at_another_channel_after_the_payment_was_returned_is_left_to_an_operator(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.answer(payin, UNKNOWN, remaining=(SECOND,))
    world.hear(payin, SUCCESS)
    world.hear(payin, ProviderStatus.REVERSED)
    first = {"attempt": 1, "channel_ids": frozenset({FIRST.channel_id})}
    assert world.hear(payin, SUCCESS, **first).result is WordResult.MISMATCH
    assert world.status(payin) is Status.REVERSED
    assert Flag.MANUAL_REVIEW in world.get(payin).flags
    world.check()


def test_channel_left_behind_that_names_another_payment_is_settled_and_reviewed(world: World) -> None:
    other = world.opened(Kind.PAYIN)
    world.accept(other)
    payin = world.opened(Kind.PAYIN)
    world.answer(payin, UNKNOWN, remaining=(SECOND,))
    first = {"attempt": 1, "channel_ids": frozenset({FIRST.channel_id}), "provider_id": FIRST.provider_id}
    assert world.hear(payin, SUCCESS, provider_reference=f"P-{other}", **first).result is WordResult.APPLIED
    assert world.get(payin).provider_reference is None
    assert Flag.MANUAL_REVIEW in world.get(payin).flags
    world.check()


def test_asked_channel_left_behind_that_has_the_money_settles_it_there(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.answer(payin, UNKNOWN, remaining=(SECOND,))
    unknown = world.look(payin, NotFound("who?"), leased=False, attempt=1, provider_id=FIRST.provider_id)
    assert unknown.result is WordResult.REPEATED
    heard = world.look(payin, REPORT_SUCCESS, leased=False, attempt=1, provider_id=FIRST.provider_id)
    assert heard.result is WordResult.APPLIED
    assert heard.transaction is not None
    assert heard.transaction.status is Status.SUCCESS
    assert world.balance(GROSS) == 100_000
    world.check()
