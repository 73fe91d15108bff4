"""What can be asked of the ledger and what it can answer: commands, their results, and the entries they become.

Pure types. Amounts are integers in minor units (paise), signed: debit positive, credit negative. Ids and times come in
as arguments. Nothing here decides whether a command is accepted (machine.py does). What is made for every entry is a
struct: a frozen dataclass of so many fields takes five times as long to make.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

import msgspec

from wisipay.ledger.account import Account

MAX_AMOUNT = 10**15
"""Largest amount of one line; nine thousand such lines fit in a counter of 64 bits."""

MAX_LINES = 1_000
"""Most lines of one entry."""


class Line(NamedTuple):
    """One side of an entry: an account and a signed amount, debit positive, credit negative."""

    account_id: str
    amount: int


class Transfer(msgspec.Struct, frozen=True):
    """Move money between accounts: at once, or as a hold (`pending`) that is posted, voided or expires later.

    `entry_id` is chosen by the caller (a version 7 UUID keeps the tables in order of time) and makes a retry harmless:
    the same content returns the first entry. So does `idempotency_key`, under any entry id. `value_date` back-dates the
    entry; without it the entry counts on the day it is posted. `allow_below_floor` skips the funds check and only
    that; it is not part of the content.
    """

    entry_id: UUID
    lines: tuple[Line, ...]
    pending: bool = False
    timeout_at: datetime | None = None
    idempotency_key: str | None = None
    narration: str = ""
    external_reference: str | None = None
    correlation_id: str | None = None
    value_date: date | None = None
    metadata: Mapping[str, Any] = msgspec.field(default_factory=dict)
    currency: str = "INR"
    allow_below_floor: bool = False

    def __post_init__(self) -> None:
        if self.timeout_at is not None and not self.pending:
            raise ValueError("only a pending transfer can time out")


class Post(msgspec.Struct, frozen=True):
    """Post a hold: in full (`lines` is None), or in part with the rest released.

    Lines of a part name accounts of the hold, on the same side, with at most the amounts held, and balance. Status and
    funds are not asked again: they were asked when the hold was taken, so a hold can always end.
    """

    idempotency_key: ClassVar[None] = None

    entry_id: UUID
    target_id: UUID
    lines: tuple[Line, ...] | None = None


class Void(msgspec.Struct, frozen=True):
    """Release a hold."""

    idempotency_key: ClassVar[None] = None

    entry_id: UUID
    target_id: UUID


class Expire(msgspec.Struct, frozen=True):
    """Release a hold whose time-out has come. A hold past its time-out stays open until a command says this."""

    idempotency_key: ClassVar[None] = None

    entry_id: UUID
    target_id: UUID


class Reverse(msgspec.Struct, frozen=True):
    """Undo a posted entry by a new one with inverse lines; a hold that was posted, through its post entry."""

    entry_id: UUID
    target_id: UUID
    narration: str = ""
    idempotency_key: str | None = None
    external_reference: str | None = None
    correlation_id: str | None = None
    value_date: date | None = None
    metadata: Mapping[str, Any] = msgspec.field(default_factory=dict)
    allow_below_floor: bool = False


Command = Transfer | Post | Void | Expire | Reverse


class Rejection(StrEnum):
    """Every reason for which a command can be refused."""

    TOO_FEW_LINES = "TOO_FEW_LINES"
    TOO_MANY_LINES = "TOO_MANY_LINES"
    ZERO_AMOUNT = "ZERO_AMOUNT"
    AMOUNT_TOO_LARGE = "AMOUNT_TOO_LARGE"
    UNBALANCED = "UNBALANCED"
    UNKNOWN_ACCOUNT = "UNKNOWN_ACCOUNT"
    CURRENCY_MISMATCH = "CURRENCY_MISMATCH"
    ACCOUNT_FROZEN = "ACCOUNT_FROZEN"
    ACCOUNT_LOCKED_INFLOW = "ACCOUNT_LOCKED_INFLOW"
    ACCOUNT_LOCKED_OUTFLOW = "ACCOUNT_LOCKED_OUTFLOW"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    CONTENT_DIFFERS = "CONTENT_DIFFERS"
    UNKNOWN_ENTRY = "UNKNOWN_ENTRY"
    NOT_PENDING = "NOT_PENDING"
    ALREADY_RESOLVED = "ALREADY_RESOLVED"
    EXCEEDS_PENDING = "EXCEEDS_PENDING"
    NOT_EXPIRED = "NOT_EXPIRED"
    NOT_POSTED = "NOT_POSTED"
    ALREADY_REVERSED = "ALREADY_REVERSED"
    LINKED_COMMAND_REJECTED = "LINKED_COMMAND_REJECTED"


class Accepted(msgspec.Struct, frozen=True):
    """The command is in the books under `entry_id`; `repeated` says that an earlier one with this content had it so."""

    entry_id: UUID
    repeated: bool = False


class Rejected(msgspec.Struct, frozen=True):
    """The command left no trace; `detail` names the account, field or entry concerned."""

    reason: Rejection
    detail: str


Result = Accepted | Rejected


class EntryKind(StrEnum):
    """What an entry does. The status of an entry follows from its kind and from the entries that name it."""

    TRANSFER = "TRANSFER"
    PENDING = "PENDING"
    POST = "POST"
    VOID = "VOID"
    EXPIRE = "EXPIRE"
    REVERSAL = "REVERSAL"


class EntryStatus(StrEnum):
    """The derived status of an entry."""

    PENDING = "PENDING"
    POSTED = "POSTED"
    VOID = "VOID"
    REVERSED = "REVERSED"


Movement = tuple[Account, int, int, int]
"""A line as it was written: account, amount, the account's balance after it (debit positive) and its number there."""


class Entry(msgspec.Struct, eq=False):
    """An accepted command: its content, effective lines, and what became of it since.

    `movements` is filled for entries that this book accepted, and empty for entries read from the store.
    """

    command: Command
    kind: EntryKind
    currency: str
    lines: tuple[Line, ...]
    posted_at: datetime
    movements: Sequence[Movement] = ()
    resolved_by: UUID | None = None
    resolved_kind: EntryKind | None = None
    reversed_by: UUID | None = None

    @property
    def status(self) -> EntryStatus:
        """What the entry is now."""
        if self.kind is EntryKind.PENDING:
            if self.resolved_kind is None:
                return EntryStatus.PENDING
            return EntryStatus.POSTED if self.resolved_kind is EntryKind.POST else EntryStatus.VOID
        if self.kind in {EntryKind.VOID, EntryKind.EXPIRE}:
            return EntryStatus.VOID
        return EntryStatus.POSTED if self.reversed_by is None else EntryStatus.REVERSED
