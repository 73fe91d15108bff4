"""A worker process that takes a job and never finishes it, to be killed by a test."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from wisipay.core.config import Settings
from wisipay.core.job_worker import JobWorker
from wisipay.core.jobs import Job


async def _hang(_job: Job) -> None:
    sys.stdout.write("started\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


async def _work(database_url: str) -> None:
    worker = JobWorker(Settings(wisipay_env="test", database_url=database_url), heartbeat=timedelta(seconds=1))
    worker.handle("greet", _hang)
    await worker.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_work(sys.argv[1]))
