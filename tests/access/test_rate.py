"""Rate windows in one process's memory, and how long to wait."""

import pytest

from wisipay.access import RateExceeded, RateLimit
from wisipay.access.rate import LocalWindows

SYSTEM = RateLimit("system", "system", 3, window_ms=2000)
MERCHANT = RateLimit("merchant", "m1", 2)


def test_a_window_takes_its_limit_and_starts_anew_when_it_ends() -> None:
    windows = LocalWindows()
    assert windows.take([MERCHANT], 0) is None
    assert windows.take([MERCHANT], 600) is None
    assert windows.take([MERCHANT], 700) == RateExceeded(MERCHANT, 300)
    assert windows.take([MERCHANT], 1000) is None


def test_a_request_refused_by_one_limit_is_counted_in_none() -> None:
    windows = LocalWindows()
    refusals = [windows.take([SYSTEM, MERCHANT], moment) for moment in (0, 1, 2, 3)]
    assert [refusal and refusal.limit.scope for refusal in refusals] == [None, None, "merchant", "merchant"]
    other = RateLimit("merchant", "m2", 2)
    assert windows.take([SYSTEM, other], 4) is None
    assert windows.take([SYSTEM, other], 5) == RateExceeded(SYSTEM, 1995)


def test_the_oldest_windows_are_forgotten_when_there_are_too_many() -> None:
    windows = LocalWindows(windows_max=1)
    one, two = RateLimit("merchant", "m1", 1), RateLimit("merchant", "m2", 1)
    assert windows.take([one], 0) is None
    assert windows.take([two], 0) is None
    assert windows.take([one], 0) is None


@pytest.mark.parametrize(("left_ms", "seconds"), [(0, 1), (1, 1), (1000, 1), (1001, 2), (60_000, 60)])
def test_the_wait_is_in_whole_seconds_and_at_least_one(left_ms: int, seconds: int) -> None:
    assert RateExceeded(MERCHANT, left_ms).retry_after_seconds == seconds
