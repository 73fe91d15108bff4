"""`wisipay reconcile`: settlement files of providers against our payments, and what a person decides about differences.

Decides how an operator sees it: JSON, lists as one line each. An import ends with its figures; decisions need a note.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

import msgspec
from cyclopts import App, Parameter

from wisipay import reconciliation
from wisipay.core.clock import SystemClock
from wisipay.core.database import Pool, connect_pool
from wisipay.core.errors import BadRequest
from wisipay.core.money import rupees_text
from wisipay.entrypoints.engine import engine
from wisipay.entrypoints.operator import Operator, operate, tell, tell_json, user_name
from wisipay.entrypoints.store_settings import settings_with_stores
from wisipay.merchants import Author, UnknownChannel, read_channels
from wisipay.payments import Kind
from wisipay.reconciliation import Action, DifferenceFilter, DifferenceKind, Run, Scope, Summary

Result = TypeVar("Result")
Service = Literal["payin", "payout"]

_STANDARD_INPUT: Final = "-"
_MAPPING_BYTES_MAX: Final = 65_536

app: Final = App(name="reconcile", help="Settlement files of providers: mapping, import, differences.")
mapping_app: Final = App(name="mapping", help="How the files of a provider are read.")
app.command(mapping_app)


@mapping_app.command(name="set")
def set_mapping(
    provider_id: str, service: Service, source: Annotated[str, Parameter(allow_leading_hyphen=True)], *, reason: str
) -> None:
    """Save how a provider's files are read, as a further version.

    Parameters
    ----------
    source
        A file with the mapping as JSON (docs/operations/reconciliation.md has its fields); - reads standard input.
    reason
        Why it changes, for the audit log.
    """
    mapping = reconciliation.read_mapping(_content(source))

    async def command(operator: Operator) -> int:
        return await reconciliation.save_mapping(
            operator.conn, operator.author, provider_id, Kind(service.upper()), mapping
        )

    tell(f"{service} files of {provider_id} are read by mapping version {operate(command, reason=_needed(reason))}")


@mapping_app.command(name="show")
def show_mapping(provider_id: str, service: Service, *, version: int | None = None) -> None:
    """Show a version of a mapping, the newest when none is named."""
    kind = Kind(service.upper())
    tell_json(operate(lambda operator: reconciliation.find_mapping(operator.conn, provider_id, kind, version)))


@app.command(name="import")
def import_(
    file: Path,
    *,
    channel: str,
    service: Service,
    first_day: Annotated[date, Parameter(name="--from")],
    last_day: Annotated[date | None, Parameter(name="--to")] = None,
) -> None:
    """Import a settlement file and match it; the same file again shows what came of it, and a killed import goes on.

    Parameters
    ----------
    file
        CSV or XLSX.
    channel
        The channel whose account the file is of.
    first_day
        First Indian day, such as 2026-01-31, whose payments the file must have.
    last_day
        Last such day; the same day when none is given.
    """

    async def command(pool: Pool, author: Author) -> Summary:
        async with pool.acquire() as conn:
            found = (await read_channels(conn)).get(channel)
        if found is None:
            raise UnknownChannel(channel)
        if last_day is not None and last_day < first_day:
            raise BadRequest("--to is before --from")
        scope = Scope(channel, found.provider_id, Kind(service.upper()), first_day, last_day or first_day)
        return await reconciliation.import_file(pool, author, scope, file)

    tell_json(_summary(_run(command)))


@app.command
def runs(*, channel: str | None = None, before: int | None = None, limit: int = 100) -> None:
    """List imported files, the newest first.

    Parameters
    ----------
    before
        Only those older than this id, to page on.
    """

    async def command(pool: Pool, _: Author) -> list[Run]:
        async with pool.acquire() as conn:
            return await reconciliation.list_runs(conn, channel_id=channel, before=before, limit=limit)

    for run in _run(command):
        _write(_described(run))


@app.command
def show(run_id: int) -> None:
    """Show what came of one file: its figures, differences by kind, and lines that could not be used."""
    tell_json(_summary(operate(lambda operator: reconciliation.read_run(operator.conn, run_id))))


@app.command
def differences(
    run_id: int | None = None,
    *,
    kind: DifferenceKind | None = None,
    also_resolved: bool = False,
    after: int = 0,
    limit: int = 100,
) -> None:
    """List differences in order of their ids, one JSON line each; of all files when no run is named.

    Parameters
    ----------
    also_resolved
        Also those that somebody resolved.
    after
        Only those behind this id, to page on.
    limit
        At most this many, up to 10,000.
    """
    wanted = DifferenceFilter(run_id, kind, also_resolved=also_resolved, after=after)
    for each in operate(lambda operator: reconciliation.list_differences(operator.conn, wanted, limit)):
        _write(asdict(each))


@app.command
def resolve(*difference_ids: int, action: Action, note: str) -> None:
    """Decide about differences: accept, claim from the provider, corrected elsewhere, or reopen. No money is moved.

    Parameters
    ----------

    Note:
        Why; for `corrected` also by what. Kept with the difference and in the audit log.
    """

    async def command(operator: Operator) -> list[int]:
        return await reconciliation.decide(operator.conn, operator.author, difference_ids, action, note)

    decided = set(operate(command, reason=note))
    for difference_id in difference_ids:
        _write({"difference": difference_id, "decided": difference_id in decided})


@app.command
def apply_status(difference_id: int, *, note: str) -> None:
    """Set our payment to the status that the file states; the ledger follows by new entries.

    Parameters
    ----------

    Note:
        Why the file is right; kept with the payment, the difference and in the audit log.
    """
    asyncio.run(_apply_status(difference_id, _needed(note)))


@app.command
def withdraw(run_id: int, *, reason: str) -> None:
    """Say that a file was imported by mistake: it counts no more, and may be imported again."""
    run = operate(
        lambda operator: reconciliation.withdraw_run(operator.conn, operator.author, run_id), reason=_needed(reason)
    )
    tell(f"run {run.id} is withdrawn")


def _run(command: Callable[[Pool, Author], Awaitable[Result]]) -> Result:
    """Run a command that commits by itself, step by step."""

    async def running() -> Result:
        author = Author(user_name(), SystemClock().now())
        pool = await connect_pool(settings_with_stores(), application_name="wisipay reconcile", max_size=1)
        async with pool:
            return await command(pool, author)

    return asyncio.run(running())


async def _apply_status(difference_id: int, note: str) -> None:
    async with engine(settings_with_stores(), "operator") as parts:
        author = Author(user_name(), parts.clock.now(), reason=note)
        heard = await reconciliation.apply_status(parts.pool, parts.desk, author, difference_id, note)
    status = None if heard.transaction is None else heard.transaction.status
    _write({"difference": difference_id, "before": heard.before, "status": status})


def _content(source: str) -> bytes:
    try:
        if source == _STANDARD_INPUT:
            return sys.stdin.buffer.read(_MAPPING_BYTES_MAX)
        with Path(source).open("rb") as file:
            return file.read(_MAPPING_BYTES_MAX)
    except OSError as error:
        raise BadRequest(f"{source} cannot be read: {error.strerror}") from error


def _needed(reason: str) -> str:
    if not reason.strip():
        raise BadRequest("Say why: it is kept in the audit log")
    return reason.strip()


def _summary(summary: Summary) -> dict[str, Any]:
    return asdict(summary) | {"run": _described(summary.run)}


def _described(run: Run) -> dict[str, Any]:
    fields = asdict(run)
    paise = {name: fields.pop(f"{name}_paise") for name in ("file", "matched")}
    return fields | {f"{name}_amount": rupees_text(amount) for name, amount in paise.items()}


def _write(line: dict[str, Any]) -> None:
    tell(msgspec.json.encode(line).decode())
