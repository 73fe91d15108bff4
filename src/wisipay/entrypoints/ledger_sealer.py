"""The sealer of a worker: at the moments of CRON_LEDGER_SEALER it seals what was written since.

Not a queued job: every few seconds a row would be written, claimed and kept in a history, which costs more than sealing
does. All workers try, one of them seals, and a moment that was missed is made up for by the next.
"""

from __future__ import annotations

import asyncio
from typing import Final

from wisipay.core.clock import Clock
from wisipay.core.database import OUTAGES, Pool
from wisipay.core.logging import get_logger
from wisipay.core.metrics import counter
from wisipay.core.schedules import Cron
from wisipay.core.tasks import end
from wisipay.ledger import seals

SEALED: Final = counter("ledger_sealed_records_total", "Records that this process sealed")

_log = get_logger("entrypoints.ledger_sealer")


class LedgerSealer:
    """Seals at the moments of a cron expression (six fields, Indian time) until stopped."""

    def __init__(self, pool: Pool, clock: Clock, cron: str) -> None:
        self._pool = pool
        self._clock = clock
        self._cron = Cron(cron)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to seal."""
        self._task = asyncio.create_task(self._run(), name="ledger sealer")

    async def stop(self) -> None:
        """Stop sealing; a block that is not written yet is made again by the next sealer."""
        await end(self._task)

    async def seal(self) -> None:
        """Seal everything that may be sealed now, unless another sealer is at work."""
        async with self._pool.acquire() as connection:
            sealed = await seals.seal(connection, self._clock.now())
        SEALED.inc(sealed.records)
        if sealed.waiting_for:
            _log.warning("ledger.sealer_waits", pids=sealed.waiting_for)

    async def _run(self) -> None:
        while True:
            now = self._clock.now()
            await asyncio.sleep((self._cron.next(now) - now).total_seconds())
            try:
                await self.seal()
            except OUTAGES as error:
                _log.warning("ledger.sealer_database_away", error=repr(error))
            except Exception:  # noqa: BLE001 - records that stay unsealed are an alert, and the next try may succeed
                _log.exception("ledger.sealer_failed")
