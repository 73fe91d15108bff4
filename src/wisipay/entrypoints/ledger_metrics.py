"""What Prometheus sees of the ledger: findings, runs of checks and jobs, unsealed records.

Decides the names. Every worker reads the same rows every few seconds and so shows the same figures, whichever of them
ran a job; a worker whose database is away goes on showing the last ones. Alerts: deploy/prometheus/ledger.rules.yml.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

from wisipay.core.clock import Clock
from wisipay.core.database import OUTAGES, Pool
from wisipay.core.logging import get_logger
from wisipay.core.metrics import gauge
from wisipay.core.tasks import end
from wisipay.ledger import checks

DIFFERENCES: Final = gauge("ledger_differences", "Findings that are still there", ("check",))
UNACKNOWLEDGED: Final = gauge("ledger_differences_unacknowledged", "Those of them that nobody knows of", ("check",))
CHECK_CLEAN: Final = gauge("ledger_check_clean_timestamp_seconds", "When a check last found nothing", ("check",))
CHECK_FULL: Final = gauge("ledger_check_full_timestamp_seconds", "When a check last looked at everything", ("check",))
CHECK_SECONDS: Final = gauge("ledger_check_seconds", "How long the last run of a check took", ("check",))
JOB_ENDED: Final = gauge("ledger_job_ended_timestamp_seconds", "When a job last succeeded", ("job",))
JOB_SECONDS: Final = gauge("ledger_job_seconds", "How long its last run took", ("job",))
UNSEALED: Final = gauge("ledger_unsealed_records", "Records that are not sealed yet")
UNSEALED_AGE: Final = gauge("ledger_unsealed_age_seconds", "Age of the oldest of them; 0 when there is none")

_EVERY_SECONDS: Final = 15
_NONE: Final = checks.OpenFindings(0, 0)

_log = get_logger("entrypoints.ledger_metrics")


class LedgerMetrics:
    """Keeps the ledger's gauges up to date, until stopped."""

    def __init__(self, pool: Pool, clock: Clock, *, every_seconds: float = _EVERY_SECONDS) -> None:
        self._pool = pool
        self._clock = clock
        self._every_seconds = every_seconds
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="ledger metrics")

    async def stop(self) -> None:
        """Stop looking."""
        await end(self._task)

    async def refresh(self) -> None:
        """Read the state of the ledger once and show it."""
        async with self._pool.acquire() as connection:
            show(await checks.ledger_state(connection), self._clock.now())

    async def _run(self) -> None:
        while True:
            try:
                await self.refresh()
            except OUTAGES as error:
                _log.warning("ledger.metrics_stale", error=repr(error))
            await asyncio.sleep(self._every_seconds)


def show(state: checks.LedgerState, now: datetime) -> None:
    """Set the gauges; a check that has found nothing shows 0."""
    of_checks = {check.name for check in checks.CHECKS} | state.open.keys()
    for name in of_checks:
        found = state.open.get(name, _NONE)
        DIFFERENCES.labels(check=name).set(found.there)
        UNACKNOWLEDGED.labels(check=name).set(found.unacknowledged)
    for run in state.runs.values():
        check = checks.checked(run.name)
        if check is None:
            JOB_ENDED.labels(job=run.name).set(run.ended_at.timestamp())
            JOB_SECONDS.labels(job=run.name).set(run.took.total_seconds())
        else:
            CHECK_SECONDS.labels(check=check).set(run.took.total_seconds())
            for moment, shown in ((run.clean_at, CHECK_CLEAN), (run.full_at, CHECK_FULL)):
                if moment is not None:
                    shown.labels(check=check).set(moment.timestamp())
    UNSEALED.set(state.unsealed_records)
    UNSEALED_AGE.set((now - state.oldest_unsealed_at).total_seconds() if state.oldest_unsealed_at else 0)
