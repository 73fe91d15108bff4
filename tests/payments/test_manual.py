"""An operator's word in the pure machine: spec/lifecycles.md, "Manual operations"."""

from __future__ import annotations

from typing import Literal

import pytest

from support.payment_world import FAILED, FUNDS, MERCHANT, SUCCESS, World
from wisipay import ledger
from wisipay.core.money import Paise
from wisipay.payments.commands import Heard, Refused, SetStatus
from wisipay.payments.machine import decide
from wisipay.payments.model import Flag, Kind, Status, WordResult

COST = 100_000 + 2_000 + 360


@pytest.fixture
def world() -> World:
    return World()


def by_hand(
    world: World, transaction_id: str, status: Literal[Status.SUCCESS, Status.FAILED], utr: str | None = None
) -> Heard:
    command = SetStatus(transaction_id, status, "cli:asha", "the bank's letter", utr)
    heard = decide(world.book, command, world.now, world.rules)
    assert isinstance(heard, Heard)
    return heard


def test_held_payment_is_settled_by_hand_and_its_marks_come_off(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.hear(payin, SUCCESS, amount_paise=Paise(1))
    heard = by_hand(world, payin, Status.SUCCESS, "UTR7")
    assert heard.result is WordResult.APPLIED
    assert world.status(payin) is Status.SUCCESS
    assert world.get(payin).flags == frozenset()
    assert world.get(payin).utr == "UTR7"
    assert world.messages(payin)[-1] == "by cli:asha: the bank's letter"
    world.check()


def test_change_leaves_an_audit_record_with_before_and_after(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.hear(payin, SUCCESS, amount_paise=Paise(1))
    by_hand(world, payin, Status.FAILED)
    (due,) = world.book.audits
    assert (due.actor, due.action, due.transaction_id) == ("cli:asha", "payment.set_status", payin)
    assert due.before == {"status": "PENDING", "flags": ["AMOUNT_MISMATCH"]}
    assert due.after == {"status": "FAILED", "flags": []}
    world.check()


def test_payout_failed_by_hand_gives_its_hold_back(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.accept(payout)
    by_hand(world, payout, Status.FAILED)
    assert world.get(payout).error_code == "FAILED_BY_HAND"
    assert world.funds() == FUNDS
    world.check()


def test_success_by_hand_after_failure_is_a_late_one(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.hear(payout, FAILED)
    by_hand(world, payout, Status.SUCCESS)
    assert world.get(payout).flags == {Flag.LATE_SUCCESS}
    assert world.funds() == FUNDS - COST
    world.check()


def test_success_failed_by_hand_is_reversed_by_an_inverse_entry(world: World) -> None:
    payout = world.opened(Kind.PAYOUT)
    world.hear(payout, SUCCESS)
    by_hand(world, payout, Status.FAILED)
    assert world.status(payout) is Status.REVERSED
    assert world.funds() == FUNDS
    world.check()


def test_what_the_table_does_not_allow_is_not_done(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    world.hear(payin, FAILED)
    assert by_hand(world, payin, Status.FAILED).result is WordResult.REPEATED
    assert by_hand(world, "nobody", Status.FAILED).result is WordResult.UNKNOWN_TRANSACTION
    assert world.book.audits == []
    world.check()


def test_ledger_that_refuses_leaves_the_payment_to_try_again(world: World) -> None:
    payin = world.opened(Kind.PAYIN)
    account = world.book.ledger.account(ledger.merchant_account(MERCHANT, "PAYIN").id)
    assert account is not None
    account.status = ledger.AccountStatus.FROZEN
    assert by_hand(world, payin, Status.SUCCESS).result is WordResult.RETRY
    assert world.book.audits == []
    assert Flag.MANUAL_REVIEW in world.get(payin).flags


def test_payout_that_no_balance_covered_counts_in_the_limits_once_it_succeeded_by_hand(world: World) -> None:
    refused = world.open(Kind.PAYOUT, amount_paise=Paise(FUNDS))
    assert isinstance(refused, Refused)
    assert refused.transaction is not None
    by_hand(world, refused.transaction.id, Status.SUCCESS)
    assert world.status(refused.transaction.id) is Status.SUCCESS
    world.check()
