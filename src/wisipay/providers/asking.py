"""The questions beside payments, through the gateway's door: validation of a beneficiary, and balances.

Decides that each has a circuit of its own, so that a validator which is down neither holds payments back nor is waited
for again and again. Must never let an exception out: a channel that cannot be asked is `Unknown`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

from wisipay.core.logging import get_logger
from wisipay.providers.base import ProviderAdapter, Unknown
from wisipay.providers.inquiries import (
    BalanceOutcome,
    BalanceTeller,
    Beneficiary,
    BeneficiaryValidator,
    ValidationOutcome,
)

_CANNOT: Final = Unknown("the channel's adapter cannot be asked this")
_HELD: Final = Unknown("circuit is open")

_Outcome = TypeVar("_Outcome")
_logger = get_logger(__name__)


class Door(Protocol):
    """What of the gateway is needed here."""

    async def adapter(self, channel_id: str) -> ProviderAdapter:
        """Return a channel's adapter; raises what the channel source or the registry raises."""
        ...

    async def guarded(
        self, channel_id: str, operation: str, call: Callable[[], Awaitable[_Outcome]], *, refused: _Outcome
    ) -> _Outcome | Unknown:
        """Make a call behind the circuit of an operation."""
        ...


class Inquiries:
    """Asks providers what is not about a payment."""

    def __init__(self, door: Door) -> None:
        self._door = door

    async def validate(self, channel_id: str, beneficiary: Beneficiary) -> ValidationOutcome:
        """Ask whether a beneficiary can be paid; at most once, since it may cost money."""
        adapter = await self._adapter(channel_id)
        if not isinstance(adapter, BeneficiaryValidator):
            return adapter if isinstance(adapter, Unknown) else _CANNOT
        validator = adapter
        return await self._door.guarded(
            channel_id, "validation", lambda: validator.validate(beneficiary), refused=_HELD
        )

    async def validated(self, channel_id: str, ticket: str) -> ValidationOutcome:
        """Ask what became of a question that was not answered at once."""
        adapter = await self._adapter(channel_id)
        if not isinstance(adapter, BeneficiaryValidator):
            return adapter if isinstance(adapter, Unknown) else _CANNOT
        validator = adapter
        return await self._door.guarded(channel_id, "validation", lambda: validator.validated(ticket), refused=_HELD)

    async def balance(self, channel_id: str) -> BalanceOutcome:
        """Ask what the provider holds of ours for payouts of this channel."""
        adapter = await self._adapter(channel_id)
        if not isinstance(adapter, BalanceTeller):
            return adapter if isinstance(adapter, Unknown) else _CANNOT
        return await self._door.guarded(channel_id, "balance", adapter.balance, refused=_HELD)

    async def _adapter(self, channel_id: str) -> ProviderAdapter | Unknown:
        try:
            return await self._door.adapter(channel_id)
        except Exception as error:
            _logger.exception("provider.channel.unusable", channel_id=channel_id)
            return Unknown(f"channel cannot be used: {type(error).__name__}")
