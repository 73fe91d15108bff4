"""Accounts: their names, their kinds, their counters and the balances derived from them.

Decides what an account is called, which side is its normal one, and how ledger, pending and available balance follow
from the four counters. It never decides whether an entry may be posted (machine.py does) and never does I/O.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""The moment before the first line of an account."""

AccountState = tuple[int, int, int, int, int, datetime]
"""Four counters, line count and time of the last line."""


class AccountType(StrEnum):
    """What an account stands for; it decides the account's normal side."""

    ASSET = "ASSET"
    LIABILITY = "LIABILITY"
    EQUITY = "EQUITY"
    INCOME = "INCOME"
    EXPENSE = "EXPENSE"
    OFF_BALANCE = "OFF_BALANCE"


class AccountStatus(StrEnum):
    """Which new entries an account takes; holds that it already took can always be resolved."""

    ACTIVE = "ACTIVE"
    FROZEN = "FROZEN"
    LOCKED_INFLOW = "LOCKED_INFLOW"
    LOCKED_OUTFLOW = "LOCKED_OUTFLOW"


DEBIT_NORMAL = frozenset({AccountType.ASSET, AccountType.EXPENSE, AccountType.OFF_BALANCE})
"""The types whose balance grows with a debit; the balance of all others grows with a credit."""


def account_id(kind: AccountType, entity: str, entity_id: str, purpose: str) -> str:
    """Name an account `{TYPE}:{ENTITY}:{ENTITY_ID}:{PURPOSE}`; ValueError for an empty part or one with a colon."""
    parts = (kind.value, entity, entity_id, purpose)
    for part in parts:
        if not part or ":" in part:
            raise ValueError(f"part {part!r} of an account id must not be empty nor hold a colon")
    return ":".join(parts)


@dataclass(frozen=True, slots=True)
class AccountSpec:
    """An account to be opened.

    `min_balance` is the floor, in minor units, of the available balance in the account's normal sign; `None` means no
    floor. `stripes` counter rows let writers of several processes pass each other; only an account without a floor can
    have more than one. `parent_id` names the header account above it.
    """

    kind: AccountType
    entity: str
    entity_id: str
    purpose: str
    min_balance: int | None = None
    currency: str = "INR"
    stripes: int = 1
    parent_id: str | None = None

    def __post_init__(self) -> None:
        if self.stripes < 1 or (self.stripes > 1 and self.min_balance is not None):
            raise ValueError(f"account {self.id}: {self.stripes} stripes with floor {self.min_balance}")

    @property
    def id(self) -> str:
        """The account's name."""
        return account_id(self.kind, self.entity, self.entity_id, self.purpose)


@dataclass(slots=True, eq=False)
class Account:
    """One account (or one stripe of it) as the machine sees it: controls and four counters, amounts in minor units.

    Counters only grow with postings; pending counters shrink when a hold ends. `line_count` numbers the account's
    lines without gaps and `last_posted_at` never goes back, so that a line's number and its time tell the same order.
    `key` is the store's own handle, 0 in a book that lives in memory.
    """

    id: str
    debit_normal: bool
    currency: str = "INR"
    status: AccountStatus = AccountStatus.ACTIVE
    min_balance: int | None = None
    debits_posted: int = 0
    credits_posted: int = 0
    debits_pending: int = 0
    credits_pending: int = 0
    line_count: int = 0
    last_posted_at: datetime = BEGINNING
    key: int = 0

    @classmethod
    def opened(cls, spec: AccountSpec) -> "Account":
        """Return the account just after it was opened."""
        return cls(spec.id, spec.kind in DEBIT_NORMAL, spec.currency, min_balance=spec.min_balance)

    @property
    def balance(self) -> int:
        """Posted amounts only, in the account's normal sign."""
        net = self.debits_posted - self.credits_posted
        return net if self.debit_normal else -net

    @property
    def pending_balance(self) -> int:
        """The balance if every open hold were posted in full."""
        net = self.debits_posted + self.debits_pending - self.credits_posted - self.credits_pending
        return net if self.debit_normal else -net

    @property
    def available(self) -> int:
        """What may still flow out: the balance less pending outflows; pending inflows do not count yet."""
        return self.balance - (self.credits_pending if self.debit_normal else self.debits_pending)

    def state(self) -> AccountState:
        """Return everything that postings change, for `restore`."""
        return (
            self.debits_posted,
            self.credits_posted,
            self.debits_pending,
            self.credits_pending,
            self.line_count,
            self.last_posted_at,
        )

    def restore(self, state: AccountState) -> None:
        """Go back to what `state` returned."""
        (
            self.debits_posted,
            self.credits_posted,
            self.debits_pending,
            self.credits_pending,
            self.line_count,
            self.last_posted_at,
        ) = state
