"""Named operations: the fifteen ways in which an operator moves money, and free transfers. Pure types and the table.

Decides which account each operation debits and credits, what must be named for it, and what its narration says. Never
decides who may do it: the caller checks the role, and that a bank account is approved, before it asks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from wisipay.ledger.chart import (
    INCOME,
    WORLD,
    ChannelPurpose,
    MerchantPurpose,
    channel_account,
    legal_entity_account,
    merchant_account,
)
from wisipay.ledger.model import Rejection


class OperationName(StrEnum):
    """What an operator does."""

    MERCHANT_SETTLEMENT_PAYOUT = "MERCHANT_SETTLEMENT_PAYOUT"
    MERCHANT_SETTLEMENT_BANK = "MERCHANT_SETTLEMENT_BANK"
    MERCHANT_DEPOSIT = "MERCHANT_DEPOSIT"
    MERCHANT_HOLD = "MERCHANT_HOLD"
    MERCHANT_RELEASE = "MERCHANT_RELEASE"
    INCOME_SETTLEMENT_TO_MERCHANT = "INCOME_SETTLEMENT_TO_MERCHANT"
    LEGAL_ENTITY_SETTLEMENT = "LEGAL_ENTITY_SETTLEMENT"
    PLE_SETTLEMENT = "PLE_SETTLEMENT"
    LEGAL_ENTITY_DEPOSIT = "LEGAL_ENTITY_DEPOSIT"
    PLE_DEPOSIT = "PLE_DEPOSIT"
    LEGAL_ENTITY_DEDUCT = "LEGAL_ENTITY_DEDUCT"
    PLE_EXPENSE_SETTLEMENT = "PLE_EXPENSE_SETTLEMENT"
    PLE_EXPENSE_CHARGE = "PLE_EXPENSE_CHARGE"
    PLE_PAYIN_FEE_CHARGE = "PLE_PAYIN_FEE_CHARGE"
    PLE_PAYOUT_FEE_CHARGE = "PLE_PAYOUT_FEE_CHARGE"
    TRANSFER = "TRANSFER"


@dataclass(frozen=True, slots=True)
class Operation:
    """A named operation or free transfer, as asked for; `amount` is positive, in minor units.

    `id` (of the transaction record) and `entry_id` are chosen by the caller. A repeat under the same id or
    `idempotency_key` answers with the first record. A channel (PLE) is named with its legal entity where both have an
    account to move. `account_type` says which of a merchant's accounts is meant; a TRANSFER names its accounts itself.
    `pending` makes a hold, which is posted, voided or expires as any other. `value_date` is the day on which the entry
    counts; `actor` is who asked, and not part of the content.
    """

    id: str = field(compare=False)
    entry_id: UUID = field(compare=False)
    name: OperationName
    amount: int
    actor: str = field(compare=False)
    reason: str = ""
    merchant_id: str | None = None
    channel_id: str | None = None
    legal_entity_id: str | None = None
    account_type: Literal["PAYIN", "PAYOUT"] | None = None
    bank_account_id: str | None = None
    debit_account_id: str | None = None
    credit_account_id: str | None = None
    pending: bool = False
    timeout_at: datetime | None = None
    narration: str = ""
    payment_mode: str | None = None
    utr: str | None = None
    order_id: str | None = None
    value_date: date | None = None
    currency: str = "INR"
    idempotency_key: str | None = None
    correlation_id: str | None = None
    external_reference: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


class Refusal(StrEnum):
    """Why an operation never reached the books; the books have reasons of their own (`Rejection`)."""

    FIELD_MISSING = "FIELD_MISSING"
    FIELD_INVALID = "FIELD_INVALID"
    AMOUNT_NOT_POSITIVE = "AMOUNT_NOT_POSITIVE"
    SAME_ACCOUNT = "SAME_ACCOUNT"
    TIMEOUT_WITHOUT_HOLD = "TIMEOUT_WITHOUT_HOLD"
    BACK_DATING_NOT_ALLOWED = "BACK_DATING_NOT_ALLOWED"
    BACK_DATED_HOLD = "BACK_DATED_HOLD"
    VALUE_DATE_IN_FUTURE = "VALUE_DATE_IN_FUTURE"
    ORDER_ID_TAKEN = "ORDER_ID_TAKEN"
    CONTENT_DIFFERS = "CONTENT_DIFFERS"
    LINKED_OPERATION_REFUSED = "LINKED_OPERATION_REFUSED"


@dataclass(frozen=True, slots=True)
class Refused:
    """The operation left no trace; `detail` names the field, account or entry concerned."""

    reason: Refusal | Rejection
    detail: str


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """The transaction record of an operation: what was asked for, what it moved, and when it was written.

    `back_dated` says that it counts on a day before `recorded_at`; `sequence` is the order of writing, None while new.
    """

    operation: Operation
    debit_account_id: str
    credit_account_id: str
    recorded_at: datetime
    back_dated: bool
    sequence: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Recorded:
    """The operation is in the books; `repeated` says that an earlier one with this content had it so."""

    record: OperationRecord
    repeated: bool = False


OperationResult = Recorded | Refused

EntityType = Literal["MERCHANT", "LEGAL_ENTITY", "PROVIDER", "SYSTEM", "ANY"]


Side = Callable[[Operation], str]
"""Which account one side of an operation moves, once all that it needs is named."""


def _merchant(purpose: MerchantPurpose | None = None) -> Side:
    """Return the merchant's account of a purpose, or of the one that the operation says."""
    return lambda operation: (
        merchant_account(operation.merchant_id or "", purpose or operation.account_type or "PAYIN").id
    )


