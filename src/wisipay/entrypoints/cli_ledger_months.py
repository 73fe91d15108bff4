"""`wisipay ledger months`: the months of the ledger's history, made ahead, archived, verified and brought back.

Decides how an operator sees them and the exit status: 0 all is well, 1 an archive differs. Nothing is archived without
this command, and nothing that was archived is dropped without `--drop`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
from cyclopts import App

from wisipay.core.clock import SystemClock
from wisipay.core.database import Connection, connect_pool
from wisipay.core.errors import BadRequest
from wisipay.entrypoints.operator import tell
from wisipay.entrypoints.store_settings import settings_with_stores
from wisipay.ledger import LedgerError, months

_DIFFERS: Final = 1

app: Final = App(name="months", help="Months of the ledger: list, create, archive, restore, verify.")


@app.command(name="list")
def list_() -> None:
    """List the months that have partitions and those that are archived, and rows that no month was made for."""
    asyncio.run(_list())


@app.command
def create(*, ahead: int = months.MONTHS_AHEAD) -> None:
    """Make this month's partitions and coming ones; nobody waits for them, so any time will do.

    Parameters
    ----------
    ahead
        So many months after this one, up to 24.
    """
    if not 1 <= ahead <= 24:  # noqa: PLR2004 - two years
        raise BadRequest(f"--ahead: got {ahead}, wants a number from 1 to 24")
    asyncio.run(_create(ahead))


@app.command
def archive(folder: Path, *, age_months: int = months.AGE_MONTHS, drop: bool = False) -> None:
    """Archive the earliest month that is old enough into a folder of Parquet files.

    Parameters
    ----------
    folder
        Where archives are kept, on a disk that is backed up. Each month has a folder in it.
    age_months
        How many months ago it must have ended, at least 2.
    drop
        Drop the detached tables of every archived month whose files are whole; nothing is archived then.
    """
    if age_months < 2:  # noqa: PLR2004 - last month is still being settled
        raise BadRequest(f"--age-months: got {age_months}, wants 2 or more")
    asyncio.run(_drop(folder) if drop else _archive(folder, age_months))


@app.command
def restore(folder: Path, month: str) -> None:
    """Put the month that was archived last back into the database; its files stay where they are."""
    asyncio.run(_restore(folder, month))


@app.command
def verify(folder: Path) -> None:
    """Compare archived months with their manifests and with the seals of their entries; exit status 1: they differ."""
    if asyncio.run(_verify(folder)):
        raise SystemExit(_DIFFERS)


async def _list() -> None:
    async with _connection() as connection:
        for each in await months.partitions(connection):
            tell(_line({"month": each.period.name, "end": each.period.end, "bytes": each.bytes}))
        for archived in await months.archives(connection):
            tell(
                _line({"archived": archived.name, "at": archived.archived_at, "detached_kept": archived.detached_kept})
            )
        for difference in await months.in_default(connection):
            tell(f"{difference.check}: {difference.id}: {difference.message}")


async def _create(ahead: int) -> None:
    async with _connection() as connection:
        for period in await months.create_months(connection, SystemClock().now(), ahead=ahead):
            tell(period.name)


async def _archive(folder: Path, age_months: int) -> None:
    async with _connection() as connection:
        period = await months.archive_month(connection, folder, SystemClock().now(), age_months=age_months)
        tell("no month is old enough" if period is None else f"{period.name} is archived in {folder / period.name}")


async def _drop(folder: Path) -> None:
    async with _connection() as connection:
        for archived in await months.archives(connection):
            if await months.drop_detached(connection, folder, archived.name):
                tell(f"{archived.name}: detached tables dropped")


async def _restore(folder: Path, month: str) -> None:
    async with _connection() as connection:
        await months.restore(connection, folder, month)
        tell(f"{month} is in the database again")


async def _verify(folder: Path) -> int:
    count = 0
    async with _connection() as connection:
        for archived in await months.archives(connection):
            found = await months.verify_archive(connection, folder, archived.name)
            count += len(found)
            for each in found:
                tell(f"{each.check}: {each.subject} {each.id}: {each.message}")
            tell(f"{archived.name}: {len(found)} differences")
    return count


@asynccontextmanager
async def _connection() -> AsyncIterator[Connection]:
    pool = await connect_pool(settings_with_stores(), application_name="wisipay ledger months", max_size=1)
    try:
        async with pool, pool.acquire() as connection:
            # A month takes longer than any statement of a request may.
            await connection.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
            yield connection
    except LedgerError as error:
        raise BadRequest(str(error)) from error


def _line(value: dict[str, object]) -> str:
    return msgspec.json.encode(value).decode()
