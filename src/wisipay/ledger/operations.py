"""Named operations and free transfers: from what an operator asks for to an entry and its transaction record.

`planned` decides, purely, what an operation moves and says; `record_operations` lets the books decide, and writes entry
and record in the caller's transaction. Every operation of a batch gets its own result. Never asks who the operator
is: the caller checks the role, and passes what it allows.

Two writers that use one id, key or order at the same moment on different accounts meet on a unique key
(`asyncpg.UniqueViolationError`); the caller's retry in a new transaction then finds the first record.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from wisipay.ledger.machine import Book
from wisipay.ledger.model import Line, Rejected, Rejection, Transfer
from wisipay.ledger.moments import day_of
from wisipay.ledger.operations_model import (
    OPERATIONS,
    Operation,
    OperationName,
    OperationRecord,
    OperationResult,
    Recorded,
    Refusal,
    Refused,
)
from wisipay.ledger.operations_rows import known_records, write_records
from wisipay.ledger.store import Connection, load, write
from wisipay.ledger.wanted import wanted_by


@dataclass(frozen=True, slots=True)
class Planned:
    """What an operation that may be tried will write."""

    transfer: Transfer
    record: OperationRecord


def planned(operation: Operation, now: datetime, *, back_dating_allowed: bool = False) -> Planned | Refused:
    """Return what the operation writes, or what is wrong with it before any account is looked at."""
    fault = _field_fault(operation) or _time_fault(operation, now, back_dating_allowed=back_dating_allowed)
    if fault is not None:
        return fault
    definition = OPERATIONS[operation.name]
    debit, credit = definition.debit(operation), definition.credit(operation)
    if debit == credit:
        return Refused(Refusal.SAME_ACCOUNT, debit)
    back_dated = operation.value_date is not None and operation.value_date < day_of(now)
    transfer = Transfer(
        operation.entry_id,
        (Line(debit, operation.amount), Line(credit, -operation.amount)),
        pending=operation.pending,
        timeout_at=operation.timeout_at,
        idempotency_key=operation.idempotency_key,
        narration=narration_of(operation),
        external_reference=operation.external_reference or operation.utr,
        correlation_id=operation.correlation_id or operation.id,
        value_date=operation.value_date if back_dated else None,
        metadata={**operation.metadata, "operation": operation.name.value, "operation_id": operation.id},
        currency=operation.currency,
    )
    return Planned(transfer, OperationRecord(operation, debit, credit, now, back_dated))


def narration_of(operation: Operation) -> str:
    """Return what the entry says: the operator's words or the operation's name, with all that it is about."""
    context = (
        ("merchant", operation.merchant_id),
        ("account", operation.account_type),
        ("channel", operation.channel_id),
        ("legal entity", operation.legal_entity_id),
        ("bank account", operation.bank_account_id),
        ("order", operation.order_id),
        ("UTR", operation.utr),
        ("value date", operation.value_date),
    )
    said = [operation.narration or OPERATIONS[operation.name].label]
    said += [f"{what} {which}" for what, which in context if which]
    return ", ".join(said) + (f": {operation.reason}" if operation.reason else "")


async def record_operations(
    connection: Connection,
    operations: Sequence[Operation],
    now: datetime,
    *,
    back_dating_allowed: bool = False,
    stripe: int = 0,
) -> list[OperationResult]:
    """Decide operations in order at the moment `now`, and write those that are accepted; a result for each.

    `back_dating_allowed` is what the caller's check of the operator's role said.
    """
    plans = [planned(operation, now, back_dating_allowed=back_dating_allowed) for operation in operations]
    return await _recorded(connection, plans, operations, now, stripe, linked=False)


async def record_linked_operations(
    connection: Connection,
    operations: Sequence[Operation],
    now: datetime,
    *,
    back_dating_allowed: bool = False,
    stripe: int = 0,
) -> list[OperationResult]:
    """Like `record_operations`, but all are accepted or none: the one that failed says why, the others that it did."""
    plans = [planned(operation, now, back_dating_allowed=back_dating_allowed) for operation in operations]
    return await _recorded(connection, plans, operations, now, stripe, linked=True)


def _field_fault(operation: Operation) -> Refused | None:
    for name in OPERATIONS[operation.name].needs:
        value = getattr(operation, name)
        if not value:
            return Refused(Refusal.FIELD_MISSING, name)
        if operation.name is not OperationName.TRANSFER and ":" in value:
            return Refused(Refusal.FIELD_INVALID, name)
    if operation.account_type not in {None, "PAYIN", "PAYOUT"}:
        return Refused(Refusal.FIELD_INVALID, "account_type")
    for name in ("id", "actor"):
        if not getattr(operation, name):
            return Refused(Refusal.FIELD_MISSING, name)
    return None if operation.amount > 0 else Refused(Refusal.AMOUNT_NOT_POSITIVE, str(operation.amount))


def _time_fault(operation: Operation, now: datetime, *, back_dating_allowed: bool) -> Refused | None:
    if operation.timeout_at is not None and not operation.pending:
        return Refused(Refusal.TIMEOUT_WITHOUT_HOLD, "timeout_at")
    today, value_date = day_of(now), operation.value_date
    if value_date is None or value_date == today:
        return None
    if value_date > today:
        return Refused(Refusal.VALUE_DATE_IN_FUTURE, f"{value_date}, today is {today}")
    if not back_dating_allowed:
        return Refused(Refusal.BACK_DATING_NOT_ALLOWED, f"{value_date}, today is {today}")
    # A hold counts for nothing until it is posted, and then on that day.
    return Refused(Refusal.BACK_DATED_HOLD, "value_date") if operation.pending else None


class _Known:
    """The records that operations may repeat, by all that makes them the same."""

    def __init__(self, records: Iterable[OperationRecord]) -> None:
        self._ids: dict[str, OperationRecord] = {}
        self._keys: dict[str, OperationRecord] = {}
        self._orders: set[tuple[str, str]] = set()
        for record in records:
            self.add(record)

    def add(self, record: OperationRecord) -> None:
        operation = record.operation
        self._ids[operation.id] = record
        if operation.idempotency_key is not None:
            self._keys[operation.idempotency_key] = record
        if operation.merchant_id and operation.order_id:
            self._orders.add((operation.merchant_id, operation.order_id))

    def answer(self, operation: Operation, plan: Planned | Refused) -> OperationResult | Planned:
        """Return the answer to a repeat or to what can't be tried, else the plan."""
        first = self._ids.get(operation.id)
        if first is None and operation.idempotency_key is not None:
            first = self._keys.get(operation.idempotency_key)
        if first is not None:
            return _repeated(first, operation)
        if (operation.merchant_id, operation.order_id) in self._orders:
            return Refused(Refusal.ORDER_ID_TAKEN, operation.order_id or "")
        return plan


