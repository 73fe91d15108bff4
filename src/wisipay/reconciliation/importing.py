"""Importing a settlement file: the run, its rows, then the matching; each step is found again where it was left.

A run is known by the file's SHA-256: the same file again is the same run. Rows are stored in chunks, each in one commit
with the last line that it holds, so that a killed import goes on behind it. Must never hold more than a chunk of rows.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Final

from wisipay.core.database import Connection, Pool
from wisipay.merchants import Author
from wisipay.reconciliation.errors import RunBusy, RunDiffers, UnreadableFile
from wisipay.reconciliation.heading import below_heading
from wisipay.reconciliation.mapping import BrokenRow, FileRow, RowReader
from wisipay.reconciliation.mappings import QUERIES, find_mapping
from wisipay.reconciliation.matching import match
from wisipay.reconciliation.model import Run, RunState, Scope, Summary
from wisipay.reconciliation.record import Record
from wisipay.reconciliation.runs import run_of, summary_of

BROKEN_MAX: Final = 1_000
ROWS_MAX: Final = 20_000_000

CHUNK_ROWS: Final = 10_000
_HASHED_PIECE: Final = 1 << 20
_LOCK_CLASS: Final = 0x7265636F  # "reco": the first half of an advisory lock that nothing else takes
_ROW_COLUMNS: Final = ("run_id", "line", *FileRow._fields)


async def import_file(pool: Pool, author: Author, scope: Scope, path: Path) -> Summary:
    """Import a file to its end and return what came of it.

    Raises UnknownMapping, UnreadableFile (a column is missing, over a thousand broken rows), RunBusy and RunDiffers.
    """
    try:
        digest = await asyncio.to_thread(_sha256, path)
    except OSError as error:
        raise UnreadableFile(f"{path.name} cannot be read: {error.strerror}") from None
    async with pool.acquire() as conn:
        run = await _run(conn, author, scope, path, digest)
        if run.state is RunState.MATCHED:
            return await summary_of(conn, run, repeated=True)
        async with alone(conn, run):
            run = run_of(await conn.fetchrow(QUERIES["run_by_id"], run.id))
            if run.state is RunState.BROKEN or (run.state is RunState.LOADING and run.loaded_to_line == 0):
                run = await _begin_anew(conn, run)
            if run.state is RunState.LOADING:
                run = await _load(conn, run, path)
            if run.state is RunState.LOADED:
                run = await match(conn, run, author.moment)
        return await summary_of(conn, run)


async def _run(conn: Connection, author: Author, scope: Scope, path: Path, digest: bytes) -> Run:
    """Return the run of this file, newly made where there is none."""
    mapping = await find_mapping(conn, scope.provider_id, scope.kind)
    async with conn.transaction():
        # Two who begin at once: the second waits here and finds the run of the first.
        await conn.execute("SELECT pg_advisory_xact_lock($1, $2)", _LOCK_CLASS, int.from_bytes(digest[:3]))
        row = await conn.fetchrow(QUERIES["run_of_file"], scope.channel_id, scope.kind.value, digest)
        if row is None:
            return await _new_run(conn, author, scope, path, digest, mapping.version)
        run = run_of(row)
        if (run.first_day, run.last_day) != (scope.first_day, scope.last_day):
            raise RunDiffers(
                f"this file is run {run.id}, for {run.first_day} to {run.last_day}; "
                "withdraw that run first if these days were wrong"
            )
        return run


async def _begin_anew(conn: Connection, run: Run) -> Run:
    """Begin a run that holds no rows, by the newest mapping: it may be what was wrong before."""
    mapping = await find_mapping(conn, run.provider_id, run.kind)
    async with conn.transaction():
        await conn.execute(QUERIES["forget_broken"], run.id)
        return run_of(await conn.fetchrow(QUERIES["begin_anew"], run.id, mapping.version))


async def _new_run(
    conn: Connection, author: Author, scope: Scope, path: Path, digest: bytes, mapping_version: int
) -> Run:
    run = run_of(
        await conn.fetchrow(
            QUERIES["insert_run"],
            scope.channel_id,
            scope.provider_id,
            scope.kind.value,
            scope.first_day,
            scope.last_day,
            path.name,
            digest,
            mapping_version,
            author.name,
            author.moment,
        )
    )
    after = {
        "file": path.name,
        "channel": scope.channel_id,
        "kind": scope.kind.value,
        "days": [str(scope.first_day), str(scope.last_day)],
        "mappingVersion": mapping_version,
        "sha256": digest.hex(),
    }
    await author.record(conn, "reconciliation.import", ("reconciliation_run", str(run.id)), None, after)
    return run


@asynccontextmanager
async def alone(conn: Connection, run: Run) -> AsyncIterator[None]:
    """Keep others from working on the same run; a process that dies lets go with its connection."""
    key = run.id & 0x7FFF_FFFF
    if not await conn.fetchval("SELECT pg_try_advisory_lock($1, $2)", _LOCK_CLASS + 1, key):
        raise RunBusy(f"run {run.id} is being imported at this moment")
    try:
        yield
    finally:
        await conn.execute("SELECT pg_advisory_unlock($1, $2)", _LOCK_CLASS + 1, key)


async def _load(conn: Connection, run: Run, path: Path) -> Run:
    saved = await find_mapping(conn, run.provider_id, run.kind, run.mapping_version)
    reader, lines = await asyncio.to_thread(below_heading, path, saved.mapping)
    begin = run.loaded_to_line
    lines = (record for record in lines if record.line > begin)
    while chunk := await asyncio.to_thread(_read, reader, lines, run.id):
        run = await store_chunk(conn, run, chunk)
        if run.broken_count > BROKEN_MAX:
            return await _give_up(conn, run)
        if run.row_count > ROWS_MAX:
            raise UnreadableFile(f"the file has more than {ROWS_MAX} rows")
    return run_of(await conn.fetchrow(QUERIES["set_state"], run.id, RunState.LOADED.value))


class Chunk:
    """Rows and broken lines that are stored together."""

    def __init__(self) -> None:
        self.rows: list[tuple[object, ...]] = []
        self.broken: list[tuple[int, int, str]] = []
        self.skipped = 0
        self.paise = 0
        self.last_line = 0


def _read(reader: RowReader, records: Iterable[Record], run_id: int) -> Chunk | None:
    chunk = Chunk()
    for line, cells in islice(records, CHUNK_ROWS):
        chunk.last_line = line
        try:
            if isinstance(cells, BrokenRow):
                raise cells
            row = reader.read(cells)
        except BrokenRow as problem:
            chunk.broken.append((run_id, line, str(problem)))
            continue
        if row is None:
            chunk.skipped += 1
        else:
            chunk.rows.append((run_id, line, *row))
            chunk.paise += row.amount_paise
    return chunk if chunk.last_line else None


async def store_chunk(conn: Connection, run: Run, chunk: Chunk) -> Run:
    """Store a chunk and how far the run has come with it, together or not at all."""
    async with conn.transaction():
        await conn.copy_records_to_table("reconciliation_rows", records=chunk.rows, columns=_ROW_COLUMNS)
        await conn.copy_records_to_table(
            "reconciliation_broken", records=chunk.broken, columns=("run_id", "line", "problem")
        )
        counts = (len(chunk.rows), chunk.skipped, len(chunk.broken), chunk.paise)
        return run_of(await conn.fetchrow(QUERIES["add_loaded"], run.id, chunk.last_line, *counts))


async def _give_up(conn: Connection, run: Run) -> Run:
    async with conn.transaction():
        await conn.execute(QUERIES["forget_rows"], run.id)
        return run_of(await conn.fetchrow(QUERIES["set_state"], run.id, RunState.BROKEN.value))


def _sha256(path: Path) -> bytes:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_HASHED_PIECE):
            digest.update(piece)
    return digest.digest()
