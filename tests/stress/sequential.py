"""A ledger that does one thing after the other, as plain as can be, written from the specification alone.

It shares no rule with `wisipay.ledger.machine`: what many writers left behind is replayed here, and must be the same.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, MutableMapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from support.command_content import content_of
from wisipay import ledger
from wisipay.ledger import AccountSpec, AccountStatus, AccountType, Command, Line, Rejection

_DEBIT_NORMAL = {AccountType.ASSET, AccountType.EXPENSE, AccountType.OFF_BALANCE}


@dataclass(slots=True)
class Money:
    """An account: its controls, and what was posted to it and is held on it, debits first."""

    grows_by_debit: bool
    currency: str
    floor: int | None
    status: str = AccountStatus.ACTIVE
    posted: tuple[int, int] = (0, 0)
    held: tuple[int, int] = (0, 0)

    def available(self) -> int:
        """Return what may flow out."""
        net = self.posted[0] - self.posted[1]
        return net - self.held[1] if self.grows_by_debit else -net - self.held[0]


@dataclass(frozen=True, slots=True)
class Known:
    """An accepted command, its lines, and by what it was ended or reversed."""

    command: Command
    lines: tuple[Line, ...]
    currency: str
    ended_by: UUID | None = None

    @property
    def is_hold(self) -> bool:
        """Whether it holds, or held, money."""
        return isinstance(self.command, ledger.Transfer) and self.command.pending

    @property
    def is_release(self) -> bool:
        """Whether it only gave back what was held."""
        return isinstance(self.command, ledger.Void | ledger.Expire)


@dataclass(slots=True)
class Sequential:
    """Accounts, entries and keys."""

    accounts: dict[str, Money]
    entries: MutableMapping[UUID, Known] = field(default_factory=dict)
    keys: MutableMapping[str, UUID] = field(default_factory=dict)

    @classmethod
    def of(cls, specs: Iterable[AccountSpec]) -> Sequential:
        """Return a ledger of newly opened accounts."""
        return cls({each.id: Money(each.kind in _DEBIT_NORMAL, each.currency, each.min_balance) for each in specs})

    def fork(self) -> Sequential:
        """Return a ledger that goes its own way from here."""
        accounts = {name: copy(account) for name, account in self.accounts.items()}
        return Sequential(accounts, ChainMap({}, self.entries), ChainMap({}, self.keys))

    def first(self, command: Command) -> Known | None:
        """Return the entry that bears the command's id or key."""
        if (known := self.entries.get(command.entry_id)) is not None:
            return known
        key = command.idempotency_key
        return None if key is None or key not in self.keys else self.entries[self.keys[key]]

    def repeats(self, first: Known, command: Command) -> bool:
        """Whether the command asks for what `first` already is."""
        if isinstance(command, ledger.Post) and isinstance(first.command, ledger.Post):
            target = self.entries.get(command.target_id)
            lines = command.lines if command.lines is not None or target is None else target.lines
            return (first.command.target_id, first.lines) == (command.target_id, lines)
        return content_of(first.command) == content_of(command)

    def fault(self, command: Command, now: datetime) -> Rejection | None:
        """Return why a command that repeats nothing is refused."""
        if isinstance(command, ledger.Transfer):
            shape = _shape(command.lines)
            return shape or self._admission(
                command.lines, command.currency, pending=command.pending, forced=command.allow_below_floor
            )
        target = self.entries.get(command.target_id)
        if target is None:
            return Rejection.UNKNOWN_ENTRY
        if isinstance(command, ledger.Reverse):
            if target.is_hold or target.is_release:
                return Rejection.NOT_POSTED
            if target.ended_by is not None:
                return Rejection.ALREADY_REVERSED
            return self._admission(_inverse(target.lines), target.currency, forced=command.allow_below_floor)
        return _ending_fault(command, target, now)

    def accept(self, command: Command) -> None:
        """Do what the command asks for; it has no fault."""
        if isinstance(command, ledger.Transfer):
            lines, currency = command.lines, command.currency
        else:
            target = self.entries[command.target_id]
            self.entries[command.target_id] = replace(target, ended_by=command.entry_id)
            lines, currency = self._effect(command, target), target.currency
        known = self.entries[command.entry_id] = Known(command, lines, currency)
        if command.idempotency_key is not None:
            self.keys[command.idempotency_key] = command.entry_id
        for name, amount in lines:
            account = self.accounts[name]
            if known.is_hold:
                account.held = _added(account.held, amount)
            else:
                account.posted = _added(account.posted, amount)

    def _effect(self, command: Command, target: Known) -> tuple[Line, ...]:
        if isinstance(command, ledger.Reverse):
            return _inverse(target.lines)
        for name, amount in target.lines:
            debits, credits_ = _added((0, 0), amount)
            account = self.accounts[name]
            account.held = (account.held[0] - debits, account.held[1] - credits_)
        if isinstance(command, ledger.Post):
            return target.lines if command.lines is None else command.lines
        return ()

    def _admission(  # noqa: PLR0911 - one return for each reason
        self, lines: Sequence[Line], currency: str, *, pending: bool = False, forced: bool
    ) -> Rejection | None:
        inflows: dict[str, int] = {}
        for name, amount in lines:
            account = self.accounts.get(name)
            if account is None:
                return Rejection.UNKNOWN_ACCOUNT
            if account.currency != currency:
                return Rejection.CURRENCY_MISMATCH
            inflow = amount if account.grows_by_debit else -amount
            if account.status == AccountStatus.FROZEN:
                return Rejection.ACCOUNT_FROZEN
            if account.status == AccountStatus.LOCKED_INFLOW and inflow > 0:
                return Rejection.ACCOUNT_LOCKED_INFLOW
            if account.status == AccountStatus.LOCKED_OUTFLOW and inflow < 0:
                return Rejection.ACCOUNT_LOCKED_OUTFLOW
            if inflow < 0 or not pending:
                inflows[name] = inflows.get(name, 0) + inflow
        for name, inflow in inflows.items():
            account = self.accounts[name]
            is_below = account.floor is not None and account.available() + inflow < account.floor
            if inflow < 0 and is_below and not forced:
                return Rejection.INSUFFICIENT_FUNDS
        return None


def _shape(lines: Sequence[Line]) -> Rejection | None:
    if len(lines) < 2:
        return Rejection.TOO_FEW_LINES
    if any(amount == 0 for _, amount in lines):
        return Rejection.ZERO_AMOUNT
    return Rejection.UNBALANCED if sum(amount for _, amount in lines) else None


def _ending_fault(command: Command, target: Known, now: datetime) -> Rejection | None:
    if not isinstance(target.command, ledger.Transfer) or not target.is_hold:
        return Rejection.NOT_PENDING
    if target.ended_by is not None:
        return Rejection.ALREADY_RESOLVED
    if isinstance(command, ledger.Post) and command.lines is not None:
        for name, amount in command.lines:
            asked = sum(abs(each) for other, each in command.lines if other == name and each * amount > 0)
            held = sum(abs(each) for other, each in target.lines if other == name and each * amount > 0)
            if asked > held:
                return Rejection.EXCEEDS_PENDING
    timeout_at = target.command.timeout_at
    if isinstance(command, ledger.Expire) and (timeout_at is None or now < timeout_at):
        return Rejection.NOT_EXPIRED
    return None


def _inverse(lines: Sequence[Line]) -> tuple[Line, ...]:
    return tuple(Line(name, -amount) for name, amount in lines)


def _added(sides: tuple[int, int], amount: int) -> tuple[int, int]:
    return (sides[0] + amount, sides[1]) if amount > 0 else (sides[0], sides[1] - amount)