def _repeated(first: OperationRecord, operation: Operation) -> OperationResult:
    for each in fields(operation):
        if each.compare and getattr(first.operation, each.name) != getattr(operation, each.name):
            return Refused(Refusal.CONTENT_DIFFERS, each.name)
    return Recorded(first, repeated=True)


async def _recorded(
    connection: Connection,
    plans: Sequence[Planned | Refused],
    operations: Sequence[Operation],
    now: datetime,
    stripe: int,
    *,
    linked: bool,
) -> list[OperationResult]:
    wanted = wanted_by(plan.transfer for plan in plans if isinstance(plan, Planned))
    book = await load(connection, wanted, stripe=stripe)
    # Read when the accounts are locked: a record of the same movement can't appear after that.
    known = _Known(await known_records(connection, operations))
    results: list[OperationResult] = []
    for place, (operation, plan) in enumerate(zip(operations, plans, strict=True)):
        answer = known.answer(operation, plan)
        if isinstance(answer, Planned):
            answer = _decided(book, answer, now)
            if isinstance(answer, Recorded):
                known.add(answer.record)
        if linked and isinstance(answer, Refused):  # what the book took so far is never written
            others = Refused(Refusal.LINKED_OPERATION_REFUSED, f"operation {place}: {answer.reason}")
            return [answer if place == other else others for other in range(len(operations))]
        results.append(answer)
    await write(connection, book)
    new = [result.record for result in results if isinstance(result, Recorded) and not result.repeated]
    await write_records(connection, new)
    return results


def _decided(book: Book, plan: Planned, now: datetime) -> OperationResult:
    result = book.apply(plan.transfer, now)
    if isinstance(result, Rejected):
        return Refused(result.reason, result.detail)
    if result.repeated:  # an entry of this id or key that no operation made
        return Refused(Rejection.CONTENT_DIFFERS, "name")
    return Recorded(plan.record)
