"""Jobs off the hot paths (reports, settlement, mail, schedules), on PgQueuer.

Decides that a job is queued in the transaction of the change that calls for it, and what is kept of one that never
succeeds: it is held as a dead letter, to be replayed. A job runs at least once, also again after a killed worker, so
every handler is idempotent. No payment depends on a job: payments, callbacks and webhooks are queues of their own
(`core.queue`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from opentelemetry import propagate

from wisipay.core.database import Connection
from wisipay.core.logging import bound_fields
from wisipay.core.sql import load_queries

_QUERIES: Final = load_queries(__file__, "jobs.sql")
_CARRIED_FIELDS: Final = ("request_id", "correlation_id")
_KEEP_HISTORY: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Job:
    """A job as its handler gets it. `payload` is what was queued, as JSON values; `attempt` counts from 1."""

    id: int
    name: str
    payload: Any
    attempt: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that was given up after `attempts` attempts; `error` is the last one's."""

    id: int
    name: str
    payload: Any
    attempts: int
    queued_at: datetime
    died_at: datetime
    error: str


async def enqueue(
    connection: Connection,
    name: str,
    payload: object,
    *,
    dedupe_key: str | None = None,
    run_at: datetime | None = None,
) -> int | None:
    """Queue the job `name` in the caller's transaction and return its id; `run_at` None means at once.

    `payload` is anything msgspec writes as JSON. Returns None when a job with this `dedupe_key` waits or runs already.
    The trace and the request id of the caller travel along.
    """
    body = msgspec.json.encode(payload)
    headers = msgspec.json.encode(_headers()).decode()
    job_id: int | None = await connection.fetchval(_QUERIES["enqueue"], name, body, run_at, dedupe_key, headers)
    return job_id


async def dead_letters(connection: Connection, *, limit: int = 100) -> list[DeadLetter]:
    """Return up to `limit` jobs that were given up, the longest dead first."""
    rows = await connection.fetch(_QUERIES["dead_letters"], limit)
    return [DeadLetter(**{**row, "payload": payload_of(row["payload"])}) for row in rows]


async def replay(connection: Connection, job_ids: Sequence[int]) -> list[int]:
    """Queue dead letters again, from their first attempt, and return the ids of those that were.

    Left out are ids that are no dead letters, and those whose dedupe key is in use by another job.
    """
    return [row["job_id"] for row in await connection.fetch(_QUERIES["replay"], list(job_ids))]


async def tidy(connection: Connection) -> None:
    """Forget the history of jobs that ended more than 30 days ago."""
    await connection.execute(_QUERIES["tidy"], _KEEP_HISTORY)


async def register_schedule(connection: Connection, name: str, expression: str, last_due_at: datetime) -> None:
    """Make a schedule known; what was due up to `last_due_at` before it was known is not made up for."""
    await connection.execute(_QUERIES["register_schedule"], name, expression, last_due_at)


async def enqueue_scheduled(connection: Connection, name: str, expression: str, due_at: datetime) -> bool:
    """Queue the job of a schedule for its moment `due_at`, unless another worker did. One that still runs is enough."""
    async with connection.transaction():
        if await connection.fetchval(_QUERIES["take_schedule"], name, expression, due_at) is None:
            return False
        await enqueue(connection, name, {"due_at": due_at}, dedupe_key=f"schedule {name}")
        return True


def payload_of(body: bytes | None) -> Any:  # noqa: ANN401 - JSON can be anything
    """Return a queued payload as JSON values."""
    return None if body is None else msgspec.json.decode(body)


def _headers() -> dict[str, dict[str, str]]:
    trace: dict[str, str] = {}
    propagate.inject(trace)
    request = {name: str(value) for name, value in bound_fields().items() if name in _CARRIED_FIELDS}
    return {"otel": trace, "request": request}
