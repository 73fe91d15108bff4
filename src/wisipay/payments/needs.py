"""What a batch of commands needs loaded and locked before it can be decided. Pure.

It errs on the side of too much. Where two commands of one batch move one payment twice, it may name too little: the
ledger's book then refuses to guess, the batch is split, and each command is decided alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from wisipay.core.clock import ist_day
from wisipay.ledger import Command as LedgerCommand
from wisipay.ledger import Void, Wanted
from wisipay.ledger import wanted_by as ledger_wanted_by
from wisipay.payments import postings
from wisipay.payments.commands import Command, CreateAnswered, Looked, Open, ProviderWord, SetStatus
from wisipay.payments.model import Attempt, Candidate, Kind, Status, Transaction
from wisipay.payments.usage import UsageKey, channel_subject, keys_of, merchant_subject
from wisipay.providers import Accepted, ProviderStatus, StatusReport

Movers = dict[str, Transaction]
"""Loaded payments by id."""

# A union written where it is asked for is made anew each time, and these are asked for with every command.
_NAMES_ATTEMPT: Final = (ProviderWord, Looked)
_ANSWERS: Final = (CreateAnswered, Looked)
_SAYS_STATUS: Final = (Accepted, StatusReport)
_GIVES_BACK: Final = frozenset({None, ProviderStatus.FAILED, ProviderStatus.REVERSED})


def other_attempts(commands: Sequence[Command], transactions: Movers) -> set[str]:
    """Return the payments whose older attempts are spoken of, so that the attempts are loaded too.

    An attempt may also grow old in the very batch that speaks of it, when another command moves the payment on.
    """
    moved_on = {command.transaction_id for command in commands if isinstance(command, CreateAnswered)}
    return {
        command.transaction_id
        for command in commands
        if isinstance(command, _NAMES_ATTEMPT)
        and command.transaction_id in transactions
        and command.attempt is not None
        and (command.transaction_id in moved_on or command.attempt != transactions[command.transaction_id].attempt)
    }


def ledger_needs(
    commands: Iterable[tuple[Command, Transaction | None]], attempts: dict[tuple[str, int], Attempt]
) -> Wanted:
    """Return the accounts and entries that these commands, with the payments they name, may touch."""
    possible: list[LedgerCommand] = []
    account_ids: set[str] = set()
    entry_ids: set[UUID] = set()
    for command, transaction in commands:
        if isinstance(command, Open):
            if command.kind is Kind.PAYOUT:
                entry_ids.add(postings.derived_id(command.transaction_id, "hold:1"))
                account_ids.update(postings.shared_account_ids(command.merchant_id))
                account_ids.update(_candidate_accounts(command.candidates))
        elif transaction is not None:
            entry = _entry(command, transaction, attempts)
            if entry is not None:
                possible.append(entry)
            if isinstance(entry, Void):  # what is given back may be held again, by the next attempt
                entry_ids.add(postings.derived_id(transaction.id, f"hold:{transaction.attempt + 1}"))
                account_ids.update([line.account_id for line in postings.payment_lines(transaction)])
            if isinstance(command, CreateAnswered) and transaction.kind is Kind.PAYOUT:
                account_ids.update(_candidate_accounts(command.remaining))
    wanted = Wanted(frozenset(account_ids), frozenset(entry_ids))
    return ledger_wanted_by(possible) | wanted if possible else wanted


def usage_needs(
    commands: Sequence[tuple[Command, Transaction | None]], attempts: dict[tuple[str, int], Attempt], now: datetime
) -> set[UsageKey]:
    """Return the limit counters that these commands, with the payments they name, may read or change.

    None where no command asks for a limit: then counters are only added to, which takes no look at them before.
    """
    if not any(_asks_for_a_limit(command) for command, _ in commands):
        return set()
    keys: set[UsageKey] = set()
    today = ist_day(now)
    for command, transaction in commands:
        if isinstance(command, Open):
            keys.update(keys_of(merchant_subject(command.merchant_id, command.kind), today))
            keys.update(_channel_keys(command.candidates, command.kind, today))
        elif transaction is not None and _may_change_use(command, transaction, now):
            keys.update(keys_of(merchant_subject(transaction.merchant_id, transaction.kind), transaction.usage_day))
            for channel_id in {transaction.channel_id, _at_attempt(command, transaction, attempts).channel_id}:
                keys.update(keys_of(channel_subject(channel_id, transaction.kind), transaction.usage_day))
            if isinstance(command, CreateAnswered):
                keys.update(_channel_keys(command.remaining, transaction.kind, transaction.usage_day))
    return keys


def said_status(command: Command) -> ProviderStatus | None:
    """Return the status that a command's word carries, None when it carries none."""
    if isinstance(command, ProviderWord):
        return command.status
    if isinstance(command, _ANSWERS) and isinstance(command.outcome, _SAYS_STATUS):
        return command.outcome.status
    return None


