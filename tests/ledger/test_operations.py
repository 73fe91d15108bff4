"""Named operations: what each debits and credits, what it asks for, and what its record and narration say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from support.books import NOW
from wisipay import ledger
from wisipay.ledger import Line, Operation, OperationName, Recorded, Refusal, Refused, Rejection
from wisipay.ledger.operations_rows import write_records
from wisipay.ledger.store import Connection

PAYIN, PAYOUT, HOLD = (f"LIABILITY:MERCHANT:MER-1:{purpose}" for purpose in ("PAYIN", "PAYOUT", "HOLD"))
PLE_PAYIN, PLE_PAYOUT = (f"ASSET:PROVIDER:axis_wisi:{purpose}" for purpose in ("PAYIN", "PAYOUT"))
PLE_EXPENSE = "EXPENSE:PROVIDER:axis_wisi:EXPENSE"
BANK = "ASSET:LEGAL_ENTITY:wisi:BANK"
INCOME, WORLD = "INCOME:SYSTEM:WISIPAY:INCOME", "OFF_BALANCE:SYSTEM:WISIPAY:WORLD"
ALL = {PAYIN, PAYOUT, HOLD, PLE_PAYIN, PLE_PAYOUT, PLE_EXPENSE, BANK, INCOME, WORLD}

MERCHANT: dict[str, Any] = {"merchant_id": "MER-1"}
AS_PAYIN: dict[str, Any] = {**MERCHANT, "account_type": "PAYIN"}
AS_PAYOUT: dict[str, Any] = {**MERCHANT, "account_type": "PAYOUT"}
PLE: dict[str, Any] = {"channel_id": "axis_wisi"}
PLE_BANK: dict[str, Any] = {**PLE, "legal_entity_id": "wisi"}

# The table of the specification, line by line: operation, debit, credit, needs.
TABLE: list[tuple[str, str, str, dict[str, Any]]] = [
    ("MERCHANT_SETTLEMENT_PAYOUT", PAYIN, PAYOUT, MERCHANT),
    ("MERCHANT_SETTLEMENT_BANK", PAYIN, WORLD, {**MERCHANT, "bank_account_id": "BA-1"}),
    ("MERCHANT_DEPOSIT", WORLD, PAYOUT, MERCHANT),
    ("MERCHANT_HOLD", PAYIN, HOLD, AS_PAYIN),
    ("MERCHANT_HOLD", PAYOUT, HOLD, AS_PAYOUT),
    ("MERCHANT_RELEASE", HOLD, PAYIN, AS_PAYIN),
    ("MERCHANT_RELEASE", HOLD, PAYOUT, AS_PAYOUT),
    ("INCOME_SETTLEMENT_TO_MERCHANT", INCOME, PAYIN, AS_PAYIN),
    ("INCOME_SETTLEMENT_TO_MERCHANT", INCOME, PAYOUT, AS_PAYOUT),
    ("LEGAL_ENTITY_SETTLEMENT", BANK, PLE_PAYIN, PLE_BANK),
    ("PLE_SETTLEMENT", BANK, PLE_PAYIN, PLE_BANK),
    ("LEGAL_ENTITY_DEPOSIT", PLE_PAYOUT, BANK, PLE_BANK),
    ("PLE_DEPOSIT", PLE_PAYOUT, BANK, PLE_BANK),
    ("LEGAL_ENTITY_DEDUCT", WORLD, BANK, {"legal_entity_id": "wisi"}),
    ("PLE_EXPENSE_SETTLEMENT", INCOME, PLE_EXPENSE, PLE),
    ("PLE_EXPENSE_CHARGE", PLE_EXPENSE, WORLD, PLE),
    ("PLE_PAYIN_FEE_CHARGE", PLE_EXPENSE, PLE_PAYIN, PLE),
    ("PLE_PAYOUT_FEE_CHARGE", PLE_EXPENSE, PLE_PAYOUT, PLE),
    ("TRANSFER", BANK, HOLD, {"debit_account_id": BANK, "credit_account_id": HOLD}),
]

_ids = count(1)


def asked(name: str, amount: int = 100, **content: Any) -> Operation:  # noqa: ANN401 - any field of an operation
    return Operation(f"OP{next(_ids)}", uuid4(), OperationName(name), amount, "admin@wisi", **content)


@pytest.fixture
async def connection(database: asyncpg.Pool[asyncpg.Record]) -> AsyncIterator[Connection]:
    specs = (*ledger.merchant_accounts("MER-1"), *ledger.channel_accounts("axis_wisi"), *ledger.SYSTEM_ACCOUNTS)
    async with database.acquire() as connection:
        await ledger.open_accounts(connection, [*specs, ledger.legal_entity_account("wisi")])
        funds = tuple(Line(name, -1_000) for name in (PAYIN, PAYOUT, HOLD))
        async with connection.transaction():
            await ledger.apply(connection, [ledger.Transfer(uuid4(), (*funds, Line(WORLD, 3_000)))], NOW)
        yield connection


async def record(connection: Connection, *operations: Operation, **options: Any) -> list[ledger.OperationResult]:  # noqa: ANN401 - options of record_operations
    async with connection.transaction():
        return await ledger.record_operations(connection, operations, NOW, **options)


async def linked(connection: Connection, *operations: Operation) -> list[ledger.OperationResult]:
    async with connection.transaction():
        return await ledger.record_linked_operations(connection, operations, NOW)


def taken(result: ledger.OperationResult) -> ledger.OperationRecord:
    assert isinstance(result, Recorded), result
    return result.record


def test_the_table_has_every_operation() -> None:
    assert {row[0] for row in TABLE} == set(OperationName) == set(ledger.OPERATIONS)
    assert len(ledger.OPERATIONS) == 15 + 1


@pytest.mark.parametrize(("name", "debit", "credit", "needs"), TABLE)
async def test_an_operation_moves_what_the_table_says(
    connection: Connection, name: str, debit: str, credit: str, needs: dict[str, Any]
) -> None:
    before = await ledger.balances(connection, ALL)
    operation = asked(name, 70, **needs)
    made = taken((await record(connection, operation))[0])
    after = await ledger.balances(connection, ALL)
    moved = {
        each: _net(after[each]) - _net(before[each]) for each in ALL if after[each].state() != before[each].state()
    }
    assert moved == {debit: 70, credit: -70}
    entry = await ledger.entry(connection, operation.entry_id)
    assert entry is not None
    assert entry.lines == (Line(debit, 70), Line(credit, -70))
    assert (made.debit_account_id, made.credit_account_id, made.recorded_at) == (debit, credit, NOW)
    assert await ledger.operation(connection, operation.id) == made
    assert await ledger.operation_of_entry(connection, operation.entry_id) == made


@pytest.mark.parametrize(("name", "debit", "credit", "needs"), TABLE)
def test_each_of_its_needs_must_be_given(name: str, debit: str, credit: str, needs: dict[str, Any]) -> None:
    assert debit != credit
    assert isinstance(ledger.planned(asked(name, **needs), NOW), ledger.Planned)
    for missing in needs:
        given = {field: value for field, value in needs.items() if field != missing}
        assert ledger.planned(asked(name, **given), NOW) == Refused(Refusal.FIELD_MISSING, missing)


def _net(account: ledger.Account) -> int:
    return account.debits_posted - account.credits_posted


@pytest.mark.parametrize(
    ("operation", "reason", "detail"),
    [
        (asked("MERCHANT_DEPOSIT", 0, **MERCHANT), Refusal.AMOUNT_NOT_POSITIVE, "0"),
        (asked("MERCHANT_DEPOSIT", -5, **MERCHANT), Refusal.AMOUNT_NOT_POSITIVE, "-5"),
        (asked("MERCHANT_DEPOSIT", 10**16, **MERCHANT), Rejection.AMOUNT_TOO_LARGE, WORLD),
        (asked("MERCHANT_DEPOSIT", merchant_id="M:1"), Refusal.FIELD_INVALID, "merchant_id"),
        (asked("MERCHANT_HOLD", merchant_id="MER-1", account_type="HOLD"), Refusal.FIELD_INVALID, "account_type"),
        (replace(asked("MERCHANT_DEPOSIT", **MERCHANT), actor=""), Refusal.FIELD_MISSING, "actor"),
        (asked("MERCHANT_DEPOSIT", **MERCHANT, timeout_at=NOW), Refusal.TIMEOUT_WITHOUT_HOLD, "timeout_at"),
        (asked("TRANSFER", debit_account_id=BANK, credit_account_id=BANK), Refusal.SAME_ACCOUNT, BANK),
        (
            asked("MERCHANT_DEPOSIT", merchant_id="MER-2"),
            Rejection.UNKNOWN_ACCOUNT,
            "LIABILITY:MERCHANT:MER-2:PAYOUT",
        ),
        (
            asked("MERCHANT_DEPOSIT", **MERCHANT, currency="USD"),
            Rejection.CURRENCY_MISMATCH,
            f"{WORLD} is in INR, not USD",
        ),
        (
            asked("MERCHANT_SETTLEMENT_PAYOUT", 1_001, **MERCHANT),
            Rejection.INSUFFICIENT_FUNDS,
            f"{PAYIN} has 1000 available",
        ),
    ],
)
async def test_what_is_wrong_is_refused_by_name_and_disturbs_no_neighbour(
    connection: Connection, operation: Operation, reason: Refusal | Rejection, detail: str
) -> None:
    results = await record(connection, asked("PLE_EXPENSE_CHARGE", 1, **PLE), operation)
    taken(results[0])
    assert results[1] == Refused(reason, detail)
    assert await ledger.operation(connection, operation.id) is None
    assert await ledger.operation_of_entry(connection, operation.entry_id) is None


async def test_a_frozen_account_takes_no_operation(connection: Connection) -> None:
    await ledger.set_account_status(connection, PAYOUT, ledger.AccountStatus.FROZEN)
    results = await record(connection, asked("MERCHANT_DEPOSIT", **MERCHANT))
    assert results == [Refused(Rejection.ACCOUNT_FROZEN, PAYOUT)]


async def test_record_and_entry_say_who_what_when_and_why(connection: Connection) -> None:
    operation = asked(
        "MERCHANT_SETTLEMENT_BANK",
        **MERCHANT,
        bank_account_id="BA-1",
        reason="weekly",
        utr="UTR9",
        order_id="O-1",
        payment_mode="NEFT",
        metadata={"ticket": 7},
        idempotency_key="k",
    )
    made = taken((await record(connection, operation))[0])
    assert await connection.fetchval("SELECT metadata ->> 'ticket' FROM ledger_operations") == "7"
    stored = await ledger.operation(connection, operation.id)
    assert stored is not None
    assert (stored.operation, stored.operation.actor, stored.operation.id) == (operation, "admin@wisi", operation.id)
    assert stored.operation.entry_id == operation.entry_id
    assert (made.back_dated, made.recorded_at) == (False, NOW)
    entry = await ledger.entry(connection, operation.entry_id)
    assert entry is not None
    assert isinstance(entry.command, ledger.Transfer)
    assert entry.command.narration == (
        "Settlement to bank, merchant MER-1, bank account BA-1, order O-1, UTR UTR9: weekly"
    )
    assert (entry.command.external_reference, entry.command.correlation_id) == ("UTR9", operation.id)
    assert entry.command.idempotency_key == "k"
    assert entry.command.metadata == {"ticket": 7, "operation": operation.name, "operation_id": operation.id}


def test_the_operator_s_own_words_come_first() -> None:
    operation = asked("MERCHANT_HOLD", **AS_PAYIN, narration="Dispute 12")
    assert ledger.narration_of(operation) == "Dispute 12, merchant MER-1, account PAYIN"


async def test_a_repeat_under_id_or_key_answers_with_the_first(connection: Connection) -> None:
    first = asked("MERCHANT_DEPOSIT", **MERCHANT, idempotency_key="k")
    again = replace(first, id="OTHER", entry_id=uuid4(), actor="somebody else")
    results = await record(connection, first, first, again)
    assert [isinstance(result, Recorded) and result.repeated for result in results] == [False, True, True]
    results = await record(connection, again, first)
    assert [taken(result).operation.entry_id for result in results] == [first.entry_id] * 2
    assert (await ledger.balances(connection, [PAYOUT]))[PAYOUT].balance == 1_100


@pytest.mark.parametrize(
    "other", [{"amount": 99}, {"reason": "x"}, {"merchant_id": "MER-2"}, {"metadata": {"a": 1}}, {"pending": True}]
)
async def test_other_content_under_an_id_or_key_names_the_field(connection: Connection, other: dict[str, Any]) -> None:
    first = asked("MERCHANT_DEPOSIT", **MERCHANT, idempotency_key="k")
    await record(connection, first)
    for differing in (replace(first, **other), replace(first, id="OTHER", entry_id=uuid4(), **other)):
        assert await record(connection, differing) == [Refused(Refusal.CONTENT_DIFFERS, next(iter(other)))]
    renamed = replace(first, idempotency_key="another")
    assert await record(connection, renamed) == [Refused(Refusal.CONTENT_DIFFERS, "idempotency_key")]


async def test_a_repeat_is_answered_whatever_the_role_is_now(connection: Connection) -> None:
    back = asked("MERCHANT_DEPOSIT", **MERCHANT, value_date=date(2026, 1, 1))
    taken((await record(connection, back, back_dating_allowed=True))[0])
    taken((await record(connection, back))[0])


@pytest.mark.tampers  # the other entry says that an operation made it
async def test_an_entry_id_that_another_entry_bears_is_refused(connection: Connection) -> None:
    operation = asked("MERCHANT_DEPOSIT", **MERCHANT)
    plan = ledger.planned(operation, NOW)
    assert isinstance(plan, ledger.Planned)
    async with connection.transaction():
        await ledger.apply(connection, [plan.transfer], NOW)
    assert await record(connection, operation) == [Refused(Rejection.CONTENT_DIFFERS, "name")]


async def test_an_order_is_one_operation_of_its_merchant(connection: Connection) -> None:
    first = asked("MERCHANT_DEPOSIT", **MERCHANT, order_id="O-1")
    results = await record(connection, first, asked("MERCHANT_DEPOSIT", 5, **MERCHANT, order_id="O-1"))
    assert results[1] == Refused(Refusal.ORDER_ID_TAKEN, "O-1")
    later = asked("MERCHANT_SETTLEMENT_PAYOUT", 5, **MERCHANT, order_id="O-1")
    assert await record(connection, later) == [Refused(Refusal.ORDER_ID_TAKEN, "O-1")]


async def test_two_writers_of_one_order_meet_on_the_key(connection: Connection) -> None:
    first = asked("MERCHANT_DEPOSIT", **MERCHANT, order_id="O-1")
    made = taken((await record(connection, first))[0])
    with pytest.raises(asyncpg.UniqueViolationError):
        await write_records(
            connection, [replace(made, operation=asked("MERCHANT_DEPOSIT", **MERCHANT, order_id="O-1"))]
        )


async def test_a_back_dated_operation_is_flagged_and_keeps_its_time_of_insertion(connection: Connection) -> None:
    operation = asked("MERCHANT_DEPOSIT", **MERCHANT, value_date=date(2026, 1, 2), reason="late")
    made = taken((await record(connection, operation, back_dating_allowed=True))[0])
    assert (made.back_dated, made.recorded_at) == (True, NOW)
    entry = await ledger.entry(connection, operation.entry_id)
    assert entry is not None
    assert entry.posted_at == NOW
    assert isinstance(entry.command, ledger.Transfer)
    assert entry.command.value_date == date(2026, 1, 2)
    assert "value date 2026-01-02: late" in entry.command.narration


@pytest.mark.parametrize(
    ("value_date", "pending", "allowed", "reason"),
    [
        (date(2026, 1, 4), False, False, Refusal.BACK_DATING_NOT_ALLOWED),
        (date(2026, 1, 4), True, True, Refusal.BACK_DATED_HOLD),
        (date(2026, 1, 6), False, True, Refusal.VALUE_DATE_IN_FUTURE),
    ],
)
def test_a_value_date_that_is_not_allowed_is_refused(
    value_date: date, reason: Refusal, *, pending: bool, allowed: bool
) -> None:
    plan = ledger.planned(
        asked("MERCHANT_DEPOSIT", **MERCHANT, value_date=value_date, pending=pending), NOW, back_dating_allowed=allowed
    )
    assert isinstance(plan, Refused)
    assert plan.reason is reason


def test_today_is_no_back_dating() -> None:
    plan = ledger.planned(asked("MERCHANT_DEPOSIT", **MERCHANT, value_date=date(2026, 1, 5), pending=True), NOW)
    assert isinstance(plan, ledger.Planned)
    assert (plan.transfer.value_date, plan.record.back_dated) == (None, False)


async def test_a_pending_operation_is_a_hold_that_can_be_posted(connection: Connection) -> None:
    held = asked("MERCHANT_SETTLEMENT_BANK", **MERCHANT, bank_account_id="BA-1", pending=True, timeout_at=NOW)
    taken((await record(connection, held))[0])
    payin = (await ledger.balances(connection, [PAYIN]))[PAYIN]
    assert (payin.balance, payin.available) == (1_000, 900)
    async with connection.transaction():
        await ledger.apply(connection, [ledger.Post(uuid4(), held.entry_id)], NOW + timedelta(seconds=1))
    assert (await ledger.balances(connection, [PAYIN]))[PAYIN].balance == 900


async def test_linked_operations_are_recorded_together_or_not_at_all(connection: Connection) -> None:
    good = asked("MERCHANT_DEPOSIT", **MERCHANT)
    bad = asked("MERCHANT_SETTLEMENT_PAYOUT", 5_000, **MERCHANT)
    refused = await linked(connection, good, bad)
    assert refused == [
        Refused(Refusal.LINKED_OPERATION_REFUSED, "operation 1: INSUFFICIENT_FUNDS"),
        Refused(Rejection.INSUFFICIENT_FUNDS, f"{PAYIN} has 1000 available"),
    ]
    assert await ledger.operation(connection, good.id) is None
    assert (await ledger.balances(connection, [PAYOUT]))[PAYOUT].balance == 1_000
    results = await linked(connection, good, replace(bad, amount=5), good)
    assert [isinstance(result, Recorded) and result.repeated for result in results] == [False, False, True]


async def test_records_come_in_pages_newest_first_for_all_or_one_merchant(connection: Connection) -> None:
    operations = [
        *(asked("MERCHANT_DEPOSIT", each, **MERCHANT) for each in range(1, 4)),
        asked("PLE_EXPENSE_CHARGE", 9, **PLE),
    ]
    await record(connection, *operations)
    page = await ledger.operations_page(connection, limit=2)
    rest = await ledger.operations_page(connection, before=page[-1].sequence)
    assert [made.operation.amount for made in (*page, *rest)] == [9, 3, 2, 1]
    own = await ledger.operations_page(connection, merchant_id="MER-1")
    assert [made.operation.amount for made in own] == [3, 2, 1]


@pytest.mark.parametrize("statement", ["UPDATE {} SET reason = ''", "DELETE FROM {}", "TRUNCATE {}"])
async def test_records_are_never_changed(connection: Connection, statement: str) -> None:
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute(statement.format("ledger_operations"))