def _channel(purpose: ChannelPurpose) -> Side:
    return lambda operation: channel_account(operation.channel_id or "", purpose).id


def _bank(operation: Operation) -> str:
    return legal_entity_account(operation.legal_entity_id or "").id


def _income(_operation: Operation) -> str:
    return INCOME.id


def _world(_operation: Operation) -> str:
    return WORLD.id


@dataclass(frozen=True, slots=True)
class Definition:
    """A row of the table: whom the operation is about, what it is called, which fields must be given, what it moves."""

    entity: EntityType
    label: str
    needs: tuple[str, ...]
    debit: Side
    credit: Side


_MERCHANT = ("merchant_id",)
_MERCHANT_TYPE = ("merchant_id", "account_type")
_CHANNEL = ("channel_id",)
_CHANNEL_BANK = ("channel_id", "legal_entity_id")
_ACCOUNTS = ("debit_account_id", "credit_account_id")
_SETTLED = ("Settlement by provider", _CHANNEL_BANK, _bank, _channel("PAYIN"))
_DEPOSITED = ("Deposit with provider", _CHANNEL_BANK, _channel("PAYOUT"), _bank)

OPERATIONS: Mapping[OperationName, Definition] = {
    OperationName.MERCHANT_SETTLEMENT_PAYOUT: Definition(
        "MERCHANT", "Settlement to payout balance", _MERCHANT, _merchant("PAYIN"), _merchant("PAYOUT")
    ),
    OperationName.MERCHANT_SETTLEMENT_BANK: Definition(
        "MERCHANT", "Settlement to bank", ("merchant_id", "bank_account_id"), _merchant("PAYIN"), _world
    ),
    OperationName.MERCHANT_DEPOSIT: Definition("MERCHANT", "Deposit", _MERCHANT, _world, _merchant("PAYOUT")),
    OperationName.MERCHANT_HOLD: Definition("MERCHANT", "Hold", _MERCHANT_TYPE, _merchant(), _merchant("HOLD")),
    OperationName.MERCHANT_RELEASE: Definition("MERCHANT", "Release", _MERCHANT_TYPE, _merchant("HOLD"), _merchant()),
    OperationName.INCOME_SETTLEMENT_TO_MERCHANT: Definition(
        "MERCHANT", "Settlement of income", _MERCHANT_TYPE, _income, _merchant()
    ),
    OperationName.LEGAL_ENTITY_SETTLEMENT: Definition("LEGAL_ENTITY", *_SETTLED),
    OperationName.PLE_SETTLEMENT: Definition("PROVIDER", *_SETTLED),
    OperationName.LEGAL_ENTITY_DEPOSIT: Definition("LEGAL_ENTITY", *_DEPOSITED),
    OperationName.PLE_DEPOSIT: Definition("PROVIDER", *_DEPOSITED),
    OperationName.LEGAL_ENTITY_DEDUCT: Definition(
        "LEGAL_ENTITY", "Deduction from bank", ("legal_entity_id",), _world, _bank
    ),
    OperationName.PLE_EXPENSE_SETTLEMENT: Definition(
        "PROVIDER", "Settlement of expense", _CHANNEL, _income, _channel("EXPENSE")
    ),
    OperationName.PLE_EXPENSE_CHARGE: Definition("PROVIDER", "Expense", _CHANNEL, _channel("EXPENSE"), _world),
    OperationName.PLE_PAYIN_FEE_CHARGE: Definition(
        "PROVIDER", "Payin fee of provider", _CHANNEL, _channel("EXPENSE"), _channel("PAYIN")
    ),
    OperationName.PLE_PAYOUT_FEE_CHARGE: Definition(
        "PROVIDER", "Payout fee of provider", _CHANNEL, _channel("EXPENSE"), _channel("PAYOUT")
    ),
    OperationName.TRANSFER: Definition(
        "ANY",
        "Transfer",
        _ACCOUNTS,
        lambda operation: operation.debit_account_id or "",
        lambda operation: operation.credit_account_id or "",
    ),
}
