"""The result as a program and as a person read it; what makes a run good."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from wisipay.entrypoints.demonstration.books import CallbackTotals, Comparison, LedgerTotals
from wisipay.entrypoints.demonstration.judging import Disagreement
from wisipay.entrypoints.demonstration.report import Result, json_line, tables
from wisipay.entrypoints.demonstration.simulator import CallbackCounts, ProviderSummary, Webhooks
from wisipay.ledger import TrialBalance, TrialBalanceRow

ROWS = (TrialBalanceRow("A", "INR", 150, 0), TrialBalanceRow("B", "INR", 0, 150), TrialBalanceRow("C", "INR", 0, 0))
COMPARISON = Comparison(
    payments=4,
    counted=3,
    by_status={("PAYIN", "SUCCESS"): 2, ("PAYOUT", "FAILED"): 1},
    executed={"PAYIN": 2},
    ledger=LedgerTotals(3, 150, 150, balanced=True, trial_balance=TrialBalance(ROWS, {"INR": 0})),
    callbacks=CallbackTotals(3, 3, 3),
    provider=ProviderSummary(2, 0, 0, 0, 0, Webhooks(0), CallbackCounts(3)),
    disagreements=(),
    disagreement_count=0,
)
RESULT = Result(COMPARISON, settled=True, lifecycles_per_second=12.5, seconds=61.04, refused=0, surprises={})
FAULT = Disagreement("TX1", "ORDER-1", "ledger", "posted {}")


def _shown(result: Result) -> str:
    console = Console(file=io.StringIO(), width=150)
    for part in tables(result):
        console.print(part, markup=False)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_json_line_has_every_promised_field() -> None:
    line = json_line(RESULT)
    assert "\n" not in line
    assert json.loads(line) == {
        "agree": True,
        "payins": {"SUCCESS": 2},
        "payouts": {"FAILED": 1},
        "callbacks": {"expected": 3, "delivered": 3, "verified": 3},
        "ledger": {"entries": 3, "debits": 150, "credits": 150, "balanced": True},
        "provider": {"executed_payins": 2, "executed_payouts": 0, "double_payins": 0, "double_payouts": 0},
        "lifecycles_per_second": 12.5,
        "seconds": 61.0,
        "refused": 0,
        "disagreements": [],
    }


def test_a_person_sees_the_trial_balance_both_sides_and_the_verdict() -> None:
    shown = _shown(RESULT)
    assert "total, balanced" in shown
    assert "1.50" in shown
    assert "2 SUCCESS: money moved 2 times" in shown
    assert "3 due, 3 delivered, 3 verified by the merchants" in shown
    assert "The books agree" in shown
    assert "C " not in shown


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (replace(RESULT, settled=False), "Not every payment came to its end"),
        (replace(RESULT, refused=2), "2 orders were refused"),
        (
            replace(RESULT, comparison=replace(COMPARISON, disagreements=(FAULT,), disagreement_count=1)),
            "DISAGREE  TX1 (ORDER-1): ledger: posted {}",
        ),
        (
            replace(RESULT, comparison=replace(COMPARISON, ledger=replace(COMPARISON.ledger, balanced=False))),
            "NOT BALANCED",
        ),
    ],
)
def test_a_run_that_went_wrong_is_not_good_and_says_why(result: Result, words: str) -> None:
    assert not result.is_good
    assert json.loads(json_line(result))["agree"] is False
    assert words in _shown(result)


def test_a_surprise_is_told_but_is_no_fault_of_the_books() -> None:
    result = replace(RESULT, surprises={"payin 'success' ended FAILED, not SUCCESS": 2})
    assert result.is_good
    assert "not as foreseen: 2 x payin 'success' ended FAILED" in _shown(result)
