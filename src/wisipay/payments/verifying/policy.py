"""What is asked about beneficiaries, what a bank's word is worth, and what is made of it. Pure.

Decides which payouts are asked about, how well two names agree where the provider does not say, how long a word is gone
by, and which word refuses a payout. Must never refuse one because nobody answered, unless it is configured so.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Any, Final

from wisipay.core.money import Paise
from wisipay.payments.errors import PayCode, PaymentError

GONE_BY_A_NO: Final = timedelta(hours=1)
"""How long an account counts as not there: it may be opened, or its number have been mistyped at the bank."""

_WORD: Final = re.compile(r"[^\W_]+")
_WHOLE_SCORE: Final = 100
_TITLES: Final = frozenset({"mr", "mrs", "ms", "miss", "dr", "shri", "sri", "smt", "kumari", "m", "s"})


class Stance(StrEnum):
    """What validation is for: not done, done and noted, or a definite no refuses the payout."""

    OFF = "off"
    RECORD = "record"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class VerificationPolicy:
    """Which payouts are asked about and how; `merchants` empty: all of them. Amounts in paise.

    `least_score`: a lower agreement of names refuses, 0: none does. `is_required`: no answer refuses, too.
    """

    stance: Stance = Stance.OFF
    channel_id: str = ""
    merchants: frozenset[str] = frozenset()
    from_paise: int = 0
    least_score: int = 0
    wait_seconds: float = 3
    is_required: bool = False
    cost_paise: int = 0
    kept_for: timedelta = timedelta(days=90)

    def concerns(self, merchant_id: str, amount_paise: Paise) -> bool:
        """Tell whether a payout is asked about."""
        if self.stance is Stance.OFF or amount_paise < self.from_paise:
            return False
        return not self.merchants or merchant_id in self.merchants


@dataclass(frozen=True, slots=True)
class Known:
    """A bank's word, and where and when it was heard."""

    is_there: bool
    score: int | None
    channel_id: str
    asked_at: datetime

    def expires_at(self, policy: VerificationPolicy) -> datetime:
        """Return until when it is gone by."""
        return self.asked_at + (policy.kept_for if self.is_there else GONE_BY_A_NO)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of a payout's beneficiary. `was_kept`: nobody was asked now; `reason`: why nothing is known."""

    known: Known | None
    was_kept: bool = False
    reason: str = ""

    def refuse(self, policy: VerificationPolicy) -> None:
        """Raise `PaymentError` where this refuses the payout."""
        if policy.stance is not Stance.REFUSE:
            return
        if self.known is None:
            if policy.is_required:
                raise PaymentError(PayCode.PROVIDER_UNAVAILABLE, internal=f"validation: {self.reason}")
        elif not self.known.is_there:
            raise PaymentError(PayCode.INVALID_BENEFICIARY, "The bank knows no such account or VPA.")
        elif self.known.score is not None and self.known.score < policy.least_score:
            raise PaymentError(PayCode.INVALID_BENEFICIARY, "beneficiaryName is not the name that the bank has.")

    def record(self, cost_paise: int) -> dict[str, Any]:
        """Return what is stored with the payment, and what it cost to ask; no name, no number."""
        if self.known is None:
            return {"validation": "undecided", "reason": self.reason}
        kept: dict[str, Any] = {"validation": "there" if self.known.is_there else "not there"}
        if self.known.score is not None:
            kept["nameScore"] = self.known.score
        kept |= {"channel": self.known.channel_id, "asked": "before" if self.was_kept else "now"}
        return kept if self.was_kept or not cost_paise else {**kept, "costPaise": cost_paise}


def beneficiary_key(secret: bytes, party: Mapping[str, Any]) -> bytes:
    """Return under what a beneficiary is known: a keyed hash of 32 bytes, the same for the same words of a name."""
    instrument = party.get("vpa") or f"{party['accountNumber']}|{party['ifsc']}"
    named = " ".join(sorted(_words(party["name"])))
    return hmac.digest(secret, f"{instrument.lower()}\n{named}".encode(), "sha256")


def name_score(given: str, at_bank: str) -> int:
    """Return how well two names agree, 0 to 100, whatever the order, accents, titles and signs of their words.

    An initial agrees with any word that begins so; a word more on one side, such as a middle name, costs little.
    """
    ours, theirs = _words(given), _words(at_bank)
    if not ours or not theirs:
        return 0
    fewer, more = sorted((ours, theirs), key=len)
    left, agreed = list(more), 0.0
    for word in sorted(fewer, key=len, reverse=True):
        best = max(left, key=lambda other: _likeness(word, other))
        agreed += _likeness(word, best)
        left.remove(best)
    whole = len(fewer) + 0.25 * len(left)
    return round(_WHOLE_SCORE * agreed / whole)


def _likeness(word: str, other: str) -> float:
    if min(len(word), len(other)) == 1:
        return 0.9 if word[0] == other[0] else 0.0
    return SequenceMatcher(None, word, other).ratio()


def _words(name: str) -> list[str]:
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", name) if not unicodedata.combining(sign))
    found = _WORD.findall(bare.lower())
    return [word for word in found if word not in _TITLES] or found
