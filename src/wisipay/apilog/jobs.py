"""The schedule of the log: old days are dropped. Mounted by entrypoints."""

from typing import Final

from wisipay.apilog import store
from wisipay.core.clock import Clock
from wisipay.core.database import Pool
from wisipay.core.job_worker import JobWorker
from wisipay.core.jobs import Job
from wisipay.core.logging import get_logger

DROP: Final = "apilog.drop_old_days"
_CRON: Final = "0 40 * * * *"

_log = get_logger(__name__)


def add_schedules(worker: JobWorker, pool: Pool, clock: Clock, days: int) -> None:
    """Register the schedule; entries of so many days are kept (API_LOG_DAYS)."""

    async def drop(_job: Job) -> None:
        if dropped := await store.drop_old(pool, clock.now(), days):
            _log.info("api_log.days_dropped", days=dropped)

    worker.schedule(DROP, _CRON, drop, next_run_makes_up=True)
