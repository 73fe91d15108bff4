"""When a call is made again: only what may pass, only as the same request, and not for ever."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import uniform

_MAY_PASS = frozenset({408, 425, 429, 502, 503, 504})
_CONFLICT = 409


@dataclass(frozen=True, slots=True)
class Retries:
    """Up to `attempts` attempts, with jittered gaps that double from `first_gap_seconds` up to `longest_gap_seconds`.

    Starting a payment is retried under one `Idempotency-Key`: it is started once, however many attempts it takes.
    """

    attempts: int = 4
    first_gap_seconds: float = 0.5
    longest_gap_seconds: float = 8.0

    def gaps(self) -> Iterator[float]:
        """Return the pauses between attempts."""
        for attempt in range(self.attempts - 1):
            yield min(self.first_gap_seconds * 2**attempt, self.longest_gap_seconds) * uniform(0.75, 1.25)  # noqa: S311 - spreads retries


def may_pass(http_status: int, retry_after_seconds: float | None) -> bool:
    """Whether the same request may do better a little later.

    A conflict that names a time is the first attempt, still running; one that names none is an order id used twice.
    """
    return http_status in _MAY_PASS or (http_status == _CONFLICT and retry_after_seconds is not None)
