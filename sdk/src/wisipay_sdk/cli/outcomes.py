"""The sandbox's outcomes by name: what asks for each, and when nothing more is to be expected of it."""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["payin", "payout"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One way to end. `kind` is the one that is tried unless another is asked for; seconds after the request.

    `ends_seconds` is when the last change or callback is due, `callbacks` how many come.
    """

    rupees: int
    kind: Kind
    ends_seconds: int
    callbacks: int


OUTCOMES: Final = {
    "success": Outcome(100, "payin", 2, 1),
    "failure": Outcome(101, "payin", 2, 1),
    "delayed": Outcome(102, "payin", 10, 1),
    "pending": Outcome(103, "payin", 0, 0),
    "expiry": Outcome(104, "payin", 5, 1),
    "timeout": Outcome(105, "payin", 5, 1),
    "duplicate-callback": Outcome(106, "payin", 2, 2),
    "late-callback": Outcome(107, "payin", 30, 1),
    "late-success": Outcome(108, "payin", 6, 2),
    "reversal": Outcome(109, "payout", 6, 2),
    "rejected": Outcome(110, "payin", 2, 1),
    "insufficient-balance": Outcome(111, "payout", 0, 0),
    "unavailable": Outcome(112, "payin", 2, 1),
    "at-once": Outcome(113, "payin", 2, 1),
}
