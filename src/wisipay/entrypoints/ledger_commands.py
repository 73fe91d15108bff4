"""What `wisipay ledger` does: verify, export, seal, and the published heads.

Decides how an operator sees it and the exit status: 0 all is well, 1 something differs, 2 it could not be found out.
Must never repair what it finds, nor show the private key other than when it makes one.
"""

import asyncio
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from wisipay.core.clock import SystemClock
from wisipay.core.config import Settings
from wisipay.core.database import Connection, connect_pool
from wisipay.core.errors import BadRequest
from wisipay.entrypoints import ledger_heads
from wisipay.entrypoints.known_errors import is_known
from wisipay.entrypoints.operator import tell, tell_json, user_name
from wisipay.entrypoints.store_settings import settings_with_stores
from wisipay.ledger import Difference, checks, months, reading, seals

_DIFFERENCES_MAX: Final = 1_000
_DIFFERS: Final = 1
_COULD_NOT_CHECK: Final = 2

Result = TypeVar("Result")


def verify(limit: int, archives: Path | None, *, as_json: bool) -> None:
    """Say what differs; exit status 1 if anything does."""
    if not 1 <= limit <= _DIFFERENCES_MAX:
        raise BadRequest(f"--limit: got {limit}, wants a number from 1 to {_DIFFERENCES_MAX}")
    if _run(lambda connection, settings: _verify(connection, settings, limit, archives, as_json=as_json)):
        raise SystemExit(_DIFFERS)


def export(output: Path | None, archives: Path | None) -> None:
    """Write the journal to a file or to standard output."""
    _run(lambda connection, settings: _export(connection, output, archives or settings.ledger_archive_dir))


def seal(*, as_json: bool) -> None:
    """Seal what may be sealed, and say how much that was."""
    sealed = _run(lambda connection, _settings: seals.seal(connection, SystemClock().now()))
    if as_json:
        tell_json(asdict(sealed) | {"tail": asdict(sealed.tail) | {"hash": sealed.tail.hash.hex()}})
    elif sealed.is_busy:
        tell("another sealer is at work")
    else:
        tell(f"{sealed.records} records sealed in {sealed.blocks} blocks; {_end(sealed.tail)}")


def make_key() -> None:
    """Print a new key pair."""
    private, public = seals.new_head_key()
    tell(f"LEDGER_SIGNING_KEY={private}\nLEDGER_PUBLIC_KEY={public}")


def heads(*, publish: bool, as_json: bool) -> None:
    """List and check the published heads, after publishing one if asked to; exit status 1 if anything differs."""
    if _run(lambda connection, settings: _heads(connection, settings, publish=publish, as_json=as_json)):
        raise SystemExit(_DIFFERS)


async def _verify(
    connection: Connection, settings: Settings, limit: int, archives: Path | None, *, as_json: bool
) -> int:
    """Tell every difference as it is found; return how many."""
    told = await ledger_heads.heads_of_audit(connection)
    known = [each.as_head(f"audit log of {each.day}, number {each.number},") for each in told if each.block]
    found: list[Difference] = []
    if settings.ledger_heads_dir is not None:
        published = ledger_heads.read_heads(settings.ledger_heads_dir, settings)
        known += published.heads()
        found += [*published.differences, *ledger_heads.files_against_audit(published, told)]
    _tell_differences(found, as_json=as_json)
    async with months.all_records(connection, archives or settings.ledger_archive_dir) as records:
        report = await seals.verify_chain(connection, known, records_of=records, differences_max=limit)
    _tell_differences(report.differences, as_json=as_json)
    count = len(found) + len(report.differences)
    if count < limit:
        async with reading(connection) as books:
            async for difference in checks.run_checks(books):
                _tell_differences([difference], as_json=as_json)
                count += 1
                if count >= limit:
                    break
    if as_json:
        end = {"block": report.tail.block, "position": report.tail.position, "hash": report.tail.hash.hex()}
        tell(_line({"differences": count, "records": report.records, "heads": len(known), "end": end}))
    else:
        tell(f"{report.records} sealed records, {len(known)} published heads, {count} differences; {_end(report.tail)}")
    return count


async def _export(connection: Connection, output: Path | None, archives: Path | None) -> None:
    try:
        async with months.all_records(connection, archives) as records:
            _refuse_lost(records)
            with nullcontext(sys.stdout.buffer) if output is None else output.open("wb") as file:
                async for piece in seals.journal(connection, records):
                    file.write(piece)
                file.flush()
            _refuse_lost(records)
    except OSError as error:
        raise BadRequest(f"--output: {error.strerror}: {output}") from None


def _refuse_lost(records: months.AllRecords) -> None:
    """Stop where the journal would not be whole, or the files are not the ones that were archived."""
    for each in records.taken():
        if each.check == months.FILES_DIFFER:
            raise BadRequest(f"--archives: {each.id}: {each.message}")


async def _heads(connection: Connection, settings: Settings, *, publish: bool, as_json: bool) -> int:
    if publish:
        try:
            await ledger_heads.publish_head(connection, settings, SystemClock().now(), user_name())
        except OSError as error:
            raise BadRequest(f"LEDGER_HEADS_DIR: {error.strerror}: {settings.ledger_heads_dir}") from None
    if settings.ledger_heads_dir is None:
        raise BadRequest("LEDGER_HEADS_DIR is not set, so no head is published")
    published = ledger_heads.read_heads(settings.ledger_heads_dir, settings)
    for each in published.statements:
        tell(_line(each) if as_json else f"{each.day} block {each.block} position {each.position} {each.head}")
    lost = ledger_heads.files_against_audit(published, await ledger_heads.heads_of_audit(connection))
    found = [*published.differences, *lost]
    _tell_differences(found, as_json=as_json)
    return len(found)


def _run(command: Callable[[Connection, Settings], Awaitable[Result]]) -> Result:
    """Run a command on a connection of its own. Whatever stops it is exit status 2, so that 1 means one thing only."""
    try:
        return asyncio.run(_with_connection(command))
    except Exception as error:
        if is_known(error):
            raise
        traceback.print_exc()
        raise SystemExit(_COULD_NOT_CHECK) from None


async def _with_connection(command: Callable[[Connection, Settings], Awaitable[Result]]) -> Result:
    settings = settings_with_stores()
    async with _connection(settings) as connection:
        return await command(connection, settings)


@asynccontextmanager
async def _connection(settings: Settings) -> AsyncIterator[Connection]:
    pool = await connect_pool(settings, application_name="wisipay ledger", max_size=1)
    async with pool, pool.acquire() as connection:
        # Looking at a year takes longer than any statement of a request may.
        await connection.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
        yield connection


def _tell_differences(differences: Iterable[Difference], *, as_json: bool) -> None:
    for each in differences:
        tell(_line(asdict(each)) if as_json else f"{each.check}: {each.subject} {each.id}: {each.message}")


def _end(tail: seals.Tail) -> str:
    return f"the chain ends at position {tail.position}, block {tail.block}, {tail.hash.hex()}"


def _line(value: object) -> str:
    return msgspec.json.encode(value).decode()
