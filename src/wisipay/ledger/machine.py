"""The ledger's rules, all of them: `Book` decides commands in order against accounts and entries held in memory.

Pure: no I/O, no clock, no randomness; ids come with the commands and `now` with the call. A store loads a book, lets
commands be applied, and writes what changed; a book without a scope is a complete ledger by itself. A rejected command
changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from uuid import UUID

from wisipay.ledger.account import Account, AccountState, AccountStatus
from wisipay.ledger.errors import NotLoadedError
from wisipay.ledger.model import (
    MAX_AMOUNT,
    MAX_LINES,
    Accepted,
    Command,
    Entry,
    EntryKind,
    Expire,
    Line,
    Movement,
    Post,
    Rejected,
    Rejection,
    Result,
    Reverse,
    Transfer,
    Void,
)
from wisipay.ledger.wanted import Wanted

POSTED_KINDS = frozenset({EntryKind.TRANSFER, EntryKind.POST, EntryKind.REVERSAL})
_ACTIVE = AccountStatus.ACTIVE


class Book:
    """Accounts and entries, and what has been added to them since they were loaded.

    `scope` is what the book was loaded with: a command that reaches beyond it raises `NotLoadedError` instead of being
    decided wrongly. `None` means that the book holds everything there is.
    """

    def __init__(
        self, accounts: Iterable[Account] = (), entries: Iterable[Entry] = (), scope: Wanted | None = None
    ) -> None:
        self._accounts = {account.id: account for account in accounts}
        self._entries: dict[UUID, Entry] = {}
        self._keys: dict[str, Entry] = {}
        self._scope = scope
        self._added: list[Entry] = []
        self._changed: dict[str, Account] = {}
        self._before: dict[str, AccountState] | None = None
        for entry in entries:
            self._remember(entry)

    @property
    def added(self) -> Sequence[Entry]:
        """Entries accepted since the book was loaded, in order."""
        return self._added

    @property
    def changed(self) -> Iterable[Account]:
        """Accounts whose counters those entries changed."""
        return self._changed.values()

    def account(self, account_id: str) -> Account | None:
        """Return an account to read from; None if there is none of that name."""
        account = self._accounts.get(account_id)
        if account is None and self._scope is not None and account_id not in self._scope.account_ids:
            raise NotLoadedError(f"account {account_id}")
        return account

    def entry(self, entry_id: UUID) -> Entry | None:
        """Return an entry to read from; None if there is none of that id."""
        entry = self._entries.get(entry_id)
        if entry is None and self._scope is not None and entry_id not in self._scope.target_ids | self._scope.entry_ids:
            raise NotLoadedError(f"entry {entry_id}")
        return entry

    def apply(self, command: Command, now: datetime) -> Result:
        """Decide one command at the moment `now` (aware). A repeated command answers with its first entry."""
        first = self._first(command)
        if first is not None:
            return _repeated(first, command, self._effective_lines(command))
        match command:
            case Transfer():
                return self._transfer(command, now)
            case Post():
                return self._post(command, now)
            case Reverse():
                return self._reverse(command, now)
            case Void():
                return self._release(command, EntryKind.VOID, now)
            case Expire():
                return self._release(command, EntryKind.EXPIRE, now)

    def apply_linked(self, commands: Sequence[Command], now: datetime) -> tuple[Result, ...]:
        """Decide commands that belong together: all are accepted or none; a result for each.

        The command that failed carries its own reason, the others `LINKED_COMMAND_REJECTED`.
        """
        mark = len(self._added)
        before: dict[str, AccountState] = {}
        self._before = before
        results: list[Result] = []
        try:
            for index, command in enumerate(commands):
                result = self.apply(command, now)
                if isinstance(result, Rejected):
                    self._undo(mark, before)
                    others = Rejected(Rejection.LINKED_COMMAND_REJECTED, f"command {index}: {result.reason}")
                    return (*(others for _ in results), result, *(others for _ in commands[index + 1 :]))
                results.append(result)
        finally:
            self._before = None
        return tuple(results)

    def _first(self, command: Command) -> Entry | None:
        """Return the entry that already bears the command's id or idempotency key."""
        scope = self._scope
        entry = self._entries.get(command.entry_id)
        if entry is None and scope is not None and command.entry_id not in scope.entry_ids:
            raise NotLoadedError(f"entry {command.entry_id}")
        if entry is not None or not isinstance(command, Transfer | Reverse) or command.idempotency_key is None:
            return entry
        entry = self._keys.get(command.idempotency_key)
        if entry is None and scope is not None and command.idempotency_key not in scope.idempotency_keys:
            raise NotLoadedError(f"idempotency key {command.idempotency_key}")
        return entry

    def _effective_lines(self, command: Command) -> tuple[Line, ...] | None:
        """Return the lines that the command asks for, `None` where they follow from its target alone."""
        if isinstance(command, Transfer):
            return command.lines
        if isinstance(command, Post):
            target = self._entries.get(command.target_id)
            return command.lines if command.lines is not None or target is None else target.lines
        return None

    def _transfer(self, command: Transfer, now: datetime) -> Result:
        lines = command.lines
        fault = _shape_fault(lines) or self._admission_fault(
            lines, command.currency, pending=command.pending, funds=not command.allow_below_floor
        )
        if fault is not None:
            return fault
        kind = EntryKind.PENDING if command.pending else EntryKind.TRANSFER
        return self._accept(Entry(command, kind, command.currency, lines, now))

    def _post(self, command: Post, now: datetime) -> Result:
        hold = self._open_hold(command.target_id)
        if isinstance(hold, Rejected):
            return hold
        lines = hold.lines if command.lines is None else command.lines
        if command.lines is not None:
            fault = _shape_fault(lines) or _part_fault(hold.lines, lines)
            if fault is not None:
                return fault
        self._end(hold, command.entry_id, EntryKind.POST)
        return self._accept(Entry(command, EntryKind.POST, hold.currency, lines, now))

    def _release(self, command: Void | Expire, kind: EntryKind, now: datetime) -> Result:
        hold = self._open_hold(command.target_id)
        if isinstance(hold, Rejected):
            return hold
        if kind is EntryKind.EXPIRE:
            timeout_at = hold.command.timeout_at if isinstance(hold.command, Transfer) else None
            if timeout_at is None or now < timeout_at:
                return Rejected(Rejection.NOT_EXPIRED, f"entry {command.target_id} times out at {timeout_at}")
        self._end(hold, command.entry_id, kind)
        return self._accept(Entry(command, kind, hold.currency, (), now))

    def _reverse(self, command: Reverse, now: datetime) -> Result:
        target = self._target(command.target_id)
        if target is None:
            return Rejected(Rejection.UNKNOWN_ENTRY, f"entry {command.target_id}")
        if target.kind not in POSTED_KINDS:
            return Rejected(Rejection.NOT_POSTED, f"entry {command.target_id} is {target.kind}")
        if target.reversed_by is not None:
            return Rejected(Rejection.ALREADY_REVERSED, f"entry {command.target_id} by {target.reversed_by}")
        lines = tuple(Line(line.account_id, -line.amount) for line in target.lines)
        fault = self._admission_fault(lines, target.currency, pending=False, funds=not command.allow_below_floor)
        if fault is not None:
            return fault
        target.reversed_by = command.entry_id
        return self._accept(Entry(command, EntryKind.REVERSAL, target.currency, lines, now))

    def _target(self, target_id: UUID) -> Entry | None:
        target = self._entries.get(target_id)
        if target is None and self._scope is not None and target_id not in self._scope.target_ids:
            raise NotLoadedError(f"entry {target_id}")
        return target

    def _open_hold(self, target_id: UUID) -> Entry | Rejected:
        target = self._target(target_id)
        if target is None:
            return Rejected(Rejection.UNKNOWN_ENTRY, f"entry {target_id}")
        if target.kind is not EntryKind.PENDING:
            return Rejected(Rejection.NOT_PENDING, f"entry {target_id} is {target.kind}")
        if target.resolved_by is not None:
            return Rejected(Rejection.ALREADY_RESOLVED, f"entry {target_id} by {target.resolved_kind}")
        return target

    def _admission_fault(
        self, lines: tuple[Line, ...], currency: str, *, pending: bool, funds: bool
    ) -> Rejected | None:
        """Ask every account whether it takes its lines: known, same currency, status, and the floor at the end."""
        drawn: dict[str, int] = {}
        for account_id, amount in lines:
            account = self.account(account_id)
            if account is None:
                return Rejected(Rejection.UNKNOWN_ACCOUNT, account_id)
            if account.currency != currency:
                return Rejected(Rejection.CURRENCY_MISMATCH, f"{account_id} is in {account.currency}, not {currency}")
            inflow = amount if account.debit_normal else -amount
            if account.status is not _ACTIVE:
                reason = _status_fault(account.status, inflow=inflow > 0)
                if reason is not None:
                    return Rejected(reason, account_id)
            if account.min_balance is not None and (inflow < 0 or not pending):
                drawn[account_id] = drawn.get(account_id, 0) + inflow
        if funds:
            for account_id, inflow in drawn.items():
                account = self._accounts[account_id]
                if inflow < 0 and account.available + inflow < (account.min_balance or 0):
                    return Rejected(Rejection.INSUFFICIENT_FUNDS, f"{account_id} has {account.available} available")
        return None

    def _accept(self, entry: Entry) -> Accepted:
        """Move the counters, number the lines, and remember the entry. Nothing may fail from here on."""
        accounts = [self._touch(line.account_id) for line in entry.lines]
        moment = max([entry.posted_at, *(account.last_posted_at for account in accounts)])
        pending = entry.kind is EntryKind.PENDING
        movements = []
        for account, (_, amount) in zip(accounts, entry.lines, strict=True):
            if pending:
                _hold(account, amount)
            elif amount > 0:
                account.debits_posted += amount
            else:
                account.credits_posted -= amount
            account.line_count += 1
            account.last_posted_at = moment
            balance = account.debits_posted - account.credits_posted
            movements.append(Movement(account, amount, balance, account.line_count))
        entry.posted_at = moment
        entry.movements = tuple(movements)
        self._remember(entry)
        self._added.append(entry)
        return Accepted(entry.command.entry_id)

    def _end(self, hold: Entry, by: UUID, kind: EntryKind) -> None:
        """Give back what the hold had taken from the pending counters."""
        accounts = [self._touch(line.account_id) for line in hold.lines]
        for account, (_, amount) in zip(accounts, hold.lines, strict=True):
            _hold(account, amount, times=-1)
        hold.resolved_by = by
        hold.resolved_kind = kind

    def _touch(self, account_id: str) -> Account:
        account = self._accounts.get(account_id)
        if account is None:
            raise NotLoadedError(f"account {account_id}")
        self._changed[account_id] = account
        if self._before is not None and account_id not in self._before:
            self._before[account_id] = account.state()
        return account

    def _remember(self, entry: Entry) -> None:
        self._entries[entry.command.entry_id] = entry
        command = entry.command
        if isinstance(command, Transfer | Reverse) and command.idempotency_key is not None:
            self._keys[command.idempotency_key] = entry

    def _undo(self, mark: int, before: Mapping[str, AccountState]) -> None:
        """Forget every entry added since `mark` and put the accounts back."""
        for entry in reversed(self._added[mark:]):
            command = entry.command
            del self._entries[command.entry_id]
            if isinstance(command, Transfer | Reverse) and command.idempotency_key is not None:
                del self._keys[command.idempotency_key]
            if isinstance(command, Transfer):
                continue
            target = self._entries[command.target_id]
            if isinstance(command, Reverse):
                target.reversed_by = None
            else:
                target.resolved_by = target.resolved_kind = None
        del self._added[mark:]
        for account_id, state in before.items():
            self._accounts[account_id].restore(state)


