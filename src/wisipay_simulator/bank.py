"""What the simulated banks tell of holders, and what the provider holds of an account's money. Pure.

A VPA called `invalid` or `incorrect`, and an account number that ends in 0404, are not there; a VPA called `other`, and
an account number that ends in 0405, are somebody else's. Every other account belongs to whoever it is said to.
"""

from collections.abc import Iterable

import msgspec

from wisipay_simulator.model import OPEN, Payment, Status

_NOT_THERE = ("invalid@", "incorrect@")
_OTHERS = "other@"
_SOMEBODY_ELSE = "SOMEBODY ELSE"
_WHOLE_SCORE = 100


class Holder(msgspec.Struct, frozen=True, gc=False):
    """Who holds an account or VPA: whether anybody does, under which name, and how well that agrees, 0 to 100."""

    exists: bool
    name: str = ""
    score: int = 0


def holder_of(instrument: str, given_name: str) -> Holder:
    """Return who holds an account number or VPA that is said to be somebody's."""
    instrument = instrument.lower()
    if instrument.startswith(_NOT_THERE) or ("@" not in instrument and instrument.endswith("0404")):
        return Holder(exists=False)
    if instrument.startswith(_OTHERS) or ("@" not in instrument and instrument.endswith("0405")):
        return Holder(exists=True, name=_SOMEBODY_ELSE)
    return Holder(exists=True, name=given_name.upper(), score=_WHOLE_SCORE)


def balance_paise(float_paise: int, payments: Iterable[Payment], account: str) -> int:
    """Return what is left of a float in paise when payouts that went well, and those under way, are taken off it."""
    held = {*OPEN, Status.SUCCESS}
    return float_paise - sum(
        payment.order.amount_paise
        for payment in payments
        if payment.order.account == account and payment.order.kind == "payout" and payment.status in held
    )
