"""What counts as agreement about one payment: every book is falsified once, and found out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from wisipay.entrypoints.demonstration.judging import (
    Disagreement,
    Evidence,
    OurCallback,
    OurPayment,
    disagreements,
)
from wisipay.entrypoints.demonstration.simulator import ProviderPayment, ReceivedCallback
from wisipay.ledger import GST_PAYABLE, INCOME, channel_account, merchant_account

_NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)

PAYIN = OurPayment(
    id="TX1",
    merchant_id="M1",
    order_id="ORDER-1",
    kind="PAYIN",
    status="SUCCESS",
    amount_paise=100_000,
    fee_paise=2_000,
    tax_paise=360,
    net_paise=97_640,
    channel_id="axis_wisi",
    utr="UTR1",
    flags=(),
    created_at=_NOW,
    final_statuses=("SUCCESS",),
    references=("TX1",),
)
PAYOUT = replace(PAYIN, kind="PAYOUT", net_paise=102_360)
PAYIN_POSTINGS = {
    channel_account("axis_wisi", "PAYIN").id: 100_000,
    merchant_account("M1", "PAYIN").id: -97_640,
    INCOME.id: -2_000,
    GST_PAYABLE.id: -360,
}
PAYOUT_POSTINGS = {
    merchant_account("M1", "PAYOUT").id: 102_360,
    channel_account("axis_wisi", "PAYOUT").id: -100_000,
    INCOME.id: -2_000,
    GST_PAYABLE.id: -360,
}
EXECUTED = ProviderPayment(
    payment_id="P1",
    reference="TX1",
    kind="payin",
    status="SUCCESS",
    amount_paise=100_000,
    utr="UTR1",
    executions=1,
    remarks="",
)
CALLBACK = OurCallback("e1", "TX1", "SUCCESS", 100_000, "DELIVERED", 1, _NOW)
RECEIVED = ReceivedCallback("e1", "TX1", "SUCCESS", "1000", verified=True, answered=200)
EVIDENCE = Evidence(
    postings=PAYIN_POSTINGS, open_holds=0, attempts=[EXECUTED], callbacks=[CALLBACK], received=[RECEIVED]
)
NOTHING = Evidence(postings={}, open_holds=0, attempts=[], callbacks=[], received=[])


def _changed(**changes: object) -> ProviderPayment:
    return msgspec.structs.replace(EXECUTED, **changes)


def test_a_settled_payin_agrees() -> None:
    assert disagreements(PAYIN, EVIDENCE) == []


def test_a_settled_payout_agrees() -> None:
    evidence = replace(EVIDENCE, postings=PAYOUT_POSTINGS, attempts=[_changed(kind="payout")])
    assert disagreements(PAYOUT, evidence) == []


def test_only_a_payin_may_have_no_utr() -> None:
    assert disagreements(replace(PAYIN, utr=None), EVIDENCE) == []
    evidence = replace(EVIDENCE, postings=PAYOUT_POSTINGS, attempts=[_changed(kind="payout")])
    (found,) = disagreements(replace(PAYOUT, utr=None), evidence)
    assert found.what == "its UTR is UTR1, ours None"


def test_a_reversed_payment_leaves_nothing_posted() -> None:
    payment = replace(PAYIN, status="REVERSED", final_statuses=("SUCCESS", "REVERSED"))
    second = replace(CALLBACK, event_id="e2", status="REVERSED")
    evidence = replace(
        EVIDENCE,
        postings={},
        attempts=[_changed(status="REVERSED")],
        callbacks=[CALLBACK, second],
        received=[msgspec.structs.replace(RECEIVED, event_id="e2", status="REVERSED"), RECEIVED],
    )
    assert disagreements(payment, evidence) == []


def test_a_payment_refused_before_any_call_agrees_without_callback() -> None:
    assert disagreements(replace(PAYOUT, status="FAILED", final_statuses=()), NOTHING) == []


def test_an_expired_payin_agrees_while_the_provider_still_waits() -> None:
    payment = replace(PAYIN, status="EXPIRED", final_statuses=("EXPIRED",))
    told = replace(CALLBACK, status="EXPIRED", state="NO_URL")
    evidence = replace(NOTHING, attempts=[_changed(status="PENDING", executions=0)], callbacks=[told], received=None)
    assert disagreements(payment, evidence) == []


def test_a_payment_that_went_and_came_back_unheard_failed_for_us() -> None:
    payment = replace(PAYIN, status="FAILED", final_statuses=())
    assert disagreements(payment, replace(NOTHING, attempts=[_changed(status="REVERSED")])) == []


def test_an_open_payment_is_not_final() -> None:
    found = disagreements(replace(PAYOUT, status="PROCESSING", final_statuses=()), replace(NOTHING, open_holds=1))
    assert found == [Disagreement("TX1", "ORDER-1", "payments", "is still PROCESSING")]
    assert str(found[0]) == "TX1 (ORDER-1): payments: is still PROCESSING"


@pytest.mark.parametrize(
    ("attempts", "what"),
    [
        ([], "moved 0 times"),
        ([EXECUTED, EXECUTED], "moved 2 times"),
        ([_changed(status="REVERSED")], "it says REVERSED"),
        ([_changed(amount_paise=1)], "it moved 1 paise"),
        ([_changed(kind="payout")], "it calls it a payout"),
        ([_changed(utr="UTR2")], "its UTR is UTR2"),
    ],
)
def test_a_provider_who_says_otherwise_is_found(attempts: list[ProviderPayment], what: str) -> None:
    (found,) = disagreements(PAYIN, replace(EVIDENCE, attempts=attempts))
    assert found.book == "provider"
    assert what in found.what


def test_money_that_moved_for_a_failed_payment_is_found() -> None:
    payment = replace(PAYIN, status="FAILED", final_statuses=("SUCCESS",))
    books = {found.book for found in disagreements(payment, EVIDENCE)}
    assert books == {"provider", "ledger"}


def test_a_posting_that_is_off_by_a_paisa_is_found() -> None:
    postings = PAYIN_POSTINGS | {INCOME.id: -1_999, GST_PAYABLE.id: -361}
    (found,) = disagreements(PAYIN, replace(EVIDENCE, postings=postings))
    assert found.book == "ledger"


def test_a_hold_that_was_forgotten_is_found() -> None:
    (found,) = disagreements(PAYIN, replace(EVIDENCE, open_holds=1))
    assert found.what == "1 open holds, SUCCESS wants 0"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"callbacks": [], "received": []}, "events [], the payment reached ['SUCCESS']"),
        ({"callbacks": [replace(CALLBACK, amount_paise=7)]}, "an event says 7 paise"),
        ({"callbacks": [replace(CALLBACK, state="DEAD", attempts=9)]}, "SUCCESS is DEAD after 9 attempts"),
        ({"received": []}, "SUCCESS counts as delivered, the merchant never took it"),
        ({"received": [msgspec.structs.replace(RECEIVED, answered=500)]}, "the merchant never took it"),
        (
            {"received": [msgspec.structs.replace(RECEIVED, amount="1000.00")]},
            "the merchant was told 1000.00, not 1000",
        ),
        ({"received": [RECEIVED, msgspec.structs.replace(RECEIVED, event_id="e9")]}, "event e9, which is not ours"),
        ({"received": [RECEIVED, msgspec.structs.replace(RECEIVED, verified=False)]}, "could not verify SUCCESS"),
    ],
)
def test_a_callback_that_was_wrong_is_found(changes: dict[str, list[object]], what: str) -> None:
    (found,) = disagreements(PAYIN, replace(EVIDENCE, **changes))  # type: ignore[arg-type] # lists of what each case is about
    assert found.book == "callbacks"
    assert what in found.what


def test_an_attempt_repeated_by_us_is_one_event() -> None:
    assert disagreements(PAYIN, replace(EVIDENCE, received=[RECEIVED, RECEIVED])) == []


@pytest.mark.parametrize(("unit", "paise", "text"), [("PAISE", 100_000, "100000"), ("RUPEES", 150, "1.50")])
def test_the_merchant_is_told_the_amount_in_its_unit(unit: str, paise: int, text: str) -> None:
    evidence = replace(EVIDENCE, received=[msgspec.structs.replace(RECEIVED, amount=text)])
    found = disagreements(replace(PAYIN, amount_paise=paise), evidence, unit)  # type: ignore[arg-type] # one of the two
    assert not any("was told" in each.what for each in found)
