"""The ledger's rules, all of them: `Book` decides commands in order against accounts and entries held in memory.

Pure: no I/O, no clock, no randomness; ids come with the commands and `now` with the call. A store loads a book, lets
commands be applied, and writes what changed; a book without a scope is a complete ledger by itself. A rejected command
changes nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from wisipay.ledger.account import Account, AccountState, AccountStatus
from wisipay.ledger.errors import NotLoadedError
from wisipay.ledger.model import (
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
from wisipay.ledger.rules import part_fault, repeated, shape_fault, status_fault
from wisipay.ledger.wanted import Wanted

POSTED_KINDS = frozenset({EntryKind.TRANSFER, EntryKind.POST, EntryKind.REVERSAL})
# Python looks a member of an enumeration up slowly, and these are asked for with every entry and line.
_ACTIVE, _PENDING, _TRANSFER = AccountStatus.ACTIVE, EntryKind.PENDING, EntryKind.TRANSFER


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
        self._below_floor: set[UUID] = set()
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

    @property
    def below_floor(self) -> Collection[UUID]:
        """Those of them that took an account below its floor, because they were allowed to."""
        return self._below_floor

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
            return repeated(first, command, self._effective_lines(command))
        match command:
            case Transfer():
                return self._transfer(command, now)
            case Post():
                return self._post(command, now)
            case Reverse():
                return self._reverse(command, now)
            case _:
                return self._release(command, now)

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
        entry_id, key, scope = command.entry_id, command.idempotency_key, self._scope
        entry = self._entries.get(entry_id)
        if entry is not None:
            return entry
        if scope is not None and entry_id not in scope.entry_ids:
            raise NotLoadedError(f"entry {entry_id}")
        if key is None:
            return None
        entry = self._keys.get(key)
        if entry is None and scope is not None and key not in scope.idempotency_keys:
            raise NotLoadedError(f"idempotency key {key}")
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
        fault = shape_fault(lines)
        if fault is not None:
            return fault
        accounts = self._admit(command, lines, command.currency, command.pending)
        if isinstance(accounts, Rejected):
            return accounts
        kind = _PENDING if command.pending else _TRANSFER
        return self._accept(Entry(command, kind, command.currency, lines, now), accounts)

    def _post(self, command: Post, now: datetime) -> Result:
        hold = self._open_hold(command.target_id)
        if isinstance(hold, Rejected):
            return hold
        lines = hold.lines
        if command.lines is not None:
            lines = command.lines
            fault = shape_fault(lines) or part_fault(hold.lines, lines)
            if fault is not None:
                return fault
        self._end(hold, command.entry_id, EntryKind.POST)
        return self._accept(Entry(command, EntryKind.POST, hold.currency, lines, now), self._loaded(lines))

    def _release(self, command: Void | Expire, now: datetime) -> Result:
        hold = self._open_hold(command.target_id)
        if isinstance(hold, Rejected):
            return hold
        kind = EntryKind.EXPIRE if isinstance(command, Expire) else EntryKind.VOID
        if kind is EntryKind.EXPIRE:
            timeout_at = hold.command.timeout_at if isinstance(hold.command, Transfer) else None
            if timeout_at is None or now < timeout_at:
                return Rejected(Rejection.NOT_EXPIRED, f"entry {command.target_id} times out at {timeout_at}")
        self._end(hold, command.entry_id, kind)
        return self._accept(Entry(command, kind, hold.currency, (), now), [])

    def _reverse(self, command: Reverse, now: datetime) -> Result:
        target = self._target(command.target_id)
        if target is None:
            return Rejected(Rejection.UNKNOWN_ENTRY, f"entry {command.target_id}")
        if target.kind not in POSTED_KINDS:
            return Rejected(Rejection.NOT_POSTED, f"entry {command.target_id} is {target.kind}")
        if target.reversed_by is not None:
            return Rejected(Rejection.ALREADY_REVERSED, f"entry {command.target_id} by {target.reversed_by}")
        lines = tuple(Line(account_id, -amount) for account_id, amount in target.lines)
        accounts = self._admit(command, lines, target.currency, pending=False)
        if isinstance(accounts, Rejected):
            return accounts
        target.reversed_by = command.entry_id
        return self._accept(Entry(command, EntryKind.REVERSAL, target.currency, lines, now), accounts)

    def _target(self, target_id: UUID) -> Entry | None:
        target = self._entries.get(target_id)
        if target is None and self._scope is not None and target_id not in self._scope.target_ids:
            raise NotLoadedError(f"entry {target_id}")
        return target

    def _open_hold(self, target_id: UUID) -> Entry | Rejected:
        target = self._target(target_id)
        if target is None:
            return Rejected(Rejection.UNKNOWN_ENTRY, f"entry {target_id}")
        if target.kind is not _PENDING:
            return Rejected(Rejection.NOT_PENDING, f"entry {target_id} is {target.kind}")
        if target.resolved_by is not None:
            return Rejected(Rejection.ALREADY_RESOLVED, f"entry {target_id} by {target.resolved_kind}")
        return target

    def _admit(
        self,
        command: Transfer | Reverse,
        lines: tuple[Line, ...],
        currency: str,
        pending: bool,  # noqa: FBT001 - called for every entry, and keywords cost
    ) -> list[Account] | Rejected:
        """Return each line's account if all of them take their lines: known, in the currency, open to it, with funds.

        A posted entry draws on an account by its net; a hold by its outflows, since what may flow in is not there yet.
        """
        known = self._accounts
        accounts: list[Account] = []
        drawn: dict[str, int] = {}
        for account_id, amount in lines:
            account = known.get(account_id) or self.account(account_id)
            if account is None:
                return Rejected(Rejection.UNKNOWN_ACCOUNT, account_id)
            if account.currency != currency:
                return Rejected(Rejection.CURRENCY_MISMATCH, f"{account_id} is in {account.currency}, not {currency}")
            inflow = amount if account.debit_normal else -amount
            if account.status is not _ACTIVE:
                reason = status_fault(account.status, inflow=inflow > 0)
                if reason is not None:
                    return Rejected(reason, account_id)
            if account.min_balance is not None and (inflow < 0 or not pending):
                drawn[account_id] = drawn.get(account_id, 0) + inflow
            accounts.append(account)
        for account_id, inflow in drawn.items():
            account = known[account_id]
            if inflow < 0 and account.available + inflow < (account.min_balance or 0):
                if not command.allow_below_floor:
                    return Rejected(Rejection.INSUFFICIENT_FUNDS, f"{account_id} has {account.available} available")
                self._below_floor.add(command.entry_id)
                break  # one note is enough, and an admitted entry is accepted
        return accounts

    def _accept(self, entry: Entry, accounts: Sequence[Account]) -> Accepted:
        """Move the counters, number the lines, and remember the entry. Nothing may fail from here on."""
        self._touch(accounts)
        moment = max([entry.posted_at, *[account.last_posted_at for account in accounts]])
        pending = entry.kind is _PENDING
        movements: list[Movement] = []
        for account, (_, amount) in zip(accounts, entry.lines, strict=True):
            if pending:
                _hold(account, amount, debit=amount > 0)
            elif amount > 0:
                account.debits_posted += amount
            else:
                account.credits_posted -= amount
            account.line_count = account_line = account.line_count + 1
            account.last_posted_at = moment
            movements.append((account, amount, account.debits_posted - account.credits_posted, account_line))
        entry.posted_at = moment
        entry.movements = movements
        self._remember(entry)
        self._added.append(entry)
        return Accepted(entry.command.entry_id)

    def _end(self, hold: Entry, by: UUID, kind: EntryKind) -> None:
        """Give back what the hold had taken from the pending counters."""
        accounts = self._loaded(hold.lines)
        self._touch(accounts)
        for account, (_, amount) in zip(accounts, hold.lines, strict=True):
            _hold(account, -amount, debit=amount > 0)
        hold.resolved_by = by
        hold.resolved_kind = kind

    def _loaded(self, lines: Sequence[Line]) -> list[Account]:
        """Return the accounts of a hold's lines; a book that knows the hold must have been loaded with them."""
        try:
            return [self._accounts[line.account_id] for line in lines]
        except KeyError as error:
            raise NotLoadedError(f"account {error.args[0]}") from None

    def _touch(self, accounts: Iterable[Account]) -> None:
        """Note that accounts are about to change."""
        for account in accounts:
            self._changed[account.id] = account
            if self._before is not None and account.id not in self._before:
                self._before[account.id] = account.state()

    def _remember(self, entry: Entry) -> None:
        self._entries[entry.command.entry_id] = entry
        key = entry.command.idempotency_key
        if key is not None:
            self._keys[key] = entry

    def _undo(self, mark: int, before: Mapping[str, AccountState]) -> None:
        """Forget every entry added since `mark` and put the accounts back."""
        for entry in self._added[mark:]:
            command = entry.command
            del self._entries[command.entry_id]
            if command.idempotency_key is not None:
                del self._keys[command.idempotency_key]
            if not isinstance(command, Transfer) and command.target_id in self._entries:
                target = self._entries[command.target_id]
                target.resolved_by = target.resolved_kind = target.reversed_by = None
            self._below_floor.discard(command.entry_id)
        del self._added[mark:]
        for account_id, state in before.items():
            self._accounts[account_id].restore(state)


def _hold(account: Account, amount: int, *, debit: bool) -> None:
    """Add to what is held on one side; a negative `amount` of that side gives back."""
    if debit:
        account.debits_pending += amount
    else:
        account.credits_pending -= amount
