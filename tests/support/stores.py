"""The stores a test worker uses: started once per run by whichever worker comes first, one database for each worker.

The schema is migrated once, into a template; each worker's database is a copy of it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import msgspec

from support import run_folder
from support.ports import free_port
from wisipay.core.database import Pool
from wisipay.core.embedded import postgres, valkey
from wisipay.core.migrations import migrate

_TEMPLATE = "wisipay_template"
_MONTHS = r"SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relname ~ '^ledger_.+_\d{4}_\d{2}'"
_REDIS_DATABASES = 16


@dataclass(frozen=True)
class Stores:
    """Addresses of the run's stores: `postgres_url` of the maintenance database, `redis_url` without a number."""

    postgres_url: str
    redis_url: str


async def started_stores() -> Stores:
    """Return the run's stores, starting them when this worker is the first to ask."""
    folder = run_folder.enter()
    note = folder / "stores.json"
    with run_folder.locked(folder):
        if note.exists():
            return msgspec.json.decode(note.read_bytes(), type=Stores)
        server = await postgres.start(folder, free_port())
        await _forget_the_disk(server.url)
        await execute(server.url, f"DROP DATABASE IF EXISTS {_TEMPLATE}")
        await execute(server.url, f"CREATE DATABASE {_TEMPLATE}")
        await migrate(database_at(server.url, _TEMPLATE))
        stores = Stores(postgres_url=server.url, redis_url=(await valkey.start(folder, free_port())).url)
        note.write_bytes(msgspec.json.encode(asdict(stores)))
        return stores


async def create_database(stores: Stores, name: str, *, migrated: bool = True) -> str:
    """Create the database `name` (replacing one of that name) and return its URL."""
    await execute(stores.postgres_url, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    with run_folder.locked(run_folder.enter()):  # PostgreSQL copies a template only while nobody else does
        source = _TEMPLATE if migrated else "template0"
        await execute(stores.postgres_url, f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY file_copy")
    return database_at(stores.postgres_url, name)


def redis_database(stores: Stores) -> str:
    """Return the URL of the Redis database that belongs to this worker."""
    number = int(worker_name().removeprefix("gw") or 0)
    if number >= _REDIS_DATABASES:
        raise ValueError(f"at most {_REDIS_DATABASES} test workers: each has a Redis database of its own")
    return database_at(stores.redis_url, str(number))


def worker_name() -> str:
    """Return pytest-xdist's name of this worker, `gw0` without it."""
    return os.environ.get("PYTEST_XDIST_WORKER", "gw0")


def database_at(url: str, name: str) -> str:
    """Return `url` with the database replaced."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def execute(url: str, sql: str) -> None:
    """Run one statement on a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def table_names(pool: Pool) -> list[str]:
    """Return the tables of a migrated database, without the record of its migrations."""
    rows = await pool.fetch(
        """
        SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname <> 'information_schema'
          AND n.nspname NOT LIKE 'pg\\_%' AND c.relname NOT LIKE 'schema\\_version\\_%'
        ORDER BY 1
        """
    )
    return [row["name"] for row in rows]


async def empty_tables(pool: Pool, tables: Sequence[str]) -> None:
    """Delete all rows that a test left, triggers and foreign keys aside, without touching tables that are empty.

    Months of the ledger that a test made are dropped.
    """
    probes = (f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in tables)  # noqa: S608 - catalogue names
    async with pool.acquire() as connection:
        for (month,) in await connection.fetch(_MONTHS):
            await connection.execute(f"DROP TABLE {month}")
        dirty = await connection.fetch(" UNION ALL ".join(probes))
        if dirty:
            deletions = "; ".join(f"DELETE FROM {row[0]}" for row in dirty)  # noqa: S608 - as above
            await connection.execute(f"BEGIN; SET LOCAL session_replication_role = replica; {deletions}; COMMIT")


async def _forget_the_disk(url: str) -> None:
    """Stop waiting for the disk: this data lives no longer than the run. Product code never does this."""
    for setting in ("fsync", "full_page_writes"):
        await execute(url, f"ALTER SYSTEM SET {setting} = off")
    await execute(url, "SELECT pg_reload_conf()")
