"""The floats that providers tell: asked for on a schedule, kept, and an error in the log when one runs low.

Decides which channels are asked (those that are switched on for payouts and can tell) and what a payout that is sent
meanwhile counts as: gone out since, so a float is never thought larger than it is. Routing goes by what is kept here,
see `places`. Must never move money, and never take a provider's silence for an empty float.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Final

from wisipay.core.clock import Clock, ist_day
from wisipay.core.database import Connection, Pool
from wisipay.core.logging import get_logger
from wisipay.core.sql import load_queries
from wisipay.merchants import Directory
from wisipay.payments.model import Kind
from wisipay.payments.routing.model import ToldFloat
from wisipay.payments.usage import channel_subject, day_key, month_key
from wisipay.providers import Balance, ProviderGateway

TOLD_FOR: Final = timedelta(minutes=10)
"""How long a told balance is gone by; one that is older is as if it had never been told."""

_AT_ONCE: Final = 8

_QUERIES = load_queries(__file__, "floats.sql")
_USED = load_queries(__file__, "queries.sql")["used"]
_log = get_logger("payments.routing.floats")


class FloatPoller:
    """Asks providers for their balances."""

    def __init__(
        self, pool: Pool, directory: Directory, gateway: ProviderGateway, clock: Clock, *, low_paise: int
    ) -> None:
        self._pool = pool
        self._directory = directory
        self._gateway = gateway
        self._clock = clock
        self._low_paise = low_paise

    async def poll(self) -> None:
        """Ask every channel that can tell, a few at once."""
        channels = [each.id for each in await self._directory.channels() if each.is_active and each.payout.is_active]
        turns = asyncio.Semaphore(_AT_ONCE)

        async def ask(channel_id: str) -> None:
            async with turns:
                await self._ask(channel_id)

        await asyncio.gather(*map(ask, channels))

    async def _ask(self, channel_id: str) -> None:
        try:
            if not (await self._gateway.capabilities(channel_id)).tells_balance:
                return
        except Exception as error:  # noqa: BLE001 - a channel without credentials that work cannot be asked
            _log.warning("provider.float.not_asked", channel_id=channel_id, error=type(error).__name__)
            return
        now = self._clock.now()
        async with self._pool.acquire() as conn:
            # Before the question: what is paid out while it is under way is taken off twice rather than not at all.
            used_paise = await _used_ever(conn, channel_id, now)
        outcome = await self._gateway.inquiries.balance(channel_id)
        if not isinstance(outcome, Balance):
            _log.warning("provider.float.not_told", channel_id=channel_id, reason=outcome.reason)
            return
        async with self._pool.acquire() as conn:
            before = await conn.fetchval(_QUERIES["tell"], channel_id, outcome.available_paise, used_paise, now)
        if outcome.available_paise < self._low_paise and (before is None or before >= self._low_paise):
            _log.error("provider.float.low", channel_id=channel_id, balance_paise=outcome.available_paise)


async def told_floats(conn: Connection, now: datetime) -> dict[str, ToldFloat]:
    """Read what was told and is still gone by, by channel id."""
    rows = await conn.fetch(_QUERIES["told"], now - TOLD_FOR)
    return {row["channel_id"]: ToldFloat(row["balance_paise"], row["used_paise"], row["told_at"]) for row in rows}


async def _used_ever(conn: Connection, channel_id: str, now: datetime) -> int:
    subject, day = channel_subject(channel_id, Kind.PAYOUT), ist_day(now)
    row = await conn.fetchrow(_USED, [subject], day_key("", day)[1], month_key("", day)[1])
    return row["ever"] if row else 0
