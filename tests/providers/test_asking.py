"""Questions beside payments, at the gateway's door: who can be asked, and what becomes of who cannot."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import pytest

from wisipay.core.money import Paise
from wisipay.providers import Awaited, Balance, Beneficiary, Judged, ProviderAdapter, ValidationOutcome
from wisipay.providers.asking import Inquiries
from wisipay.providers.base import Unknown

Outcome = TypeVar("Outcome")
ASHA = Beneficiary("V1", "Asha Rao", vpa="asha@upi")


class Able:
    """An adapter that can be asked everything."""

    async def validate(self, beneficiary: Beneficiary) -> ValidationOutcome:
        return Awaited(beneficiary.reference)

    async def validated(self, ticket: str) -> ValidationOutcome:
        return Judged(exists=ticket == "V1")

    async def balance(self) -> Balance:
        return Balance(Paise(5))


@dataclass
class Door:
    """Has one adapter, or none, and notes which circuits calls go through."""

    only: object
    is_open: bool = False
    circuits: list[str] = field(default_factory=list)

    async def adapter(self, channel_id: str) -> ProviderAdapter:
        if self.only is None:
            raise LookupError(channel_id)
        return cast("ProviderAdapter", self.only)

    async def guarded(
        self, channel_id: str, operation: str, call: Callable[[], Awaitable[Outcome]], *, refused: Outcome
    ) -> Outcome:
        self.circuits.append(f"{channel_id}:{operation}")
        return refused if self.is_open else await call()


async def everything(door: Door) -> list[Any]:
    asking = Inquiries(door)
    return [await asking.validate("a_b", ASHA), await asking.validated("a_b", "V1"), await asking.balance("a_b")]


async def test_questions_have_circuits_of_their_own() -> None:
    door = Door(Able())
    assert await everything(door) == [Awaited("V1"), Judged(exists=True), Balance(Paise(5))]
    assert door.circuits == ["a_b:validation", "a_b:validation", "a_b:balance"]
    assert await everything(Door(Able(), is_open=True)) == [Unknown("circuit is open")] * 3


@pytest.mark.parametrize(
    ("only", "reason"), [(object(), "cannot be asked this"), (None, "channel cannot be used: LookupError")]
)
async def test_who_cannot_be_asked_says_nothing(only: object, reason: str) -> None:
    door = Door(only)
    answers = await everything(door)
    assert all(isinstance(each, Unknown) and reason in each.reason for each in answers)
    assert door.circuits == []
