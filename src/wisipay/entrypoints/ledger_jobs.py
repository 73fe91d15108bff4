"""The ledger's schedules: snapshots, integrity, end of day. Composition, log lines and nothing else.

Decides that what a check finds is an error in the log for as long as nobody has acknowledged it, and that nothing found
is ever repaired. Every run is noted in the database, from where all workers' metrics show it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

import asyncpg

from wisipay.core.clock import Clock, ist_day
from wisipay.core.config import Settings
from wisipay.core.database import Connection, set_json_codecs
from wisipay.core.job_worker import JobWorker
from wisipay.core.jobs import Job
from wisipay.core.logging import get_logger
from wisipay.entrypoints import ledger_heads
from wisipay.ledger import Difference, checks, daily, months, seals, take_snapshots

SNAPSHOT: Final = "ledger.snapshot"
INTEGRITY: Final = "ledger.integrity"
EOD: Final = "ledger.eod"
OPTIMISE: Final = "ledger.optimise"

CHAIN: Final = "chain"
"""The check that makes the chain of seals again; beside those of `checks.CHECKS`."""

_CHECKING_SECONDS: Final = 4 * 3600
_CLOSING_SECONDS: Final = 3600

_log = get_logger("entrypoints.ledger_jobs")


class LedgerJobs:
    """The handlers of the ledger's jobs. Each may run again at any time: what is done is not done twice."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    def add_schedules(self, worker: JobWorker) -> None:
        """Register the schedules; the moments are those of the CRON_LEDGER_* settings."""
        settings = self._settings
        worker.schedule(SNAPSHOT, settings.cron_ledger_snapshot, self.snapshot, next_run_makes_up=True)
        worker.schedule(
            INTEGRITY,
            settings.cron_ledger_integrity,
            self.integrity,
            timeout_seconds=_CHECKING_SECONDS,
            next_run_makes_up=True,
        )
        worker.schedule(
            EOD, settings.cron_ledger_eod, self.close_days, timeout_seconds=_CLOSING_SECONDS, next_run_makes_up=True
        )

        worker.schedule(OPTIMISE, settings.cron_ledger_optimize, self.optimise, next_run_makes_up=True)

    async def snapshot(self, _job: Job) -> None:
        """Take a snapshot of every counter row that moved since its last one."""
        async with self._noted(SNAPSHOT) as connection:
            _log.info("ledger.snapshots", taken=await take_snapshots(connection))

    async def integrity(self, _job: Job) -> None:
        """Check what is new; in the first run of each Indian day also the whole ledger."""
        now = self._clock.now()
        async with self._noted(INTEGRITY) as connection:
            async for outcome in checks.check_new(connection, now):
                _tell(outcome, full=False)
            runs = await checks.runs(connection)
            full = [runs[checks.run_name(check.name)].full_at for check in checks.CHECKS]
            chain = runs.get(checks.run_name(CHAIN))
            full.append(chain.full_at if chain else None)
            if any(each is None or ist_day(each) < ist_day(now) for each in full):
                async for outcome in checks.check_everything(connection, now):
                    _tell(outcome, full=True)
                await self._verify(connection, now)

    async def _verify(self, connection: Connection, now: datetime) -> None:
        """Make the whole chain of seals again and compare published heads; one name for whatever is wrong with it."""
        began = monotonic()
        told = await ledger_heads.heads_of_audit(connection)
        heads = [each.as_head(f"audit log of {each.day}, number {each.number},") for each in told if each.block]
        differences: list[Difference] = []
        if self._settings.ledger_heads_dir is not None:
            published = ledger_heads.read_heads(self._settings.ledger_heads_dir, self._settings)
            heads += published.heads()
            differences += [*published.differences, *ledger_heads.files_against_audit(published, told)]
        async with months.all_records(connection, self._settings.ledger_archive_dir) as records:
            report = await seals.verify_chain(
                connection, heads, records_of=records, differences_max=checks.MOST_FINDINGS
            )
        differences += report.differences
        found = [replace(each, check=CHAIN, message=f"{each.check}: {each.message}") for each in differences]
        took = timedelta(seconds=monotonic() - began)
        _tell(await checks.keep(connection, CHAIN, found[: checks.MOST_FINDINGS], now, took=took, full=True), full=True)

    async def close_days(self, _job: Job) -> None:
        """Write the daily balances of the days that are over, then compare those of the last week with the lines."""
        now = self._clock.now()
        async with self._noted(EOD) as connection:
            for day, accounts in (await daily.close_days(connection, now)).items():
                _log.info("ledger.day_closed", day=day, accounts=accounts)
            _tell(await checks.check_days(connection, now), full=False)
            async with connection.transaction():
                head = await ledger_heads.publish_daily(connection, self._settings, now)
            if head is not None:
                _log.info("ledger.head_published", day=str(head.day))

    async def optimise(self, _job: Job) -> None:
        """Make the coming months' partitions, and report rows that no month was made for."""
        now = self._clock.now()
        async with self._noted(OPTIMISE) as connection:
            for month in await months.create_months(connection, now):
                _log.info("ledger.month_made", month=month.name)
            for stray in await months.in_default(connection):
                _log.warning("ledger.rows_without_month", partition=stray.id)

    @asynccontextmanager
    async def _noted(self, name: str) -> AsyncIterator[Connection]:
        """Open a connection whose statements may take long, and note the run when it has succeeded."""
        began = monotonic()
        connection = await asyncpg.connect(
            self._settings.database_url,
            server_settings={"application_name": f"wisipay {name}", "timezone": "UTC", "lock_timeout": "10s"},
        )
        try:
            await set_json_codecs(connection)
            yield connection
            took = timedelta(seconds=monotonic() - began)
            await checks.note_run(connection, name, self._clock.now(), took)
        finally:
            await connection.close()


def _tell(outcome: checks.Outcome, *, full: bool) -> None:
    """Log an outcome. Messages may hold what a log must not: they stay in the table of findings."""
    _log.info(
        "ledger.checked", check=outcome.check, found=outcome.found, full=full, seconds=outcome.took.total_seconds()
    )
    for finding in outcome.unacknowledged:
        _log.error(
            "ledger.difference",
            check=finding.check,
            finding=finding.id,
            subject=finding.subject,
            entry_id=finding.subject_id if finding.subject == "ENTRY" else None,
            subject_id=finding.subject_id,
        )
