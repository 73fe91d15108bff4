"""Words of banks about beneficiaries, kept in PostgreSQL for as long as they are gone by.

Decides nothing. A database that is away is as if nothing were kept: a payout that needs it fails by itself soon enough.
"""

from __future__ import annotations

from typing import Final

from wisipay.core.clock import Clock
from wisipay.core.database import OUTAGES, Pool
from wisipay.core.logging import get_logger
from wisipay.core.sql import load_queries
from wisipay.payments.verifying.policy import Known, VerificationPolicy

_FORGOTTEN_AT_ONCE: Final = 10_000

_QUERIES = load_queries(__file__, "queries.sql")
_log = get_logger("payments.verifying")


class Validations:
    """Keeps what was said, under the hash of whom it was said of."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def kept(self, key: bytes) -> Known | None:
        """Return what was said of a beneficiary, None when nothing is gone by any more."""
        try:
            async with self._pool.acquire() as conn:
                row = await conn.fetchrow(_QUERIES["kept"], key, self._clock.now())
        except OUTAGES as error:
            _log.warning("payment.validation.not_read", error=repr(error))
            return None
        if row is None:
            return None
        return Known(row["is_there"], row["name_score"], row["channel_id"], row["asked_at"])

    async def keep(self, key: bytes, known: Known, policy: VerificationPolicy) -> None:
        """Keep what was said, in the stead of what was said before."""
        until = known.expires_at(policy)
        try:
            async with self._pool.acquire() as conn:
                await conn.execute(
                    _QUERIES["keep"], key, known.channel_id, known.is_there, known.score, known.asked_at, until
                )
        except OUTAGES as error:
            _log.warning("payment.validation.not_kept", error=repr(error))

    async def forget_old(self) -> None:
        """Delete what is gone by no more, at most ten thousand at once."""
        async with self._pool.acquire() as conn:
            await conn.execute(_QUERIES["forget_old"], self._clock.now(), _FORGOTTEN_AT_ONCE)
