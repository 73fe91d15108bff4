"""What an answer means, and how long to wait before the next attempt.

Pure: no clock, no randomness. Must never give up on an event before 24 hours have passed since its first attempt, and
never read a redirect as success.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final
from uuid import UUID
from zlib import crc32

import msgspec

from wisipay.callbacks.model import AttemptOutcome

GAPS_SECONDS: Final = (5, 30, 120, 300, 900, 1800, 3600, 7200, 14_400, 21_600, 28_800, 43_200)
"""Waits between attempts: 34 hours in all, at least 27 when every jitter falls short."""

JITTER_PERMILLE: Final = 200
RETRY_AFTER_MAX_SECONDS: Final = 24 * 3600
HOLD_MERCHANT_MAX_SECONDS: Final = 300
_SLOW_DOWN: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """What one attempt means. `hold_merchant_seconds` asks to leave the merchant's other events alone so long, too."""

    outcome: AttemptOutcome
    gap_seconds: int = 0
    hold_merchant_seconds: int = 0


def judge_answer(event_id: UUID, attempts_before: int, status: int, retry_after: str | None, now: datetime) -> Verdict:
    """Judge an HTTP answer: 2xx delivered, 410 endpoint gone, anything else again later."""
    if 200 <= status < 300:  # noqa: PLR2004 - the whole class of success, as the contract says "2xx"
        return Verdict(AttemptOutcome.DELIVERED)
    if status == HTTPStatus.GONE:
        return Verdict(AttemptOutcome.SWITCHED_OFF)
    verdict = judge_failure(event_id, attempts_before)
    if status not in _SLOW_DOWN or verdict.outcome is AttemptOutcome.DEAD:
        return verdict
    asked_seconds = parse_retry_after(retry_after, now)
    hold_seconds = min(asked_seconds, HOLD_MERCHANT_MAX_SECONDS)
    return Verdict(verdict.outcome, max(verdict.gap_seconds, asked_seconds), hold_seconds)


def judge_failure(event_id: UUID, attempts_before: int) -> Verdict:
    """Judge an attempt without an answer: again later while the schedule lasts, then dead."""
    if attempts_before >= len(GAPS_SECONDS):
        return Verdict(AttemptOutcome.DEAD)
    return Verdict(AttemptOutcome.RETRY, gap_seconds(event_id, attempts_before))


def gap_seconds(event_id: UUID, attempts_before: int) -> int:
    """Give the wait after attempt number `attempts_before + 1`, at least 1 s.

    The jitter comes from the event id, which is random already: events that failed together come back apart.
    """
    roll = crc32(event_id.bytes + attempts_before.to_bytes(2, "big")) % (2 * JITTER_PERMILLE + 1) - JITTER_PERMILLE
    return max(1, GAPS_SECONDS[attempts_before] * (1000 + roll) // 1000)


def parse_retry_after(value: str | None, now: datetime) -> int:
    """Read `retry-after`, delta seconds or an HTTP date, as seconds from `now`: 0 when absent, unreadable or past.

    Never more than a day: an endpoint may slow us down, not make us forget.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdecimal():
        # int() of a very long text is slow; nine digits are decades already.
        return min(int(text[:9]), RETRY_AFTER_MAX_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0, int((moment - now).total_seconds())), RETRY_AFTER_MAX_SECONDS)
