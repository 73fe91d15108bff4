"""What is told of a decision: every part that was stored, in words, amounts in rupees."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from support.waiting import until
from wisipay.core.clock import SystemClock
from wisipay.core.crypto import SecretBox
from wisipay.core.database import Pool
from wisipay.core.money import Paise
from wisipay.merchants import Directory, RuleAction
from wisipay.payments.model import Event, Source, Status
from wisipay.payments.routing import board as board_module
from wisipay.payments.routing.board import Board
from wisipay.payments.routing.explaining import decision_lines, payment_lines
from wisipay.payments.routing.model import Decision, Facts, Place
from wisipay.payments.routing.spending import Spending

NOON = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)


def decision(by: RuleAction, *scores: int, **more: object) -> dict[str, object]:
    made = Decision(("one_acme", "two_acme"), 1, by, scores, (("bad_acme", "takes no less than 150 paise"),), 3, 7)
    return made.record() | more


def test_a_decision_is_told_in_full() -> None:
    assert list(decision_lines(decision(RuleAction.SUCCESS, 931, note="explored"))) == [
        "channels of rule 7, by recent success and speed",
        "first by chance or need: explored",
        "  1. one_acme (931 of 1000 expected to go well)",
        "  2. two_acme (fallback)",
        "  and 3 more, never needed",
        "  skipped bad_acme: takes no less than 1.50 rupees",
    ]
    assert "  1. one_acme (costs 12.34 rupees)" in list(decision_lines(decision(RuleAction.COST, 1_234)))


def event(number: int, message: str, **data: object) -> Event:
    return Event("WSP01", number, NOON, Source.API, None, Status.PENDING, 1, message, data)


def test_a_payment_from_before_decisions_were_stored_says_so() -> None:
    events = [event(1, "opened", channel="one_acme"), event(2, "taken by the provider")]
    assert list(payment_lines(events, [])) == ["22 Nov 2026 12:00:00 IST opened; no decision was stored with it"]


def test_what_was_found_of_a_beneficiary_is_told() -> None:
    there = {"validation": "there", "nameScore": 80, "channel": "bank_acme", "asked": "now"}
    events = [
        event(1, "opened", channel="one_acme", beneficiary={"doubts": ["BRANCH_UNKNOWN"], **there}),
        event(2, "x", beneficiary={"validation": "undecided", "reason": "no answer in time"}),
        event(3, "x", beneficiary={"doubts": ["BANK_UNKNOWN"]}),
    ]
    assert list(payment_lines(events, []))[1:] == [
        "  beneficiary doubted: BRANCH_UNKNOWN",
        "  beneficiary there by bank_acme, asked now, names agree by 80 of 100",
        "  beneficiary undecided: no answer in time",
        "  beneficiary doubted: BANK_UNKNOWN",
    ]


def test_channels_before_the_one_it_was_opened_at_had_used_up_their_limits() -> None:
    record = decision(RuleAction.ORDER)
    told = list(payment_lines([event(1, "opened", channel="third_acme", routing=record)], []))
    assert told[-2:] == [
        "  passed over one_acme: its limits were used up",
        "  passed over two_acme: its limits were used up",
    ]


def test_line_ups_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(board_module, "LINEUPS_MAX", 1)
    board, facts = Board([Place("one_acme")]), Facts("MER-1", "payin", "UPI", Paise(1), 0, "WSP01")
    for route in (("one_acme",), ("one_acme", "two_acme"), ("one_acme",)):
        assert board.lineups(facts, None, route)[0].live == [board["one_acme"]]


async def test_spending_outlives_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch, database: Pool) -> None:
    monkeypatch.setattr("wisipay.payments.routing.spending.EVERY_SECONDS", 0.01)
    spending = Spending(database, Directory(database, SecretBox({"k1": bytes(32)}, "k1")), SystemClock())
    calls: list[int] = []

    async def refresh() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise ConnectionRefusedError

    monkeypatch.setattr(spending, "refresh", refresh)
    await spending.start()
    await until(lambda: len(calls) > 1)
    await spending.stop()
