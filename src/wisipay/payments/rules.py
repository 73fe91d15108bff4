"""The figures that the payment machine decides by, gathered in one value that is passed in."""

from __future__ import annotations

from dataclasses import dataclass

from wisipay.payments.model import Kind
from wisipay.payments.polling import PAYIN_POLLS, PAYOUT_POLLS, PollSchedule


@dataclass(frozen=True, slots=True)
class Rules:
    """Times in the unit their name ends with.

    A payout that its provider does not know is given up only after `not_found_looks` such answers in a row and
    `not_found_after_seconds` since its attempt began: longer than `send_window_seconds` (a call that has not begun by
    then never begins) and any call's time-out together.
    """

    payin_expiry_minutes: int = 30
    payin_polls: PollSchedule = PAYIN_POLLS
    payout_polls: PollSchedule = PAYOUT_POLLS
    send_window_seconds: float = 5
    not_found_looks: int = 3
    not_found_after_seconds: float = 60

    def polls(self, kind: Kind) -> PollSchedule:
        """Return the polling schedule of one kind of payment."""
        return self.payin_polls if kind is Kind.PAYIN else self.payout_polls