def _entry(
    command: Command, transaction: Transaction, attempts: dict[tuple[str, int], Attempt]
) -> LedgerCommand | None:
    """Return the ledger entry that the command may come to."""
    said = ProviderStatus(command.status.value) if isinstance(command, SetStatus) else said_status(command)
    if isinstance(command, SetStatus) and transaction.status is Status.SUCCESS:
        said = ProviderStatus.REVERSED
    is_open_payout = transaction.kind is Kind.PAYOUT and transaction.is_open
    if is_open_payout and said in _GIVES_BACK:
        return postings.void_hold(transaction)
    if said is ProviderStatus.SUCCESS:
        if transaction.kind is Kind.PAYIN:
            return postings.capture(_at_attempt(command, transaction, attempts))
        return postings.post_hold(transaction) if is_open_payout else postings.late_posting(transaction)
    return postings.reversal(transaction) if said is ProviderStatus.REVERSED else None


def _at_attempt(command: Command, transaction: Transaction, attempts: dict[tuple[str, int], Attempt]) -> Transaction:
    number = command.attempt if isinstance(command, _NAMES_ATTEMPT) else None
    attempt = attempts.get((transaction.id, number or 0))
    return transaction if attempt is None else replace(transaction, channel_id=attempt.channel_id)


def _candidate_accounts(candidates: tuple[Candidate, ...]) -> Iterator[str]:
    for candidate in candidates:
        yield postings.channel_account_id(candidate.channel_id, "PAYOUT")


def _channel_keys(candidates: tuple[Candidate, ...], kind: Kind, day: date) -> Iterator[UsageKey]:
    for candidate in candidates:
        yield from keys_of(channel_subject(candidate.channel_id, kind), day)


def _asks_for_a_limit(command: Command) -> bool:
    if isinstance(command, Open):
        limits = command.daily_limit_paise, command.monthly_limit_paise
        return limits != (None, None) or _are_limited(command.candidates)
    if isinstance(command, CreateAnswered) and not isinstance(command.outcome, Accepted):
        return _are_limited(command.remaining)
    return False


def _are_limited(candidates: tuple[Candidate, ...]) -> bool:
    return any((each.daily_limit_paise, each.monthly_limit_paise) != (None, None) for each in candidates)


def _may_change_use(command: Command, transaction: Transaction, now: datetime) -> bool:
    """Whether the payment may leave, re-enter or switch its counters; a plain success does not."""
    if isinstance(command, SetStatus):
        return True
    if isinstance(command, CreateAnswered) and not isinstance(command.outcome, Accepted):
        return True
    if (
        isinstance(command, Looked)
        and transaction.is_open
        and transaction.expires_at is not None
        and now >= transaction.expires_at
    ):
        return True
    is_of_another = isinstance(command, _NAMES_ATTEMPT) and command.attempt not in {None, transaction.attempt}
    if not transaction.is_open or is_of_another:
        return said_status(command) is ProviderStatus.SUCCESS
    return said_status(command) not in {ProviderStatus.SUCCESS, ProviderStatus.PENDING, ProviderStatus.PROCESSING}
