"""The meaning of answers and the schedule of attempts, by example and for any input."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wisipay.callbacks import AttemptOutcome
from wisipay.callbacks.retry import (
    GAPS_SECONDS,
    HOLD_MERCHANT_MAX_SECONDS,
    RETRY_AFTER_MAX_SECONDS,
    gap_seconds,
    judge_answer,
    judge_failure,
    parse_retry_after,
)

_NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
_ID = UUID("01900000-0000-7000-8000-000000000001")


@given(event_id=st.uuids())
def test_schedule_spans_more_than_a_day_whatever_the_jitter(event_id: UUID) -> None:
    gaps = [gap_seconds(event_id, attempts) for attempts in range(len(GAPS_SECONDS))]
    assert sum(gaps) >= 24 * 3600
    assert list(GAPS_SECONDS) == sorted(GAPS_SECONDS)


def test_events_that_failed_together_come_back_apart() -> None:
    assert len({gap_seconds(uuid4(), 6) for _ in range(50)}) > 25


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_delivered(status: int) -> None:
    assert judge_answer(_ID, 0, status, None, _NOW).outcome is AttemptOutcome.DELIVERED


@pytest.mark.parametrize("status", [100, 199, 300, 301, 302, 307, 400, 401, 404, 429, 500, 503, 599])
def test_anything_else_is_tried_again(status: int) -> None:
    verdict = judge_answer(_ID, 0, status, None, _NOW)
    assert verdict.outcome is AttemptOutcome.RETRY
    assert verdict.gap_seconds == gap_seconds(_ID, 0)
    assert verdict.hold_merchant_seconds == 0


def test_410_switches_the_endpoint_off() -> None:
    assert judge_answer(_ID, 0, 410, None, _NOW).outcome is AttemptOutcome.SWITCHED_OFF


def test_last_failure_is_dead_whatever_it_asks() -> None:
    last = len(GAPS_SECONDS)
    assert judge_failure(_ID, last - 1).outcome is AttemptOutcome.RETRY
    assert judge_failure(_ID, last).outcome is AttemptOutcome.DEAD
    assert judge_answer(_ID, last, 503, "60", _NOW).outcome is AttemptOutcome.DEAD


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_slows_the_event_and_its_merchant_down(status: int) -> None:
    verdict = judge_answer(_ID, 0, status, "60", _NOW)
    assert (verdict.outcome, verdict.gap_seconds, verdict.hold_merchant_seconds) == (AttemptOutcome.RETRY, 60, 60)


def test_retry_after_never_shortens_the_schedule_nor_holds_a_merchant_for_long() -> None:
    assert judge_answer(_ID, 8, 429, "1", _NOW).gap_seconds == gap_seconds(_ID, 8)
    verdict = judge_answer(_ID, 0, 429, "7200", _NOW)
    assert verdict.gap_seconds == 7200
    assert verdict.hold_merchant_seconds == HOLD_MERCHANT_MAX_SECONDS


def test_retry_after_of_a_500_is_not_listened_to() -> None:
    assert judge_answer(_ID, 0, 500, "60", _NOW).gap_seconds == gap_seconds(_ID, 0)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("0", 0),
        (" 30 ", 30),
        ("-5", 0),
        ("1.5", 0),
        ("soon", 0),
        ("\u0663\u0660", 0),
        ("9" * 5000, RETRY_AFTER_MAX_SECONDS),
        (format_datetime(_NOW + timedelta(minutes=2), usegmt=True), 120),
        (format_datetime(_NOW - timedelta(minutes=2), usegmt=True), 0),
        ("Thu, 01 Jan 2026 12:00:45", 45),
        ("Fri, 01 Jan 2999 00:00:00 GMT", RETRY_AFTER_MAX_SECONDS),
        ("Thu, 01 Jan 2026 12:00:00 +99999999999999999", 0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: int) -> None:
    assert parse_retry_after(value, _NOW) == seconds


@given(value=st.text())
def test_no_retry_after_text_can_break_us(value: str) -> None:
    assert 0 <= parse_retry_after(value, _NOW) <= RETRY_AFTER_MAX_SECONDS


def test_the_page_for_merchants_has_the_timetable() -> None:
    def said(seconds: int) -> str:
        minutes = seconds // 60
        if minutes >= 60:
            return f"{minutes // 60} h {minutes % 60:02}"
        return f"{minutes} min" if minutes else f"{seconds} s"

    after = [said(sum(GAPS_SECONDS[:count])) for count in range(len(GAPS_SECONDS) + 1)]
    page = (Path(__file__).parents[2] / "docs" / "integrate" / "callbacks.md").read_text(encoding="utf-8")
    assert f"| after | {' | '.join(after)} |" in page
    assert f"up to {len(after)} times" in page