def _hold(account: Account, amount: int, times: int = 1) -> None:
    if amount > 0:
        account.debits_pending += amount * times
    else:
        account.credits_pending -= amount * times


def _shape_fault(lines: tuple[Line, ...]) -> Rejected | None:
    """Refuse what can be seen to be wrong without any account."""
    if len(lines) < 2:  # noqa: PLR2004 - double entry: two sides at least
        return Rejected(Rejection.TOO_FEW_LINES, f"{len(lines)} lines")
    if len(lines) > MAX_LINES:
        return Rejected(Rejection.TOO_MANY_LINES, f"{len(lines)} lines, at most {MAX_LINES}")
    total = 0
    for account_id, amount in lines:
        if amount == 0:
            return Rejected(Rejection.ZERO_AMOUNT, account_id)
        if not -MAX_AMOUNT <= amount <= MAX_AMOUNT:
            return Rejected(Rejection.AMOUNT_TOO_LARGE, account_id)
        total += amount
    return None if total == 0 else Rejected(Rejection.UNBALANCED, f"debits exceed credits by {total}")


def _part_fault(held: tuple[Line, ...], asked: tuple[Line, ...]) -> Rejected | None:
    """Refuse a part that takes more than was held from any account and side."""
    left: dict[tuple[str, bool], int] = {}
    for account_id, amount in held:
        left[account_id, amount > 0] = left.get((account_id, amount > 0), 0) + abs(amount)
    for account_id, amount in asked:
        rest = left.get((account_id, amount > 0), 0) - abs(amount)
        if rest < 0:
            return Rejected(Rejection.EXCEEDS_PENDING, f"{account_id} by {-rest}")
        left[account_id, amount > 0] = rest
    return None


def _status_fault(status: AccountStatus, *, inflow: bool) -> Rejection | None:
    if status is AccountStatus.FROZEN:
        return Rejection.ACCOUNT_FROZEN
    if status is AccountStatus.LOCKED_INFLOW:
        return Rejection.ACCOUNT_LOCKED_INFLOW if inflow else None
    return None if inflow else Rejection.ACCOUNT_LOCKED_OUTFLOW


def _repeated(first: Entry, command: Command, lines: tuple[Line, ...] | None) -> Result:
    """Answer a command whose id or key is taken: the first entry if the content is the same, else the field's name."""
    if type(first.command) is not type(command):
        return Rejected(Rejection.CONTENT_DIFFERS, "kind")
    for each in fields(command):
        if each.name == "lines":
            same = first.lines == lines
        elif each.name == "entry_id":
            same = True
        else:
            same = not each.compare or getattr(first.command, each.name) == getattr(command, each.name)
        if not same:
            return Rejected(Rejection.CONTENT_DIFFERS, each.name)
    return Accepted(first.command.entry_id, repeated=True)
