"""Giving our payment the status that a provider's file states: by the payments' own manual operation, with its audit.

Decides when that may be asked for: a difference of status about the call that is the payment's present one. The payment
is changed first and the difference marked then; what dies between the two is done by asking again.
"""

from __future__ import annotations

from typing import Final, Literal

from wisipay.core.database import Pool
from wisipay.core.errors import Conflict
from wisipay.merchants import Author
from wisipay.payments import Desk, Heard, SetStatus, Status, WordResult
from wisipay.reconciliation.differences import DifferenceFilter, decide, list_differences
from wisipay.reconciliation.mappings import QUERIES
from wisipay.reconciliation.model import Action, Difference, DifferenceKind

_Settable = Literal[Status.SUCCESS, Status.FAILED]
_ASKED_FOR: Final[dict[str | None, _Settable]] = {
    Status.SUCCESS: Status.SUCCESS,
    Status.FAILED: Status.FAILED,
    Status.EXPIRED: Status.FAILED,
    Status.REVERSED: Status.FAILED,  # of a payment that had succeeded: its money came back
}


async def apply_status(pool: Pool, desk: Desk, author: Author, difference_id: int, note: str) -> Heard:
    """Set the payment's status to the file's and mark the difference as corrected. Raises Conflict saying why not."""
    difference = await _applicable(pool, difference_id)
    transaction_id, status = str(difference.transaction_id), _ASKED_FOR[difference.theirs]
    reason = f"{note.strip()} (difference {difference.id} of reconciliation run {difference.run_id})"
    heard = await desk.submit(SetStatus(transaction_id, status, author.name, reason, difference.utr))
    if not isinstance(heard, Heard) or heard.transaction is None or not _is_so(heard, status):
        raise Conflict(f"payment {transaction_id} cannot be set to {status}: look at its timeline")
    async with pool.acquire() as conn, conn.transaction():
        await decide(conn, author, [difference.id], Action.CORRECTED, note)
    return heard


async def _applicable(pool: Pool, difference_id: int) -> Difference:
    async with pool.acquire() as conn:
        found = await list_differences(conn, DifferenceFilter(ids=[difference_id]))
        if not found or found[0].kind is not DifferenceKind.STATUS or found[0].theirs not in _ASKED_FOR:
            raise Conflict(f"{difference_id} is no unresolved difference of a final status")
        (difference,) = found
        if not await conn.fetchval(QUERIES["present_call"], difference.transaction_id, difference.attempt):
            raise Conflict(
                f"the file speaks of call {difference.attempt} of payment {difference.transaction_id}, which was given "
                "up for another: its money may have moved twice, so a person must decide what it was"
            )
    return difference


def _is_so(heard: Heard, status: Status) -> bool:
    """Whether the payment has the status now, or had it before we asked."""
    if heard.result is WordResult.APPLIED:
        return True
    wanted = {Status.SUCCESS} if status is Status.SUCCESS else {Status.FAILED, Status.EXPIRED, Status.REVERSED}
    return heard.result is WordResult.REPEATED and heard.before in wanted
