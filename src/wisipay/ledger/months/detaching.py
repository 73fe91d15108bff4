"""Taking a month's partitions out, dropping them, and putting them back: each in one transaction.

In a detached partition's place stands an empty one that refuses rows, so that an archived id that comes again is never
taken for a new one. It keeps what the months after it still need: entries with an id of this month that were posted
later, and holds that were posted later, whose words their posts tell.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

from wisipay.ledger.months import parquet
from wisipay.ledger.months.errors import ArchiveError
from wisipay.ledger.months.making import LOCK_TIMEOUT_SECONDS, attach
from wisipay.ledger.months.manifest import MANIFEST, Manifest, check_files, read_manifest, sha256_of
from wisipay.ledger.months.sql import QUERIES
from wisipay.ledger.months.tables import ENTRIES, LINES, RESOLUTIONS, TABLES, Table
from wisipay.ledger.periods import Period, named
from wisipay.ledger.store import Connection

_AT_ONCE = 5_000
_AS_TEXT: Final = {
    ENTRIES: "ALTER COLUMN kind TYPE text, ALTER COLUMN metadata TYPE text",
    RESOLUTIONS: "ALTER COLUMN kind TYPE text",
}
"""Columns whose types the files don't know."""
_REFUSE: Final = "ADD CONSTRAINT ledger_month_is_archived CHECK (FALSE) NOT VALID"


@dataclass(frozen=True, slots=True)
class Archive:
    """An archived month; `detached_kept` while the tables that were taken out are still there."""

    name: str
    manifest_sha256: str
    archived_at: datetime
    detached_kept: bool


async def exchange(connection: Connection, period: Period, manifest: Manifest, home: Path) -> None:
    """Detach the partitions, note the archive, and put partitions in their place that hold what is still needed."""
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'; SET LOCAL statement_timeout = 0")
        for table in TABLES:
            await connection.execute(f"ALTER TABLE {table.name} DETACH PARTITION {table.partition(period)}")
            await connection.execute(f"ALTER TABLE {table.partition(period)} RENAME TO {detached(table, period)}")
            for row in await connection.fetch(QUERIES["indexes"], detached(table, period)):
                await connection.execute(f"ALTER INDEX {row['name']} RENAME TO {row['name']}_detached")
        await _nothing_came_meanwhile(connection, period, manifest)
        for table in TABLES:
            await _make_place(connection, table, period)
        await connection.execute(
            *(QUERIES["note_archive"], period.name, period.start, period.end, sha256_of(home / MANIFEST))
        )


async def drop_detached(connection: Connection, folder: Path, name: str) -> bool:
    """Drop the detached tables of an archived month after checking its files; False where none were left."""
    archive = await archive_named(connection, name)
    if not archive.detached_kept:
        return False
    home = folder / name
    manifest = read_manifest(home, archive.manifest_sha256)
    await asyncio.to_thread(check_files, manifest, home)
    async with connection.transaction():
        for table in TABLES:
            await connection.execute(f"DROP TABLE {detached(table, named(name))}")
    return True


async def restore(connection: Connection, folder: Path, name: str) -> None:
    """Put an archived month back: from its detached tables, or from its files when those are dropped.

    Only the one archived last, so that what is in the database has no gap: `ArchiveError`. The files stay.
    """
    archive = await archive_named(connection, name)
    last = (await archives(connection))[-1].name
    if last != name:
        raise ArchiveError(f"{last} was archived after {name}: restore it first")
    period = named(name)
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'; SET LOCAL statement_timeout = 0")
        if not archive.detached_kept:
            await _from_files(connection, folder / name, archive.manifest_sha256, period)
        for table in TABLES:
            await _put_back(connection, table, period)
        await connection.execute(QUERIES["forget_archive"], name)


async def archives(connection: Connection) -> list[Archive]:
    """Return the archived months, the earliest first."""
    return [Archive(*row) for row in await connection.fetch(QUERIES["archives"])]


async def archive_named(connection: Connection, name: str) -> Archive:
    """Return the note of an archive; `ArchiveError` for a month that is not archived."""
    for each in await archives(connection):
        if each.name == name:
            return each
    raise ArchiveError(f"{name} is not archived")


def detached(table: Table, period: Period) -> str:
    """Return the name of a table that was taken out."""
    return f"{table.partition(period)}_detached"


async def _nothing_came_meanwhile(connection: Connection, period: Period, manifest: Manifest) -> None:
    """Entries and lines were refused while the files were written; endings were not, as a reversal is one."""
    ended = await connection.fetchval(
        f"SELECT count(*) FROM {detached(RESOLUTIONS, period)} AS endings"  # noqa: S608 - our names
        f" JOIN {detached(ENTRIES, period)} AS entries ON entries.id = endings.target_id"
        " WHERE entries.posted_at < $1",
        period.end,
    )
    if ended > manifest.files[parquet.RESOLUTIONS].rows:
        raise ArchiveError(f"{period.name}: an entry of it was reversed meanwhile; archive it again")


