"""`wisipay ledger findings` and `wisipay ledger days`: what the checks found, and what a person says and does about it.

Decides that acknowledging and correcting are audited, with a reason, and that neither changes an entry or a line.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from datetime import date
from typing import Any, Final

import msgspec
from cyclopts import App

from wisipay.core.database import connect_pool
from wisipay.core.errors import BadRequest
from wisipay.entrypoints.operator import Operator, operate
from wisipay.entrypoints.store_settings import settings_with_stores
from wisipay.ledger import UnknownAccountError, checks, daily

findings_app: Final = App(name="findings", help="What the checks of the ledger found: list, acknowledge.")
days_app: Final = App(name="days", help="Daily balances: correct.")


@findings_app.command(name="list")
def list_(*, also_gone: bool = False) -> None:
    """List what is not as it must be, one JSON line each, in order of its first sight.

    Parameters
    ----------
    also_gone
        Also what a full check did not find any more.
    """
    asyncio.run(_list(also_gone=also_gone))


@findings_app.command
def acknowledge(*finding_ids: int, reason: str) -> None:
    """Say that you know of these findings, which ends their alarm; they stay listed until they are gone.

    Parameters
    ----------
    reason
        What you know, and what will be done; kept with the finding and in the audit log.
    """
    if not finding_ids or not reason.strip():
        raise BadRequest("Name at least one finding and a reason; `wisipay ledger findings list` shows them")

    async def command(operator: Operator) -> list[checks.Finding]:
        author = operator.author
        known = await checks.acknowledge(operator.conn, finding_ids, author.name, reason, author.moment)
        for finding in known:
            after = {"check": finding.check, "subject_id": finding.subject_id, "note": reason}
            await author.record(operator.conn, "ledger.acknowledge", ("ledger_finding", str(finding.id)), None, after)
        return known

    known = {finding.id for finding in operate(command, reason=reason)}
    for finding_id in finding_ids:
        _write({"finding": finding_id, "acknowledged": finding_id in known})


@days_app.command
def correct(account_id: str, first: date, *, reason: str) -> None:
    """Write corrected daily balances of an account where those written are not what its lines say.

    What was written stays; a further revision stands beside it from now on.

    Parameters
    ----------
    first
        The first day to look at, such as 2026-01-31; all closed days from there on are.
    reason
        Why the written figures are wrong; kept with the correction and in the audit log.
    """
    if not reason.strip():
        raise BadRequest("--reason: say why the written figures are wrong")

    async def command(operator: Operator) -> list[daily.Correction]:
        author = operator.author
        try:
            corrections = await daily.correct_days(operator.conn, account_id, first, author.name, reason, author.moment)
        except UnknownAccountError:
            raise BadRequest(f"There is no account {account_id}") from None
        for each in corrections:
            before = None if each.before is None else _document(each.before)
            entity = ("ledger_daily_balance", f"{account_id} {each.day}")
            await author.record(operator.conn, "ledger.correct_day", entity, before, _document(each.after))
        return corrections

    for each in operate(command, reason=reason):
        _write(asdict(each))


async def _list(*, also_gone: bool) -> None:
    pool = await connect_pool(settings_with_stores(), application_name="wisipay ledger", max_size=1)
    async with pool, pool.acquire() as connection:
        async for finding in checks.findings(connection, also_gone=also_gone):
            _write(asdict(finding))


def _document(balance: daily.DailyBalance) -> dict[str, object]:
    return asdict(balance) | {"day": str(balance.day)}


def _write(line: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
