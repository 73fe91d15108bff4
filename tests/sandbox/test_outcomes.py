"""The table of outcomes: which status follows which, when callbacks are due, how each is asked for."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from support.merchants import NOW
from wisipay.core.money import Paise
from wisipay.payments import TRANSITIONS, Kind, Request, Status
from wisipay.sandbox import OUTCOMES, Outcome
from wisipay.sandbox.outcomes import callbacks_of, first_status, named, outcome_of, refusal
from wisipay.sandbox.record import new_payment, standing


@pytest.mark.parametrize("outcome", [pytest.param(each, id=each.name) for each in OUTCOMES])
def test_a_payment_moves_as_real_ones_may(outcome: Outcome) -> None:
    for kind in Kind:
        status, after = first_status(kind), -1
        for step in outcome.steps(kind) or ():
            assert (status, step.status) in TRANSITIONS[kind]
            assert step.after_seconds > after
            status, after = step.status, step.after_seconds


def test_names_amounts_and_vpas_are_used_once() -> None:
    for facts in (
        [each.name for each in OUTCOMES],
        [each.rupees for each in OUTCOMES],
        [each.vpa for each in OUTCOMES],
    ):
        assert len(set(facts)) == len(OUTCOMES)
    assert all(each.kept or each.refused for each in OUTCOMES)


@pytest.mark.parametrize("outcome", [pytest.param(each, id=each.name) for each in OUTCOMES])
def test_an_amount_or_a_vpa_asks_for_it(outcome: Outcome) -> None:
    for kind in Kind:
        expected = "success" if outcome.steps(kind) is None else outcome.name
        assert outcome_of(kind, outcome.rupees * 100, None).name == expected
        assert outcome_of(kind, 77_00, outcome.vpa.upper()).name == expected
        assert outcome_of(kind, outcome.rupees * 100 + 1, "asha@bank").name == "success"
    assert named(outcome.name) is outcome


def test_a_vpa_goes_before_an_amount_and_a_name_that_is_gone_is_a_success() -> None:
    assert outcome_of(Kind.PAYOUT, 101_00, "reversal@uat").name == "reversal"
    assert named("no such").name == "success"


def test_a_payout_whose_answer_is_lost_is_in_progress_as_in_earnest() -> None:
    assert refusal(named("timeout"), Kind.PAYOUT) is None
    assert refusal(named("timeout"), Kind.PAYIN) == "PAY_1302"


def test_callbacks_go_out_after_the_answer_was_read() -> None:
    assert callbacks_of(named("at-once"), Kind.PAYIN) == ((0, 2),)
    assert callbacks_of(named("delayed"), Kind.PAYIN) == ((1, 10),)
    assert callbacks_of(named("duplicate-callback"), Kind.PAYOUT) == ((0, 2), (0, 2))
    assert callbacks_of(named("late-callback"), Kind.PAYIN) == ((0, 30),)
    assert callbacks_of(named("reversal"), Kind.PAYIN) == ((0, 2), (1, 6))
    assert callbacks_of(named("pending"), Kind.PAYIN) == ()


def test_a_payment_stands_where_its_time_has_brought_it() -> None:
    request = Request(Kind.PAYIN, "ORDER-1", Paise(108_00), "UPI", {"name": "Asha"})
    payment = new_payment("MER-1", request, named("late-success"), "UAT_PAYIN_1", (UUID(int=1), UUID(int=2)), NOW)
    seen = [standing(payment, NOW + timedelta(seconds=age)) for age in (0, 1, 2, 5, 6, 600)]
    assert [each.status for each in seen] == [
        Status.PENDING, Status.PENDING, Status.EXPIRED, Status.EXPIRED, Status.SUCCESS, Status.SUCCESS
    ]  # fmt: skip
    assert [each.utr is not None for each in seen] == [False] * 4 + [True] * 2
    assert seen[0].expires_at == NOW + timedelta(seconds=2)
    assert seen[5].updated_at == NOW + timedelta(seconds=6)
    assert len(seen[5].utr or "") == 12