async def _make_place(connection: Connection, table: Table, period: Period) -> None:
    """Attach a table that holds what later months need, and takes no more entries and lines."""
    partition = table.partition(period)
    await connection.execute(f"CREATE TABLE {partition} (LIKE {table.name} INCLUDING ALL EXCLUDING IDENTITY)")
    if table is not LINES:
        await connection.execute(
            f"INSERT INTO {partition} SELECT kept.* FROM {detached(table, period)} AS kept"  # noqa: S608 - our names
            f" WHERE kept.{table.key} IN (SELECT id FROM ({_needed_later(period)}) AS needed)",
            period.end,
        )
    if table is not RESOLUTIONS:
        await connection.execute(f"ALTER TABLE {partition} {_REFUSE}")
    await connection.execute(attach(table, period))


def _needed_later(period: Period) -> str:
    """Return the SQL that gives the entries of a detached month that months after it need; $1 is the month's end."""
    entries, endings = detached(ENTRIES, period), detached(RESOLUTIONS, period)
    return (
        f"SELECT entries.id FROM {entries} AS entries WHERE entries.posted_at >= $1"  # noqa: S608 - our names
        f" UNION ALL SELECT holds.id FROM {entries} AS holds JOIN {endings} AS endings ON endings.target_id = holds.id"
        f" WHERE holds.kind = 'PENDING' AND (EXISTS (SELECT FROM {entries} AS own WHERE own.id = endings.entry_id"
        " AND own.posted_at >= $1) OR EXISTS (SELECT FROM ledger_entries AS posts WHERE posts.id = endings.entry_id"
        " AND posts.posted_at >= $1))"
    )


async def _from_files(connection: Connection, home: Path, sha256: str, period: Period) -> None:
    """Make the detached tables again from the files, after checking those."""
    manifest = read_manifest(home, sha256)
    await asyncio.to_thread(check_files, manifest, home)
    for table, name in ((ENTRIES, parquet.ENTRIES), (LINES, parquet.LINES), (RESOLUTIONS, parquet.RESOLUTIONS)):
        target = detached(table, period)
        columns = parquet.SCHEMAS[name].names
        await connection.execute(f"CREATE TABLE {target} (LIKE {table.name} INCLUDING ALL EXCLUDING IDENTITY)")
        listed = ", ".join(columns)
        staged = f"CREATE TEMPORARY TABLE staged ON COMMIT DROP AS SELECT {listed} FROM {table.name} LIMIT 0"  # noqa: S608 - our names
        await connection.execute(f"{staged}; ALTER TABLE staged {_AS_TEXT[table]}" if table in _AS_TEXT else staged)
        rows = parquet.rows_of(home, name)
        while some := list(islice(rows, _AT_ONCE)):
            await connection.copy_records_to_table("staged", records=some, columns=columns)
        # A row that lies in the partition of another month, by its id, has never left the database.
        await connection.execute(
            f"INSERT INTO {target} ({', '.join(columns)}) SELECT {_selected(table, columns)} FROM staged"  # noqa: S608 - our names
            f" WHERE {table.inside(period)}; DROP TABLE staged"
        )


def _selected(table: Table, columns: Sequence[str]) -> str:
    casts = {"kind": "kind::ledger_entry_kind", "metadata": "metadata::jsonb"} if table in _AS_TEXT else {}
    return ", ".join(casts.get(column, column) for column in columns)


async def _put_back(connection: Connection, table: Table, period: Period) -> None:
    """Attach a detached table again, with what its place took meanwhile."""
    partition, old = table.partition(period), detached(table, period)
    await connection.execute(
        f"ALTER TABLE {table.name} DETACH PARTITION {partition};"
        f"ALTER TABLE {old} DROP CONSTRAINT IF EXISTS ledger_month_is_archived;"
    )
    columns = [row["name"] for row in await connection.fetch(QUERIES["columns"], partition)]
    listed = ", ".join(columns)
    await connection.execute(
        f"INSERT INTO {old} ({listed}) SELECT {listed} FROM {partition} ON CONFLICT DO NOTHING;"  # noqa: S608 - our names
        f"DROP TABLE {partition};"
        f"ALTER TABLE {old} RENAME TO {partition}"
    )
    for row in await connection.fetch(QUERIES["indexes"], partition):
        name = row["name"].removesuffix("_detached").replace(old, partition)
        await connection.execute(f"ALTER INDEX {row['name']} RENAME TO {name}")
    guarded = await connection.fetchval(QUERIES["is_guarded"], partition)
    await connection.execute(attach(table, period, guarded=guarded))
