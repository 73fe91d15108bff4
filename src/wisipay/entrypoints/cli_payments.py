"""`wisipay payments`: what happened to a payment, and what an operator can do about it.

Decides how an operator sees it: JSON lines, personal data redacted. A change needs a reason, is made by the payment
machine like every other, and is in the audit log.
"""

import asyncio
import getpass
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any, Final, Literal

import msgspec
from cyclopts import App

from wisipay import payments
from wisipay.core.errors import BadRequest, Conflict, NotFound
from wisipay.core.redaction import redact
from wisipay.entrypoints.engine import Engine, engine
from wisipay.entrypoints.operator import tell
from wisipay.entrypoints.store_settings import settings_with_stores
from wisipay.payments import Heard, PaymentFile, PaymentFilter, SetStatus, Source, Status, Transaction, WordResult

app: Final = App(name="payments", help="Payments: list, timeline, ask the provider, set a status by hand.")

_SHOWN: Final = (
    "id merchant_id order_id kind status amount_paise utr channel_id provider_reference flags error_code created_at "
    "updated_at due_at"
)


@app.command(name="list")
def list_(
    *,
    status: Status | None = None,
    merchant: str | None = None,
    needs_a_person: bool = False,
    before: str | None = None,
    limit: int = 100,
) -> None:
    """List payments, the newest first.

    Parameters
    ----------
    status
        Only those in this status.
    merchant
        Only this merchant's.
    needs_a_person
        Only those that automation left to an operator.
    before
        Only those older than this transaction id, to page on.
    limit
        At most this many, up to 1,000.
    """
    asyncio.run(_list(PaymentFilter(status, merchant, needs_a_person, before), limit))


@app.command
def show(transaction_id: str) -> None:
    """Show one payment: its fields, its timeline and the provider calls begun for it."""
    asyncio.run(_show(transaction_id))


@app.command
def sync(transaction_id: str, *, confirm: bool = False) -> None:
    """Ask the provider how a payment stands.

    Parameters
    ----------
    transaction_id
        The payment.
    confirm
        Apply what the provider says; without it nothing changes.
    """
    asyncio.run(_sync(transaction_id, confirm=confirm))


@app.command(name="set-status")
def set_status(
    transaction_id: str, status: Literal["SUCCESS", "FAILED"], *, reason: str, utr: str | None = None
) -> None:
    """Set a payment's status by hand; the ledger follows by new entries, and the audit log holds who and why.

    Parameters
    ----------
    transaction_id
        The payment.
    status
        FAILED for a payment that had succeeded means that its money came back.
    reason
        Why, for the audit log.
    utr
        The bank's reference, where it is known.
    """
    asyncio.run(_set_status(transaction_id, status, reason, utr))


async def _list(wanted: PaymentFilter, limit: int) -> None:
    async with _engine() as parts, parts.pool.acquire() as conn:
        for transaction in await payments.list_payments(conn, wanted, limit):
            _write(_line(transaction))


async def _show(transaction_id: str) -> None:
    async with _engine() as parts:
        found = await _file(parts, transaction_id)
    _write({**_line(found.transaction), "party": redact(found.transaction.party)})
    for attempt in found.attempts:
        _write({"attempt": attempt.number, "channel_id": attempt.channel_id, "reason": attempt.reason})
    for event in found.events:
        _write({key: value for key, value in msgspec.structs.asdict(event).items() if key != "transaction_id"})


async def _sync(transaction_id: str, *, confirm: bool) -> None:
    async with _engine() as parts:
        transaction = (await _file(parts, transaction_id)).transaction
        outcome, _ = await parts.asker.answer(transaction)
        _write({"provider_says": type(outcome).__name__, **redact(asdict(outcome))})
        if confirm:
            heard = await parts.asker.ask(transaction, Source.STATUS_SYNC)
            _write({"result": heard.result, **_line(heard.transaction or transaction)})


async def _set_status(transaction_id: str, status: Literal["SUCCESS", "FAILED"], reason: str, utr: str | None) -> None:
    if not reason.strip():
        raise BadRequest("A change by hand needs a reason")
    wanted: Literal[Status.SUCCESS, Status.FAILED] = Status.SUCCESS if status == "SUCCESS" else Status.FAILED
    async with _engine() as parts:
        command = SetStatus(transaction_id, wanted, f"cli:{getpass.getuser()}", reason.strip(), utr)
        heard = await parts.desk.submit(command)
    if not isinstance(heard, Heard) or heard.transaction is None:
        raise NotFound(f"There is no payment {transaction_id}")
    if heard.result is not WordResult.APPLIED:
        raise Conflict(_why_not(heard, status))
    _write({"before": heard.before, **_line(heard.transaction)})


def _why_not(heard: Heard, status: str) -> str:
    if heard.result is WordResult.RETRY:
        return "The ledger refused; look at the payment's timeline and at the status of the accounts"
    return f"A payment that is {heard.before} cannot be set to {status}"


async def _file(parts: Engine, transaction_id: str) -> PaymentFile:
    async with parts.pool.acquire() as conn:
        found = await payments.payment_file(conn, transaction_id)
    if found is None:
        raise NotFound(f"There is no payment {transaction_id}")
    return found


@asynccontextmanager
async def _engine() -> AsyncIterator[Engine]:
    async with engine(settings_with_stores(), "operator") as parts:
        yield parts


def _line(transaction: Transaction) -> dict[str, Any]:
    return {name: getattr(transaction, name) for name in _SHOWN.split()}


def _write(line: dict[str, Any]) -> None:
    tell(msgspec.json.encode(line, enc_hook=sorted).decode())
