"""What the database server was doing when a test failed: who waits for whom, and what it last complained about."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import msgspec

from support import run_folder
from support.stores import Stores

_SECONDS = 5
_LOG_LINES = 25
_ACTIVITY = """
    SELECT concat_ws(' | ', pid, datname, application_name, state, wait_event_type || ' ' || wait_event,
        'since ' || coalesce(state_change, backend_start),
        'blocked by ' || nullif(pg_blocking_pids(pid), '{}')::text, left(regexp_replace(query, '\\s+', ' ', 'g'), 160))
    FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY backend_start
"""


def server_activity() -> str:
    """Return what every connection of the run's server does, and the last lines of its log; "" when none runs."""
    folder = run_folder.enter()
    note = folder / "stores.json"
    if not note.exists():
        return ""
    url = msgspec.json.decode(note.read_bytes(), type=Stores).postgres_url
    with ThreadPoolExecutor(1) as thread:  # the test's own loop is not ours to run
        rows = thread.submit(asyncio.run, _activity(url)).result()
    return "\n".join([*rows, "", *_last_lines(folder)])


async def _activity(url: str) -> list[str]:
    try:
        async with asyncio.timeout(_SECONDS):
            connection = await asyncpg.connect(url)
            try:
                return [row[0] for row in await connection.fetch(_ACTIVITY)]
            finally:
                connection.terminate()
    except (OSError, asyncpg.PostgresError) as error:
        return [f"the server does not answer: {error!r}"]


def _last_lines(folder: Path) -> list[str]:
    log = folder / "log" / "postgres.log"
    return log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:] if log.exists() else []
