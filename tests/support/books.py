"""Accounts, commands and a naive ledger that the tests of the real one are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from hypothesis import strategies as st
from msgspec.structs import replace

from support.command_content import content_of
from wisipay import ledger
from wisipay.ledger import AccountSpec, AccountStatus, AccountType, Command, Line, Rejection

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)

WALLET = ledger.merchant_account("M1", "PAYIN")
SECOND_WALLET = ledger.merchant_account("M2", "PAYIN")
BANK = ledger.channel_account("axis_wisi", "PAYIN")
INCOME = ledger.INCOME
DOLLARS = AccountSpec(AccountType.ASSET, "TEST", "USD", "CASH", currency="USD")
OVERDRAFT = AccountSpec(AccountType.ASSET, "TEST", "LINE", "CASH", min_balance=-50)
SPECS = (WALLET, SECOND_WALLET, BANK, INCOME, DOLLARS, OVERDRAFT)


def new_book(*specs: AccountSpec) -> ledger.Book:
    """Return an empty book of these accounts, or of all of `SPECS`."""
    return ledger.Book(ledger.Account.opened(spec) for spec in specs or SPECS)


def lines(debit: AccountSpec, credit: AccountSpec, amount: int) -> tuple[Line, ...]:
    """Return two lines that move `amount`."""
    return (Line(debit.id, amount), Line(credit.id, -amount))


def transfer(debit: AccountSpec, credit: AccountSpec, amount: int, **content: Any) -> ledger.Transfer:  # noqa: ANN401 - any field of a transfer
    """Return a transfer of `amount` under a new id."""
    return replace(ledger.Transfer(uuid4(), lines(debit, credit, amount)), **content)


def hold(debit: AccountSpec, credit: AccountSpec, amount: int, **content: Any) -> ledger.Transfer:  # noqa: ANN401 - any field of a transfer
    """Return a pending transfer of `amount` under a new id."""
    return transfer(debit, credit, amount, pending=True, **content)


def accepted(result: ledger.Result) -> ledger.Accepted:
    """Return the result, which must be an acceptance."""
    assert isinstance(result, ledger.Accepted), result
    return result


def rejection(result: ledger.Result) -> Rejection:
    """Return why the command was refused, which it must have been."""
    assert isinstance(result, ledger.Rejected), result
    return result.reason


# Few ids, accounts and amounts, so that commands meet: repeats, targets of every kind, empty accounts.
ENTRY_IDS = [UUID(int=number) for number in range(1, 15)]
_ids = st.sampled_from(ENTRY_IDS)
_amounts = st.integers(-60, 60)
_accounts = st.sampled_from([*(spec.id for spec in SPECS), "ASSET:NO:SUCH:ACCOUNT"])
_usual_accounts = st.sampled_from([WALLET.id, SECOND_WALLET.id, BANK.id, INCOME.id, OVERDRAFT.id])


@st.composite
def _balanced_lines(draw: st.DrawFn, accounts: st.SearchStrategy[str]) -> tuple[Line, ...]:
    chosen = draw(st.lists(st.tuples(accounts, st.integers(1, 60)), min_size=1, max_size=3))
    sign = draw(st.sampled_from([1, -1]))
    last = Line(draw(accounts), -sign * sum(amount for _, amount in chosen))
    return (*(Line(account_id, sign * amount) for account_id, amount in chosen), last)


_some_lines = st.one_of(
    _balanced_lines(_usual_accounts),
    _balanced_lines(_usual_accounts),
    _balanced_lines(_accounts),
    st.lists(st.builds(Line, _accounts, _amounts), max_size=3).map(tuple),
)
_keys = st.none() | st.sampled_from(["key 1", "key 2"])


@st.composite
def _transfers(draw: st.DrawFn) -> ledger.Transfer:
    pending = draw(st.booleans())
    timeout_at = draw(st.none() | st.just(NOW + timedelta(minutes=3))) if pending else None
    return ledger.Transfer(
        draw(_ids),
        draw(_some_lines),
        pending=pending,
        timeout_at=timeout_at,
        idempotency_key=draw(_keys),
        narration=draw(st.sampled_from(["", "a"])),
        allow_below_floor=draw(st.sampled_from([False, False, True])),
    )


commands: st.SearchStrategy[Command] = st.one_of(
    _transfers(),
    _transfers(),
    st.builds(ledger.Post, _ids, _ids),
    st.builds(ledger.Post, _ids, _ids, _balanced_lines(_usual_accounts)),
    st.builds(ledger.Void, _ids, _ids),
    st.builds(ledger.Expire, _ids, _ids),
    st.builds(ledger.Reverse, _ids, _ids, idempotency_key=_keys, allow_below_floor=st.booleans()),
)


@dataclass
class NaiveLedger:
    """A ledger as slow and plain as can be: it keeps every accepted command and works everything out from those."""

    statuses: dict[str, AccountStatus] = field(default_factory=dict)
    history: list[Command] = field(default_factory=list)
    specs: dict[str, AccountSpec] = field(default_factory=lambda: {spec.id: spec for spec in SPECS})

    def apply(self, command: Command, now: datetime) -> Rejection | UUID:
        """Return why the command is refused, or the id of its entry."""
        first = self._first(command)
        if first is not None:
            return first.entry_id if self._same(first, command) else Rejection.CONTENT_DIFFERS
        fault = self._fault(command, now)
        if fault is None:
            self.history.append(command)
        return fault or command.entry_id

    def apply_linked(self, commands: Sequence[Command], now: datetime) -> list[Rejection | UUID]:
        """Return an answer for each; all are kept or none."""
        before = list(self.history)
        answers = [self.apply(command, now) for command in commands]
        for index, answer in enumerate(answers):
            if isinstance(answer, Rejection):
                self.history = before
                return [
                    answer if index == other else Rejection.LINKED_COMMAND_REJECTED for other in range(len(commands))
                ]
        return answers

    def lines_of(self, command: Command) -> tuple[Line, ...]:
        """Return the lines that count for an accepted command."""
        match command:
            case ledger.Transfer(lines=given) | ledger.Post(lines=tuple(given)):
                return given
            case ledger.Post(target_id=target_id):
                return self.lines_of(self._entry(target_id))
            case ledger.Reverse(target_id=target_id):
                return tuple(Line(name, -amount) for name, amount in self.lines_of(self._entry(target_id)))
        return ()

    def counters(self, account_id: str) -> tuple[int, int, int, int]:
        """Return debits posted, credits posted, debits pending, credits pending."""
        posted = [
            line.amount for each in self.history if not self._is_hold(each) for line in self._on(each, account_id)
        ]
        held = [line.amount for each in self.history if self._is_open(each) for line in self._on(each, account_id)]
        return (
            sum(amount for amount in posted if amount > 0),
            -sum(amount for amount in posted if amount < 0),
            sum(amount for amount in held if amount > 0),
            -sum(amount for amount in held if amount < 0),
        )

    def available(self, account_id: str) -> int:
        """Return what may flow out of the account."""
        debits, credits_, debits_held, credits_held = self.counters(account_id)
        if self.specs[account_id].kind in {AccountType.ASSET, AccountType.EXPENSE, AccountType.OFF_BALANCE}:
            return debits - credits_ - credits_held
        return credits_ - debits - debits_held

    def _on(self, command: Command, account_id: str) -> list[Line]:
        return [line for line in self.lines_of(command) if line.account_id == account_id]

    def _is_hold(self, command: Command) -> bool:
        return isinstance(command, ledger.Transfer) and command.pending

    def _is_open(self, command: Command) -> bool:
        return self._is_hold(command) and not self._named(command.entry_id)

    def _named(self, entry_id: UUID) -> bool:
        return any(getattr(each, "target_id", None) == entry_id for each in self.history)

    def _entry(self, entry_id: UUID) -> Command:
        return next(each for each in self.history if each.entry_id == entry_id)

    def _first(self, command: Command) -> Command | None:
        for each in self.history:
            if each.entry_id == command.entry_id:
                return each
        for each in self.history:
            if command.idempotency_key is not None and each.idempotency_key == command.idempotency_key:
                return each
        return None

    def _same(self, first: Command, command: Command) -> bool:
        if isinstance(first, ledger.Post) and isinstance(command, ledger.Post) and first.target_id == command.target_id:
            return self.lines_of(first) == self.lines_of(command)
        return content_of(first) == content_of(command)

    def _fault(self, command: Command, now: datetime) -> Rejection | None:
        if isinstance(command, ledger.Transfer):
            return self._shape_fault(command.lines) or self._account_fault(
                command.lines, command.currency, pending=command.pending, forced=command.allow_below_floor
            )
        targets = [each for each in self.history if each.entry_id == command.target_id]
        if not targets:
            return Rejection.UNKNOWN_ENTRY
        target = targets[0]
        if isinstance(command, ledger.Reverse):
            if self._is_hold(target) or isinstance(target, ledger.Void | ledger.Expire):
                return Rejection.NOT_POSTED
            if self._named(target.entry_id):
                return Rejection.ALREADY_REVERSED
            inverse = tuple(Line(name, -amount) for name, amount in self.lines_of(target))
            return self._account_fault(inverse, "INR", pending=False, forced=command.allow_below_floor)
        return self._hold_fault(command, target, now)

    def _hold_fault(
        self, command: ledger.Post | ledger.Void | ledger.Expire, target: Command, now: datetime
    ) -> Rejection | None:
        if not isinstance(target, ledger.Transfer) or not target.pending:
            return Rejection.NOT_PENDING
        if self._named(target.entry_id):
            return Rejection.ALREADY_RESOLVED
        if isinstance(command, ledger.Expire) and (target.timeout_at is None or target.timeout_at > now):
            return Rejection.NOT_EXPIRED
        if isinstance(command, ledger.Post) and command.lines is not None:
            for account_id, amount in command.lines:
                side = [
                    sum(part for name, part in each if name == account_id and part * amount > 0)
                    for each in (command.lines, target.lines)
                ]
                if abs(side[0]) > abs(side[1]):
                    return Rejection.EXCEEDS_PENDING
        return None

    def _shape_fault(self, given: tuple[Line, ...]) -> Rejection | None:
        if len(given) < 2:
            return Rejection.TOO_FEW_LINES
        if any(line.amount == 0 for line in given):
            return Rejection.ZERO_AMOUNT
        return Rejection.UNBALANCED if sum(line.amount for line in given) else None

    def _account_fault(  # noqa: PLR0911 - one return for each reason, as the specification lists them
        self, given: tuple[Line, ...], currency: str, *, pending: bool, forced: bool
    ) -> Rejection | None:
        for account_id, amount in given:
            spec = self.specs.get(account_id)
            if spec is None:
                return Rejection.UNKNOWN_ACCOUNT
            if spec.currency != currency:
                return Rejection.CURRENCY_MISMATCH
            status = self.statuses.get(account_id, AccountStatus.ACTIVE)
            if status is AccountStatus.FROZEN:
                return Rejection.ACCOUNT_FROZEN
            grows = (amount > 0) == (spec.kind in {AccountType.ASSET, AccountType.EXPENSE, AccountType.OFF_BALANCE})
            if status is AccountStatus.LOCKED_INFLOW and grows:
                return Rejection.ACCOUNT_LOCKED_INFLOW
            if status is AccountStatus.LOCKED_OUTFLOW and not grows:
                return Rejection.ACCOUNT_LOCKED_OUTFLOW
        after = NaiveLedger(
            self.statuses, [*self.history, ledger.Transfer(uuid4(), given, pending=pending)], self.specs
        )
        for account_id in {line.account_id for line in given}:
            floor = self.specs[account_id].min_balance
            available = after.available(account_id)
            if not forced and floor is not None and available < floor and available < self.available(account_id):
                return Rejection.INSUFFICIENT_FUNDS
        return None
