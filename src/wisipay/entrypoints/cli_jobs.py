"""`wisipay jobs`: background jobs that were given up, and trying them again.

Decides how an operator sees them: one JSON line per job, its payload redacted. Must never run a job itself: replay
queues it, the workers run it.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any, Final

import msgspec
from cyclopts import App

from wisipay.core import jobs
from wisipay.core.database import Connection, connect_pool
from wisipay.core.errors import BadRequest
from wisipay.core.redaction import redact
from wisipay.entrypoints.store_settings import settings_with_database

_LIMIT_MAX: Final = 1000

app: Final = App(name="jobs", help="Background jobs: dead letters, replay.")


@app.command(name="list")
def list_(*, limit: int = 100) -> None:
    """List the jobs that were given up, the longest dead first.

    Parameters
    ----------
    limit
        At most this many, up to 1,000.
    """
    asyncio.run(_list(limit))


@app.command
def replay(*job_ids: int) -> None:
    """Queue these jobs again, from their first attempt."""
    asyncio.run(_replay(job_ids))


async def _list(limit: int) -> None:
    if not 1 <= limit <= _LIMIT_MAX:
        raise BadRequest(f"--limit: got {limit}, wants a number from 1 to {_LIMIT_MAX}")
    async with _connection() as connection:
        for letter in await jobs.dead_letters(connection, limit=limit):
            _write(asdict(letter) | {"payload": redact(letter.payload), "error": redact(letter.error)})


async def _replay(job_ids: tuple[int, ...]) -> None:
    if not job_ids:
        raise BadRequest("Name at least one job; `wisipay jobs list` shows them")
    async with _connection() as connection:
        queued = set(await jobs.replay(connection, job_ids))
    for job_id in job_ids:
        _write({"job_id": job_id, "queued": job_id in queued})


@asynccontextmanager
async def _connection() -> AsyncIterator[Connection]:
    pool = await connect_pool(settings_with_database(), application_name="wisipay jobs", max_size=1)
    async with pool, pool.acquire() as connection:
        yield connection


def _write(line: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
