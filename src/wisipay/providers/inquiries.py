"""What some providers can be asked beside payments: whether a beneficiary is there, and how much of ours they hold.

Decides the words of it. The law of answers: `Judged` only on the provider's own definite word about the account or
VPA; whatever is broken, refused, still under way or about something else is `Unknown` or `Awaited`, and says nothing
about the beneficiary. Must never do I/O, read a clock, or know a provider by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

import msgspec

from wisipay.core.money import Paise
from wisipay.providers.base import Unknown


class Beneficiary(msgspec.Struct, frozen=True):
    """Whom to ask about: an account (number and IFSC) or a VPA. `reference` is ours, of letters and digits."""

    reference: str
    name: str
    account_number: str | None = None
    ifsc: str | None = None
    vpa: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """The bank's word: whether the account or VPA can be paid, and how well the names agree, 0 to 100.

    `name` is the holder's name at the bank, where it is told; it is compared and not kept, logged or shown.
    """

    exists: bool
    name: str | None = field(default=None, repr=False)
    name_score: int | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Awaited:
    """The provider is at it; `ticket` is under what to ask again."""

    ticket: str


@dataclass(frozen=True, slots=True)
class Balance:
    """What can be paid out of what the provider holds of ours, in paise; nothing where it is overdrawn."""

    available_paise: Paise


ValidationOutcome: TypeAlias = Judged | Awaited | Unknown
BalanceOutcome: TypeAlias = Balance | Unknown


@runtime_checkable
class BeneficiaryValidator(Protocol):
    """An adapter that can ask about beneficiaries; like every call, these never raise for what a network can do."""

    async def validate(self, beneficiary: Beneficiary) -> ValidationOutcome:
        """Ask about a beneficiary; this may cost money, so it is not repeated."""
        ...

    async def validated(self, ticket: str) -> ValidationOutcome:
        """Ask what became of an earlier question; safe to repeat."""
        ...


@runtime_checkable
class BalanceTeller(Protocol):
    """An adapter that can ask what its provider holds of ours."""

    async def balance(self) -> BalanceOutcome:
        """Ask for the balance that payouts are paid from; safe to repeat."""
        ...
