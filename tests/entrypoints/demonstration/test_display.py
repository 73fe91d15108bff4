"""What is shown: a table that moves in a terminal, lines elsewhere, and lines that can be copied."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from wisipay.entrypoints.demonstration.display import Display
from wisipay.entrypoints.demonstration.progress import Progress
from wisipay.entrypoints.demonstration.simulator import CallbackCounts, ProviderSummary, Webhooks

QUIET = ProviderSummary(3, 2, 0, 0, scheduled=0, webhooks=Webhooks(0), callbacks=CallbackCounts(6))
PROGRESS = Progress(
    phase="waiting",
    seconds=10,
    ordered=9,
    sent=9,
    by_status={("PAYIN", "SUCCESS"): 4, ("PAYOUT", "FAILED"): 5},
    open_payments=0,
    callbacks_waiting=0,
    people_waiting=0,
    provider=QUIET,
)


def _display(*, terminal: bool) -> tuple[Display, io.StringIO]:
    text = io.StringIO()
    return Display(json=False, console=Console(file=text, force_terminal=terminal, highlight=False, width=150)), text


def test_lines_come_where_nothing_can_move_and_only_when_something_changed() -> None:
    display, text = _display(terminal=False)
    with display:
        display.show(PROGRESS)
        display.show(replace(PROGRESS, seconds=20))
        display.show(replace(PROGRESS, seconds=21, phase="done"))
    assert text.getvalue().splitlines() == [
        "  10 s  waiting; 9/9 sent; 4 payins SUCCESS, 5 payouts FAILED",
        "  21 s  done; 9/9 sent; 4 payins SUCCESS, 5 payouts FAILED",
    ]


def test_a_table_moves_in_a_terminal_and_stays_when_results_follow() -> None:
    display, text = _display(terminal=True)
    with display:
        display.show(PROGRESS)
        display.show(replace(PROGRESS, sent=8))
        display.settle()
        display.print(["[the end]"])
    shown = text.getvalue()
    assert "8/9 requests answered" in shown
    assert "3 payins and 2 payouts executed" in shown
    assert shown.rstrip().endswith("[the end]")


def test_a_long_line_is_left_in_one_piece() -> None:
    display, text = _display(terminal=True)
    display.say("[x] " + "y" * 400)
    assert text.getvalue() == "[x] " + "y" * 400 + "\n"


@pytest.mark.parametrize(
    "changes",
    [
        {"sent": 8},
        {"open_payments": 1},
        {"callbacks_waiting": 1},
        {"people_waiting": 1},
    ],
)
def test_a_run_is_settled_only_when_nothing_is_left(changes: dict[str, int]) -> None:
    assert PROGRESS.is_settled
    assert not replace(PROGRESS, **changes).is_settled  # type: ignore[arg-type] # whole numbers all


@pytest.mark.parametrize(("scheduled", "under_way"), [(1, 0), (0, 1)])
def test_a_provider_with_something_to_say_is_waited_for(scheduled: int, under_way: int) -> None:
    provider = ProviderSummary(3, 2, 0, 0, scheduled, Webhooks(under_way), QUIET.callbacks)
    assert not replace(PROGRESS, provider=provider).is_settled
