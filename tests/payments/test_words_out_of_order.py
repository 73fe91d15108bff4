"""A return that overtakes its own success: money that came back is not booked as money that went."""

from __future__ import annotations

import pytest

from support.payment_world import FAILED, FUNDS, REJECTED, SECOND, SUCCESS, World
from wisipay.payments.model import Flag, Kind, Status, WordResult
from wisipay.providers import ProviderStatus

REVERSED = ProviderStatus.REVERSED


@pytest.fixture
def world() -> World:
    return World()


def test_success_heard_after_the_return_of_a_payout_takes_no_money(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.accept(payout)
    world.hear(payout, REVERSED)
    assert world.hear(payout, SUCCESS).result is WordResult.MISMATCH
    assert world.status(payout) is Status.FAILED
    assert world.get(payout).flags == {Flag.MANUAL_REVIEW}
    assert world.funds() == FUNDS
    world.check()


def test_success_heard_after_the_return_of_a_payin_that_had_failed_books_nothing(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.accept(payin)
    world.hear(payin, FAILED)
    assert world.hear(payin, REVERSED).result is WordResult.REPEATED
    world.hear(payin, REVERSED)
    assert world.messages(payin).count("its provider says that the money came back") == 1
    world.hear(payin, SUCCESS)
    assert world.status(payin) is Status.FAILED
    assert Flag.MANUAL_REVIEW in world.get(payin).flags
    world.check()


def test_return_of_a_reversed_payment_says_nothing_new(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    for status in (SUCCESS, REVERSED, REVERSED):
        world.hear(payin, status)
    assert world.status(payin) is Status.REVERSED
    assert world.get(payin).error_code is None
    world.check()


def test_return_of_an_attempt_that_was_left_behind_asks_for_a_person(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.answer(payin, REJECTED, remaining=(SECOND,))
    first = {"attempt": 1, "channel_ids": None}
    assert world.hear(payin, REVERSED, **first).result is WordResult.MISMATCH
    assert Flag.MANUAL_REVIEW in world.get(payin).flags
    world.check()
