"""Everything that a run can do wrong is said, planted one by one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import create_autospec

import pytest

from crash.faults import Deed, Fault
from crash.inflict import Inflicted
from crash.load import Order
from crash.settle import Left
from crash.verdict import Taken, wrong
from support.lease_log import TakeOver
from support.pulse import Pulse
from support.shop import Shop
from wisipay import ledger
from wisipay.entrypoints.demonstration.books import CallbackTotals, Comparison, LedgerTotals
from wisipay.entrypoints.demonstration.judging import Disagreement
from wisipay.entrypoints.demonstration.simulator import CallbackCounts, ProviderSummary, Webhooks

START = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
TRIAL = ledger.TrialBalance((), {})
GOOD = Comparison(
    payments=1,
    counted=1,
    by_status={("PAYIN", "SUCCESS"): 1},
    executed={"PAYIN": 1},
    ledger=LedgerTotals(entries=1, debits=1, credits=1, balanced=True, trial_balance=TRIAL),
    callbacks=CallbackTotals(1, 1, 1),
    provider=ProviderSummary(1, 0, 0, 0, 0, Webhooks(0), CallbackCounts(1)),
    disagreements=(),
    disagreement_count=0,
)


def _at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def _order(*answers: tuple[int, str], key: str = "") -> Order:
    shop = create_autospec(Shop, instance=True, merchant_id="M")
    return Order(shop=shop, order_id="O", kind="payin", tokens="", key=key, answers=list(answers))


def _taken(at_seconds: float, lease_seconds: float = 10) -> Taken:
    take_over = TakeOver("webhooks_inbox", "W", _at(2), _at(lease_seconds), _at(at_seconds))
    return Taken(take_over, _at(3), was_killed=True, is_undisturbed=True)


def _said(**planted: Any) -> list[str]:  # noqa: ANN401 - any argument of `wrong`
    arguments: dict[str, Any] = {
        "inflicted": [Inflicted(Fault(1, Deed.KILL, "worker"), _at(1), _at(2), 1.0)],
        "orders": [_order((200, ""))],
        "found": {("M", "O"): "SUCCESS"},
        "left": Left(0, 0, 0, 0),
        "comparison": GOOD,
        "crooked_counters": 0,
        "taken": [_taken(10.5)],
        "pulse": Pulse(),
    }
    return wrong(**(arguments | planted))


def test_a_run_that_was_survived() -> None:
    assert _said() == []
    assert _said(orders=[_order((503, "BUSY")), _order((0, "")), _order((0, ""), (200, ""), key="k")]) == []


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        ({"inflicted": [Inflicted(Fault(1, Deed.KILL, "api"), _at(1), _at(2), None)]}, "api was not well"),
        ({"found": {}}, "acknowledged orders are lost"),
        ({"orders": [_order((500, "INTERNAL"))]}, "answered 500"),
        ({"orders": [_order((0, ""), (503, ""), key="k")]}, "never decided"),
        ({"left": Left(1, 0, 0, 0)}, "not everything came to its end"),
        ({"comparison": replace(GOOD, disagreements=[Disagreement("T", "O", "ledger", "is odd")])}, "is odd"),
        ({"comparison": replace(GOOD, ledger=replace(GOOD.ledger, balanced=False))}, "not balanced"),
        ({"comparison": replace(GOOD, callbacks=CallbackTotals(2, 2, 1))}, "not every final status"),
        ({"crooked_counters": 1}, "counters of the ledger"),
        ({"taken": [_taken(13.5)]}, "taken over only after"),
        ({"taken": [_taken(12.5, lease_seconds=11.5)]}, "beyond its holder's death"),
    ],
)
def test_what_is_wrong_is_said(planted: dict[str, Any], said: str) -> None:
    (sentence,) = _said(**planted)
    assert said in sentence


def test_money_that_moved_twice_is_said() -> None:
    twice = ProviderSummary(1, 2, 0, 1, 0, Webhooks(0), CallbackCounts(1))
    assert "twice" in _said(comparison=replace(GOOD, provider=twice))[0]
